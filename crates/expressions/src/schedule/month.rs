//! Which days of a month a cron expression allows.

use super::field::{DAY, Numbers, WEEKDAY};
use jiff::civil::{Date, Weekday};

/// The two fields about days, of which one says `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    OfMonth(Numbers),
    /// `L`, `L-3`: so many days before the month's last.
    BeforeLast(u16),
    /// `15W`: the weekday (Monday to Friday) nearest to the day, within the month.
    WeekdayNear(u16),
    /// `LW`: the month's last weekday.
    LastWeekday,
    /// 1 is Sunday.
    OfWeek(Numbers),
    /// `6L`: the month's last Friday.
    LastOfMonth(u16),
    /// `3#2`: the month's second Tuesday.
    Nth(u16, u16),
}

impl Days {
    pub(super) fn parse(of_month: &str, of_week: &str) -> Option<Self> {
        match (of_month, of_week) {
            ("?", "?") => None,
            (of_month, "?") => Self::month(of_month),
            ("?", of_week) => Self::week(of_week),
            _ => None,
        }
    }

    fn month(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        match upper.as_str() {
            "L" => Some(Self::BeforeLast(0)),
            "LW" | "WL" => Some(Self::LastWeekday),
            _ => match (upper.strip_prefix("L-"), upper.strip_suffix('W')) {
                (Some(before), _) => DAY.number(before).filter(|before| *before <= 30).map(Self::BeforeLast),
                (_, Some(day)) => DAY.number(day).map(Self::WeekdayNear),
                _ => Numbers::parse(&upper, &DAY).map(Self::OfMonth),
            },
        }
    }

    fn week(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        if upper == "L" {
            return Numbers::parse("7", &WEEKDAY).map(Self::OfWeek);
        }
        if let Some((day, nth)) = upper.split_once('#') {
            let nth = DAY.number(nth).filter(|nth| *nth <= 5)?;
            return Some(Self::Nth(WEEKDAY.number(day)?, nth));
        }
        match upper.strip_suffix('L').and_then(|day| WEEKDAY.number(day)) {
            Some(day) => Some(Self::LastOfMonth(day)),
            None => Numbers::parse(&upper, &WEEKDAY).map(Self::OfWeek),
        }
    }

    pub(super) fn contains(&self, date: Date) -> bool {
        let (day, last) = (date.day() as u16, date.days_in_month() as u16);
        let weekday = date.weekday().to_sunday_one_offset() as u16;
        match self {
            Self::OfMonth(days) => days.contains(day),
            Self::BeforeLast(before) => day + before == last,
            Self::WeekdayNear(near) => *near <= last && nearest_weekday(date, *near as i8) == Some(date),
            Self::LastWeekday => nearest_weekday(date, last as i8) == Some(date),
            Self::OfWeek(days) => days.contains(weekday),
            Self::LastOfMonth(wanted) => weekday == *wanted && day + 7 > last,
            Self::Nth(wanted, nth) => weekday == *wanted && day.div_ceil(7) == *nth,
        }
    }
}

/// The weekday nearest to day `near` of `month`, without leaving the month.
fn nearest_weekday(month: Date, near: i8) -> Option<Date> {
    let date = month.with().day(near).build().ok()?;
    let last = month.days_in_month();
    let day = match date.weekday() {
        Weekday::Saturday if near == 1 => 3,
        Weekday::Saturday => near - 1,
        Weekday::Sunday if near == last => near - 2,
        Weekday::Sunday => near + 1,
        _ => near,
    };
    month.with().day(day).build().ok()
}
