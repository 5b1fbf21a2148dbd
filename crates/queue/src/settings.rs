//! Attributes and tags of queues that are there.

use crate::attributes::asked;
use crate::contents::{self, Contents, counters};
use crate::create::check_tags;
use crate::model::{Counts, Queue, QueueKey};
use crate::{Error, Queues, find, keys};
use fogbank_store::Tx;
use std::collections::BTreeMap;

/// Messages that one transaction makes visible before counting.
const PROMOTED_AT_ONCE: usize = 1000;

impl Queues {
    /// Sets attributes; the others stay as they are.
    ///
    /// # Errors
    /// [`Error::NoQueue`], a name or value that SQS does not take, [`Error::Store`].
    pub async fn set_attributes(&self, key: &QueueKey, given: BTreeMap<String, String>) -> Result<(), Error> {
        let name = key.clone();
        self.change(key, move |tx, queue| {
            if given.contains_key("FifoQueue") {
                return Err(Error::UnknownAttribute("FifoQueue".into()));
            }
            let attributes = queue.attributes.with(&name, &given)?;
            if let (Some(policy), true) = (&attributes.redrive, given.contains_key("RedrivePolicy")) {
                policy.check(tx, &name)?;
            }
            queue.attributes = attributes;
            queue.modified = tx.now();
            // Who waits may have to wait for another time.
            tx.wake(&keys::waker(queue.id));
            Ok(())
        })
        .await
    }

    /// The attributes that `names` ask for and the queue has.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::UnknownAttribute`], [`Error::Store`].
    pub async fn attributes(&self, key: &QueueKey, names: &[String]) -> Result<BTreeMap<String, String>, Error> {
        let asked = asked(names)?;
        let queue = self.queue(key)?;
        let counts = match asked.iter().any(|name| name.starts_with("Approximate")) {
            true => self.counts(key).await?,
            false => Counts::default(),
        };
        let value = |name: &str| match name {
            "QueueArn" => Some(key.arn().to_string()),
            "ApproximateNumberOfMessages" => Some(counts.visible.to_string()),
            "ApproximateNumberOfMessagesNotVisible" => Some(counts.in_flight.to_string()),
            "ApproximateNumberOfMessagesDelayed" => Some(counts.delayed.to_string()),
            "CreatedTimestamp" => Some((queue.created.0 / 1000).to_string()),
            "LastModifiedTimestamp" => Some((queue.modified.0 / 1000).to_string()),
            _ => queue.attributes.get(name),
        };
        Ok(asked.into_iter().filter_map(|name| Some((name.to_owned(), value(name)?))).collect())
    }

    /// How many messages the queue holds, exactly as of now.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`].
    pub async fn counts(&self, key: &QueueKey) -> Result<Counts, Error> {
        loop {
            let now = self.clock.now();
            let (counted, is_due) = self.store.read::<_, Error>(|snapshot| {
                let queue = find(snapshot, key)?;
                let is_due = !contents::due(snapshot, queue.place, now, 1)?.is_empty();
                Ok((counters(snapshot, &queue)?, is_due))
            })?;
            if !is_due {
                let (visible, in_flight, delayed) = (counted.visible, counted.in_flight, counted.delayed);
                return Ok(Counts { visible, in_flight, delayed });
            }
            // What is due has to be moved once anyhow, so counting costs no more than that, however many wait.
            let key = key.clone();
            let promote = move |tx: &mut Tx<'_>| -> Result<(), Error> {
                let queue = find(tx, &key)?;
                let mut contents = Contents::open(tx, &queue)?;
                contents.promote(tx, PROMOTED_AT_ONCE)?;
                contents.close(tx);
                Ok(())
            };
            self.store.transact(promote).await?;
        }
    }

    /// Adds tags, over what was there.
    ///
    /// # Errors
    /// [`Error::NoQueue`], an invalid tag, too many, [`Error::Store`].
    pub async fn tag(&self, key: &QueueKey, tags: BTreeMap<String, String>) -> Result<(), Error> {
        let name = key.name.clone();
        self.change(key, move |_, queue| {
            let mut all = queue.tags.clone();
            all.extend(tags.clone());
            check_tags(&name, &all)?;
            queue.tags = all;
            Ok(())
        })
        .await
    }

    /// Removes tags. Those that are not there are no error.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`].
    pub async fn untag(&self, key: &QueueKey, names: Vec<String>) -> Result<(), Error> {
        self.change(key, move |_, queue| {
            queue.tags.retain(|name, _| !names.contains(name));
            Ok(())
        })
        .await
    }

    /// Changes the record of the queue called `key`.
    pub(crate) async fn change<F>(&self, key: &QueueKey, mut change: F) -> Result<(), Error>
    where
        F: FnMut(&mut Tx<'_>, &mut Queue) -> Result<(), Error> + Send + 'static,
    {
        let key = key.clone();
        let run = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut queue = find(tx, &key)?;
            change(tx, &mut queue)?;
            Ok(tx.save(keys::QUEUE, &keys::queue(&key), &queue)?)
        };
        self.store.transact(run).await
    }
}
