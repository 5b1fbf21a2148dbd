//! Objects in buckets, as S3 has them.
//!
//! `s3/` speaks the wire, through the crate `s3s`; the composition root hands it requests whose bodies are not read yet ([`s3::Door`]).
//! Bodies are files (`bodies.rs`), everything else is in the store (`keys.rs`).
//!
//! Invariants:
//! - A body is on disk before the transaction that makes it visible, and that transaction also holds the notifications it causes. So what was
//!   acknowledged is readable and announced, and nothing is ever half visible.
//! - A file that no transaction refers to is removed: when its request fails, after the deletion of what referred to it, or at the next start.
//! - No operation's cost depends on how much is stored beside what it answers.

mod bodies;
mod bucket;
mod configuration;
mod cors;
mod deliver;
mod digest;
mod error;
mod insert;
mod keys;
mod lifecycle;
mod list;
mod lock;
mod lookup;
mod model;
mod notify;
mod precondition;
mod record;
mod remove;
pub mod s3;
mod tags;
mod upload;
mod within;

pub use error::Error;
pub use model::{Bucket, Version, Versioning};
pub use within::ObjectReader;

use bodies::Bodies;
use fogbank_delivery::Deliver;
use fogbank_model::{Arrivals, Clock};
use fogbank_store::{Error as StoreError, Read, Store, Tx};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// What wakes whoever removes files.
const GARBAGE: &str = "s3/garbage";
/// How many files are removed between two transactions.
const AT_ONCE: usize = 256;

/// All buckets of the platform.
pub struct Objects {
    store: Store,
    clock: Arc<dyn Clock>,
    bodies: Bodies,
    deliver: Arc<dyn Deliver>,
    /// They end with this.
    workers: Mutex<JoinSet<()>>,
}

impl Objects {
    /// Opens the buckets that are in `store`, and removes the bodies that nothing refers to. To be called within a Tokio runtime, before
    /// the first request.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn open(store: &Store, clock: Arc<dyn Clock>, deliver: Arc<dyn Deliver>) -> Result<Arc<Self>, Error> {
        let disk = |error: std::io::Error| StoreError::Disk(error.to_string());
        let bodies = Bodies::open(&store.root().join("objects")).map_err(disk)?;
        let unneeded =
            |name: &str| store.read(|state| state.get(keys::FILE, name.as_bytes())).is_ok_and(|it| it.is_none());
        bodies.sweep(|name| !unneeded(name)).map_err(disk)?;
        let mut workers = JoinSet::new();
        workers.spawn(collect(store.clone(), bodies.clone(), clock.clone()));
        let objects = Arc::new(Self { store: store.clone(), clock, bodies, deliver, workers: Mutex::new(workers) });
        let sweep = lifecycle::work(Arc::downgrade(&objects));
        objects.workers.lock().unwrap_or_else(PoisonError::into_inner).spawn(sweep);
        Ok(objects)
    }

    /// Runs `change` in a transaction.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store.transact(change).await
    }

    /// Reads one committed state.
    fn look<T>(&self, look: impl FnOnce(&fogbank_store::Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        self.store.read(look)
    }
}

/// The next number for a version or an upload.
fn number(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let last = tx.get(keys::NUMBER, &[])?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    tx.put(keys::NUMBER, &[], (last + 1).to_be_bytes());
    Ok(last + 1)
}

/// Says that something refers to the file `name` now.
fn refer(tx: &mut Tx<'_>, name: &str) {
    tx.put(keys::FILE, name.as_bytes(), []);
}

/// Says that nothing refers to the file `name` any more.
fn discard(tx: &mut Tx<'_>, name: &str) {
    tx.delete(keys::FILE, name.as_bytes());
    tx.put(keys::GARBAGE, name.as_bytes(), []);
    tx.wake(GARBAGE);
}

/// Removes the files that nothing refers to any more.
async fn collect(store: Store, bodies: Bodies, clock: Arc<dyn Clock>) {
    let mut arrivals = Arrivals::of(store.arrivals(GARBAGE));
    loop {
        match collect_some(&store, &bodies).await {
            Ok(0) => arrivals.next().await,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "bodies of deleted objects could not be removed yet");
                clock.sleep_until(clock.now().plus(std::time::Duration::from_secs(10))).await;
            }
        }
    }
}

async fn collect_some(store: &Store, bodies: &Bodies) -> Result<usize, StoreError> {
    let names = store.read(|state| state.scan_prefix(keys::GARBAGE, &[], AT_ONCE))?;
    if names.is_empty() {
        return Ok(0);
    }
    let names: Vec<Vec<u8>> = names.into_iter().map(|(name, _)| name).collect();
    let (bodies, removed) = (bodies.clone(), names.clone());
    let removal = move || removed.iter().try_for_each(|name| bodies.remove(&String::from_utf8_lossy(name)));
    let done = tokio::task::spawn_blocking(removal).await;
    done.map_err(std::io::Error::other).flatten().map_err(|error| StoreError::Disk(error.to_string()))?;
    let count = names.len();
    store
        .transact(move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            names.iter().for_each(|name| tx.delete(keys::GARBAGE, name));
            Ok(())
        })
        .await?;
    Ok(count)
}
