//! One write to one item: the rules that are the same for single operations, batches, transactions and statements.

use crate::capacity::Taken;
use crate::changes::Author;
use crate::contents::{self, Effort};
use crate::expression::{Condition, Update, Updated};
use crate::keys::ItemKey;
use crate::registry::Registry;
use crate::schema::{Index, IndexKind, KeyAttribute, KeySchema, Table, TableKey};
use crate::transact::Found;
use crate::value::{AttributeValue, ITEM_SIZE_LIMIT, Item, item_size};
use crate::{Error, Tables, destinations};
use fogbank_store::{Snapshot, Tx};
use std::sync::Arc;

/// More than any item has as it is stored, in bytes.
pub(crate) const LARGEST_STORED: usize = 4 * ITEM_SIZE_LIMIT;
pub(crate) const HASH_BYTES: usize = 2048;
pub(crate) const RANGE_BYTES: usize = 1024;

/// What is to be done with an item.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// It is put in the place of what is there.
    Put(Item),
    /// It is put where nothing is.
    Insert(Item),
    /// The one with this key goes.
    Delete(Item),
    /// The one with this key is changed, or made.
    Update(Item, Update),
    /// The one with this key must satisfy the condition.
    Check(Item),
}

/// A write, read from a request.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub table: TableKey,
    pub action: Action,
    pub condition: Option<Condition>,
    /// Whether the item is told of that does not satisfy the condition.
    pub tells_on_failure: bool,
}

/// A write that was made.
#[derive(Debug)]
pub(crate) struct Written {
    pub table: Arc<Table>,
    pub key: Item,
    pub old: Option<Item>,
    pub new: Option<Item>,
    pub updated: Option<Updated>,
    pub effort: Effort,
    /// Whether it only looked.
    pub is_check: bool,
}

impl Written {
    /// What it took. `factor` is 2 in transactions.
    pub fn taken(&self, factor: f64) -> Taken {
        match self.is_check {
            // As much as writing the smallest item, whatever is there.
            true => Taken { is_write: true, ..Taken::reading(&self.table, None, 0, factor) },
            false => Taken::writing(&self.table, &self.effort, factor),
        }
    }
}

/// Makes `write` within a transaction.
pub(crate) fn perform(tx: &mut Tx<'_>, registry: &Registry, write: &Write) -> Result<Written, Error> {
    let table = registry.find(tx, &write.table)?;
    let (key, at) = located(&table, &write.action)?;
    check_request(&table, &write.action)?;
    let old = contents::item(tx, &table, &at)?;
    let nothing = Item::new();
    if let Some(condition) = &write.condition
        && !condition.holds(old.as_ref().unwrap_or(&nothing))
    {
        return Err(Error::ConditionFailed(old.filter(|_| write.tells_on_failure)));
    }
    let (new, updated) = match &write.action {
        Action::Insert(_) if old.is_some() => return Err(Error::DuplicateItem),
        Action::Put(item) | Action::Insert(item) => (Some(item.clone()), None),
        Action::Delete(_) => (None, None),
        Action::Check(_) => (old.clone(), None),
        Action::Update(key, update) => {
            let mut updated = update.apply(old.as_ref().unwrap_or(key))?;
            check_updated(&table, &updated.item, update)?;
            let is_there = old.is_some() || update.makes_item();
            (is_there.then(|| std::mem::take(&mut updated.item)), Some(updated))
        }
    };
    let change = (old.as_ref(), new.as_ref());
    let effort = contents::change(tx, &table, &at, change, Author::Caller)?;
    destinations::tell(tx, registry, &write.table, &table, change, Author::Caller)?;
    let is_check = matches!(write.action, Action::Check(_));
    Ok(Written { table, key, old, new, updated, effort, is_check })
}

/// The key of the item that `action` is about.
pub(crate) fn located(table: &Table, action: &Action) -> Result<(Item, ItemKey), Error> {
    match action {
        Action::Put(item) | Action::Insert(item) => {
            for attribute in table.keys.attributes() {
                check_key_of_item(attribute, item)?;
            }
            let key = key_of(&table.keys, item);
            let at = checked_sizes(&table.keys, &key)?;
            Ok((key, at))
        }
        Action::Delete(key) | Action::Update(key, _) | Action::Check(key) => {
            let at = key_given(table, key)?;
            Ok((key.clone(), at))
        }
    }
}

/// The key attributes of an item.
pub(crate) fn key_of(keys: &KeySchema, item: &Item) -> Item {
    item.iter().filter(|(name, _)| keys.has(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The place of the item with the key `key`, which a request gave.
pub(crate) fn key_given(table: &Table, key: &Item) -> Result<ItemKey, Error> {
    let is_alike = |attribute: &KeyAttribute| attribute.of(key).is_some();
    if key.len() != table.keys.attributes().count() || !table.keys.attributes().all(is_alike) {
        return Err(Error::validation("The provided key element does not match the schema"));
    }
    for attribute in table.keys.attributes() {
        check_not_empty(attribute, key)?;
    }
    checked_sizes(&table.keys, key)
}

fn check_key_of_item(attribute: &KeyAttribute, item: &Item) -> Result<(), Error> {
    let (name, expected) = (&attribute.name, attribute.kind.as_str());
    let Some(value) = item.get(name) else {
        return Err(Error::parameter(format!("Missing the key {name} in the item")));
    };
    let actual = value.type_name();
    if actual != expected {
        return Err(Error::parameter(format!("Type mismatch for key {name} expected: {expected} actual: {actual}")));
    }
    check_not_empty(attribute, item)
}

fn check_not_empty(attribute: &KeyAttribute, item: &Item) -> Result<(), Error> {
    match item.get(&attribute.name).and_then(emptiness) {
        Some(what) => Err(empty_key(&attribute.name, what)),
        None => Ok(()),
    }
}

/// What an empty value is one of, if it is one that no key can be.
pub(crate) fn emptiness(value: &AttributeValue) -> Option<&'static str> {
    match value {
        AttributeValue::S(text) if text.is_empty() => Some("string"),
        AttributeValue::B(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

pub(crate) fn empty_key(name: &str, what: &str) -> Error {
    Error::validation(format!(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {what} value. Key: {name}"
    ))
}

pub(crate) fn empty_index_key(index: &str, name: &str, what: &str) -> Error {
    Error::validation(format!(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue \
         for a key attribute cannot contain an empty {what} value. IndexName: {index}, IndexKey: {name}"
    ))
}

pub(crate) fn check_hash_size(bytes: usize) -> Result<(), Error> {
    match bytes > HASH_BYTES {
        true => {
            Err(Error::parameter(format!("Size of hashkey has exceeded the maximum size limit of{HASH_BYTES} bytes")))
        }
        false => Ok(()),
    }
}

pub(crate) fn check_range_size(bytes: usize) -> Result<(), Error> {
    match bytes > RANGE_BYTES {
        true => Err(Error::parameter(format!(
            "Aggregated size of all range keys has exceeded the size limit of {RANGE_BYTES} bytes"
        ))),
        false => Ok(()),
    }
}

fn checked_sizes(keys: &KeySchema, key: &Item) -> Result<ItemKey, Error> {
    check_hash_size(keys.hash.size_in(key))?;
    check_range_size(keys.range.as_ref().map_or(0, |range| range.size_in(key)))?;
    ItemKey::of(keys, key).ok_or_else(|| Error::validation("The provided key element does not match the schema"))
}

/// What can be said of a write without the item that is there; it comes before the condition.
fn check_request(table: &Table, action: &Action) -> Result<(), Error> {
    match action {
        Action::Put(item) | Action::Insert(item) => check_item(table, item),
        Action::Update(_, update) => match update.attributes().find(|name| table.keys.has(name)) {
            Some(name) => {
                Err(Error::parameter(format!("Cannot update attribute {name}. This attribute is part of the key")))
            }
            None => Ok(()),
        },
        Action::Delete(_) | Action::Check(_) => Ok(()),
    }
}

/// Whether `item` may be in `table`: its size, and the attributes that are keys of indexes.
pub(crate) fn check_item(table: &Table, item: &Item) -> Result<(), Error> {
    check_item_size(item)?;
    for (index, attribute, value) in index_keys(table, item) {
        let (name, expected, actual) = (&attribute.name, attribute.kind.as_str(), value.type_name());
        if actual != expected {
            return Err(Error::parameter(format!(
                "Type mismatch for Index Key {name} Expected: {expected} Actual: {actual} IndexName: {}",
                index.name
            )));
        }
        if let Some(what) = emptiness(value) {
            return Err(empty_index_key(&index.name, name, what));
        }
        check_index_key_size(index, name, item)?;
    }
    Ok(())
}

/// Whether `item` may be in any table.
pub(crate) fn check_item_size(item: &Item) -> Result<(), Error> {
    match item_size(item) > ITEM_SIZE_LIMIT {
        true => Err(Error::validation("Item size has exceeded the maximum allowed size")),
        false => Ok(()),
    }
}

/// Whether an item may be what `update` made of it. What was there before an index was made may be no key of it.
fn check_updated(table: &Table, item: &Item, update: &Update) -> Result<(), Error> {
    if item_size(item) > ITEM_SIZE_LIMIT {
        return Err(Error::validation("Item size to update has exceeded the maximum allowed size"));
    }
    for (index, attribute, value) in index_keys(table, item) {
        if update.attributes().all(|name| name != attribute.name) {
            continue;
        }
        if value.type_name() != attribute.kind.as_str() {
            return Err(Error::validation(
                "The update expression attempted to update the secondary index key to unsupported type",
            ));
        }
        if let Some(what) = emptiness(value) {
            return Err(Error::validation(format!(
                "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value \
                 that is not supported. The AttributeValue for a key attribute cannot contain an empty {what} value."
            )));
        }
        if check_index_key_size(index, &attribute.name, item).is_err() {
            return Err(Error::validation(
                "The update expression attempted to update the secondary index key beyond allowed size limits",
            ));
        }
    }
    Ok(())
}

/// What an item has of the keys of indexes that are no keys of the table.
fn index_keys<'a>(
    table: &'a Table,
    item: &'a Item,
) -> impl Iterator<Item = (&'a Index, &'a KeyAttribute, &'a AttributeValue)> {
    let all = table.indexes.iter().flat_map(|index| index.keys.attributes().map(move |attribute| (index, attribute)));
    all.filter(|(_, attribute)| !table.keys.has(&attribute.name))
        .filter_map(|(index, attribute)| Some((index, attribute, item.get(&attribute.name)?)))
}

/// Whether the part of an index's key that `name` belongs to is too long in `item`.
fn check_index_key_size(index: &Index, name: &str, item: &Item) -> Result<(), Error> {
    let (role, part, limit) = match index.keys.hash.has(name) {
        true => ("hashkey", Some(&index.keys.hash), HASH_BYTES),
        false => ("rangekey", index.keys.range.as_ref(), RANGE_BYTES),
    };
    match part.is_some_and(|part| part.size_in(item) > limit) {
        true => Err(Error::parameter(format!("Size of {role} has exceeded the maximum size limit of{limit} bytes"))),
        false => Ok(()),
    }
}

/// Whether items of a table with local indexes are counted together by partition key.
pub(crate) fn has_collections(table: &Table) -> bool {
    table.indexes_of(IndexKind::Local).next().is_some()
}

impl Tables {
    /// Makes one write.
    pub(crate) async fn write(&self, write: Write) -> Result<Written, Error> {
        self.keep(&write.table)?;
        let registry = self.registry.clone();
        self.store.transact(move |tx: &mut Tx<'_>| perform(tx, &registry, &write)).await
    }

    /// Makes writes together, none of which has a condition.
    pub(crate) async fn write_all(&self, writes: Vec<Write>) -> Result<Vec<Written>, Error> {
        for write in &writes {
            self.keep(&write.table)?;
        }
        let registry = self.registry.clone();
        let all = move |tx: &mut Tx<'_>| writes.iter().map(|write| perform(tx, &registry, write)).collect();
        self.store.transact(all).await
    }

    /// Keeps the table read, so that the one thread that writes need not.
    pub(crate) fn keep(&self, table: &TableKey) -> Result<(), Error> {
        match self.store.read(|snapshot| self.registry.find_committed(snapshot, table)) {
            // What is not there is the transaction's to say, which sees the newest state.
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The item with the key `key`, if it is there.
    pub(crate) fn get(&self, from: &Snapshot, table: &TableKey, key: &Item) -> Result<Found, Error> {
        let table = self.registry.find_committed(from, table)?;
        let at = key_given(&table, key)?;
        let item = contents::item(from, &table, &at)?;
        Ok((table, item))
    }
}
