//! Where a record is in its shard, and the sequence number that says so.
//!
//! A place is the time of arrival and a count, so the order of places is the order of arrival, a time is a place too, and what is too old
//! is what lies before a place. Times never go back within a shard or from a shard to its children, and counts only grow.

use fogbank_model::Timestamp;
use std::fmt;

/// What every sequence number begins with, as AWS's do.
const PREFIX: &str = "4959";
/// Digits of a sequence number.
const DIGITS: usize = 56;

/// A place in a shard. Times before 1970 are 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// When what is there arrived, in milliseconds since 1970.
    pub ms: u64,
    /// How many records came before, in the shard and its parents.
    pub count: u64,
}

impl Place {
    /// The first place that something which arrives at `at` can have.
    pub fn at(at: Timestamp) -> Self {
        Self { ms: u64::try_from(at.0).unwrap_or(0), count: 0 }
    }

    /// The place directly behind this one.
    pub fn next(self) -> Self {
        Self { count: self.count.saturating_add(1), ..self }
    }

    /// The place directly before this one.
    pub fn previous(self) -> Self {
        Self { count: self.count.saturating_sub(1), ..self }
    }

    /// The place of what arrives at `now` after this one.
    pub fn following(self, now: Timestamp) -> Self {
        Self { ms: self.ms.max(Self::at(now).ms), count: self.count.saturating_add(1) }
    }

    /// The time of arrival.
    pub fn time(self) -> Timestamp {
        Timestamp(i64::try_from(self.ms).unwrap_or(i64::MAX))
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.ms) << 64) | u128::from(self.count)).to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let whole = u128::from_be_bytes(bytes);
        Self { ms: (whole >> 64) as u64, count: whole as u64 }
    }
}

/// A sequence number: a place, and the shard and stream that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence {
    /// The place.
    pub place: Place,
    /// The shard's number.
    pub shard: u64,
    /// The stream's id, as far as six digits hold it.
    pub stream: u64,
}

impl Sequence {
    pub(crate) fn new(stream: u64, shard: u64, place: Place) -> Self {
        Self { place, shard, stream: stream % 1_000_000 }
    }

    /// Reads a number that a stream of this platform gave.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let rest = text.strip_prefix(PREFIX)?;
        let number = |from: usize, to: usize| rest.get(from..to)?.parse::<u64>().ok();
        let place = Place { ms: number(0, 14)?, count: number(14, 34)? };
        Some(Self { place, shard: number(34, 46)?, stream: number(46, 52)? })
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { ms, count } = self.place;
        write!(f, "{PREFIX}{ms:014}{count:020}{:012}{:06}", self.shard, self.stream)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_number_is_read_back() {
        let place = Place { ms: 1_777_890_030_123, count: 77 };
        let sequence = Sequence::new(1_000_005, 3, place);
        let text = sequence.to_string();
        assert_eq!((text.len(), sequence.stream), (56, 5));
        assert_eq!(Sequence::parse(&text), Some(sequence));
        let digits = "9".repeat(56);
        for text in ["", "0", "4959", &digits, &format!("{text}0"), &text.replace('4', "x")] {
            assert_eq!(Sequence::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sequence_numbers_grow_with_every_record_whatever_the_clock_says() {
        let mut place = Place::at(Timestamp(1000));
        let mut before = String::new();
        for now in [1000, 1000, 1001, 900, 2000, 0] {
            place = place.following(Timestamp(now));
            let text = Sequence::new(1, 0, place).to_string();
            assert!(text > before, "{text}");
            before = text;
        }
        assert_eq!(place, Place { ms: 2000, count: 6 });
        assert_eq!(Place::from_bytes(place.to_bytes()), place);
    }
}
