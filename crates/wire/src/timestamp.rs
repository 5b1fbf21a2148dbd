//! Timestamps in the three forms of the protocols, to and from milliseconds since the epoch.

use crate::model::TimestampFormat;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// The largest and smallest time that any form can say: the years -9999 to 9999.
const LIMIT_MS: i64 = 253_402_207_200_000;

/// Writes `milliseconds` as text.
pub(crate) fn print(milliseconds: i64, format: TimestampFormat) -> String {
    let at = Timestamp::from_millisecond(milliseconds.clamp(-LIMIT_MS, LIMIT_MS)).unwrap_or_default();
    let whole = milliseconds.rem_euclid(1000) == 0;
    match format {
        TimestampFormat::Iso8601 if whole => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        TimestampFormat::Iso8601 => at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        TimestampFormat::Rfc822 => at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        TimestampFormat::Unix if whole => milliseconds.div_euclid(1000).to_string(),
        TimestampFormat::Unix => {
            let sign = if milliseconds < 0 { "-" } else { "" };
            let absolute = milliseconds.unsigned_abs();
            let fraction = format!("{:03}", absolute % 1000);
            format!("{sign}{}.{}", absolute / 1000, fraction.trim_end_matches('0'))
        }
    }
}

/// Reads any of the three forms.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let parser = rfc2822::DateTimeParser::new();
    if let Ok(at) = parser.parse_timestamp(text.strip_suffix("GMT").map_or(text.to_owned(), |t| format!("{t}+0000"))) {
        return Some(at.as_millisecond());
    }
    text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().as_millisecond())
}

/// Seconds with a fraction, as JSON and CBOR have them.
pub(crate) fn from_seconds(seconds: f64) -> Option<i64> {
    let milliseconds = (seconds * 1000.0).round();
    (milliseconds.abs() <= LIMIT_MS as f64).then_some(milliseconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_written_as_aws_writes_it() {
        let cases = [
            (1_422_172_800_000, "2015-01-25T08:00:00Z", "Sun, 25 Jan 2015 08:00:00 GMT", "1422172800"),
            (1_422_172_800_120, "2015-01-25T08:00:00.120Z", "Sun, 25 Jan 2015 08:00:00 GMT", "1422172800.12"),
            (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "0"),
        ];
        for (at, iso, rfc, unix) in cases {
            assert_eq!(print(at, TimestampFormat::Iso8601), iso);
            assert_eq!(print(at, TimestampFormat::Rfc822), rfc);
            assert_eq!(print(at, TimestampFormat::Unix), unix);
        }
    }

    #[test]
    fn each_form_is_read() {
        for text in ["2015-01-25T08:00:00Z", "Sun, 25 Jan 2015 08:00:00 GMT", "1422172800", "2015-01-25T09:00:00+01:00"]
        {
            assert_eq!(parse(text), Some(1_422_172_800_000), "{text}");
        }
        assert_eq!(parse("-1.5"), Some(-1500));
        for text in ["", "yesterday", "1e300", "NaN", "2015-13-01T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
