//! The transactional store that every service keeps its state in: an ordered map, work queues over it, and content-addressed
//! blobs beside it.
//!
//! A service changes its state in [`Store::transact`]: a plain synchronous closure over a [`Tx`]. All of its writes and the
//! messages it enqueues become visible and durable together, or not at all. When the returned future resolves, the change is
//! on disk. Reads that change nothing go through [`Store::read`] and see one committed state.
//!
//! Invariants:
//! - Closures run one after another, so histories are serialisable. A closure may run again; it must not have effects of its own.
//! - Many closures share one sync (group commit); a closure that fails leaves nothing behind and disturbs no neighbour.
//! - One process per directory: [`Store::open`] refuses a second one.

mod blob;
mod commit;
mod directory;
mod engine;
mod error;
mod log;
mod queue;
mod read;
mod tx;

pub use blob::Blobs;
pub use error::Error;
pub use queue::{Claimed, Receipt};
pub use read::{Entry, Read, Snapshot};
pub use tx::Tx;

use commit::Committer;
use fogbank_model::Clock;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Names one ordered map within the store. By convention `SERVICE.NOUN`, such as `functions.alias`; it must not hold a zero byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table(pub &'static str);

impl Table {
    /// The key of `key` of this table in the one map underneath.
    fn key(self, key: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), &[0], key].concat()
    }

    /// The length of what [`Table::key`] puts in front.
    fn prefix_len(self) -> usize {
        self.0.len() + 1
    }
}

/// Wakers beyond this are looked through for ones that nobody holds any more, so that queues that come and go leave nothing.
const WAKERS_KEPT: usize = 256;

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    committer: Committer,
    blobs: Blobs,
    clock: Arc<dyn Clock>,
    wakers: Mutex<HashMap<String, Arc<Notify>>>,
    root: PathBuf,
    _lock: Option<directory::Lock>,
}

impl Store {
    /// Opens the store in `root`, making it if there is none.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process has it, [`Error::Format`] if a newer Fogbank wrote it, [`Error::Disk`] otherwise.
    pub fn open(root: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let lock = directory::Lock::take(root)?;
        directory::check_format(root)?;
        let committer = Committer::start(engine::Source::Directory(root.into()), clock.clone())?;
        let blobs = Blobs::open(root.join("blobs"))?;
        // The names of what was made just now; the engine syncs contents only.
        std::fs::File::open(root).and_then(|directory| directory.sync_all()).map_err(Error::disk)?;
        Ok(Self::assemble(committer, blobs, clock, root, Some(lock)))
    }

    fn assemble(
        committer: Committer,
        blobs: Blobs,
        clock: Arc<dyn Clock>,
        root: &Path,
        lock: Option<directory::Lock>,
    ) -> Self {
        let wakers = Mutex::default();
        Self { inner: Arc::new(Inner { committer, blobs, clock, wakers, root: root.into(), _lock: lock }) }
    }

    /// Runs `change` in a transaction and waits until it is on disk. If `change` fails, nothing of it is kept.
    ///
    /// # Errors
    /// What `change` returned, or [`Error::Disk`] if the disk did not take it, or did not say whether it has.
    pub async fn transact<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, woken) = self.inner.committer.submit(change, self.inner.clock.now()).await?;
        self.wake(&woken);
        answer
    }

    /// Runs `look` over one committed state, on the calling thread.
    ///
    /// # Errors
    /// What `look` returned, or [`Error::Disk`].
    pub fn read<T, E: From<Error>>(&self, look: impl FnOnce(&Snapshot) -> Result<T, E>) -> Result<T, E> {
        let newest = self.inner.committer.snapshot()?;
        look(&newest)
    }

    /// Notified whenever something is put into the work queue `queue`. Register before claiming, so that nothing is missed.
    pub fn arrivals(&self, queue: &str) -> Arc<Notify> {
        let mut wakers = self.inner.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        if wakers.len() >= WAKERS_KEPT {
            wakers.retain(|_, waker| Arc::strong_count(waker) > 1);
        }
        wakers.entry(queue.to_owned()).or_default().clone()
    }

    fn wake(&self, queues: &[String]) {
        let wakers = self.inner.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        for waker in queues.iter().filter_map(|queue| wakers.get(queue)) {
            waker.notify_waiters();
        }
    }

    /// The secret under `key`, made the first time that somebody asks for it, so that what was signed with it can be checked after a restart.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Damaged`].
    pub async fn secret(&self, table: Table, key: &'static [u8]) -> Result<[u8; 32], Error> {
        let mut fresh = [0; 32];
        self.inner.clock.random(&mut fresh);
        let keep = move |tx: &mut Tx<'_>| match tx.get(table, key)? {
            Some(kept) => kept.try_into().map_err(|_| Error::Damaged { table: table.0, why: "not 32 bytes".into() }),
            None => {
                tx.put(table, key, fresh);
                Ok(fresh)
            }
        };
        self.transact(keep).await
    }

    /// Large immutable content, such as code packages.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// The data directory, for what is derived from the store and can be rebuilt, such as unpacked code.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }
}

#[cfg(test)]
mod tests;
