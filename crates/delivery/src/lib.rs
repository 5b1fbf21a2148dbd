//! How a message gets from one service to another, without either knowing the other.
//!
//! What is kept on this platform (a queue, a function's asynchronous calls, a topic, a bus, a log group) takes a message within the
//! sender's own transaction, through [`Deliver`]: the sender's change and the messages that it causes are on disk together or not at all,
//! and a delivery needs no retries of its own. What is outside (an HTTP endpoint) or takes time (a function's code) is work on a
//! queue of the store, done by a [`Worker`] that goes on after a restart.
//!
//! Invariants:
//! - A delivery inside a transaction either is on disk with it, or says why its target never takes it. It does not wait.
//! - Work that was accepted is done at least once, and what follows from it is committed with its end.

mod message;
mod outbound;
mod signing;
mod worker;

pub use message::{AttributeValue, Delivery, EventHead, Forwarded, MessageAttribute, Origin, sender};
pub use outbound::{Outbound, Sender};
pub use signing::{Claims, SENDERS, Signer, is_listed};
pub use worker::{Settle, Work, Worker};

use fogbank_model::Arn;
use fogbank_store::{Error as StoreError, Tx};

/// Why a target does not take a message, now or later.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Undelivered {
    /// There is no such target.
    #[error("{0} does not exist")]
    NoTarget(String),
    /// The target refuses the message: it is too large, not JSON, or its sender is not let in.
    #[error("{0}")]
    Refused(String),
    /// The store failed; the whole transaction must fail with it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Undelivered {
    /// Parts a target's refusal, which the sender deals with, from a failure of the store, which ends the transaction.
    ///
    /// # Errors
    /// The store's.
    pub fn refusal<T>(result: Result<T, Self>) -> Result<Result<T, Self>, StoreError> {
        match result {
            Err(Self::Store(error)) => Err(error),
            other => Ok(other),
        }
    }
}

/// Takes messages for everything on this platform that has an ARN. Implemented once, at the composition root.
pub trait Deliver: Send + Sync + 'static {
    /// Gives `delivery` to `target` within the caller's transaction.
    ///
    /// # Errors
    /// [`Undelivered`]; what was written before the error counts for nothing only if the caller's transaction fails.
    fn deliver(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered>;

    /// Whether `target` is there now, for checks when something is set up.
    ///
    /// # Errors
    /// The store's.
    fn exists(&self, tx: &Tx<'_>, target: &Arn) -> Result<bool, StoreError>;
}
