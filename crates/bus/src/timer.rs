//! Schedules of rules. A timer is a message on a work queue that is not due yet; when it is, the rule's event and the next timer are one
//! transaction. A rule counts its timers: one that was replaced does nothing.

use crate::event::scheduled;
use crate::model::{Rule, RuleKey};
use crate::{Buses, keys};
use fogbank_delivery::{Origin, Settle, Work};
use fogbank_expressions::Schedule;
use fogbank_model::{BoxFuture, Timestamp};
use fogbank_store::{Error as StoreError, Read, Tx};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};

/// Timers whose events are made at once.
const AT_ONCE: usize = 8;

#[derive(Clone, Serialize, Deserialize)]
struct Timer {
    rule: RuleKey,
    /// Counts only while it is the rule's.
    number: u64,
    due: Timestamp,
    origin: Origin,
}

/// Sets the timer of a rule that is about to be saved, where its schedule or state has changed.
pub(crate) fn arm(
    tx: &mut Tx<'_>,
    key: &RuleKey,
    before: Option<&Rule>,
    rule: &mut Rule,
    origin: &Origin,
) -> Result<(), StoreError> {
    let effective = |rule: &Rule| rule.schedule.clone().filter(|_| rule.is_enabled());
    let wanted = effective(rule);
    if before.is_some_and(|before| effective(before) == wanted) {
        return Ok(());
    }
    rule.timer += 1;
    let Some(due) = wanted.and_then(|text| next(&text, tx.now())) else { return Ok(()) };
    set(tx, &Timer { rule: key.clone(), number: rule.timer, due, origin: origin.clone() })
}

/// When a schedule is due next. Rules know no time zone but UTC.
fn next(schedule: &str, after: Timestamp) -> Option<Timestamp> {
    Schedule::parse(schedule).ok()?.next_after(after, &TimeZone::UTC)
}

fn set(tx: &mut Tx<'_>, timer: &Timer) -> Result<(), StoreError> {
    let message = serde_json::to_vec(timer);
    let message = message.map_err(|error| StoreError::Damaged { table: keys::TIMERS, why: error.to_string() })?;
    tx.enqueue(keys::TIMERS, timer.due, &message)
}

/// Does what timers are for.
pub(crate) struct Timers(pub Weak<Buses>);

impl Work for Timers {
    fn queue(&self) -> &'static str {
        keys::TIMERS
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        let (buses, timer) = (self.0.upgrade(), serde_json::from_slice::<Timer>(&message));
        Box::pin(async move {
            match (buses, timer) {
                (Some(buses), Ok(timer)) => Settle::with(move |tx| buses.due(tx, &timer)),
                (None, _) => std::future::pending().await,
                (_, Err(error)) => {
                    tracing::error!(%error, "a damaged timer is dropped");
                    Settle::done()
                }
            }
        })
    }
}

impl Buses {
    fn due(&self, tx: &mut Tx<'_>, timer: &Timer) -> Result<(), StoreError> {
        let key = &timer.rule;
        let Some(rule) = tx.load::<Rule>(keys::RULE, &keys::rule(key))? else { return Ok(()) };
        let Some(schedule) = rule.schedule.as_deref().filter(|_| rule.is_enabled() && rule.timer == timer.number)
        else {
            return Ok(());
        };
        let event = scheduled(&self.clock.uuid(), &key.arn(), &key.bus.account, &key.bus.region, timer.due);
        self.fire(tx, key, &rule.targets, &event, &timer.origin)?;
        // What became due while the platform was not there is made up for once, not for each time.
        let due = next(schedule, timer.due);
        let due = due.filter(|due| *due > tx.now()).or_else(|| next(schedule, tx.now()));
        match due {
            Some(due) => set(tx, &Timer { due, ..timer.clone() }),
            None => Ok(()),
        }
    }
}
