//! How fast a shard is read with `GetRecords`: five times a second and 2 MiB a second, as "Quotas and limits" in the Developer Guide and
//! the API reference have it. One read may give more than a second's bytes; then the next one has to wait until that is made up for.
//!
//! Consumers that are pushed records and event source mappings have a throughput of their own and do not come by here. What is counted
//! is not kept across restarts: it is over after five seconds anyway.

use fogbank_model::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Reads of a shard in a second.
const READS: u32 = 5;
/// Bytes that are read of a shard in a second.
const BYTES: usize = 2 << 20;
const SECOND_MS: i64 = 1000;
/// Shards that are remembered before those are forgotten whose time is over.
const REMEMBERED: usize = 1024;

/// What was read of a shard since a moment: in the second that begins there, or in as many as its bytes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    since: Timestamp,
    reads: u32,
    bytes: usize,
}

impl Span {
    fn is_over(&self, now: Timestamp) -> bool {
        let seconds = i64::try_from(self.bytes.div_ceil(BYTES).max(1)).unwrap_or(i64::MAX / SECOND_MS);
        now.0.saturating_sub(self.since.0) >= seconds * SECOND_MS
    }

    /// With one read more at `now`; `None` if the shard is not to be read then.
    fn read(self, now: Timestamp) -> Option<Self> {
        if self.is_over(now) {
            return Some(Self { since: now, reads: 1, bytes: 0 });
        }
        (self.reads < READS && self.bytes < BYTES).then(|| Self { reads: self.reads + 1, ..self })
    }
}

/// A stream's id and a shard's number.
type Shard = (u64, u64);

/// What was read of all shards.
#[derive(Debug, Default)]
pub(crate) struct ReadPaces(Mutex<HashMap<Shard, Span>>);

impl ReadPaces {
    /// Counts a read of `shard` at `now`, if the shard is to be read then.
    pub fn begin(&self, shard: Shard, now: Timestamp) -> bool {
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() >= REMEMBERED {
            spans.retain(|_, span| !span.is_over(now));
        }
        let before = spans.get(&shard).copied().unwrap_or(Span { since: now, reads: 0, bytes: 0 });
        let after = before.read(now);
        spans.extend(after.map(|span| (shard, span)));
        after.is_some()
    }

    /// Counts what a read has given.
    pub fn gave(&self, shard: Shard, bytes: usize) {
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(span) = spans.get_mut(&shard) {
            span.bytes = span.bytes.saturating_add(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn at(paces: &ReadPaces, ms: i64, bytes: usize) -> bool {
        let is_read = paces.begin((1, 0), Timestamp(ms));
        if is_read {
            paces.gave((1, 0), bytes);
        }
        is_read
    }

    #[test]
    fn five_reads_a_second_of_each_shard() {
        let paces = ReadPaces::default();
        let reads: Vec<bool> = (0..7).map(|ms| at(&paces, ms, 10)).collect();
        assert_eq!(reads, [true, true, true, true, true, false, false]);
        assert!(
            paces.begin((1, 1), Timestamp(7)) && paces.begin((2, 0), Timestamp(7)),
            "others are not counted with it"
        );
        assert!(!at(&paces, 999, 10));
        assert!(at(&paces, 1000, 10), "what was refused is not counted");
    }

    #[test]
    fn two_mebibytes_a_second_and_five_seconds_after_ten() {
        let paces = ReadPaces::default();
        assert!(at(&paces, 0, MIB) && at(&paces, 1, MIB) && !at(&paces, 2, 1));
        assert!(at(&paces, 1000, 10 * MIB));
        assert!(!at(&paces, 2000, 1) && !at(&paces, 5999, 1));
        assert!(at(&paces, 6000, 1));
    }

    #[test]
    fn shards_are_forgotten_when_their_time_is_over() {
        let paces = ReadPaces::default();
        for shard in 0..10 * REMEMBERED as u64 {
            assert!(paces.begin((shard, 0), Timestamp(i64::try_from(shard).unwrap_or_default() * 10)));
        }
        assert!(paces.0.lock().unwrap_or_else(PoisonError::into_inner).len() <= REMEMBERED);
    }
}
