//! Schedules, as EventBridge Scheduler has them: something is delivered to a target at a time, or again and again.
//!
//! A schedule's next firing is a message on a work queue of the store that is due at that time. What is done with it (the delivery, the next firing's
//! message, the removal of a schedule that is over) is committed together with its end, so every due firing happens exactly once, also
//! across a restart. One that was missed while the platform was down happens when it is up again, unless it is older than the schedule's
//! `MaximumEventAgeInSeconds`. The API in `scheduler/` is the only place that knows the wire.
//!
//! Tables: `schedule.schedule` = account, region, group, name -> [`Schedule`]; `schedule.group` = account, region, name -> [`Group`].

mod error;
mod fire;
mod groups;
mod model;
pub mod scheduler;
mod schedules;

pub use error::Error;
pub use model::{Group, GroupKey, Schedule, ScheduleKey, Target, Wish};

use fire::Firing;
use fogbank_delivery::{Deliver, Worker};
use fogbank_model::{AccountId, Clock, Region};
use fogbank_store::{Store, Table};
use std::sync::Arc;

const SCHEDULE: Table = Table("schedule.schedule");
const GROUP: Table = Table("schedule.group");
/// The work queue of firings.
const DUE: &str = "schedule.due";

/// All schedules of the platform.
pub struct Schedules {
    store: Store,
    clock: Arc<dyn Clock>,
    _firing: Arc<Firing>,
    _worker: Worker,
}

impl Schedules {
    /// Opens the schedules that are in `store`, and begins with what is due. To be called within a Tokio runtime.
    pub fn open(store: &Store, clock: Arc<dyn Clock>, deliver: Arc<dyn Deliver>) -> Arc<Self> {
        let firing = Arc::new(Firing { clock: clock.clone(), deliver });
        let worker = Worker::start(store.clone(), clock.clone(), &firing);
        Arc::new(Self { store: store.clone(), clock, _firing: firing, _worker: worker })
    }
}

/// The beginning of the keys of an account's part of a region.
fn scope(account: &AccountId, region: &Region) -> Vec<u8> {
    [account.as_str().as_bytes(), region.as_str().as_bytes(), b""].join(&0)
}

#[cfg(test)]
mod tests;
