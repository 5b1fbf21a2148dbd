//! `cron(minute hour day-of-month month day-of-week year)`, as AWS reads it.

use super::field::{HOUR, MINUTE, MONTH, Numbers, YEAR};
use super::month::Days;
use fogbank_model::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// The last year of an expression.
const LAST_YEAR: i16 = 2199;

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Numbers,
    hours: Numbers,
    days: Days,
    months: Numbers,
    years: Numbers,
}

impl Cron {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, of_month, month, of_week, year] = fields[..] else { return None };
        Some(Self {
            minutes: Numbers::parse(minute, &MINUTE)?,
            hours: Numbers::parse(hour, &HOUR)?,
            days: Days::parse(of_month, of_week)?,
            months: Numbers::parse(month, &MONTH)?,
            years: Numbers::parse(year, &YEAR)?,
        })
    }

    pub(super) fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let after = jiff::Timestamp::from_millisecond(after.0).ok()?;
        let mut local = zone.to_datetime(after);
        loop {
            local = self.next_local(local)?;
            let ambiguous = zone.to_ambiguous_timestamp(local);
            let at = match ambiguous.offset() {
                // The clocks skip this time.
                AmbiguousOffset::Gap { .. } => continue,
                AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
            };
            if at > after {
                return Some(Timestamp(at.as_millisecond()));
            }
        }
    }

    /// The first time on a clock after `local` that the fields allow.
    fn next_local(&self, local: DateTime) -> Option<DateTime> {
        let mut date = local.date();
        let today = (self.allows(date))
            .then(|| self.first_time(local.hour(), Some(local.minute()).filter(|minute| *minute < 59).map(|m| m + 1)))
            .flatten();
        if let Some(time) = today {
            return Some(date.to_datetime(time));
        }
        loop {
            date = self.next_date(date)?;
            if let Some(time) = self.first_time(0, Some(0)) {
                return Some(date.to_datetime(time));
            }
        }
    }

    /// The first time of a day from `minute` of `hour` on; without a minute, from the next hour on.
    fn first_time(&self, hour: i8, minute: Option<i8>) -> Option<Time> {
        let this_hour = minute.filter(|_| self.hours.contains(hour as u16)).and_then(|from| self.first_minute(from));
        if let Some(minute) = this_hour {
            return Time::new(hour, minute, 0, 0).ok();
        }
        let hour = (hour + 1..24).find(|hour| self.hours.contains(*hour as u16))?;
        Time::new(hour, self.first_minute(0)?, 0, 0).ok()
    }

    fn first_minute(&self, from: i8) -> Option<i8> {
        (from..60).find(|minute| self.minutes.contains(*minute as u16))
    }

    fn next_date(&self, after: Date) -> Option<Date> {
        let mut date = after.tomorrow().ok()?;
        while date.year() <= LAST_YEAR {
            if !self.years.contains(date.year() as u16) {
                date = Date::new(date.year() + 1, 1, 1).ok()?;
            } else if !self.months.contains(date.month() as u16) {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.days.contains(date) {
                return Some(date);
            } else {
                date = date.tomorrow().ok()?;
            }
        }
        None
    }

    fn allows(&self, date: Date) -> bool {
        self.years.contains(date.year() as u16) && self.months.contains(date.month() as u16) && self.days.contains(date)
    }

    /// Whether it is due at `local`, a whole minute.
    #[cfg(test)]
    pub(super) fn contains(&self, local: DateTime) -> bool {
        self.allows(local.date())
            && self.hours.contains(local.hour() as u16)
            && self.minutes.contains(local.minute() as u16)
    }
}
