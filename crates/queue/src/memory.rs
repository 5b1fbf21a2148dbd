//! What FIFO queues remember for five minutes: deduplication ids, and attempts to receive.

use crate::keys;
use crate::model::REMEMBERED_MS;
use fogbank_model::Timestamp;
use fogbank_store::{Error, Read, Tx};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::time::Duration;

/// Ended memories that are removed beside each new one: more than come, so they cannot pile up.
const FORGOTTEN_AT_ONCE: usize = 4;

#[derive(Serialize, Deserialize)]
struct Remembered<T> {
    until: Timestamp,
    value: T,
}

/// The key of a deduplication id, in the queue's scope or a group's.
pub(crate) fn deduplication(group: Option<&str>, id: &str) -> Vec<u8> {
    [b"d", group.unwrap_or_default().as_bytes(), b"\0", id.as_bytes()].concat()
}

/// The key of an attempt to receive.
pub(crate) fn attempt(id: &str) -> Vec<u8> {
    [b"r", id.as_bytes()].concat()
}

/// What is remembered under `key`.
pub(crate) fn recall<T: DeserializeOwned>(tx: &Tx<'_>, place: u64, key: &[u8]) -> Result<Option<T>, Error> {
    let found: Option<Remembered<T>> = tx.load(keys::MEMORY, &keys::remembered(place, key))?;
    Ok(found.filter(|found| found.until > tx.now()).map(|found| found.value))
}

/// Remembers `value` for five minutes, in the place of what was remembered.
pub(crate) fn remember<T>(tx: &mut Tx<'_>, place: u64, key: &[u8], value: T) -> Result<(), Error>
where
    T: Serialize + DeserializeOwned,
{
    forget_ended(tx, place)?;
    forget(tx, place, key)?;
    let until = tx.now().plus(Duration::from_millis(REMEMBERED_MS));
    tx.put(keys::MEMORY_END, &keys::remembered_until(place, until, key), []);
    tx.save(keys::MEMORY, &keys::remembered(place, key), &Remembered { until, value })
}

fn forget(tx: &mut Tx<'_>, place: u64, key: &[u8]) -> Result<(), Error> {
    let full = keys::remembered(place, key);
    if let Some(found) = tx.load::<Remembered<serde_json::Value>>(keys::MEMORY, &full)? {
        tx.delete(keys::MEMORY_END, &keys::remembered_until(place, found.until, key));
        tx.delete(keys::MEMORY, &full);
    }
    Ok(())
}

fn forget_ended(tx: &mut Tx<'_>, place: u64) -> Result<(), Error> {
    let (from, to) = (keys::place(place), keys::remembered_until(place, tx.now(), &[]));
    let ended = tx.scan(keys::MEMORY_END, Bound::Included(&from), Bound::Excluded(&to), FORGOTTEN_AT_ONCE)?;
    for (key, _) in ended {
        if let Some(what) = key.get(16..) {
            tx.delete(keys::MEMORY, &keys::remembered(place, what));
        }
        tx.delete(keys::MEMORY_END, &key);
    }
    Ok(())
}
