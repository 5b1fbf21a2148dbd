//! What items were before they changed, for tables that can be restored as they were ("Point-in-time recovery" in the Developer Guide).

use crate::keys::ItemKey;
use crate::schema::{History, Table};
use crate::value::{self, Item};
use crate::{Error, contents, keys, registry, upkeep};
use fogbank_model::Timestamp;
use fogbank_store::{Error as StoreError, Read, Snapshot, Store, Table as Map, Tx};
use std::collections::BTreeMap;
use std::ops::Bound;
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

/// The changes under one key within some time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Changes {
    /// What was there before the first of them: an item, or nothing.
    pub before: Option<Item>,
    /// The time of the last.
    pub last: Timestamp,
}

/// What was at `at` under each key that changed since: an item, or nothing. In memory, because it is looked up while the table is copied.
pub(crate) fn changed_since(
    from: &Snapshot,
    history: &History,
    at: Timestamp,
) -> Result<BTreeMap<ItemKey, Option<Item>>, Error> {
    let changed = changed_between(from, history, (Timestamp(at.0.saturating_add(1)), Timestamp(i64::MAX)))?;
    Ok(changed.into_iter().map(|(key, changes)| (key, changes.before)).collect())
}

/// What changed at the first of two moments or later, and before the second.
pub(crate) fn changed_between(
    from: &Snapshot,
    history: &History,
    (first, end): (Timestamp, Timestamp),
) -> Result<BTreeMap<ItemKey, Changes>, Error> {
    let damaged = || StoreError::Damaged { table: HISTORY.0, why: "it is too short".into() };
    let [first, end] = [first, end].map(|at| keys::timed(history.place, at.0, &[]));
    let mut changed = BTreeMap::<ItemKey, (u64, Changes)>::new();
    for entry in from.range(HISTORY, Bound::Included(&first), Bound::Excluded(&end))? {
        let (place, bytes) = entry?;
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (key, item) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(damaged)?;
        let (at, number) = keys::time_and_number(&place).ok_or_else(damaged)?;
        // The first change knows what was there before: that with the smallest number, because transactions are not made in the
        // order of their times where these are close together, or the clock was set back.
        let key = ItemKey(key.to_vec());
        match changed.get_mut(&key) {
            Some((first, changes)) if *first < number => changes.last = changes.last.max(at),
            known => {
                let last = known.map_or(at, |(_, changes)| changes.last.max(at));
                let before = if item.is_empty() { None } else { Some(contents::decode(item)?) };
                changed.insert(key, (number, Changes { before, last }));
            }
        }
    }
    Ok(changed.into_iter().map(|(key, (_, changes))| (key, changes)).collect())
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::AttributeValue;
    use fogbank_model::TestClock;
    use std::sync::Arc;

    #[tokio::test]
    async fn what_was_there_is_what_the_first_change_found_whatever_its_time() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), Arc::new(TestClock::new(Timestamp(0), 7))).unwrap();
        let history = History { place: 1, since: Timestamp(0), days: 1 };
        let old = |text: &str| Item::from([("v".to_owned(), AttributeValue::S(text.into()))]);
        let records = [(11, 1_u64, old("first")), (10, 2, old("second"))];
        let keep = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            for (at, number, old) in &records {
                let value = [&1_u32.to_be_bytes()[..], b"k", &value::encode_item(old)].concat();
                tx.put(HISTORY, &keys::timed(1, *at, &number.to_be_bytes()), value);
            }
            Ok(())
        };
        store.transact(keep).await.unwrap();
        let before = store.read(|snapshot| changed_since(snapshot, &history, Timestamp(9))).unwrap();
        assert_eq!(before, BTreeMap::from([(ItemKey(b"k".to_vec()), Some(old("first")))]));
    }
}
