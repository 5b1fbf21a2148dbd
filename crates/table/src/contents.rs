//! What changes with an item, in the item's own transaction: its indexes' entries, the counters, its expiry, the change stream and the
//! history. Every write to a table ends here.

use crate::changes::{self, Author};
use crate::keys::{self, ItemKey};
use crate::schema::{Expiry, Index, KeyAttribute, KeyPart, Phase, Projection, Table};
use crate::value::{self, AttributeValue, Item};
use crate::write::{HASH_BYTES, RANGE_BYTES};
use crate::{Error, history, upkeep};
use fogbank_store::{Error as StoreError, Read, Tx};
use std::collections::BTreeMap;

/// What a write took, for its capacity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Effort {
    /// Bytes of the item, before or after, whichever is more.
    pub bytes: usize,
    /// Bytes written to indexes, one number for each write.
    pub indexes: BTreeMap<String, Vec<usize>>,
}

/// The item under `key`, if it is there.
pub(crate) fn item(from: &impl Read, table: &Table, key: &ItemKey) -> Result<Option<Item>, Error> {
    let bytes = from.get(keys::ITEM, &keys::below(table.place, &key.0))?;
    bytes.map(|bytes| decode(&bytes)).transpose()
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Item, Error> {
    let damaged = || StoreError::Damaged { table: keys::ITEM.0, why: "it is not an item".into() };
    Ok(value::decode_item(bytes).ok_or_else(damaged)?)
}

/// Replaces the item `old` under `key` by `new`; either may be nothing.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    table: &Table,
    key: &ItemKey,
    (old, new): (Option<&Item>, Option<&Item>),
    author: Author,
) -> Result<Effort, Error> {
    let sizes = [old, new].map(|item| item.map_or(0, value::item_size));
    let mut effort = Effort { bytes: sizes[0].max(sizes[1]), indexes: BTreeMap::new() };
    if old == new {
        return Ok(effort);
    }
    let place = keys::below(table.place, &key.0);
    match new {
        Some(item) => tx.put(keys::ITEM, &place, value::encode_item(item)),
        None => tx.delete(keys::ITEM, &place),
    }
    count(tx, table.place, (old.is_some(), sizes[0]), (new.is_some(), sizes[1]))?;
    for index in &table.indexes {
        let written = enter(tx, table, index, key, (old, new))?;
        if !written.is_empty() {
            effort.indexes.insert(index.name.clone(), written);
        }
    }
    expire(tx, table, key, (old, new));
    changes::record(tx, table, (old, new), author)?;
    history::record(tx, table, key, old)?;
    Ok(effort)
}

/// Brings an index's entries in line; answers the bytes of each write.
fn enter(
    tx: &mut Tx<'_>,
    table: &Table,
    index: &Index,
    key: &ItemKey,
    (old, new): (Option<&Item>, Option<&Item>),
) -> Result<Vec<usize>, Error> {
    let (before, after) = (entry(index, old), entry(index, new));
    let size = |entry: &Option<(ItemKey, &Item)>| entry.as_ref().map_or(0, |(_, item)| shown_size(table, index, item));
    let sizes = (size(&before), size(&after));
    let is_same_place = matches!((&before, &after), (Some((before, _)), Some((after, _))) if before == after);
    if is_same_place {
        if let (Phase::Filling(_), Some((at, item))) = (&index.phase, &after)
            && tx.get(keys::ENTRY, &entry_key(index, at, key))?.is_none()
        {
            put_entry(tx, index, at, key, shown_size(table, index, item))?;
            return Ok(vec![sizes.1]);
        }
        let is_shown_alike = matches!((&before, &after), (Some((_, before)), Some((_, after)))
            if shown(table, index, before).eq(shown(table, index, after)));
        count(tx, index.place, (true, sizes.0), (true, sizes.1))?;
        return Ok(if is_shown_alike { Vec::new() } else { vec![sizes.0.max(sizes.1)] });
    }
    let mut written = Vec::new();
    if let Some((at, _)) = &before {
        // While the index is being filled, what was not entered yet is not counted either.
        let place = entry_key(index, at, key);
        if tx.get(keys::ENTRY, &place)?.is_some() {
            tx.delete(keys::ENTRY, &place);
            count(tx, index.place, (true, sizes.0), (false, 0))?;
        }
        written.push(sizes.0);
    }
    if let Some((at, _)) = &after {
        put_entry(tx, index, at, key, sizes.1)?;
        written.push(sizes.1);
    }
    Ok(written)
}

/// Where an index has an item, if it does.
fn entry<'a>(index: &Index, item: Option<&'a Item>) -> Option<(ItemKey, &'a Item)> {
    item.and_then(|item| Some((indexed(index, item)?, item)))
}

/// The key of an item's entry. An item that was there before the index may have attributes that are no keys: it is not in it.
fn indexed(index: &Index, item: &Item) -> Option<ItemKey> {
    let is_key = |part: &KeyPart, limit: usize| {
        let has_size = |attribute: &KeyAttribute| item.get(&attribute.name).is_some_and(|value| value.size() > 0);
        part.attributes().all(has_size) && part.size_in(item) <= limit
    };
    let range = index.keys.range.as_ref();
    let is_whole = is_key(&index.keys.hash, HASH_BYTES) && range.is_none_or(|range| is_key(range, RANGE_BYTES));
    is_whole.then(|| ItemKey::of(&index.keys, item)).flatten()
}

/// Enters an item that was there before its index, unless it is there already.
pub(crate) fn fill(tx: &mut Tx<'_>, table: &Table, index: &Index, key: &ItemKey, item: &Item) -> Result<(), Error> {
    let Some(at) = indexed(index, item) else { return Ok(()) };
    if tx.get(keys::ENTRY, &entry_key(index, &at, key))?.is_none() {
        put_entry(tx, index, &at, key, shown_size(table, index, item))?;
    }
    Ok(())
}

fn put_entry(tx: &mut Tx<'_>, index: &Index, at: &ItemKey, key: &ItemKey, size: usize) -> Result<(), Error> {
    let length = u32::try_from(at.0.len()).unwrap_or(u32::MAX);
    tx.put(keys::ENTRY, &entry_key(index, at, key), length.to_be_bytes());
    count(tx, index.place, (false, 0), (true, size))
}

/// The key of an index's entry.
pub(crate) fn entry_key(index: &Index, at: &ItemKey, key: &ItemKey) -> Vec<u8> {
    [&keys::place(index.place)[..], &at.0, &key.0].concat()
}

fn expire(tx: &mut Tx<'_>, table: &Table, key: &ItemKey, (old, new): (Option<&Item>, Option<&Item>)) {
    let Some(expiry) = &table.expiry else { return };
    let time = |item: Option<&Item>| item.and_then(|item| expires(&expiry.attribute, item));
    let (before, after) = (time(old), time(new));
    if before == after {
        return;
    }
    if let Some(seconds) = before {
        tx.delete(keys::EXPIRY, &keys::timed(expiry.place, seconds, &key.0));
    }
    if let Some(seconds) = after {
        enter_expiry(tx, expiry, key, seconds);
    }
}

/// Enters an item's time, unless it passed too long ago.
pub(crate) fn enter_expiry(tx: &mut Tx<'_>, expiry: &Expiry, key: &ItemKey, seconds: i64) {
    if upkeep::does_expire(seconds, tx.now()) {
        tx.put(keys::EXPIRY, &keys::timed(expiry.place, seconds, &key.0), []);
        upkeep::wake_by(tx, seconds);
    }
}

/// When an item expires, in seconds since 1970. Only numbers count.
pub(crate) fn expires(attribute: &str, item: &Item) -> Option<i64> {
    match item.get(attribute)? {
        AttributeValue::N(number) => number.truncated(),
        _ => None,
    }
}

/// What `index` shows of an item.
pub(crate) fn project(table: &Table, index: &Index, item: Item) -> Item {
    match &index.projection {
        Projection::All => item,
        _ => item.into_iter().filter(|(name, _)| is_shown(table, index, name)).collect(),
    }
}

fn shown<'a>(
    table: &'a Table,
    index: &'a Index,
    item: &'a Item,
) -> impl Iterator<Item = (&'a String, &'a AttributeValue)> {
    item.iter().filter(move |(name, _)| is_shown(table, index, name))
}

/// Whether an index shows the attribute `name`.
pub(crate) fn is_shown(table: &Table, index: &Index, name: &str) -> bool {
    let is_included = match &index.projection {
        Projection::All => true,
        Projection::KeysOnly => false,
        Projection::Include(names) => names.iter().any(|included| included == name),
    };
    is_included || table.keys.has(name) || index.keys.has(name)
}

/// Whether a global index can show all of `names`.
pub(crate) fn check_projects<'a>(
    table: &Table,
    index: &Index,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    let missing: Vec<&str> = names.filter(|name| !is_shown(table, index, name)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Error::parameter(format!(
            "Global secondary index {} does not project [{}]",
            index.name,
            missing.join(", ")
        ))),
    }
}

/// The bytes of an item that an index shows.
pub(crate) fn shown_size(table: &Table, index: &Index, item: &Item) -> usize {
    shown(table, index, item).map(|(name, value)| name.len() + value.size()).sum()
}

/// How many entries a table or an index has, and their bytes.
pub(crate) fn counted(from: &impl Read, place: u64) -> Result<(u64, u64), Error> {
    let bytes = from.get(keys::COUNTER, &keys::place(place))?.unwrap_or_default();
    let at =
        |from: usize| bytes.get(from..from + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    Ok((at(0), at(8)))
}

fn count(tx: &mut Tx<'_>, place: u64, before: (bool, usize), after: (bool, usize)) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    let (items, bytes) = counted(tx, place)?;
    let items = (items + u64::from(after.0)).saturating_sub(u64::from(before.0));
    let bytes = (bytes + after.1 as u64).saturating_sub(before.1 as u64);
    tx.put(keys::COUNTER, &keys::place(place), [items.to_be_bytes(), bytes.to_be_bytes()].concat());
    Ok(())
}
