//! What schedules and groups are, and when a schedule is due.

use crate::Error;
use fogbank_delivery::Origin;
use fogbank_expressions::Schedule as Expression;
use fogbank_model::{AccountId, Arn, Clock, Region, Timestamp};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The group of schedules that name none. It is always there.
pub(crate) const DEFAULT_GROUP: &str = "default";
/// A one-time schedule that was made so late is due at once. AWS's precision is a minute as well.
const LATE: Duration = Duration::from_secs(60);
/// The default of `MaximumEventAgeInSeconds`.
const AGE_S: u64 = 86_400;

/// Names one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleKey {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The group that it is in.
    pub group: String,
    /// Its name, unique in its group.
    pub name: String,
}

impl ScheduleKey {
    /// `arn:aws:scheduler:REGION:ACCOUNT:schedule/GROUP/NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("scheduler", &self.region, &self.account, &format!("schedule/{}/{}", self.group, self.name))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.account.as_str(), self.region.as_str(), &self.group, &self.name].map(str::as_bytes).join(&0)
    }
}

/// Names one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupKey {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// Its name.
    pub name: String,
}

impl GroupKey {
    /// `arn:aws:scheduler:REGION:ACCOUNT:schedule-group/NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("scheduler", &self.region, &self.account, &format!("schedule-group/{}", self.name))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.account.as_str(), self.region.as_str(), &self.name].map(str::as_bytes).join(&0)
    }
}

/// A group of schedules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub key: GroupKey,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The `ClientToken` that made it.
    pub token: Option<String>,
}

/// What is delivered to, in the API's words: kept whole, so that what is not used here is shown again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The target's ARN.
    pub arn: Arn,
    /// The whole structure as it was given.
    pub given: Value,
}

impl Target {
    /// The text at `path` of the structure.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        path.iter().try_fold(&self.given, |value, name| value.get(name))?.as_str()
    }

    /// How old a firing may become before it is given up.
    pub(crate) fn age(&self) -> Duration {
        let seconds = &self.given["RetryPolicy"]["MaximumEventAgeInSeconds"];
        Duration::from_secs(seconds.as_u64().unwrap_or(AGE_S))
    }
}

/// What a schedule is to be. An update replaces all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// `at(…)`, `rate(…)` or `cron(…)`.
    pub expression: String,
    /// The time zone that the expression is read in.
    pub zone: String,
    /// Nothing is due before.
    pub start: Option<Timestamp>,
    /// Nothing is due after.
    pub end: Option<Timestamp>,
    /// Minutes by which a firing may be late, chosen at random each time; `None` for none.
    pub window_min: Option<u32>,
    /// Free text.
    pub description: Option<String>,
    /// Whether it fires.
    pub enabled: bool,
    /// Kept and shown.
    pub kms_key: Option<String>,
    /// What is delivered to.
    pub target: Target,
    /// Whether it is removed when it is over.
    pub delete_after: bool,
}

impl Wish {
    /// Checks what the model of the API does not.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.expression()?;
        self.zone()?;
        if let (Some(start), Some(end)) = (self.start, self.end)
            && end <= start
        {
            return Err(Error::Invalid("The EndDate you specify must be later than the StartDate.".into()));
        }
        let input = self.target.text(&["Input"]);
        if self.target.arn.service() == "lambda"
            && input.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_err())
        {
            return Err(Error::Invalid("Invalid Input: it must be valid JSON for a Lambda function target.".into()));
        }
        let is_bus = self.target.arn.service() == "events";
        if is_bus && self.target.text(&["EventBridgeParameters", "Source"]).is_none() {
            return Err(Error::Invalid("EventBridgeParameters must be provided for an EventBridge target.".into()));
        }
        let is_stream = self.target.arn.service() == "kinesis";
        if is_stream && self.target.text(&["KinesisParameters", "PartitionKey"]).is_none() {
            return Err(Error::Invalid("KinesisParameters must be provided for a Kinesis target.".into()));
        }
        Ok(())
    }

    pub(crate) fn expression(&self) -> Result<Expression, Error> {
        let wrong = |_| Error::Invalid(format!("Invalid Schedule Expression {}.", self.expression));
        Expression::parse_any_number(&self.expression).map_err(wrong)
    }

    /// Whether it is due more than once.
    pub(crate) fn repeats(&self) -> Result<bool, Error> {
        Ok(!matches!(self.expression()?, Expression::At(_)))
    }

    fn zone(&self) -> Result<TimeZone, Error> {
        let wrong = |_| Error::Invalid(format!("Invalid Schedule Expression Timezone {}.", self.zone));
        TimeZone::get(&self.zone).map_err(wrong)
    }

    /// When a schedule that begins at `now` is due first.
    pub(crate) fn first_due(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let (expression, zone) = (self.expression()?, self.zone()?);
        let begin = self.start.filter(|start| *start > now);
        let first = match &expression {
            // Without a beginning it begins now.
            Expression::Rate(_) => Some(begin.unwrap_or(now)),
            Expression::At(_) => expression.next_after(Timestamp(now.0 - LATE.as_millis() as i64), &zone),
            // A time that is the beginning itself counts.
            Expression::Cron(_) => expression.next_after(begin.map_or(now, |begin| Timestamp(begin.0 - 1)), &zone),
        };
        Ok(self.within(first))
    }

    /// When it is due again after it was due at `due`; `None` if it is over.
    pub(crate) fn next_due(&self, due: Timestamp) -> Result<Option<Timestamp>, Error> {
        let (expression, zone) = (self.expression()?, self.zone()?);
        match expression {
            Expression::At(_) => Ok(None),
            _ => Ok(self.within(expression.next_after(due, &zone))),
        }
    }

    /// The first due time that is not before `oldest`, of those after `due`. Does not count through the ones between.
    pub(crate) fn skip(&self, due: Timestamp, oldest: Timestamp) -> Result<Option<Timestamp>, Error> {
        match self.expression()? {
            Expression::Rate(every) => {
                let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
                let missed = (oldest.0.saturating_sub(due.0) + every - 1).div_euclid(every).max(1);
                Ok(self.within(Some(Timestamp(due.0.saturating_add(missed.saturating_mul(every))))))
            }
            _ => self.next_due(Timestamp(due.0.max(oldest.0.saturating_sub(1)))),
        }
    }

    fn within(&self, due: Option<Timestamp>) -> Option<Timestamp> {
        due.filter(|due| self.end.is_none_or(|end| *due <= end))
    }

    /// By how much a firing is late.
    pub(crate) fn lateness(&self, clock: &dyn Clock) -> Duration {
        let window = Duration::from_secs(u64::from(self.window_min.unwrap_or(0)) * 60);
        window.mul_f64(clock.fraction())
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub key: ScheduleKey,
    /// What it is.
    pub wish: Wish,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Another with each change; a firing of an earlier one counts for nothing.
    pub revision: String,
    /// When it is due next; `None` when it is over, or disabled.
    pub due: Option<Timestamp>,
    /// The `ClientToken` that made it.
    pub token: Option<String>,
    /// Who made it, and where.
    pub origin: Origin,
}
