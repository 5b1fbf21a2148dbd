//! What can be set about a stream's mapping, beside what holds for every source.

use crate::Error;
use crate::asynchronous::function_of;
use crate::limits::within;
use fogbank_model::{Arn, Timestamp};
use serde::{Deserialize, Serialize};

/// Records in one batch, where nothing is said, and at most.
pub(in crate::sources) const BATCH: u32 = 100;
pub(in crate::sources) const LARGEST_BATCH: u32 = 10_000;
/// Batches of one shard at once.
const PARALLEL: (u32, u32) = (1, 10);
/// Retries of a batch.
const RETRIES: (u32, u32) = (0, 10_000);
/// Seconds that a record may be old.
const AGE_S: (u32, u32) = (60, 604_800);
/// Seconds of a tumbling window.
const TUMBLING_S: (u32, u32) = (0, 900);

/// Where a mapping begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// `TRIM_HORIZON`: the oldest record.
    TrimHorizon,
    /// `LATEST`: what comes after the mapping was made.
    Latest,
    /// `AT_TIMESTAMP`: the first record of this time or later.
    At(Timestamp),
}

/// The settings of a stream's mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSettings {
    /// Where it began.
    pub start: Start,
    /// Batches of one shard at once.
    pub parallel: u32,
    /// Whether a batch that fails is split in two.
    pub bisects: bool,
    /// Retries of a batch that fails; `None` for as many as it takes.
    pub retries: Option<u32>,
    /// Seconds after which a record is given up; `None` for never.
    pub age_s: Option<u32>,
    /// Seconds of a tumbling window; 0 for none.
    pub tumbling_s: u32,
    /// The ARN that is told of records that are given up.
    pub on_failure: Option<Arn>,
}

/// What is wished of a stream's mapping; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct StreamWish {
    /// Where it begins; for a new mapping only.
    pub start: Option<Start>,
    /// Batches of one shard at once.
    pub parallel: Option<u32>,
    /// Whether a batch that fails is split in two.
    pub bisects: Option<bool>,
    /// Retries; -1 for as many as it takes.
    pub retries: Option<i64>,
    /// Seconds after which a record is given up; -1 for never.
    pub age_s: Option<i64>,
    /// Seconds of a tumbling window; 0 for none.
    pub tumbling_s: Option<u32>,
    /// The ARN that is told of records that are given up; empty for none.
    pub on_failure: Option<String>,
}

impl StreamSettings {
    /// What AWS takes where nothing is said.
    pub(in crate::sources) fn new(start: Start) -> Self {
        Self { start, parallel: 1, bisects: false, retries: None, age_s: None, tumbling_s: 0, on_failure: None }
    }

    /// These settings as `wish` says, if they may be so.
    pub(in crate::sources) fn with(self, wish: StreamWish) -> Result<Self, Error> {
        let settings = Self {
            start: self.start,
            parallel: wish.parallel.unwrap_or(self.parallel),
            bisects: wish.bisects.unwrap_or(self.bisects),
            retries: wish
                .retries
                .map_or(Ok(self.retries), |retries| limit("maximumRetryAttempts", retries, RETRIES))?,
            age_s: wish.age_s.map_or(Ok(self.age_s), |age| limit("maximumRecordAgeInSeconds", age, AGE_S))?,
            tumbling_s: wish.tumbling_s.unwrap_or(self.tumbling_s),
            on_failure: wish.on_failure.map_or(Ok(self.on_failure), |target| destination(&target))?,
        };
        within("parallelizationFactor", settings.parallel, PARALLEL)?;
        within("tumblingWindowInSeconds", settings.tumbling_s, TUMBLING_S)?;
        Ok(settings)
    }
}

/// -1 stands for no limit.
fn limit(what: &str, value: i64, limits: (u32, u32)) -> Result<Option<u32>, Error> {
    if value == -1 {
        return Ok(None);
    }
    let value = u32::try_from(value.max(0)).unwrap_or(u32::MAX);
    within(what, value, limits).map(|()| Some(value))
}

/// Reads where failures go; no text at all takes it away.
fn destination(target: &str) -> Result<Option<Arn>, Error> {
    if target.is_empty() {
        return Ok(None);
    }
    let wrong = || Error::invalid(format!("The destination ARN {target} is invalid."));
    let arn: Arn = target.parse().map_err(|_| wrong())?;
    match arn.service() {
        "sqs" | "sns" if arn.resource().ends_with(".fifo") => Err(Error::invalid(format!(
            "The destination ARN {target} is invalid: FIFO queues and topics are not supported."
        ))),
        "sqs" | "sns" => Ok(Some(arn)),
        "s3" if !arn.resource().contains('/') => Ok(Some(arn)),
        // A function may be told of asynchronous calls, but not of records.
        "lambda" if function_of(&arn).is_some() => Err(wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wished_stays_and_what_cannot_be_is_refused() {
        let queue = "arn:aws:sqs:eu-west-1:123456789012:q";
        let wish = StreamWish { retries: Some(3), on_failure: Some(queue.into()), ..StreamWish::default() };
        let some = StreamSettings::new(Start::Latest).with(wish).unwrap();
        assert_eq!((some.retries, some.age_s, some.on_failure.as_ref().map(Arn::as_str)), (Some(3), None, Some(queue)));
        let none = StreamWish { retries: Some(-1), on_failure: Some(String::new()), ..StreamWish::default() };
        assert_eq!(some.clone().with(StreamWish::default()).unwrap(), some);
        assert_eq!(some.with(none).unwrap(), StreamSettings::new(Start::Latest));
        let refused = [
            StreamWish { parallel: Some(0), ..StreamWish::default() },
            StreamWish { parallel: Some(11), ..StreamWish::default() },
            StreamWish { retries: Some(10_001), ..StreamWish::default() },
            StreamWish { age_s: Some(59), ..StreamWish::default() },
            StreamWish { age_s: Some(0), ..StreamWish::default() },
            StreamWish { age_s: Some(604_801), ..StreamWish::default() },
            StreamWish { tumbling_s: Some(901), ..StreamWish::default() },
            StreamWish { on_failure: Some("no ARN".into()), ..StreamWish::default() },
            StreamWish { on_failure: Some(format!("{queue}.fifo")), ..StreamWish::default() },
        ];
        for (number, wish) in refused.into_iter().enumerate() {
            assert!(StreamSettings::new(Start::TrimHorizon).with(wish).is_err(), "case {number}");
        }
    }
}
