//! Streams, as Kinesis has them: ordered records in shards that are split and merged.
//!
//! The API in `kinesis/` is the only place that knows the wire. Other parts of the platform write within their own transaction with
//! [`Streams::deliver_in`], and read with [`Streams::shards`], [`Streams::position`], [`Streams::read`] and [`Streams::ready`].
//! The keys in the store are listed in `keys.rs`.
//!
//! Invariants:
//! - What was acknowledged is on disk; a record and the end of its shard are one transaction.
//! - The open shards of a stream take every hash key, and each of them once.
//! - Sequence numbers grow within a shard and from a shard to its children.
//! - No operation's cost depends on how many records are kept.

mod commitment;
mod consumers;
mod create;
mod deliver;
mod error;
mod hash;
mod keys;
pub mod kinesis;
mod model;
mod pace;
mod place;
mod put;
mod read;
mod read_pace;
mod reshard;
mod settings;
mod shards;
mod subscribe;
mod sweep;
mod token;

pub use create::Make;
pub use error::Error;
pub use hash::{HashKey, HashRange};
pub use model::{
    Consumer, Counts, Distribution, Draft, Mode, Record, Shard, Stream, StreamKey, Written, shard_id, shard_number,
};
pub use place::{Place, Sequence};
pub use read::{Batch, Start};
pub use shards::Filter;
pub use subscribe::Subscription;

use fogbank_model::Clock;
use fogbank_store::{Error as StoreError, Read, Store, Tx};
use read_pace::ReadPaces;
use std::sync::Arc;
use subscribe::Subscriptions;
use token::Secret;
use tokio::task::JoinSet;

/// All streams of the platform.
pub struct Streams {
    store: Store,
    clock: Arc<dyn Clock>,
    secret: Secret,
    read_paces: ReadPaces,
    subscriptions: Subscriptions,
    /// They end with this.
    _workers: JoinSet<()>,
}

impl Streams {
    /// Opens the streams that are in `store`. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn open(store: &Store, clock: Arc<dyn Clock>) -> Result<Arc<Self>, Error> {
        let secret = store.secret(keys::SECRET, &[]).await?;
        let mut workers = JoinSet::new();
        workers.spawn(sweep::work(store.clone(), clock.clone()));
        let (read_paces, subscriptions) = (ReadPaces::default(), Subscriptions::default());
        Ok(Arc::new(Self { store: store.clone(), clock, secret, read_paces, subscriptions, _workers: workers }))
    }

    /// The stream called `key`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn stream(&self, key: &StreamKey) -> Result<Stream, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }
}

/// The stream called `key`, if there is one.
fn lookup(read: &impl Read, key: &StreamKey) -> Result<Option<Stream>, StoreError> {
    read.load(keys::STREAM, &keys::stream(key))
}

/// The stream called `key`.
fn find(read: &impl Read, key: &StreamKey) -> Result<Stream, Error> {
    let missing = || Error::NotFound(format!("Stream {} under account {} not found.", key.name, key.account));
    lookup(read, key)?.ok_or_else(missing)
}

/// A number that was never given before.
fn fresh_number(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let number = tx.get(keys::NUMBER, &[])?.and_then(|bytes| keys::number(&bytes)).unwrap_or(0) + 1;
    tx.put(keys::NUMBER, &[], keys::id(number));
    Ok(number)
}

#[cfg(test)]
mod tests;
