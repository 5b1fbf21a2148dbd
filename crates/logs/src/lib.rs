//! Logs, as CloudWatch Logs has them: groups of streams of events.
//!
//! Lines of functions come in through [`LogSink`], which never makes the writer wait; everybody else uses the API in `cloudwatch/`,
//! the only place that knows the wire. The keys in the store are listed in `keys.rs`.
//!
//! Invariants:
//! - A read sees every line that was written before it began.
//! - Events of one stream are in the order of their times, and those of one millisecond in the order of their arrival.
//! - Lines are dropped only when the disk is far behind, and then the stream says how many.

pub mod cloudwatch;
mod deliver;
mod error;
mod filter;
mod get;
mod groups;
mod keys;
mod model;
mod pattern;
mod put;
mod retention;
mod sink;
mod streams;

pub use error::Error;
pub use filter::{Filter, Found};
pub use get::Events;
pub use model::{Group, GroupKey, LogEvent, Position, Stream};
pub use pattern::Pattern;

use fogbank_model::{Clock, LogSink, LogStream, Timestamp};
use fogbank_store::{Snapshot, Store};
use sink::Sink;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// All logs of the platform.
pub struct Logs {
    store: Store,
    clock: Arc<dyn Clock>,
    sink: Arc<Sink>,
    /// They end with this.
    workers: Mutex<JoinSet<()>>,
}

impl Logs {
    /// Begins to take lines. To be called within a Tokio runtime.
    pub fn open(store: &Store, clock: Arc<dyn Clock>) -> Arc<Self> {
        let sink = Arc::new(Sink::new(store, clock.clone()));
        let mut workers = JoinSet::new();
        workers.spawn(Sink::work(Arc::downgrade(&sink)));
        workers.spawn(retention::work(store.clone(), clock.clone()));
        Arc::new(Self { store: store.clone(), clock, sink, workers: Mutex::new(workers) })
    }

    /// Writes what is left to write, and takes no more.
    pub async fn shutdown(&self) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        if let Err(error) = self.sink.flush().await {
            tracing::error!(%error, "the last lines of the log were not written");
        }
    }

    /// Looks at one committed state that holds every line written so far, on the blocking pool.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Snapshot) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.sink.flush().await?;
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.read(look)).await?
    }
}

impl LogSink for Logs {
    fn write(&self, stream: &LogStream, at: Timestamp, message: String) {
        self.sink.write(stream, at, message);
    }
}

#[cfg(test)]
mod tests;
