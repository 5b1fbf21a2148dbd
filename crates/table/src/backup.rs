//! Backups: a table as it was in one committed state, in a file of its own ("Backing up a DynamoDB table" in the Developer Guide).
//!
//! The file is written and synced before its backup is acknowledged. Restoring goes through `load.rs`.

use crate::load::{self, Loading};
use crate::overrides::{Overrides, overridden};
use crate::past::Past;
use crate::registry::{next_number, save};
use crate::schema::{History, Phase, Table, TableKey};
use crate::{Error, Tables, contents, create, keys, upkeep};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Error as StoreError, Read, Table as Map, Tx};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) const BACKUP: Map = Map("dynamodb.backup");

/// A backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    /// The last part of its ARN.
    pub id: String,
    /// What it was called.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it goes by itself: a system backup does, and no other.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// The table as it was.
    pub table: Table,
    /// How many items it has.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Backup {
    /// `SYSTEM` if it was made of a deleted table, else `USER`.
    pub fn kind(&self) -> &'static str {
        if self.expires.is_some() { "SYSTEM" } else { "USER" }
    }

    /// Its file. The ids of system backups tell times only, which two tables can have in common.
    pub fn file(&self) -> &str {
        if self.expires.is_some() { &self.table.id } else { &self.id }
    }
}

/// A backup's name: its table and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupKey {
    /// The table.
    pub table: TableKey,
    /// The id.
    pub id: String,
}

impl BackupKey {
    /// `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/backup/ID`
    pub fn arn(&self) -> String {
        self.table.resource_arn(&format!("/backup/{}", self.id)).to_string()
    }

    /// The backup that `arn` names.
    pub fn of(arn: &str) -> Option<Self> {
        let id = arn.split_once("/backup/")?.1.to_owned();
        Some(Self { table: TableKey::of(arn)?, id })
    }

    pub(crate) fn key(&self) -> Vec<u8> {
        [keys::table(&self.table).as_slice(), b"\0", self.id.as_bytes()].concat()
    }
}

pub(crate) fn no_backup(arn: &str) -> Error {
    Error::NoBackup(format!("Backup not found: {arn}"))
}

impl Tables {
    fn path(&self, id: &str) -> PathBuf {
        // An id is ours, and has digits, letters and hyphens only.
        self.store.root().join("dynamodb").join(id)
    }

    /// Makes a backup of a table.
    ///
    /// # Errors
    /// [`Error::NoTable`].
    pub async fn back_up(&self, key: TableKey, name: String) -> Result<(BackupKey, Backup), Error> {
        let now = self.clock.now();
        let id = format!("{:014}-{}", now.0, &self.clock.uuid()[..8]);
        let path = self.path(&id);
        let (store, registry) = (self.store.clone(), self.registry.clone());
        let (of, at) = (key.clone(), path.clone());
        let write = move || {
            store.read(|snapshot| {
                let table = registry.look_up(snapshot, &of)?.filter(|table| table.loading.is_none());
                let table = table.ok_or_else(|| Error::NoTable(format!("Table not found: {}", of.name)))?;
                load::write(&at, snapshot, &table)?;
                let (items, bytes) = contents::counted(snapshot, table.place)?;
                Ok::<_, Error>((table, items, bytes))
            })
        };
        let (table, items, bytes) = blocking(write).await?;
        let table = Arc::unwrap_or_clone(table);
        let backup = Backup { id: id.clone(), name, created: now, expires: None, table, items, bytes };
        let (key, kept) = (BackupKey { table: key, id }, backup.clone());
        let place = key.key();
        self.store.transact(move |tx: &mut Tx<'_>| Ok::<_, Error>(tx.save(BACKUP, &place, &kept)?)).await?;
        Ok((key, backup))
    }

    /// A backup.
    ///
    /// # Errors
    /// [`Error::NoBackup`].
    pub fn backup(&self, key: &BackupKey) -> Result<Backup, Error> {
        self.store.read(|snapshot| snapshot.load(BACKUP, &key.key())?.ok_or_else(|| no_backup(&key.arn())))
    }

    /// The backups of an account in a region, the oldest of each table first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn backups(&self, account: &AccountId, region: &Region) -> Result<Vec<(BackupKey, Backup)>, Error> {
        let scope = keys::scope(account, region);
        let found = self.store.read(|snapshot| snapshot.load_prefix::<Backup>(BACKUP, &scope))?;
        let entry = |(key, backup): (Vec<u8>, Backup)| {
            let at = key.iter().rposition(|byte| *byte == 0)?;
            let table = keys::table_of(key.get(..at)?)?;
            Some((BackupKey { table, id: backup.id.clone() }, backup))
        };
        Ok(found.into_iter().filter_map(entry).collect())
    }

    /// Deletes a backup.
    ///
    /// # Errors
    /// [`Error::NoBackup`], [`Error::Validation`] if it goes by itself.
    pub async fn delete_backup(&self, key: &BackupKey) -> Result<Backup, Error> {
        let of = key.clone();
        let delete = move |tx: &mut Tx<'_>| {
            let backup: Backup = tx.load(BACKUP, &of.key())?.ok_or_else(|| no_backup(&of.arn()))?;
            if let Some(expires) = backup.expires {
                return Err(Error::request(format!(
                    "User is not allowed to delete the system backup with arn {}. It will automatically expire on {}",
                    of.arn(),
                    expires.to_iso_text()
                )));
            }
            tx.delete(BACKUP, &of.key());
            Ok::<_, Error>(backup)
        };
        let backup = self.store.transact(delete).await?;
        load::sweep(&self.store, |name| name == backup.file())?;
        Ok(backup)
    }

    /// Makes the table `target` of a backup.
    ///
    /// # Errors
    /// [`Error::NoBackup`], [`Error::TableExists`].
    pub async fn restore_backup(&self, key: &BackupKey, target: TableKey, other: Overrides) -> Result<(), Error> {
        let backup = self.backup(key)?;
        let restored = (Some(key.arn()), key.table.arn().to_string(), backup.created);
        let loading = Loading { file: backup.file().to_owned(), offset: 0, is_shared: true };
        let table = Table { restored: Some(restored), ..backup.table };
        self.begin_loading(target, table, other, loading, Some(key)).await
    }

    /// Makes the table `target` of what `source` was at `at`; now, if nothing is said.
    ///
    /// # Errors
    /// [`Error::NoTable`], [`Error::TableExists`], [`Error::Other`] if its changes are not kept, or not since then.
    pub async fn restore_past(
        &self,
        source: TableKey,
        target: TableKey,
        at: Option<Timestamp>,
        other: Overrides,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let at = at.unwrap_or(now);
        let id = format!("{:014}-{}", now.0, &self.clock.uuid()[..8]);
        let (store, registry, path) = (self.store.clone(), self.registry.clone(), self.path(&id));
        let (of, scratch) = (source.clone(), self.path(&format!("{id}-past")));
        let write = move || {
            store.read(|snapshot| {
                let table = registry.look_up(snapshot, &of)?;
                let table = table.ok_or_else(|| Error::NoTable(format!("Table not found: {}", of.name)))?;
                let history = table.history.as_ref().ok_or_else(|| unavailable(&of.name))?;
                let at = history.moment(at, now).ok_or_else(|| out_of_bounds(history, at, now))?;
                let mut writer = load::Writer::create(&path)?;
                let past = Past { snapshot, table: &table, history, scratch: &scratch };
                past.items(at, |key, item| writer.put(&key.0, item))?;
                writer.finish(&path)?;
                Ok((table, at))
            })
        };
        let (table, at) = blocking(write).await?;
        let restored = Some((None, source.arn().to_string(), at));
        let table = Table { restored, ..Arc::unwrap_or_clone(table) };
        let loading = Loading { file: id.clone(), offset: 0, is_shared: false };
        let begun = self.begin_loading(target, table, other, loading, None).await;
        if begun.is_err() {
            load::sweep(&self.store, |name| name == id)?;
        }
        begun
    }

    /// Makes a table like `table`, which is filled from a file by the upkeep; from that of `backup`, if it is still there.
    pub(crate) async fn begin_loading(
        &self,
        key: TableKey,
        table: Table,
        other: Overrides,
        loading: Loading,
        backup: Option<&BackupKey>,
    ) -> Result<(), Error> {
        create::check_name(&key.name)?;
        let (id, registry) = (self.clock.uuid(), self.registry.clone());
        let backup = backup.cloned();
        let begin = move |tx: &mut Tx<'_>| {
            // Deleted since it was looked up, it has no file any more.
            if let Some(backup) = &backup
                && tx.get(BACKUP, &backup.key())?.is_none()
            {
                return Err(no_backup(&backup.arn()));
            }
            if let Some(table) = registry.look_up(tx, &key)? {
                return Err(taken(&key, &table));
            }
            let mut table = overridden(table.clone(), &other, tx.now())?;
            table.id.clone_from(&id);
            table.place = next_number(tx)?;
            table.created = tx.now();
            for index in &mut table.indexes {
                index.place = next_number(tx)?;
                index.phase = Phase::Active;
            }
            table.loading = Some(loading.clone());
            save(tx, &key, &table)?;
            upkeep::fill_later(tx, &key);
            Ok(())
        };
        self.store.transact(begin).await
    }
}

/// What is said of a name that a table has already; one that is still being restored from a backup is in use.
fn taken(key: &TableKey, table: &Table) -> Error {
    match (&table.loading, &table.restored) {
        (Some(_), Some((Some(backup), ..))) => Error::Other(
            "TableInUseException",
            format!("Table: {} is already being restored from backup: {backup}", key.name),
        ),
        _ => Error::TableExists(key.name.clone()),
    }
}

fn out_of_bounds(history: &History, at: Timestamp, now: Timestamp) -> Error {
    // To the second, as clients say times.
    let text = |at: Timestamp| Timestamp(at.0.div_euclid(1000) * 1000).to_iso_text().replace(".000Z", "Z");
    Error::Other(
        "InvalidRestoreTimeException",
        format!(
            "RestoreDateTime '{}' must be within EarliestRestorableDateTime '{}' and LatestRestorableDateTime '{}'",
            text(at),
            text(history.earliest(now)),
            text(now)
        ),
    )
}

fn unavailable(name: &str) -> Error {
    Error::Other(
        "PointInTimeRecoveryUnavailableException",
        format!("Point in time recovery is not enabled for table '{name}'"),
    )
}

/// Runs what takes a while on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::Panicked(error.to_string()).into()))
}
