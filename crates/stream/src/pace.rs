//! How fast a shard takes records: 1,000 a second and 1 MiB a second, with a second's worth at once.

use fogbank_model::Timestamp;

/// Records that a shard takes in a second.
const RECORDS: i64 = 1000;
/// Bytes that a shard takes in a second, partition keys included.
const BYTES: i64 = 1 << 20;
const SECOND_MS: i64 = 1000;

/// What a shard can still take. Counted in thousandths, so that a millisecond's share is a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    at: Timestamp,
    records: i64,
    bytes: i64,
}

impl Pace {
    /// A shard that has rested.
    pub fn rested(at: Timestamp) -> Self {
        Self { at, records: RECORDS * SECOND_MS, bytes: BYTES * SECOND_MS }
    }

    /// What is left after a record of `size` bytes at `now`; `None` if the shard does not take it. A record of more than a second's bytes
    /// is taken by a shard that has rested, which then takes nothing until that is made up for.
    pub fn take(self, now: Timestamp, size: usize) -> Option<Self> {
        let passed = now.0.saturating_sub(self.at.0).clamp(0, 60 * SECOND_MS);
        let refill = |left: i64, rate: i64| (left + passed * rate).min(rate * SECOND_MS);
        let (records, bytes) = (refill(self.records, RECORDS), refill(self.bytes, BYTES));
        let size = i64::try_from(size).unwrap_or(i64::MAX / SECOND_MS) * SECOND_MS;
        let is_taken = records >= SECOND_MS && bytes >= size.min(BYTES * SECOND_MS);
        let at = Timestamp(self.at.0.max(now.0));
        is_taken.then(|| Self { at, records: records - SECOND_MS, bytes: bytes - size })
    }

    pub fn encode(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (place, number) in [self.at.0, self.records, self.bytes].into_iter().enumerate() {
            bytes[place * 8..][..8].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let at = |place: usize| Some(i64::from_be_bytes(*bytes.get(place * 8..)?.first_chunk::<8>()?));
        Some(Self { at: Timestamp(at(0)?), records: at(1)?, bytes: at(2)? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn taken(mut pace: Pace, now: i64, size: usize) -> (Pace, usize) {
        let mut count = 0;
        while let Some(left) = pace.take(Timestamp(now), size) {
            (pace, count) = (left, count + 1);
        }
        (pace, count)
    }

    #[test]
    fn a_thousand_records_a_second() {
        let (pace, count) = taken(Pace::rested(Timestamp(0)), 0, 1);
        assert_eq!(count, 1000);
        let (pace, count) = taken(pace, 10, 1);
        assert_eq!(count, 10);
        let (pace, count) = taken(pace, 10_000, 1);
        assert_eq!(count, 1000);
        assert_eq!(taken(pace, 9_000, 1).1, 0, "a clock that goes back gives nothing");
        assert_eq!(Pace::decode(&pace.encode()), Some(pace));
    }

    #[test]
    fn a_mebibyte_a_second_and_a_larger_record_after_a_rest() {
        let (pace, count) = taken(Pace::rested(Timestamp(0)), 0, 1 << 18);
        assert_eq!(count, 4);
        assert_eq!(taken(pace, 1000, 1 << 20).1, 1);
        let pace = Pace::rested(Timestamp(0)).take(Timestamp(0), 10 << 20).unwrap();
        assert_eq!(pace.take(Timestamp(9_000), 1), None);
        assert!(pace.take(Timestamp(9_001), 1).is_some());
    }
}
