//! Looking things up: the same words inside a transaction and outside.

use crate::engine::DATA;
use crate::{Error, Table};
use redb::{Database, ReadOnlyTable, ReadableTable};
use serde::de::DeserializeOwned;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Bytes of entries after which a portion ends.
const PORTION_BYTES: usize = 4 << 20;

/// Point look-ups and range scans. A [`crate::Tx`] also sees its own writes.
pub trait Read {
    /// The value under `key`.
    ///
    /// # Errors
    /// [`Error::Disk`].
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// At most `limit` entries whose keys lie between the bounds, in the keys' order.
    ///
    /// # Errors
    /// [`Error::Disk`].
    fn scan(&self, table: Table, from: Bound<&[u8]>, to: Bound<&[u8]>, limit: usize) -> Result<Vec<Entry>, Error>;

    /// At most `limit` entries whose keys begin with `prefix`, in order.
    ///
    /// # Errors
    /// [`Error::Disk`].
    fn scan_prefix(&self, table: Table, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, Error> {
        match after_prefix(prefix) {
            Some(end) => self.scan(table, Bound::Included(prefix), Bound::Excluded(&end), limit),
            None => self.scan(table, Bound::Included(prefix), Bound::Unbounded, limit),
        }
    }

    /// The first entries from `from` on and before `to`, as many as one short transaction should take, and whether they are all. They are
    /// looked up `step` at a time, until there are `limit` or four megabytes of them; the larger an entry can be, the smaller the step.
    ///
    /// # Errors
    /// [`Error::Disk`].
    fn portion(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        step: usize,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), Error> {
        let (mut found, mut bytes) = (Vec::<Entry>::new(), 0);
        while found.len() < limit && bytes < PORTION_BYTES {
            let begin = found.last().map_or(Bound::Included(from), |(key, _)| Bound::Excluded(key.as_slice()));
            let more = self.scan(table, begin, Bound::Excluded(to), step)?;
            let is_all = more.len() < step;
            bytes += more.iter().map(|(_, value)| value.len()).sum::<usize>();
            found.extend(more);
            if is_all {
                return Ok((found, true));
            }
        }
        Ok((found, false))
    }

    /// The record under `key`, kept there by [`crate::Tx::save`].
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Damaged`].
    fn load<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, Error>
    where
        Self: Sized,
    {
        self.get(table, key)?.map(|bytes| decode(table, &bytes)).transpose()
    }

    /// Every record whose key begins with `prefix`, with its key, in order.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Damaged`].
    fn load_prefix<T: DeserializeOwned>(&self, table: Table, prefix: &[u8]) -> Result<Vec<(Vec<u8>, T)>, Error>
    where
        Self: Sized,
    {
        let entries = self.scan_prefix(table, prefix, usize::MAX)?;
        entries.into_iter().map(|(key, bytes)| Ok((key, decode(table, &bytes)?))).collect()
    }
}

fn decode<T: DeserializeOwned>(table: Table, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Damaged { table: table.0, why: error.to_string() })
}

/// The first key after all that begin with `prefix`; `None` if there is no such key.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=kept].to_vec();
    end[kept] += 1;
    Some(end)
}

/// The bounds of a table's keys in the one map underneath.
pub(crate) fn inner_bounds(table: Table, from: Bound<&[u8]>, to: Bound<&[u8]>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let from = match from {
        Bound::Included(key) => Bound::Included(table.key(key)),
        Bound::Excluded(key) => Bound::Excluded(table.key(key)),
        Bound::Unbounded => Bound::Included(table.key(&[])),
    };
    let to = match to {
        Bound::Included(key) => Bound::Included(table.key(key)),
        Bound::Excluded(key) => Bound::Excluded(table.key(key)),
        // Table names hold no zero byte, so a one in its place ends the table.
        Bound::Unbounded => Bound::Excluded([table.0.as_bytes(), &[1]].concat()),
    };
    (from, to)
}

/// Whether a range between the bounds can hold anything; `redb` and `BTreeMap` panic on ones that cannot.
pub(crate) fn is_empty(from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}

/// One committed state, to read from.
pub struct Snapshot {
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

impl Snapshot {
    pub(crate) fn of(database: &Database) -> Result<Self, Error> {
        let transaction = redb::ReadableDatabase::begin_read(database).map_err(Error::disk)?;
        Ok(Self { table: transaction.open_table(DATA).map_err(Error::disk)? })
    }
}

/// What readers share: the open map, and a snapshot of its newest state, since making one costs as much as several look-ups.
#[derive(Default)]
pub(crate) struct Readers(RwLock<Shared>);

#[derive(Default)]
struct Shared {
    newest: Option<Arc<Snapshot>>,
    /// `None` from a failed write until the map could be opened again.
    database: Option<Arc<Database>>,
}

impl Readers {
    /// The newest committed state.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        if let Some(newest) = &self.0.read().unwrap_or_else(PoisonError::into_inner).newest {
            return Ok(newest.clone());
        }
        let mut shared = self.shared();
        if let Some(newest) = &shared.newest {
            return Ok(newest.clone());
        }
        let database = shared.database.as_ref();
        let database = database.ok_or_else(|| Error::disk("a write failed, and the store is not open again yet"))?;
        let snapshot = Arc::new(Snapshot::of(database)?);
        shared.newest = Some(snapshot.clone());
        Ok(snapshot)
    }

    /// Readers to come read from `database`, or nothing at all.
    pub(crate) fn use_only(&self, database: Option<Arc<Database>>) {
        *self.shared() = Shared { newest: None, database };
    }

    /// Lets go of the snapshot. To be called before a commit, because pages that a snapshot holds cannot be used again, and after it, before anyone
    /// is told, because the snapshot is then not the newest.
    pub(crate) fn forget_newest(&self) {
        self.shared().newest = None;
    }

    fn shared(&self) -> RwLockWriteGuard<'_, Shared> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// The entries whose keys lie between the bounds, one after another, from either end: for readers that stop when they have enough.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn range<'s>(
        &'s self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<Entry, Error>> + use<'s>, Error> {
        let (from, to) = inner_bounds(table, from, to);
        let range = match is_empty(&from, &to) {
            true => None,
            false => Some(
                ReadableTable::range::<&[u8]>(&self.table, (as_slice(&from), as_slice(&to))).map_err(Error::disk)?,
            ),
        };
        Ok(range.into_iter().flatten().map(move |entry| {
            let (key, value) = entry.map_err(Error::disk)?;
            Ok((key.value()[table.prefix_len()..].to_vec(), value.value().to_vec()))
        }))
    }
}

impl Read for Snapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let found = ReadableTable::get(&self.table, table.key(key).as_slice()).map_err(Error::disk)?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    fn scan(&self, table: Table, from: Bound<&[u8]>, to: Bound<&[u8]>, limit: usize) -> Result<Vec<Entry>, Error> {
        self.range(table, from, to)?.take(limit).collect()
    }
}

pub(crate) fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}
