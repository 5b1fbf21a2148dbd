//! What items were before they changed, for tables that can be restored as they were ("Point-in-time recovery" in the Developer Guide).

use crate::keys::ItemKey;
use crate::schema::{History, Table};
use crate::value::{self, Item};
use crate::{Error, keys, registry, upkeep};
use fogbank_model::Timestamp;
use fogbank_store::{Read, Store, Table as Map, Tx};
use std::time::Duration;

/// The item that was under a key before a change.
pub(crate) const HISTORY: Map = Map("dynamodb.history");

impl History {
    /// Since when it must be kept.
    pub(crate) fn oldest(&self, now: Timestamp) -> Timestamp {
        let kept = Duration::from_secs(24 * 3600) * self.days;
        Timestamp(now.0 - i64::try_from(kept.as_millis()).unwrap_or(0))
    }

    /// The earliest moment that is kept.
    pub(crate) fn earliest(&self, now: Timestamp) -> Timestamp {
        self.since.max(self.oldest(now))
    }

    /// The moment that `at` means, if it is kept. Clients say times to the second, so the second of the earliest moment means that one.
    pub(crate) fn moment(&self, at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let earliest = self.earliest(now);
        let is_its_second = at.0.div_euclid(1000) == earliest.0.div_euclid(1000);
        let at = if is_its_second { at.max(earliest) } else { at };
        (earliest..=now).contains(&at).then_some(at)
    }
}

/// Keeps what was under `key`, if the table's changes are kept.
pub(crate) fn record(tx: &mut Tx<'_>, table: &Table, key: &ItemKey, old: Option<&Item>) -> Result<(), Error> {
    let Some(history) = &table.history else { return Ok(()) };
    let number = registry::next_number(tx)?;
    let length = u32::try_from(key.0.len()).unwrap_or(u32::MAX);
    let old = old.map(value::encode_item).unwrap_or_default();
    tx.put(
        HISTORY,
        &keys::timed(history.place, tx.now().0, &number.to_be_bytes()),
        [&length.to_be_bytes()[..], &key.0, &old].concat(),
    );
    Ok(())
}

/// Removes what is older than its table keeps it.
pub(crate) async fn trim(store: &Store, now: Timestamp) -> Result<(), Error> {
    for (_, table) in store.read(registry::all)? {
        let Some(history) = table.history else { continue };
        let (from, until) = (keys::place(history.place), keys::timed(history.place, history.oldest(now).0, &[]));
        loop {
            let until = until.clone();
            let forget = move |tx: &mut Tx<'_>| -> Result<bool, Error> {
                let (old, is_all) = tx.portion(HISTORY, &from, &until, upkeep::LOOK, upkeep::AT_ONCE)?;
                old.iter().for_each(|(key, _)| tx.delete(HISTORY, key));
                Ok(is_all)
            };
            if store.transact(forget).await? {
                break;
            }
        }
    }
    Ok(())
}
