//! Deleting received messages, and changing how long they are hidden.

use crate::contents::Contents;
use crate::keys::Phase;
use crate::model::{Queue, QueueKey, VISIBILITY_S};
use crate::receipt::{Receipt, Secret};
use crate::{Error, Queues, find};
use fogbank_store::Tx;
use std::sync::Arc;
use std::time::Duration;

/// How long a received message is to stay hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hide {
    /// The message's receipt handle.
    pub handle: String,
    /// Seconds from now on, 0 to 43,200; with 0 it is visible at once.
    pub seconds: i64,
}

impl Queues {
    /// Deletes messages by their receipt handles; each fails or succeeds by itself. One that is gone is deleted.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`]; in the list an invalid handle, or in a FIFO queue one that has expired.
    pub async fn delete_messages(&self, key: &QueueKey, handles: Vec<String>) -> Result<Vec<Result<(), Error>>, Error> {
        self.each(key, handles, |step, handle| step.delete(handle)).await
    }

    /// Changes how long messages are hidden; each fails or succeeds by itself.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`]; in the list an invalid handle or time, or a message that is not in flight.
    pub async fn change_visibility(&self, key: &QueueKey, changes: Vec<Hide>) -> Result<Vec<Result<(), Error>>, Error> {
        self.each(key, changes, |step, change| step.hide(change)).await
    }

    async fn each<I: Send + Sync + 'static>(
        &self,
        key: &QueueKey,
        items: Vec<I>,
        run: fn(&mut Step<'_, '_>, &I) -> Result<(), Error>,
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let (key, items, secret) = (key.clone(), Arc::new(items), self.secret);
        let change = move |tx: &mut Tx<'_>| -> Result<Vec<Result<(), Error>>, Error> {
            let queue = find(tx, &key)?;
            let mut contents = Contents::open(tx, &queue)?;
            let mut results = Vec::with_capacity(items.len());
            for item in items.iter() {
                let mut step = Step { tx: &mut *tx, queue: &queue, contents: &mut contents, secret: &secret };
                match run(&mut step, item) {
                    Err(error @ Error::Store(_)) => return Err(error),
                    result => results.push(result),
                }
            }
            contents.close(tx);
            Ok(results)
        };
        self.store.transact(change).await
    }
}

/// What one entry of a batch works on.
struct Step<'s, 't> {
    tx: &'s mut Tx<'t>,
    queue: &'s Queue,
    contents: &'s mut Contents,
    secret: &'s Secret,
}

impl Step<'_, '_> {
    fn receipt(&self, handle: &str) -> Result<Receipt, Error> {
        if handle.is_empty() {
            return Err(Error::Missing("ReceiptHandle".into()));
        }
        let receipt = Receipt::decode(handle, self.secret).filter(|receipt| receipt.queue == self.queue.id);
        receipt.ok_or_else(|| Error::BadReceipt(handle.chars().take(1024).collect()))
    }

    fn delete(&mut self, handle: &String) -> Result<(), Error> {
        let receipt = self.receipt(handle)?;
        let Some(state) = self.contents.state(self.tx, receipt.number)? else { return Ok(()) };
        let is_held = state.phase == Phase::InFlight && state.at > self.tx.now() && state.received == receipt.received;
        // In a standard queue an old handle still deletes; in a FIFO queue the message may be in other hands by now.
        if self.queue.attributes.fifo && !is_held {
            return Err(Error::value("ReceiptHandle", handle, "The receipt handle has expired."));
        }
        Ok(self.contents.remove(self.tx, receipt.number, &state)?)
    }

    fn hide(&mut self, change: &Hide) -> Result<(), Error> {
        let Hide { handle, seconds } = change;
        if !(0..=VISIBILITY_S).contains(seconds) {
            let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
            return Err(Error::value("VisibilityTimeout", seconds, reason));
        }
        let receipt = self.receipt(handle)?;
        let now = self.tx.now();
        let state = self.contents.state(self.tx, receipt.number)?;
        let state = state.filter(|state| state.phase == Phase::InFlight && state.at > now);
        let gone = "Message does not exist or is not available for visibility timeout change.";
        let state = state.ok_or_else(|| Error::value("ReceiptHandle", handle, gone))?;
        if self.queue.attributes.fifo && state.received != receipt.received {
            return Err(Error::value("ReceiptHandle", handle, "The receipt handle has expired."));
        }
        let until = now.plus(Duration::from_secs(seconds.unsigned_abs()));
        if until.since(state.last_received) > Duration::from_secs(VISIBILITY_S.unsigned_abs()) {
            let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
            return Err(Error::value("VisibilityTimeout", seconds, reason));
        }
        if *seconds == 0 {
            return Ok(self.contents.show(self.tx, receipt.number, &state, now)?);
        }
        self.contents.hide_again(self.tx, receipt.number, &state, until)?;
        // Who waits may have to wait for an earlier time.
        self.tx.wake(&crate::keys::waker(self.queue.id));
        Ok(())
    }
}
