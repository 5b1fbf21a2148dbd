//! What happens when a schedule is due, all of it in one transaction: the delivery, the next firing, the end of a schedule that is over.

use crate::model::{Schedule, ScheduleKey};
use crate::schedules::{find, save};
use crate::{DUE, Error, SCHEDULE};
use fogbank_delivery::{
    AttributeValue, Deliver, Delivery, EventHead, MessageAttribute, Origin, Settle, Undelivered, Work,
};
use fogbank_model::{Arn, BoxFuture, Clock, Timestamp};
use fogbank_store::{Error as StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Firings at once. Each is one short transaction.
const AT_ONCE: usize = 64;
const SERVICE: &str = "scheduler.amazonaws.com";

/// A firing that waits for its time.
#[derive(Serialize, Deserialize)]
struct Due {
    key: ScheduleKey,
    revision: String,
    due: Timestamp,
    /// When it is to happen: `due`, and what the flexible window adds.
    #[serde(default)]
    planned: Option<Timestamp>,
}

/// Puts the next firing of `schedule` on the queue, if there is one.
pub(crate) fn enqueue(tx: &mut Tx<'_>, schedule: &Schedule, clock: &dyn Clock) -> Result<(), StoreError> {
    let Some(due) = schedule.due else { return Ok(()) };
    let planned = due.plus(schedule.wish.lateness(clock));
    let (key, revision) = (schedule.key.clone(), schedule.revision.clone());
    let message = Due { key, revision, due, planned: Some(planned) };
    let message = serde_json::to_vec(&message);
    let message = message.map_err(|error| StoreError::Damaged { table: DUE, why: error.to_string() })?;
    tx.enqueue(DUE, planned, &message)
}

/// Fires what is due.
pub(crate) struct Firing {
    pub clock: Arc<dyn Clock>,
    pub deliver: Arc<dyn Deliver>,
}

impl Work for Firing {
    fn queue(&self) -> &'static str {
        DUE
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        let settle = match serde_json::from_slice::<Due>(&message) {
            Ok(due) => Settle::with(move |tx| self.fire(tx, &due)),
            Err(error) => {
                tracing::error!(%error, "a firing of a schedule cannot be read and is dropped");
                Settle::done()
            }
        };
        Box::pin(std::future::ready(settle))
    }
}

impl Firing {
    fn fire(&self, tx: &mut Tx<'_>, due: &Due) -> Result<(), StoreError> {
        let mut schedule = match find(tx, &due.key) {
            // Changed or removed since: whoever did that has put another firing on the queue.
            Ok(schedule) if schedule.revision == due.revision => schedule,
            Ok(_) | Err(Error::NoSchedule(_)) => return Ok(()),
            Err(Error::Store(error)) => return Err(error),
            Err(other) => return Err(StoreError::Damaged { table: SCHEDULE.0, why: other.to_string() }),
        };
        let oldest = Timestamp(tx.now().0.saturating_sub(millis(&schedule)));
        let next = if due.planned.unwrap_or(due.due) < oldest {
            self.give_up(tx, &schedule, due.due)?;
            schedule.wish.skip(due.due, oldest)
        } else {
            self.deliver(tx, &schedule, due.due)?;
            schedule.wish.next_due(due.due)
        };
        schedule.due = next.unwrap_or_else(|error| {
            tracing::error!(schedule = %schedule.key.arn(), %error, "a schedule cannot go on");
            None
        });
        if schedule.due.is_none() && schedule.wish.delete_after {
            tx.delete(SCHEDULE, &schedule.key.encode());
            return Ok(());
        }
        save(tx, &schedule)?;
        enqueue(tx, &schedule, &*self.clock)
    }

    fn deliver(&self, tx: &mut Tx<'_>, schedule: &Schedule, due: Timestamp) -> Result<(), StoreError> {
        let delivery = delivery(schedule, due, &self.clock.uuid());
        let target = &schedule.wish.target.arn;
        if !is_open(schedule, target) {
            let why = format!("Access to the resource {target} is denied.");
            return self.dead_letter(tx, schedule, delivery, "AccessDenied", &why);
        }
        match Undelivered::refusal(self.deliver.deliver(tx, target, &delivery))? {
            Ok(()) => Ok(()),
            Err(error) => {
                let code =
                    if matches!(error, Undelivered::NoTarget(_)) { "ResourceNotFound" } else { "InvalidParameter" };
                self.dead_letter(tx, schedule, delivery, code, &error.to_string())
            }
        }
    }

    /// A firing that was missed for too long.
    fn give_up(&self, tx: &mut Tx<'_>, schedule: &Schedule, due: Timestamp) -> Result<(), StoreError> {
        let delivery = delivery(schedule, due, &self.clock.uuid());
        let text = "It was missed for longer than the schedule's MaximumEventAgeInSeconds.";
        self.dead_letter(tx, schedule, delivery, "MaximumEventAgeInSeconds", text)
    }

    /// To the schedule's dead-letter queue, with the attributes that "Configuring a schedule's dead-letter queue" names.
    fn dead_letter(
        &self,
        tx: &mut Tx<'_>,
        schedule: &Schedule,
        mut letter: Delivery,
        code: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        let arn = schedule.key.arn();
        let queue = schedule.wish.target.text(&["DeadLetterConfig", "Arn"]).and_then(|arn| arn.parse::<Arn>().ok());
        let Some(queue) = queue.filter(|queue| is_open(schedule, queue)) else {
            tracing::error!(schedule = %arn, code, why, "a firing could not be delivered, and its schedule has no dead-letter queue");
            return Ok(());
        };
        let attribute = |text: &str| MessageAttribute {
            data_type: "String".into(),
            value: AttributeValue::Text(text.chars().take(1024).collect()),
        };
        letter.attributes = BTreeMap::from([
            ("ERROR_CODE".into(), attribute(code)),
            ("ERROR_MESSAGE".into(), attribute(why)),
            ("EXHAUSTED_RETRY_CONDITION".into(), attribute(code)),
            ("IS_PAYLOAD_TRUNCATED".into(), attribute("false")),
            ("RETRY_ATTEMPTS".into(), attribute("0")),
            ("SCHEDULE_ARN".into(), attribute(arn.as_str())),
            ("TARGET_ARN".into(), attribute(schedule.wish.target.arn.as_str())),
        ]);
        (letter.event, letter.group) = (None, None);
        if let Err(error) = Undelivered::refusal(self.deliver.deliver(tx, &queue, &letter))? {
            tracing::error!(schedule = %arn, %queue, %error, "a firing could not be delivered to the dead-letter queue either");
        }
        Ok(())
    }
}

/// Whether the schedule may deliver to `target`: accounts are closed to each other. A bus knows itself whom it lets in, and what has no account
/// (a universal target) is not here at all.
fn is_open(schedule: &Schedule, target: &Arn) -> bool {
    target.service() == "events" || [schedule.key.account.as_str(), ""].contains(&target.account())
}

fn millis(schedule: &Schedule) -> i64 {
    i64::try_from(schedule.wish.target.age().as_millis()).unwrap_or(i64::MAX)
}

/// What the target gets of the firing that was due at `due`.
fn delivery(schedule: &Schedule, due: Timestamp, id: &str) -> Delivery {
    let (arn, target) = (schedule.key.arn(), &schedule.wish.target);
    let origin = Origin { service: SERVICE.into(), source: Some(arn.clone()), ..schedule.origin.clone() };
    let time = due.to_iso_text().replace(".000Z", "Z");
    let body = match target.text(&["Input"]) {
        Some(input) => input
            .replace("<aws.scheduler.schedule-arn>", arn.as_str())
            .replace("<aws.scheduler.scheduled-time>", &time)
            .replace("<aws.scheduler.execution-id>", id)
            .replace("<aws.scheduler.attempt-number>", "1"),
        None => json!({
            "version": "0",
            "id": id,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": schedule.key.account.as_str(),
            "time": time,
            "region": schedule.key.region.as_str(),
            "resources": [arn.as_str()],
            "detail": "{}",
        })
        .to_string(),
    };
    let mut delivery = Delivery::new(body, origin);
    let group: [&str; 2] = match target.arn.service() {
        "kinesis" => ["KinesisParameters", "PartitionKey"],
        _ => ["SqsParameters", "MessageGroupId"],
    };
    delivery.group = target.text(&group).map(str::to_owned);
    if target.arn.service() == "events" {
        let of = |name: &str| target.text(&["EventBridgeParameters", name]).unwrap_or_default().to_owned();
        let resources = vec![arn.to_string()];
        let head = EventHead { source: of("Source"), detail_type: of("DetailType"), resources, forwarded: None };
        delivery.event = Some(head);
    }
    delivery
}
