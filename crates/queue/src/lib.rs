//! Queues, as SQS has them: standard and FIFO.
//!
//! The API in `sqs/` is the only place that knows the wire. Other parts of the platform send within their own transaction with
//! [`Queues::send_in`], and receive with [`Queues::receive`], [`Queues::delete_messages`] and [`Queues::change_visibility`].
//! The keys in the store are listed in `keys.rs`; what happens to a message is in `contents.rs`.
//!
//! Invariants:
//! - What was acknowledged is on disk; every change of a message, its indices and the counters is one transaction.
//! - No operation's cost depends on how many messages wait.
//! - In a FIFO queue no message of a group is received while another one of the group is in flight.

mod acknowledge;
mod attributes;
mod contents;
mod create;
mod deliver;
mod digest;
mod error;
mod keys;
mod memory;
mod model;
mod move_task;
mod permission;
mod receipt;
mod receive;
mod redrive;
mod remove;
mod send;
mod settings;
mod signed;
pub mod sqs;
mod sweep;

pub use acknowledge::Hide;
pub use attributes::Attributes;
pub use error::Error;
pub use model::{Counts, Draft, Message, Queue, QueueKey, Receive, Received, Sender, Sent};
pub use move_task::{MoveStatus, MoveTask};
pub use redrive::{AllowPolicy, Redrive};

use fogbank_delivery::Signer;
use fogbank_model::{AccountId, Clock, Region};
use fogbank_store::{Error as StoreError, Read, Store};
use receipt::Secret;
use std::sync::Arc;
use tokio::task::JoinSet;

/// All queues of the platform.
pub struct Queues {
    store: Store,
    clock: Arc<dyn Clock>,
    secret: Secret,
    signer: Arc<Signer>,
    /// They end with this.
    _workers: JoinSet<()>,
}

impl Queues {
    /// Opens the queues that are in `store`; `signer` signs what receivers ask to have signed. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn open(store: &Store, clock: Arc<dyn Clock>, signer: Arc<Signer>) -> Result<Arc<Self>, Error> {
        let secret = store.secret(keys::SECRET, &[]).await?;
        let mut workers = JoinSet::new();
        workers.spawn(sweep::work(store.clone(), clock.clone()));
        workers.spawn(move_task::work(store.clone(), clock.clone()));
        Ok(Arc::new(Self { store: store.clone(), clock, secret, signer, _workers: workers }))
    }
}

/// The queue called `key`, if there is one.
fn lookup(read: &impl Read, key: &QueueKey) -> Result<Option<Queue>, StoreError> {
    read.load(keys::QUEUE, &keys::queue(key))
}

/// The queue called `key`.
fn find(read: &impl Read, key: &QueueKey) -> Result<Queue, Error> {
    lookup(read, key)?.ok_or(Error::NoQueue)
}

/// All queues of an account in a region, in the order of their names.
fn queues_of(read: &impl Read, account: &AccountId, region: &Region) -> Result<Vec<(QueueKey, Queue)>, StoreError> {
    let found = read.scan_prefix(keys::QUEUE, &keys::scope(account, region), usize::MAX)?;
    let entry = |(key, bytes): (Vec<u8>, Vec<u8>)| {
        let queue = serde_json::from_slice(&bytes)
            .map_err(|error| StoreError::Damaged { table: keys::QUEUE.0, why: error.to_string() })?;
        Ok(keys::queue_of(&key).map(|key| (key, queue)))
    };
    found.into_iter().filter_map(|found| entry(found).transpose()).collect()
}

#[cfg(test)]
mod tests;
