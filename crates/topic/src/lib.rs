//! Topics, as SNS has them: standard and FIFO.
//!
//! The API in `sns/` is the only place that knows the wire. Other parts of the platform publish within their own transaction with
//! [`Topics::deliver_in`]. The keys in the store are listed in `keys.rs`.
//!
//! A published message is on disk in every queue and with every function that is subscribed when its publishing is acknowledged: they are given
//! it in the publishing transaction (`deliver.rs`), through [`Deliver`]. A topic with many subscriptions serves the first ones so, and the rest as
//! work (`fan_out.rs`) that the same transaction puts on record. For HTTP endpoints the transaction fills an outbox (`outbox.rs`), which is emptied
//! with retries (`post.rs`).
//!
//! Invariants:
//! - What was acknowledged reaches every confirmed subscription whose filter takes it, or its dead-letter queue.
//! - In a FIFO topic messages of a group reach each queue in the order of their sequence numbers.
//! - A slow HTTP endpoint holds up its own messages only.

mod attributes;
mod create;
mod deliver;
mod error;
mod fan_out;
mod filter;
mod keys;
mod memory;
mod mobile;
mod model;
mod notice;
mod outbox;
mod permission;
mod post;
mod publish;
mod retry;
mod signing;
mod sms;
pub mod sns;
mod subscribe;
mod subscription_attributes;

pub use error::Error;
pub use filter::{FilterPolicy, Scope};
pub use model::{Draft, Protocol, Published, Subscription, SubscriptionKey, Texts, Topic, TopicKey};
pub use retry::DeliveryPolicy;
pub use subscribe::{Subscribed, Wish};

use fan_out::FanOut;
use fogbank_delivery::{Deliver, Worker};
use fogbank_model::Clock;
use fogbank_store::{Error as StoreError, Read, Store};
use outbox::Outbox;
use signing::Signer;
use std::sync::{Arc, Mutex};

/// All topics of the platform.
pub struct Topics {
    store: Store,
    clock: Arc<dyn Clock>,
    deliver: Arc<dyn Deliver>,
    signer: Arc<Signer>,
    work: Mutex<Option<Running>>,
}

/// What goes on in the background, until it is dropped.
struct Running {
    _workers: [Worker; 2],
    _fan_out: Arc<FanOut>,
    _outbox: Arc<Outbox>,
}

impl Topics {
    /// Opens the topics that are in `store`. To be called within a Tokio runtime; [`Self::start`] begins the work that was left.
    pub fn open(store: &Store, clock: Arc<dyn Clock>, deliver: Arc<dyn Deliver>) -> Arc<Self> {
        let signer = Arc::new(Signer::over(store.clone(), clock.clone()));
        Arc::new(Self { store: store.clone(), clock, deliver, signer, work: Mutex::default() })
    }

    /// Begins to serve large topics and HTTP endpoints. To be called once everything is there that messages are delivered to.
    pub fn start(&self) {
        let fan_out = Arc::new(FanOut::new(self.store.clone(), self.deliver.clone(), self.signer.clone()));
        let outbox = Arc::new(Outbox::new(self.store.clone(), self.clock.clone(), self.deliver.clone()));
        let workers = [
            Worker::start(self.store.clone(), self.clock.clone(), &fan_out),
            Worker::start(self.store.clone(), self.clock.clone(), &outbox),
        ];
        let running = Running { _workers: workers, _fan_out: fan_out, _outbox: outbox };
        *self.work.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(running);
    }

    /// The certificate that notifications are verified with, in PEM, if `path` is where it is served.
    pub fn certificate(&self, path: &str) -> Option<String> {
        self.signer.certificate(path)
    }
}

/// The topic called `key`, if there is one.
fn lookup(read: &impl Read, key: &TopicKey) -> Result<Option<Topic>, StoreError> {
    read.load(keys::TOPIC, &keys::topic(key))
}

/// The topic called `key`.
fn find(read: &impl Read, key: &TopicKey) -> Result<Topic, Error> {
    lookup(read, key)?.ok_or(Error::NotFound("Topic"))
}

#[cfg(test)]
mod tests;
