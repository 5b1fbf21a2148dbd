//! System backups: what was in a deleted table whose changes were kept ("Delete a table with PITR enabled" in the Developer Guide).
//!
//! A deletion only leaves its table's items where they are, and says so. The upkeep writes them to a file, and shows the backup once that
//! is on disk; nobody can change them meanwhile, so the backup is the table as it was in the deleting transaction. Nobody can delete it.

use crate::backup::{BACKUP, Backup, BackupKey, blocking};
use crate::schema::{Table, TableKey};
use crate::{Error, contents, load, upkeep};
use fogbank_model::Timestamp;
use fogbank_store::{Read, Store, Table as Map, Tx};
use std::time::Duration;

/// Backups whose items are still where their tables had them, under the keys that they are going to have.
pub(crate) const SAVING: Map = Map("dynamodb.saving");
/// How long a system backup is kept.
const KEPT: Duration = Duration::from_secs(35 * 24 * 3600);

/// Begins a backup of a table that is being deleted; whether its items are needed for that.
pub(crate) fn keep(tx: &mut Tx<'_>, of: &TableKey, table: &Table) -> Result<bool, Error> {
    if table.history.is_none() || table.loading.is_some() {
        return Ok(false);
    }
    let (items, bytes) = contents::counted(tx, table.place)?;
    let (created, key) = unused(tx, of)?;
    let backup = Backup {
        id: key.id.clone(),
        name: format!("{}$DeletedTableBackup", of.name),
        created,
        expires: Some(created.plus(KEPT)),
        table: table.clone(),
        items,
        bytes,
    };
    tx.save(SAVING, &key.key(), &backup)?;
    tx.wake(upkeep::WAKER);
    Ok(true)
}

/// A time, and the key of a backup with it: tables of one name can be deleted within the millisecond that an id tells.
fn unused(tx: &Tx<'_>, of: &TableKey) -> Result<(Timestamp, BackupKey), Error> {
    let mut at = tx.now();
    loop {
        let key = BackupKey { table: of.clone(), id: format!("{:014}-00000000", at.0) };
        if tx.get(SAVING, &key.key())?.is_none() && tx.get(BACKUP, &key.key())?.is_none() {
            return Ok((at, key));
        }
        at.0 += 1;
    }
}

/// Makes all backups that deletions have begun.
pub(crate) async fn save_all(store: &Store) -> Result<(), Error> {
    for (key, backup) in store.read(|snapshot| snapshot.load_prefix::<Backup>(SAVING, &[]))? {
        // One file that cannot be written must not hold up the rest of the upkeep.
        if let Err(error) = save(store, key, &backup).await {
            tracing::error!(%error, backup = backup.name, "a deleted table could not be kept; it will be tried again");
        }
    }
    Ok(())
}

async fn save(store: &Store, key: Vec<u8>, backup: &Backup) -> Result<(), Error> {
    let (from, of) = (store.clone(), backup.clone());
    let path = store.root().join("dynamodb").join(backup.file());
    blocking(move || from.read(|snapshot| load::write(&path, snapshot, &of.table))).await?;
    let backup = backup.clone();
    let show = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        tx.delete(SAVING, &key);
        tx.save(BACKUP, &key, &backup)?;
        upkeep::leave(tx, backup.table.place);
        Ok(())
    };
    store.transact(show).await
}

/// Removes the backups whose time is over.
pub(crate) async fn expire(store: &Store, now: Timestamp) -> Result<(), Error> {
    let mut all = store.read(|snapshot| snapshot.load_prefix::<Backup>(BACKUP, &[]))?;
    all.retain(|(_, backup)| backup.expires.is_some_and(|at| at <= now));
    if all.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = all.iter().map(|(key, _)| key.clone()).collect();
    let forget = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        keys.iter().for_each(|key| tx.delete(BACKUP, key));
        Ok(())
    };
    store.transact(forget).await?;
    load::sweep(store, |name| all.iter().any(|(_, backup)| backup.file() == name))
}
