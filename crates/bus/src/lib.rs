//! Event buses, as EventBridge has them: rules, targets, schedules, archives, replays, API destinations.
//!
//! The API in `events/` is the only place that knows the wire. Other parts of the platform put events on a bus within their own transaction with
//! [`Buses::deliver_in`]. An event's way is in `route.rs`; the keys in the store are listed in `keys.rs`.
//!
//! Invariants:
//! - When an event is acknowledged, it is with all of its targets: it is in their queues, or in their dead-letter queues, or a call of an API
//!   destination is on record.
//! - A schedule is due once at a time: the event and the next timer are one transaction.
//! - Rules in memory are those of the store: see `rule_set.rs`.

mod archive;
mod buses;
mod call;
mod connection;
mod destination;
mod error;
mod event;
pub mod events;
mod keys;
mod model;
mod outbound;
mod page;
mod path;
mod permission;
mod put;
mod replay;
mod route;
mod rule_set;
mod rules;
mod sweep;
mod tagging;
mod targets;
mod timer;
mod transform;

pub use error::Error;
pub use model::{Bus, BusKey, Rule, RuleKey, Target};

use fogbank_delivery::{Deliver, Work, Worker};
use fogbank_model::Clock;
use fogbank_store::Store;
use rule_set::RuleSet;
use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

/// All event buses of the platform.
pub struct Buses {
    store: Store,
    clock: Arc<dyn Clock>,
    deliver: Arc<dyn Deliver>,
    rule_sets: Mutex<HashMap<BusKey, Arc<RuleSet>>>,
    /// With `stamps`, makes stamps that no process has given before.
    epoch: [u8; 16],
    stamps: AtomicU64,
    /// A worker ends with its work, so both are kept.
    workers: Mutex<Vec<(Worker, Arc<dyn Any + Send + Sync>)>>,
}

impl Buses {
    /// Opens the buses that are in `store`. What they deliver goes through `deliver`. To be called within a Tokio runtime.
    pub fn open(store: &Store, clock: Arc<dyn Clock>, deliver: Arc<dyn Deliver>) -> Arc<Self> {
        let mut epoch = [0; 16];
        clock.random(&mut epoch);
        let buses = Arc::new(Self {
            store: store.clone(),
            clock: clock.clone(),
            deliver,
            rule_sets: Mutex::default(),
            epoch,
            stamps: AtomicU64::new(0),
            workers: Mutex::default(),
        });
        buses.start(Arc::new(timer::Timers(Arc::downgrade(&buses))));
        buses.start(Arc::new(replay::Replays(Arc::downgrade(&buses))));
        buses.start(Arc::new(call::Calls::new(&buses)));
        buses.start(Arc::new(sweep::Sweeps));
        buses
    }

    /// Begins to do `work`, and keeps on until the buses are dropped.
    fn start<W: Work>(&self, work: Arc<W>) {
        let worker = Worker::start(self.store.clone(), self.clock.clone(), &work);
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push((worker, work));
    }
}

#[cfg(test)]
mod tests;
