//! What a topic remembers for a while: deduplication ids, and subscriptions that were ended and can be taken up again.

use crate::keys;
use fogbank_store::{Error, Read, Tx};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::time::Duration;

/// Ended memories that are removed beside each new one: more than come, so they cannot pile up.
const FORGOTTEN_AT_ONCE: usize = 4;

#[derive(Serialize, Deserialize)]
struct Remembered<T> {
    until: fogbank_model::Timestamp,
    value: T,
}

/// The key of a deduplication id, in the topic's scope or a group's.
pub(crate) fn deduplication(group: Option<&str>, id: &str) -> Vec<u8> {
    [b"d", group.unwrap_or_default().as_bytes(), b"\0", id.as_bytes()].concat()
}

/// The key of a subscription that was ended.
pub(crate) fn ended(subscription: &str) -> Vec<u8> {
    [b"e", subscription.as_bytes()].concat()
}

/// What the topic remembers under `key`.
pub(crate) fn recall<T: DeserializeOwned>(tx: &Tx<'_>, topic: u64, key: &[u8]) -> Result<Option<T>, Error> {
    let found: Option<Remembered<T>> = tx.load(keys::MEMORY, &keys::remembered(topic, key))?;
    Ok(found.filter(|found| found.until > tx.now()).map(|found| found.value))
}

/// Remembers `value` for `time`, in the place of what was remembered.
pub(crate) fn remember<T: Serialize>(
    tx: &mut Tx<'_>,
    topic: u64,
    key: &[u8],
    time: Duration,
    value: T,
) -> Result<(), Error> {
    forget_ended(tx, topic)?;
    forget(tx, topic, key)?;
    let until = tx.now().plus(time);
    tx.put(keys::MEMORY_END, &keys::remembered_until(topic, until, key), []);
    tx.save(keys::MEMORY, &keys::remembered(topic, key), &Remembered { until, value })
}

/// Forgets what was remembered under `key`.
pub(crate) fn forget(tx: &mut Tx<'_>, topic: u64, key: &[u8]) -> Result<(), Error> {
    let full = keys::remembered(topic, key);
    if let Some(found) = tx.load::<Remembered<serde_json::Value>>(keys::MEMORY, &full)? {
        tx.delete(keys::MEMORY_END, &keys::remembered_until(topic, found.until, key));
        tx.delete(keys::MEMORY, &full);
    }
    Ok(())
}

/// Forgets all that a topic remembers.
pub(crate) fn forget_all(tx: &mut Tx<'_>, topic: u64) -> Result<(), Error> {
    for table in [keys::MEMORY, keys::MEMORY_END] {
        for (key, _) in tx.scan_prefix(table, &topic.to_be_bytes(), usize::MAX)? {
            tx.delete(table, &key);
        }
    }
    Ok(())
}

fn forget_ended(tx: &mut Tx<'_>, topic: u64) -> Result<(), Error> {
    let (from, to) = (topic.to_be_bytes(), keys::remembered_until(topic, tx.now(), &[]));
    let ended = tx.scan(keys::MEMORY_END, Bound::Included(&from), Bound::Excluded(&to), FORGOTTEN_AT_ONCE)?;
    for (key, _) in ended {
        if let Some(what) = key.get(16..) {
            tx.delete(keys::MEMORY, &keys::remembered(topic, what));
        }
        tx.delete(keys::MEMORY_END, &key);
    }
    Ok(())
}
