//! A disk in memory, which can be full, fail, and lose power.

use super::Dice;
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A disk in memory with the store's two files.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    pub(crate) map: Platter,
    pub(crate) log: Platter,
    mood: Arc<Mood>,
}

/// One file, which tells written from synced.
#[derive(Debug, Clone, Default)]
pub(crate) struct Platter {
    content: Arc<Mutex<Content>>,
    mood: Arc<Mood>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    written: Vec<u8>,
    synced: Vec<u8>,
    /// The sectors that the disk has found room for, which is when something is first written there.
    found: BTreeSet<usize>,
}

/// What the disk refuses.
#[derive(Debug, Default)]
struct Mood {
    full: AtomicBool,
    cannot_grow: AtomicBool,
    fails_to_sync: AtomicBool,
    syncs: AtomicU64,
}

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

impl Disk {
    pub(crate) fn new() -> Self {
        let mood = Arc::new(Mood::default());
        let platter = || Platter { mood: mood.clone(), ..Platter::default() };
        Self { map: platter(), log: platter(), mood }
    }

    /// What a new process finds after a power cut: what was synced, and of the rest what happened to be written.
    pub(super) fn after_power_cut(&self, dice: &Dice) -> Self {
        let found = Self::new();
        // Both at the same moment, since others may be writing.
        let (map, log) = (self.map.content.lock().unwrap(), self.log.content.lock().unwrap());
        for (old, new) in [(&*map, &found.map), (&*log, &found.log)] {
            let mut content = old.clone();
            let length = content.written.len();
            content.synced.resize(length, 0);
            for at in (0..length).step_by(SECTOR).filter(|_| dice.roll(2) == 0) {
                let sector = at..length.min(at + SECTOR);
                content.synced[sector.clone()].copy_from_slice(&content.written[sector]);
            }
            content.written = content.synced.clone();
            *new.content.lock().unwrap() = content;
        }
        found
    }

    pub(super) fn set_full(&self, full: bool) {
        self.mood.full.store(full, Ordering::SeqCst);
    }

    /// From now on what was written can be changed, and nothing be written beside it.
    pub(super) fn set_room_for_nothing_new(&self) {
        self.mood.cannot_grow.store(true, Ordering::SeqCst);
    }

    /// From now on what is written may be lost, and whoever syncs is told so.
    pub(super) fn set_failing_to_sync(&self) {
        self.mood.fails_to_sync.store(true, Ordering::SeqCst);
    }

    /// How often something was synced.
    pub(super) fn syncs(&self) -> u64 {
        self.mood.syncs.load(Ordering::SeqCst)
    }
}

impl Platter {
    fn check_room(&self) -> io::Result<()> {
        let full = self.mood.full.load(Ordering::SeqCst);
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl redb::StorageBackend for Platter {
    fn len(&self) -> io::Result<u64> {
        Ok(self.content.lock().unwrap().written.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = offset as usize;
        out.copy_from_slice(&self.content.lock().unwrap().written[at..at + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_room()?;
        let written = &mut self.content.lock().unwrap().written;
        if self.mood.cannot_grow.load(Ordering::SeqCst) && len as usize > written.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        written.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check_room()?;
        self.mood.syncs.fetch_add(1, Ordering::SeqCst);
        if self.mood.fails_to_sync.load(Ordering::SeqCst) {
            return Err(io::Error::other("the cable is loose"));
        }
        let mut content = self.content.lock().unwrap();
        content.synced = content.written.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check_room()?;
        let place = offset as usize..offset as usize + data.len();
        let content = &mut *self.content.lock().unwrap();
        let sectors = place.start / SECTOR..place.end.div_ceil(SECTOR);
        if self.mood.cannot_grow.load(Ordering::SeqCst) && !sectors.clone().all(|at| content.found.contains(&at)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.found.extend(sectors);
        content.written[place].copy_from_slice(data);
        Ok(())
    }
}
