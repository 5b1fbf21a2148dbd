//! Files of items: what backups are, and what tables are filled from that are restored or imported.
//!
//! A file is a sequence of entries, each an item's key and the item, both behind their lengths (4 bytes each). It is synced before anything
//! refers to it. A table that is being filled keeps how far it is in its own transactions, so that it goes on there after a crash.

use crate::backup::{BACKUP, Backup};
use crate::changes::Author;
use crate::deleted::SAVING;
use crate::keys::ItemKey;
use crate::registry::{self, Registry, save};
use crate::schema::{Table, TableKey};
use crate::value::Item;
use crate::{Error, contents, keys, write};
use fogbank_store::{Entry, Error as StoreError, Read, Snapshot, Store, Tx};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek, SeekFrom, Write as _};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// Items that one transaction enters.
const AT_ONCE: usize = 200;
/// Bytes of them, so that nobody waits long for it.
const BYTES: u64 = 4 << 20;

/// How far a table is filled, from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loading {
    /// The file's name.
    pub file: String,
    /// Where the next entry begins in it.
    pub offset: u64,
    /// Whether the file is a backup, which stays.
    pub is_shared: bool,
}

fn disk(error: impl std::fmt::Display) -> Error {
    StoreError::Disk(error.to_string()).into()
}

/// A file that is being written.
pub(crate) struct Writer {
    file: BufWriter<File>,
}

impl Writer {
    pub fn create(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder).map_err(disk)?;
        Ok(Self { file: BufWriter::new(File::create(path).map_err(disk)?) })
    }

    pub fn put(&mut self, key: &[u8], item: &[u8]) -> Result<(), Error> {
        for part in [key, item] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.file.write_all(&length.to_be_bytes()).and_then(|()| self.file.write_all(part)).map_err(disk)?;
        }
        Ok(())
    }

    /// A file without a name, which is gone with the process; [`Writer::read`] reads it.
    pub fn nameless(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder).map_err(disk)?;
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path).map_err(disk)?;
        std::fs::remove_file(path).map_err(disk)?;
        Ok(Self { file: BufWriter::new(file) })
    }

    /// What was written, from the beginning.
    pub fn read(self) -> Result<BufReader<File>, Error> {
        let mut file = self.file.into_inner().map_err(disk)?;
        file.rewind().map_err(disk)?;
        Ok(BufReader::new(file))
    }

    /// Returns once the file is on disk.
    pub fn finish(self, path: &Path) -> Result<(), Error> {
        let file = self.file.into_inner().map_err(disk)?;
        file.sync_all().map_err(disk)?;
        let folder = path.parent().unwrap_or(path);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk)
    }
}

/// Writes a table's items to a file.
pub(crate) fn write(path: &Path, snapshot: &Snapshot, table: &Table) -> Result<(), Error> {
    let mut writer = Writer::create(path)?;
    for entry in items(snapshot, table, (0, 1))? {
        let (key, item) = entry?;
        writer.put(&key.0, &item)?;
    }
    writer.finish(path)
}

/// The items of one of several segments of a table, one after another, as they are stored.
pub(crate) fn items<'a>(
    snapshot: &'a Snapshot,
    table: &Table,
    segment: (u64, u64),
) -> Result<impl Iterator<Item = Result<(ItemKey, Vec<u8>), Error>> + use<'a>, Error> {
    let (from, to) = keys::segment(table.place, segment);
    let all = snapshot.range(keys::ITEM, Bound::Included(&from), Bound::Excluded(&to))?;
    Ok(all.map(|entry| {
        let (key, item) = entry?;
        Ok((ItemKey(key.get(8..).unwrap_or_default().to_vec()), item))
    }))
}

/// Fills the table `key` to its end.
pub(crate) async fn run(store: &Store, registry: &Arc<Registry>, key: &TableKey) -> Result<(), Error> {
    loop {
        let table = store.read(|snapshot| registry.look_up(snapshot, key))?;
        let Some(loading) = table.and_then(|table| table.loading.clone()) else { return Ok(()) };
        let path = store.root().join("dynamodb").join(&loading.file);
        let (from, offset) = (path.clone(), loading.offset);
        let (items, next, is_last) = crate::backup::blocking(move || read(&from, offset)).await?;
        let file = loading.file.clone();
        let (tables, of) = (registry.clone(), key.clone());
        let enter = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            // Deleted since, or another table of the name, or one that is further by now.
            let Some(table) = tables.look_up(tx, &of)?.filter(|table| table.loading.as_ref() == Some(&loading)) else {
                return Ok(());
            };
            for item in &items {
                let Some(at) = ItemKey::of(&table.keys, item) else { continue };
                let old = contents::item(tx, &table, &at)?;
                contents::change(tx, &table, &at, (old.as_ref(), Some(item)), Author::Caller)?;
            }
            let mut table = Arc::unwrap_or_clone(table);
            table.loading = (!is_last).then(|| Loading { offset: next, ..loading.clone() });
            save(tx, &of, &table)
        };
        store.transact(enter).await?;
        let table = store.read(|snapshot| registry.look_up(snapshot, key))?;
        if table.is_none_or(|table| table.loading.is_none()) {
            // A backup's file stays for as long as the backup does.
            sweep(store, |name| name == file)?;
        }
    }
}

/// Removes the files that `which` names, and nothing refers to.
pub(crate) fn sweep(store: &Store, which: impl Fn(&str) -> bool) -> Result<(), Error> {
    let used = store.read(|snapshot| {
        let mut backups = snapshot.load_prefix::<Backup>(BACKUP, &[])?;
        backups.extend(snapshot.load_prefix::<Backup>(SAVING, &[])?);
        let backups = backups.into_iter().map(|(_, backup)| backup.file().to_owned());
        let tables = registry::all(snapshot)?.into_iter().filter_map(|(_, table)| Some(table.loading?.file));
        Ok::<_, Error>(backups.chain(tables).collect::<BTreeSet<String>>())
    })?;
    let Ok(files) = std::fs::read_dir(store.root().join("dynamodb")) else { return Ok(()) };
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if which(&name) && !used.contains(&name) {
            drop(std::fs::remove_file(file.path()));
        }
    }
    Ok(())
}

/// The next entries of a file, where those after them begin, and whether there are none.
fn read(path: &Path, offset: u64) -> Result<(Vec<Item>, u64, bool), Error> {
    let mut file = BufReader::new(File::open(path).map_err(disk)?);
    file.seek(SeekFrom::Start(offset)).map_err(disk)?;
    let (mut items, mut next) = (Vec::new(), offset);
    while items.len() < AT_ONCE && next - offset < BYTES {
        let Some((key, item)) = entry(&mut file)? else { return Ok((items, next, true)) };
        next += 8 + (key.len() + item.len()) as u64;
        items.push(contents::decode(&item)?);
    }
    Ok((items, next, false))
}

/// The next entry of a file.
pub(crate) fn entry(file: &mut BufReader<File>) -> Result<Option<Entry>, Error> {
    let Some(key) = part(file)? else { return Ok(None) };
    Ok(Some((key, part(file)?.unwrap_or_default())))
}

fn part(file: &mut BufReader<File>) -> Result<Option<Vec<u8>>, Error> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(disk(error)),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > 2 * write::LARGEST_STORED {
        return Err(disk("a file of items is damaged"));
    }
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes).map_err(disk)?;
    Ok(Some(bytes))
}
