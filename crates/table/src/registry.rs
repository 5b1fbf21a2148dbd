//! Which tables there are. Every operation asks for its table here, within the transaction or the snapshot that it works on.

use crate::schema::{Table, TableKey};
use crate::{Error, keys};
use fogbank_delivery::Deliver;
use fogbank_model::{AccountId, Region};
use fogbank_store::{Error as StoreError, Read, Snapshot, Tx};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Tables that are kept read.
const KEPT: usize = 1024;

/// Tables as they were read last, by revision: reading one anew for every item would cost more than the item.
pub(crate) struct Registry {
    /// Takes changes to where tables send them.
    pub deliver: Arc<dyn Deliver>,
    read: RwLock<HashMap<u64, Arc<Table>>>,
}

impl Registry {
    pub fn new(deliver: Arc<dyn Deliver>) -> Self {
        Self { deliver, read: RwLock::default() }
    }

    /// The table called `key`, if there is one.
    pub fn look_up(&self, from: &impl Read, key: &TableKey) -> Result<Option<Arc<Table>>, Error> {
        let Some(bytes) = from.get(keys::TABLE, &keys::table(key))? else { return Ok(None) };
        let (revision, json) = split(&bytes)?;
        let kept = self.read.read().unwrap_or_else(PoisonError::into_inner).get(&revision).cloned();
        match kept {
            Some(table) => Ok(Some(table)),
            None => Ok(Some(Arc::new(decode(json)?))),
        }
    }

    /// The table called `key`, for an operation on its items.
    pub fn find(&self, from: &impl Read, key: &TableKey) -> Result<Arc<Table>, Error> {
        let table = self.look_up(from, key)?.filter(|table| table.loading.is_none());
        table.ok_or_else(Error::no_resource)
    }

    /// The same as it is committed, kept read for those who come next: a transaction's own view of it may never be committed.
    pub fn find_committed(&self, from: &Snapshot, key: &TableKey) -> Result<Arc<Table>, Error> {
        let bytes = from.get(keys::TABLE, &keys::table(key))?.ok_or_else(Error::no_resource)?;
        let (revision, json) = split(&bytes)?;
        let kept = self.read.read().unwrap_or_else(PoisonError::into_inner).get(&revision).cloned();
        let table = match kept {
            Some(table) => table,
            None => self.keep(revision, decode(json)?),
        };
        Some(table).filter(|table| table.loading.is_none()).ok_or_else(Error::no_resource)
    }

    fn keep(&self, revision: u64, table: Table) -> Arc<Table> {
        let table = Arc::new(table);
        let mut kept = self.read.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(revision, table.clone());
        table
    }
}

fn damaged(why: impl ToString) -> StoreError {
    StoreError::Damaged { table: keys::TABLE.0, why: why.to_string() }
}

fn split(bytes: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let (revision, json) = bytes.split_first_chunk::<8>().ok_or_else(|| damaged("it is too short"))?;
    Ok((u64::from_be_bytes(*revision), json))
}

fn decode(json: &[u8]) -> Result<Table, StoreError> {
    serde_json::from_slice(json).map_err(damaged)
}

/// The next number: for places, revisions and sequence numbers, so that each is greater than all before it.
pub(crate) fn next_number(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let last = tx.get(keys::NUMBER, &[])?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    tx.put(keys::NUMBER, &[], (last + 1).to_be_bytes());
    Ok(last + 1)
}

/// Writes a table, as a new revision.
pub(crate) fn save(tx: &mut Tx<'_>, key: &TableKey, table: &Table) -> Result<(), Error> {
    let json = serde_json::to_vec(table).map_err(damaged)?;
    let revision = next_number(tx)?;
    tx.put(keys::TABLE, &keys::table(key), [&revision.to_be_bytes()[..], &json].concat());
    Ok(())
}

/// All tables of the platform.
pub(crate) fn all(from: &impl Read) -> Result<Vec<(TableKey, Table)>, Error> {
    within(from, &[])
}

/// How many tables an account has in a region. They are not read, because this is asked where everybody waits.
pub(crate) fn count(from: &impl Read, account: &AccountId, region: &Region) -> Result<usize, Error> {
    Ok(from.scan_prefix(keys::TABLE, &keys::scope(account, region), usize::MAX)?.len())
}

/// The tables of an account in a region, in the order of their names.
pub(crate) fn tables_of(
    from: &impl Read,
    account: &AccountId,
    region: &Region,
) -> Result<Vec<(TableKey, Table)>, Error> {
    within(from, &keys::scope(account, region))
}

fn within(from: &impl Read, prefix: &[u8]) -> Result<Vec<(TableKey, Table)>, Error> {
    let mut tables = Vec::new();
    for (key, bytes) in from.scan_prefix(keys::TABLE, prefix, usize::MAX)? {
        let Some(key) = keys::table_of(&key) else { continue };
        tables.push((key, decode(split(&bytes)?.1)?));
    }
    Ok(tables)
}
