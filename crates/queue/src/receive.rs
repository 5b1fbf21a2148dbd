//! Receiving: waiting for messages, taking them, and giving those up that were received too often.

use crate::contents::{self, Contents};
use crate::keys::{self, Phase, State};
use crate::model::{BATCH, IN_FLIGHT, Message, Queue, QueueKey, Receive, Received, VISIBILITY_S, WAIT_S, sequence};
use crate::receipt::{Receipt, Secret};
use crate::redrive::Redrive;
use crate::send::is_id;
use crate::sweep::is_expired;
use crate::{Error, Queues, find, lookup, memory};
use fogbank_model::{Arrivals, Timestamp};
use fogbank_store::Tx;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Messages that one receipt removes or gives up; what is beyond is for the next one.
const STEPS: usize = 100;
/// Messages that one receipt makes visible, more than it takes, so that they cannot pile up.
const PROMOTED: usize = 32;
/// How long a receiver waits before it looks again while too many messages are in flight.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// How long it may take whoever waits for messages to see that their queue is gone.
const UNSEEN_REMOVAL: Duration = Duration::from_secs(60);

/// What a queue remembers of an attempt to receive: which messages, and which receipt of each.
#[derive(Serialize, Deserialize)]
struct Attempt(Vec<(u64, u32)>);

/// What taking messages came to.
enum Taken {
    Messages(Vec<Received>),
    /// Messages were removed or given up instead; there may be more behind them.
    Again,
    /// As many as may be are in flight.
    Full,
}

/// What a look at the queue says.
struct Look {
    queue: Queue,
    is_ready: bool,
    next_due: Option<Timestamp>,
}

impl Queues {
    /// Takes messages, and hides them from other receivers. Waits as long as `how` says if there are none; a message that comes is
    /// received at once.
    ///
    /// # Errors
    /// [`Error::NoQueue`], a number that is out of its limits, [`Error::OverLimit`], [`Error::Store`].
    pub async fn receive(&self, key: &QueueKey, how: &Receive) -> Result<Vec<Received>, Error> {
        let look = self.look(key)?;
        check(how, &look.queue)?;
        let wait_s = how.wait_s.unwrap_or(look.queue.attributes.wait_s.into());
        let deadline = self.clock.now().plus(Duration::from_secs(wait_s.unsigned_abs()));
        let mut arrivals = Arrivals::of(self.store.arrivals(&keys::waker(look.queue.id)));
        loop {
            let look = self.look(key)?;
            let now = self.clock.now();
            let mut wake = deadline;
            if look.is_ready || look.next_due.is_some_and(|due| due <= now) || how.attempt.is_some() {
                match self.take(key, how).await? {
                    Taken::Messages(messages) if !messages.is_empty() => return Ok(messages),
                    Taken::Again => continue,
                    Taken::Full if wait_s == 0 && !look.queue.attributes.fifo => {
                        let text =
                            format!("Too many messages in flight for queue {}; the limit is {IN_FLIGHT}.", key.name);
                        return Err(Error::OverLimit(text));
                    }
                    Taken::Full => wake = wake.min(now.plus(FULL_PAUSE)),
                    Taken::Messages(_) => {}
                }
            }
            if now >= deadline {
                return Ok(Vec::new());
            }
            // Looked at again: what was taken changes what is due next.
            if let Some(due) = self.look(key)?.next_due {
                wake = wake.min(due.max(now.plus(Duration::from_millis(1))));
            }
            arrivals.next_or_at(self.clock.as_ref(), Some(wake)).await;
        }
    }

    /// Resolves when a message may be there to receive. Takes nothing.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`].
    pub async fn ready(&self, key: &QueueKey) -> Result<(), Error> {
        let mut arrivals = Arrivals::of(self.store.arrivals(&keys::waker(self.look(key)?.queue.id)));
        loop {
            let (look, now) = (self.look(key)?, self.clock.now());
            if look.is_ready || look.next_due.is_some_and(|due| due <= now) {
                return Ok(());
            }
            // A queue that is removed wakes nobody.
            let again = look.next_due.unwrap_or(now.plus(UNSEEN_REMOVAL));
            arrivals.next_or_at(self.clock.as_ref(), Some(again)).await;
        }
    }

    fn look(&self, key: &QueueKey) -> Result<Look, Error> {
        self.store.read(|snapshot| {
            let queue = find(snapshot, key)?;
            let is_ready = contents::is_ready(snapshot, queue.place)?;
            let next_due = contents::next_due(snapshot, queue.place)?;
            Ok(Look { queue, is_ready, next_due })
        })
    }

    async fn take(&self, key: &QueueKey, how: &Receive) -> Result<Taken, Error> {
        let (key, how, secret) = (key.clone(), how.clone(), self.secret);
        self.store.transact(move |tx: &mut Tx<'_>| take(tx, &key, &how, &secret)).await
    }
}

fn check(how: &Receive, queue: &Queue) -> Result<(), Error> {
    if !(1..=BATCH as i64).contains(&how.limit) {
        return Err(Error::value("MaxNumberOfMessages", how.limit, "Must be between 1 and 10, if provided."));
    }
    if let Some(seconds) = how.visibility_s.filter(|seconds| !(0..=VISIBILITY_S).contains(seconds)) {
        return Err(Error::value("VisibilityTimeout", seconds, "Must be >= 0 and <= 43200, if provided."));
    }
    if let Some(seconds) = how.wait_s.filter(|seconds| !(0..=WAIT_S).contains(seconds)) {
        return Err(Error::value("WaitTimeSeconds", seconds, "Must be >= 0 and <= 20, if provided."));
    }
    match &how.attempt {
        Some(id) if !queue.attributes.fifo => {
            let reason = "The request includes a parameter that is not valid for this queue type.";
            Err(Error::value("ReceiveRequestAttemptId", id, reason))
        }
        Some(id) if !is_id(id) => {
            let reason =
                "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
            Err(Error::value("ReceiveRequestAttemptId", id.chars().take(256).collect::<String>(), reason))
        }
        _ => Ok(()),
    }
}

/// A queue's contents while messages are taken out of it.
struct Taking<'k> {
    key: &'k QueueKey,
    queue: Queue,
    contents: Contents,
    /// The dead-letter queue, once it was needed; `None` inside if it is not there.
    dead: Option<Option<(Queue, Contents)>>,
}

fn take(tx: &mut Tx<'_>, key: &QueueKey, how: &Receive, secret: &Secret) -> Result<Taken, Error> {
    let queue = find(tx, key)?;
    let contents = Contents::open(tx, &queue)?;
    let mut taking = Taking { key, queue, contents, dead: None };
    let taken = taking.take(tx, how, secret)?;
    taking.contents.close(tx);
    if let Some(Some((_, contents))) = taking.dead {
        contents.close(tx);
    }
    Ok(taken)
}

impl Taking<'_> {
    fn take(&mut self, tx: &mut Tx<'_>, how: &Receive, secret: &Secret) -> Result<Taken, Error> {
        let visibility_s = how.visibility_s.unwrap_or(self.queue.attributes.visibility_s.into());
        let until = tx.now().plus(Duration::from_secs(visibility_s.unsigned_abs()));
        if let Some(id) = &how.attempt
            && let Some(again) = self.repeat(tx, id, until, secret)?
        {
            return Ok(Taken::Messages(again));
        }
        let promoted = self.contents.promote(tx, PROMOTED)?;
        let mut received = Vec::new();
        let mut receipts = Vec::new();
        let mut steps = 0;
        let wanted = usize::try_from(how.limit).unwrap_or(1);
        while received.len() < wanted && steps < STEPS {
            let room = IN_FLIGHT.saturating_sub(self.contents.counts().in_flight);
            let limit = (wanted - received.len()).min(usize::try_from(room).unwrap_or(usize::MAX));
            if limit == 0 && received.is_empty() {
                return Ok(Taken::Full);
            }
            let next = self.contents.next(tx, limit)?;
            if next.is_empty() {
                break;
            }
            for (number, state) in next {
                steps += 1;
                if is_expired(&state, tx.now(), self.queue.attributes.retention_s) {
                    self.contents.remove(tx, number, &state)?;
                } else if !self.give_up(tx, number, &state)? {
                    let taken = self.contents.take(tx, number, &state, until)?;
                    receipts.push((number, taken.received));
                    received.push(self.received(tx, number, &taken, secret)?);
                }
            }
        }
        if received.is_empty() && (steps > 0 || promoted == PROMOTED) {
            return Ok(Taken::Again);
        }
        if let (Some(id), false) = (&how.attempt, received.is_empty()) {
            memory::remember(tx, self.queue.place, &memory::attempt(id), Attempt(receipts))?;
        }
        Ok(Taken::Messages(received))
    }

    fn received(&self, tx: &Tx<'_>, number: u64, state: &State, secret: &Secret) -> Result<Received, Error> {
        Ok(Received {
            message: self.contents.message(tx, number)?,
            handle: Receipt { queue: self.queue.id, number, received: state.received }.encode(secret),
            sent: state.sent,
            first_received: state.first_received,
            receive_count: state.received,
            sequence: self.queue.attributes.fifo.then(|| sequence(number)),
        })
    }

    /// Moves a message that was received as often as it may be to the dead-letter queue. Without one it goes on as before.
    fn give_up(&mut self, tx: &mut Tx<'_>, number: u64, state: &State) -> Result<bool, Error> {
        let Some(Redrive { target, max_receives }) = self.queue.attributes.redrive.clone() else { return Ok(false) };
        if state.received.saturating_sub(state.received_before) < max_receives {
            return Ok(false);
        }
        if self.dead.is_none() {
            let found = lookup(tx, &target)?;
            let open = |queue: Queue| Contents::open(tx, &queue).map(|contents| (queue, contents));
            self.dead = Some(found.map(open).transpose()?);
        }
        let Some(Some((dead, dead_contents))) = &mut self.dead else { return Ok(false) };
        let message = self.contents.message(tx, number)?;
        self.contents.remove(tx, number, state)?;
        let message = Message { source: Some(self.key.arn()), ..message };
        // As on AWS, a standard queue's message keeps its age, a FIFO queue's begins anew.
        let sent = if dead.attributes.fifo { tx.now() } else { state.sent };
        let arriving = State { at: tx.now(), sent, received_before: state.received, ..state.clone() };
        dead_contents.add(tx, &message, arriving)?;
        Ok(true)
    }

    /// The messages of an attempt that is made again, hidden anew, if nothing has happened to them since.
    fn repeat(
        &mut self,
        tx: &mut Tx<'_>,
        id: &str,
        until: Timestamp,
        secret: &Secret,
    ) -> Result<Option<Vec<Received>>, Error> {
        let attempt = memory::recall::<Attempt>(tx, self.queue.place, &memory::attempt(id))?;
        let Some(Attempt(receipts)) = attempt else { return Ok(None) };
        let mut states = Vec::with_capacity(receipts.len());
        for (number, count) in receipts {
            let state = self.contents.state(tx, number)?;
            let is_same =
                |state: &State| state.phase == Phase::InFlight && state.received == count && state.at > tx.now();
            match state.filter(is_same) {
                Some(state) => states.push((number, state)),
                None => return Ok(None),
            }
        }
        let mut again = Vec::with_capacity(states.len());
        for (number, state) in states {
            let state = self.contents.hide_again(tx, number, &state, until)?;
            again.push(self.received(tx, number, &state, secret)?);
        }
        Ok(Some(again))
    }
}
