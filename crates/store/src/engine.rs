//! The ordered map on disk: a redb file, and a log before it. A commit is written to the log, which is one short write, and then becomes visible
//! in the map, which gets to the disk later and in one go: when the log is full, or when there is nothing else to do. Called by the committer alone.
//!
//! Invariants:
//! - What a reader sees is on disk: a commit is visible only when its record is synced.
//! - The map on disk says up to which record it has everything, so a record is never lost and never applied before its predecessors.

use crate::Error;
use crate::log::{Log, Record, Round};
use crate::read::Readers;
use crate::tx::{Changes, WriteTable};
use fogbank_model::Clock;
use redb::backends::FileBackend;
use redb::{Database, Durability, ReadableDatabase, StorageBackend, TableDefinition, TableError, WriteTransaction};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The one map. Tables are prefixes of its keys.
pub(crate) const DATA: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("data");

/// What the engine itself remembers.
const ENGINE: TableDefinition<'static, &'static str, u64> = TableDefinition::new("engine");

/// The number of the last record of the log that the map's file holds.
const SETTLED: &str = "settled";

/// What the checksums of the records after that one begin with.
const SALT: &str = "salt";

/// Memory for pages, in bytes. Small, so that an idle platform stays small; the kernel caches the file as well.
const CACHE_BYTES: usize = 16 << 20;

/// Where the map and its log are kept.
pub(crate) enum Source {
    /// In files of this directory, made if they are not there.
    Directory(PathBuf),
    /// On a test's disk, which fails or forgets as the test says.
    #[cfg(test)]
    Disk(crate::tests::Disk),
}

impl Source {
    fn open(&self) -> Result<(Database, Box<dyn StorageBackend>), Error> {
        let mut builder = redb::Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        match self {
            Self::Directory(root) => {
                let (map, log) = (root.join("store.redb"), root.join("store.log"));
                let open = |path: &Path| {
                    let mut options = std::fs::OpenOptions::new();
                    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
                    let file = opened.map_err(|error| Error::disk(format!("{}: {error}", path.display())))?;
                    FileBackend::new(file).map_err(Error::disk)
                };
                let file = builder.create_with_backend(open(&map)?);
                let file = file.map_err(|error| Error::disk(format!("{}: {error}", map.display())))?;
                Ok((file, Box::new(open(&log)?)))
            }
            #[cfg(test)]
            Self::Disk(disk) => {
                let map = builder.create_with_backend(disk.map.clone()).map_err(Error::disk)?;
                Ok((map, Box::new(disk.log.clone())))
            }
        }
    }
}

/// The open map and its log.
pub(crate) struct Engine {
    database: Arc<Database>,
    log: Log,
    readers: Arc<Readers>,
    clock: Arc<dyn Clock>,
}

/// One commit in the making.
pub(crate) struct Group<'t> {
    table: WriteTable<'t>,
    record: Record,
    broken: Option<Error>,
}

impl<'t> Group<'t> {
    /// What the transactions before have left.
    pub(crate) fn table(&self) -> &WriteTable<'t> {
        &self.table
    }

    /// Takes the changes of one transaction in.
    ///
    /// # Errors
    /// [`Error::Disk`]; the whole group then fails.
    pub(crate) fn apply(&mut self, changes: &Changes) -> Result<(), Error> {
        self.record.add(changes);
        let applied = write(&mut self.table, changes);
        self.broken = self.broken.take().or_else(|| applied.clone().err());
        applied
    }

    /// Lets go of the table, for the commit.
    fn close(self) -> Result<Record, Error> {
        self.broken.map_or(Ok(self.record), Err)
    }
}

fn write(table: &mut WriteTable<'_>, changes: &Changes) -> Result<(), Error> {
    for (key, value) in changes {
        match value {
            Some(value) => table.insert(key.as_slice(), value.as_slice()).map(drop),
            None => table.remove(key.as_slice()).map(drop),
        }
        .map_err(Error::disk)?;
    }
    Ok(())
}

impl Engine {
    /// Opens the map, brings it up to what was logged, and lets `readers` in. Of a map that was settled once this needs no room on the disk.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Damaged`].
    pub(crate) fn open(source: &Source, readers: Arc<Readers>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let (database, file) = source.open()?;
        let round = round(&database)?;
        let (log, missing) = Log::open(file, round.unwrap_or(Round { settled: 0, salt: 0 }))?;
        let mut engine = Self { database: Arc::new(database), log, readers, clock };
        if !missing.is_empty() || round.is_none() {
            let mut transaction = engine.database.begin_write().map_err(Error::disk)?;
            let mut table = transaction.open_table(DATA).map_err(Error::disk)?;
            missing.iter().try_for_each(|changes| write(&mut table, changes))?;
            drop(table);
            match round {
                None => engine.settle_with(transaction)?,
                Some(_) => {
                    transaction.set_durability(Durability::None).map_err(Error::disk)?;
                    engine.show(transaction)?;
                }
            }
        }
        engine.readers.use_only(Some(engine.database.clone()));
        Ok(engine)
    }

    /// Commits what `work` applies to its group: on disk when this returns, and seen by readers from then on.
    ///
    /// # Errors
    /// [`Error::Disk`]. The engine must then be opened again, which shows what was committed.
    pub(crate) fn commit(&mut self, work: impl FnOnce(&mut Group<'_>)) -> Result<(), Error> {
        let mut transaction = self.database.begin_write().map_err(Error::disk)?;
        let table = transaction.open_table(DATA).map_err(Error::disk)?;
        let mut group = Group { table, record: Record::default(), broken: None };
        work(&mut group);
        let record = group.close()?;
        if record.is_empty() {
            // What the group has seen is on disk already.
            return transaction.abort().map_err(Error::disk);
        }
        if !self.log.has_room(&record) {
            return self.settle_with(transaction);
        }
        self.log.append(record)?;
        transaction.set_durability(Durability::None).map_err(Error::disk)?;
        self.show(transaction)
    }

    /// Whether the map's file is behind the log.
    pub(crate) fn is_settled(&self) -> bool {
        self.log.is_empty()
    }

    /// Brings the map's file up to the log, which is then empty.
    ///
    /// # Errors
    /// [`Error::Disk`]. The engine must then be opened again.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let transaction = self.database.begin_write().map_err(Error::disk)?;
        self.settle_with(transaction)
    }

    fn settle_with(&mut self, mut transaction: WriteTransaction) -> Result<(), Error> {
        let mut salt = [0; 4];
        self.clock.random(&mut salt);
        let salt = u32::from_le_bytes(salt);
        let mut table = transaction.open_table(ENGINE).map_err(Error::disk)?;
        table.insert(SETTLED, self.log.last()).map_err(Error::disk)?;
        table.insert(SALT, u64::from(salt)).map_err(Error::disk)?;
        drop(table);
        // Costs little once in a while, and spares a walk through the whole file after a crash.
        transaction.set_quick_repair(true);
        self.show(transaction)?;
        self.log.restart(salt);
        Ok(())
    }

    fn show(&self, transaction: WriteTransaction) -> Result<(), Error> {
        self.readers.forget_newest();
        let committed = transaction.commit().map_err(Error::disk);
        self.readers.forget_newest();
        committed
    }
}

/// The round of the log that goes on where the map's file ends; `None` of a map that was never settled.
fn round(database: &Database) -> Result<Option<Round>, Error> {
    let transaction = database.begin_read().map_err(Error::disk)?;
    let table = match transaction.open_table(ENGINE) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table.map_err(Error::disk)?,
    };
    let number = |name: &str| Ok::<_, Error>(table.get(name).map_err(Error::disk)?.map_or(0, |number| number.value()));
    Ok(Some(Round { settled: number(SETTLED)?, salt: number(SALT)? as u32 }))
}
