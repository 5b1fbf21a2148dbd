//! Schedule expressions: `rate(5 minutes)`, `cron(0 10 ? * MON-FRI *)`, `at(2030-01-01T10:00:00)`.

mod cron;
mod field;
mod month;

#[cfg(test)]
mod tests;

pub use cron::Cron;

use fogbank_model::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::time::Duration;

/// A text that is not a schedule expression. Each service has words of its own for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the schedule expression is not valid")]
pub struct InvalidSchedule;

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Again and again, after so much time.
    Rate(Duration),
    /// At the minutes that the fields describe.
    Cron(Box<Cron>),
    /// Once, at a local time. Not for rules.
    At(DateTime),
}

impl Schedule {
    /// Reads an expression of any kind. The unit of a rate has to agree with its number, as EventBridge's rules demand (`rate(1 minute)`).
    ///
    /// # Errors
    /// [`InvalidSchedule`].
    pub fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        Self::read(text, true)
    }

    /// The same, but a rate's unit may be in singular or plural, as EventBridge Scheduler takes it.
    ///
    /// # Errors
    /// [`InvalidSchedule`].
    pub fn parse_any_number(text: &str) -> Result<Self, InvalidSchedule> {
        Self::read(text, false)
    }

    fn read(text: &str, agreeing: bool) -> Result<Self, InvalidSchedule> {
        let (kind, rest) = text.split_once('(').ok_or(InvalidSchedule)?;
        let inner = rest.strip_suffix(')').ok_or(InvalidSchedule)?;
        match kind {
            "rate" => rate(inner, agreeing).map(Self::Rate),
            "cron" => Cron::parse(inner).map(Box::new).map(Self::Cron),
            "at" => at(inner).map(Self::At),
            _ => None,
        }
        .ok_or(InvalidSchedule)
    }

    /// When it is due next after `after`, by the clocks of `zone`. A rate counts from `after`, which is its last time or its beginning.
    ///
    /// Of a local time that a change of the clocks skips, a `cron` is not due; one that comes twice counts the first time only. An `at` whose local
    /// time is skipped is due when the clocks have been changed.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Rate(every) => Some(after.plus(*every)),
            Self::Cron(cron) => cron.next_after(after, zone),
            Self::At(local) => {
                let at = zone.to_ambiguous_timestamp(*local).compatible().ok()?;
                Some(Timestamp(at.as_millisecond())).filter(|at| *at > after)
            }
        }
    }
}

fn rate(text: &str, agreeing: bool) -> Option<Duration> {
    let mut words = text.split_whitespace();
    let (number, unit) = (words.next()?, words.next()?);
    let plain = words.next().is_none() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = number.parse().ok().filter(|number| plain && *number > 0)?;
    let (singular, seconds) = match unit {
        "minute" => (true, 60),
        "minutes" => (false, 60),
        "hour" => (true, 3600),
        "hours" => (false, 3600),
        "day" => (true, 86_400),
        "days" => (false, 86_400),
        _ => return None,
    };
    (!agreeing || singular == (number == 1)).then(|| Duration::from_secs(u64::from(number) * seconds))
}

/// `yyyy-mm-ddThh:mm:ss`, nothing more.
fn at(text: &str) -> Option<DateTime> {
    let form = text.len() == 19 && text.as_bytes()[10] == b'T';
    text.parse().ok().filter(|_| form)
}
