//! Tables, as DynamoDB has them, with their change streams.
//!
//! The APIs in `dynamodb/` and `streams/` are the only places that know the wire. The keys in the store are listed in `keys.rs`; what
//! changes with an item is in `contents.rs`. `expression/` is pure: it knows items, and neither tables nor the store.
//!
//! Invariants:
//! - What was acknowledged is on disk. An item, its entries in indexes, the counters and the record in the change stream change in one
//!   transaction, so they agree in every state that anybody sees.
//! - Transactions are serialisable, because all writes are made one after another; a read sees one committed state.
//! - The cost of an operation on items does not depend on how many there are.

mod admission;
mod backup;
mod billing;
mod buckets;
mod capacity;
pub mod changes;
mod contents;
mod create;
mod deleted;
mod destinations;
pub mod dynamodb;
mod error;
mod export;
pub mod expression;
mod history;
mod import;
mod jobs;
mod key_schema;
mod keys;
mod load;
pub mod number;
mod on_demand;
mod overrides;
mod page;
pub mod partiql;
mod past;
mod policy;
mod query;
mod quota;
mod registry;
pub mod scaling;
pub mod schema;
mod statements;
pub mod stream;
pub mod streams;
mod tags;
#[cfg(test)]
mod tests;
mod transact;
mod update;
mod upkeep;
pub mod value;
mod warm;
mod write;

pub use buckets::{BucketError, Buckets};
pub use create::{Draft, IndexDraft};
pub use error::{Error, Reason};
pub use import::{GROUP as IMPORT_LOG_GROUP, ImportLog};
pub use number::{Number, NumberError};
pub use update::{IndexCapacity, IndexWish, Wish};
pub use value::{AttributeValue, Item, ValueError};
pub use warm::Warm;

use fogbank_delivery::Deliver;
use fogbank_model::Clock;
use fogbank_store::Store;
use registry::Registry;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// All tables of the platform.
pub struct Tables {
    store: Store,
    clock: Arc<dyn Clock>,
    registry: Arc<Registry>,
    /// They end with this.
    workers: Mutex<JoinSet<()>>,
}

impl Tables {
    /// Opens the tables that are in `store`; `deliver` takes changes to streams. To be called within a Tokio runtime.
    pub fn open(store: &Store, clock: Arc<dyn Clock>, deliver: Arc<dyn Deliver>) -> Arc<Self> {
        let registry = Arc::new(Registry::new(deliver));
        let mut workers = JoinSet::new();
        workers.spawn(upkeep::work(store.clone(), registry.clone(), clock.clone()));
        let tables = Self { store: store.clone(), clock, registry, workers: Mutex::new(workers) };
        // Before the first one is written: what nobody refers to is left over from a crash.
        if let Err(error) = load::sweep(&tables.store, |_| true) {
            tracing::warn!(%error, "files of deleted backups could not be removed");
        }
        Arc::new(tables)
    }
}
