//! What items were before they changed, for tables that can be restored as they were ("Point-in-time recovery" in the Developer Guide).

use crate::keys::ItemKey;
use crate::schema::{History, Table};
use crate::value::{self, Item};
use crate::{Error, contents, keys, registry};
use fogbank_model::Timestamp;
use fogbank_store::{Error as StoreError, Read, Snapshot, Store, Table as Map, Tx};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

/// The item that was under a key before a change.
pub(crate) const HISTORY: Map = Map("dynamodb.history");
/// Records that one transaction removes.
const AT_ONCE: usize = 500;

impl History {
    /// Since when it must be kept.
    pub(crate) fn oldest(&self, now: Timestamp) -> Timestamp {
        let kept = Duration::from_secs(24 * 3600) * self.days;
        Timestamp(now.0 - i64::try_from(kept.as_millis()).unwrap_or(0))
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

/// What was at `at` under each key that changed since: an item, or nothing. In memory, because it is looked up while the table is copied.
pub(crate) fn changed_since(
    from: &Snapshot,
    history: &History,
    at: Timestamp,
) -> Result<BTreeMap<ItemKey, Option<Item>>, Error> {
    let damaged = || StoreError::Damaged { table: HISTORY.0, why: "it is too short".into() };
    let first = keys::timed(history.place, at.0.saturating_add(1), &[]);
    let last = keys::timed(history.place, i64::MAX, &[]);
    let mut before = BTreeMap::new();
    for entry in from.range(HISTORY, Bound::Included(&first), Bound::Included(&last))? {
        let (_, bytes) = entry?;
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (key, item) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(damaged)?;
        // The first change after `at` knows what was there then.
        if let std::collections::btree_map::Entry::Vacant(place) = before.entry(ItemKey(key.to_vec())) {
            place.insert(if item.is_empty() { None } else { Some(contents::decode(item)?) });
        }
    }
    Ok(before)
}

/// Removes what is older than its table keeps it.
pub(crate) async fn trim(store: &Store, now: Timestamp) -> Result<(), Error> {
    for (_, table) in store.read(registry::all)? {
        let Some(history) = table.history else { continue };
        let (from, until) = (keys::place(history.place), keys::timed(history.place, history.oldest(now).0, &[]));
        loop {
            let until = until.clone();
            let forget = move |tx: &mut Tx<'_>| -> Result<usize, Error> {
                let old = tx.scan(HISTORY, Bound::Included(&from), Bound::Excluded(&until), AT_ONCE)?;
                old.iter().for_each(|(key, _)| tx.delete(HISTORY, key));
                Ok(old.len())
            };
            if store.transact(forget).await? < AT_ONCE {
                break;
            }
        }
    }
    Ok(())
}
