//! Hash keys: which shard a partition key belongs to, and how the range of all of them is divided.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A hash key, from 0 to 2^128 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HashKey(pub u128);

impl HashKey {
    /// The hash key of a partition key: its MD5.
    pub fn of(partition_key: &str) -> Self {
        Self(u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into()))
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<HashKey> for String {
    fn from(key: HashKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for HashKey {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// The hash keys that a shard takes, with both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashRange {
    /// The first.
    pub start: HashKey,
    /// The last.
    pub end: HashKey,
}

/// All hash keys in `count` ranges as even as they can be; the last one takes what is left. `count` is at least one.
pub fn even(count: u64) -> Vec<HashRange> {
    let count = u128::from(count.max(1));
    // 2^128 itself is one more than fits; as a single shard's step it is never used.
    let step = (u128::MAX / count).wrapping_add(u128::from(u128::MAX % count == count - 1));
    let range = |at: u128| HashRange {
        start: HashKey(step.wrapping_mul(at)),
        end: HashKey(if at == count - 1 { u128::MAX } else { step.wrapping_mul(at + 1) - 1 }),
    };
    (0..count).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_ranges_cover_every_hash_key_once() {
        for count in [1, 2, 3, 4, 5, 7, 64, 500, 10_000] {
            let ranges = even(count);
            assert_eq!(ranges.len() as u64, count);
            assert_eq!((ranges[0].start.0, ranges[ranges.len() - 1].end.0), (0, u128::MAX), "{count}");
            assert!(ranges.windows(2).all(|pair| pair[0].end.0 + 1 == pair[1].start.0), "{count}");
            assert!(ranges.iter().all(|range| range.start < range.end), "{count}");
        }
    }

    #[test]
    fn two_shards_divide_where_awss_do() {
        let ranges = even(2);
        assert_eq!(ranges[0].end.to_string(), "170141183460469231731687303715884105727");
        assert_eq!(ranges[1].end.to_string(), "340282366920938463463374607431768211455");
        assert_eq!(even(3)[0].end.to_string(), "113427455640312821154458202477256070484");
    }

    #[test]
    fn a_partition_keys_hash_is_its_md5() {
        assert_eq!(HashKey::of("a").0, 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
    }
}
