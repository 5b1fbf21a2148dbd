//! Registered consumers.

use crate::model::{CONSUMERS, Consumer, Stream, StreamKey, TAGS};
use crate::settings::check_tags;
use crate::{Error, Streams, find, fresh_number, keys};
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;
use std::ops::Bound;

impl Streams {
    /// Registers a consumer. It can subscribe at once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InUse`] if there is one of the name, [`Error::Limit`] for more than 20, [`Error::Store`].
    pub async fn register(
        &self,
        key: &StreamKey,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<Consumer, Error> {
        let (key, name) = (key.clone(), name.to_owned());
        if tags.len() > TAGS {
            return Err(Error::invalid(format!("A consumer cannot have more than {TAGS} tags.")));
        }
        check_tags(&tags)?;
        let register = move |tx: &mut Tx<'_>| -> Result<Consumer, Error> {
            let mut stream = find(tx, &key)?;
            let place = keys::consumer(stream.id, &name);
            if tx.get(keys::CONSUMER, &place)?.is_some() {
                return Err(Error::InUse(format!("Consumer {name} under stream {} already exists.", key.arn())));
            }
            if stream.consumers >= CONSUMERS {
                return Err(Error::Limit(format!(
                    "Stream {} under account {} cannot have more than {CONSUMERS} registered consumers.",
                    key.name, key.account
                )));
            }
            let consumer = Consumer {
                id: fresh_number(tx)?,
                name: name.clone(),
                created: tx.now(),
                tags: tags.clone(),
                policy: None,
            };
            stream.consumers += 1;
            tx.save(keys::CONSUMER, &place, &consumer)?;
            tx.save(keys::STREAM, &keys::stream(&key), &stream)?;
            Ok(consumer)
        };
        self.store.transact(register).await
    }

    /// Takes a consumer away, and ends its subscriptions.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn deregister(&self, key: &StreamKey, name: &str) -> Result<(), Error> {
        let (stream, consumer) = (key.clone(), name.to_owned());
        let deregister = move |tx: &mut Tx<'_>| -> Result<u64, Error> {
            let mut found = find(tx, &stream)?;
            let gone = consumer_named(tx, &stream, &found, &consumer)?;
            found.consumers = found.consumers.saturating_sub(1);
            tx.delete(keys::CONSUMER, &keys::consumer(found.id, &consumer));
            tx.save(keys::STREAM, &keys::stream(&stream), &found)?;
            Ok(gone.id)
        };
        let id = self.store.transact(deregister).await?;
        self.subscriptions.end(id);
        Ok(())
    }

    /// The consumer called `name`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn consumer(&self, key: &StreamKey, name: &str) -> Result<Consumer, Error> {
        self.store.read(|snapshot| consumer_named(snapshot, key, &find(snapshot, key)?, name))
    }

    /// At most `limit` consumers of a stream in the order of their names, after `after`; and whether there are more.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn consumers(
        &self,
        key: &StreamKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Consumer>, bool), Error> {
        self.store.read(|snapshot| {
            let stream = find(snapshot, key)?;
            let (from, end) = (keys::consumer(stream.id, after.unwrap_or_default()), keys::id(stream.id + 1));
            let bounds = (Bound::Excluded(from.as_slice()), Bound::Excluded(&end[..]));
            let found = snapshot.scan(keys::CONSUMER, bounds.0, bounds.1, limit.saturating_add(1))?;
            let more = found.len() > limit;
            let read = |(_, bytes): (Vec<u8>, Vec<u8>)| {
                serde_json::from_slice(&bytes).map_err(|error| Error::Store(error.to_string()))
            };
            let consumers = found.into_iter().take(limit).map(read).collect::<Result<_, _>>()?;
            Ok((consumers, more))
        })
    }
}

fn consumer_named(read: &impl Read, key: &StreamKey, stream: &Stream, name: &str) -> Result<Consumer, Error> {
    let missing = || Error::NotFound(format!("Consumer {name}, account {} not found.", key.account));
    read.load(keys::CONSUMER, &keys::consumer(stream.id, name))?.ok_or_else(missing)
}
