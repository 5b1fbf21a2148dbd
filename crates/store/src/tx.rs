//! A transaction in progress: the group's shared write table, and above it what this closure alone has changed so far. A closure
//! that fails is undone by forgetting its layer.

use crate::read::{Entry, as_slice, inner_bounds, is_empty};
use crate::{Error, Read, Table};
use fogbank_model::Timestamp;
use redb::ReadableTable;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Bound;

pub(crate) type WriteTable<'txn> = redb::Table<'txn, &'static [u8], &'static [u8]>;

/// What a closure changed: `None` is a removal.
pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A transaction, handed to the closure of [`crate::Store::transact`].
pub struct Tx<'a> {
    base: &'a WriteTable<'a>,
    changes: Changes,
    pub(crate) woken: Vec<String>,
    now: Timestamp,
}

impl<'a> Tx<'a> {
    pub(crate) fn over(base: &'a WriteTable<'a>, now: Timestamp) -> Self {
        Self { base, changes: BTreeMap::new(), woken: Vec::new(), now }
    }

    /// Puts `value` under `key`, over what was there.
    pub fn put(&mut self, table: Table, key: &[u8], value: impl Into<Vec<u8>>) {
        self.changes.insert(table.key(key), Some(value.into()));
    }

    /// Puts the record `value` under `key`, to be read with [`Read::load`].
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be written as JSON.
    pub fn save<T: Serialize + ?Sized>(&mut self, table: Table, key: &[u8], value: &T) -> Result<(), Error> {
        let bytes = serde_json::to_vec(value);
        let bytes = bytes.map_err(|error| Error::Damaged { table: table.0, why: error.to_string() })?;
        self.put(table, key, bytes);
        Ok(())
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, table: Table, key: &[u8]) {
        self.changes.insert(table.key(key), None);
    }

    /// Wakes whoever waits for [`crate::Store::arrivals`] of `queue` once the transaction is on disk, for queues that a service keeps
    /// in tables of its own.
    pub fn wake(&mut self, queue: &str) {
        self.woken.push(queue.to_owned());
    }

    /// The time at which the transaction was asked for.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What the closure did, to be applied to the group's table.
    pub(crate) fn into_changes(self) -> (Changes, Vec<String>) {
        (self.changes, self.woken)
    }
}

impl Read for Tx<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let key = table.key(key);
        if let Some(change) = self.changes.get(&key) {
            return Ok(change.clone());
        }
        let found = self.base.get(key.as_slice()).map_err(Error::disk)?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    fn scan(&self, table: Table, from: Bound<&[u8]>, to: Bound<&[u8]>, limit: usize) -> Result<Vec<Entry>, Error> {
        let (from, to) = inner_bounds(table, from, to);
        if is_empty(&from, &to) {
            return Ok(Vec::new());
        }
        let mut base = self.base.range::<&[u8]>((as_slice(&from), as_slice(&to))).map_err(Error::disk)?;
        let mut next_base = || -> Result<Option<Entry>, Error> {
            let Some(entry) = base.next() else { return Ok(None) };
            let (key, value) = entry.map_err(Error::disk)?;
            Ok(Some((key.value().to_vec(), value.value().to_vec())))
        };
        let mut changes = self.changes.range::<[u8], _>((as_slice(&from), as_slice(&to))).peekable();
        let mut below = next_base()?;
        let mut found = Vec::new();
        while found.len() < limit {
            let change_comes_first = match (&below, changes.peek()) {
                (None, None) => break,
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some((key, _)), Some((changed, _))) => *changed <= key,
            };
            if !change_comes_first {
                found.extend(below.take());
                below = next_base()?;
                continue;
            }
            let Some((changed, value)) = changes.next() else { break };
            if below.as_ref().is_some_and(|(key, _)| key == changed) {
                below = next_base()?;
            }
            found.extend(value.clone().map(|value| (changed.clone(), value)));
        }
        for (key, _) in &mut found {
            key.drain(..table.prefix_len());
        }
        Ok(found)
    }
}
