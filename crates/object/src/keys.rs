//! Keys in the store. Buckets go by their number, so that one that is made again under the same name finds nothing of the old one.
//! Numbers are big-endian, so that they sort. An object's key may hold zero bytes: where something follows it, each is written as 0, 255, and
//! 0, 0 ends it, which keeps the order of keys.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `s3.bucket` | name | [`Bucket`] |
//! | `s3.owned` | account, 0, name | nothing |
//! | `s3.config` | bucket, kind, 0, id | a configuration, as the document that it came in |
//! | `s3.number` | nothing | the last number given (8 bytes) |
//! | `s3.version` | bucket, key, 0, 0, complement of the version's number | [`Version`](crate::model::Version); the newest first |
//! | `s3.null` | bucket, key | the number of the key's null version (8 bytes) |
//! | `s3.object` | bucket, key | [`Summary`](crate::model::Summary) of the current version, unless that is a delete marker |
//! | `s3.inline` | version's number | a small body |
//! | `s3.parts` | version's number | the [`Part`](crate::model::Part)s that an object was made of |
//! | `s3.upload` | bucket, key, 0, 0, upload's number | [`Upload`](crate::model::Upload) |
//! | `s3.part` | upload's number, part number (4 bytes) | [`Part`](crate::model::Part) |
//! | `s3.file` | name of a body's file | nothing: something refers to it |
//! | `s3.garbage` | name of a body's file | nothing: nothing refers to it any more |

use crate::model::Bucket;
use fogbank_model::AccountId;
use fogbank_store::Table;

pub(crate) const BUCKET: Table = Table("s3.bucket");
pub(crate) const OWNED: Table = Table("s3.owned");
pub(crate) const CONFIG: Table = Table("s3.config");
pub(crate) const NUMBER: Table = Table("s3.number");
pub(crate) const VERSION: Table = Table("s3.version");
pub(crate) const NULL: Table = Table("s3.null");
pub(crate) const OBJECT: Table = Table("s3.object");
pub(crate) const INLINE: Table = Table("s3.inline");
pub(crate) const PARTS: Table = Table("s3.parts");
pub(crate) const UPLOAD: Table = Table("s3.upload");
pub(crate) const PART: Table = Table("s3.part");
pub(crate) const FILE: Table = Table("s3.file");
pub(crate) const GARBAGE: Table = Table("s3.garbage");

pub(crate) fn owned(account: &AccountId, name: &str) -> Vec<u8> {
    [account.as_str().as_bytes(), &[0], name.as_bytes()].concat()
}

pub(crate) fn config(bucket: &Bucket, kind: &str, id: &str) -> Vec<u8> {
    [&bucket.number.to_be_bytes()[..], kind.as_bytes(), &[0], id.as_bytes()].concat()
}

pub(crate) fn in_bucket(bucket: &Bucket, key: &str) -> Vec<u8> {
    [&bucket.number.to_be_bytes()[..], key.as_bytes()].concat()
}

/// What keys that begin with `prefix` begin with in tables where something follows the key.
pub(crate) fn escaped(bucket: &Bucket, prefix: &str) -> Vec<u8> {
    let mut bytes = bucket.number.to_be_bytes().to_vec();
    for byte in prefix.bytes() {
        bytes.push(byte);
        if byte == 0 {
            bytes.push(255);
        }
    }
    bytes
}

/// The part before the number in `s3.version` and `s3.upload`.
pub(crate) fn of_key(bucket: &Bucket, key: &str) -> Vec<u8> {
    [escaped(bucket, key).as_slice(), &[0, 0]].concat()
}

pub(crate) fn version(bucket: &Bucket, key: &str, number: u64) -> Vec<u8> {
    [of_key(bucket, key).as_slice(), &(!number).to_be_bytes()].concat()
}

pub(crate) fn upload(bucket: &Bucket, key: &str, number: u64) -> Vec<u8> {
    [of_key(bucket, key).as_slice(), &number.to_be_bytes()].concat()
}

pub(crate) fn part(upload: u64, number: u32) -> Vec<u8> {
    [&upload.to_be_bytes()[..], &number.to_be_bytes()].concat()
}

/// The object's key in a key of `s3.version` or `s3.upload`.
pub(crate) fn key_of(bytes: &[u8]) -> String {
    let escaped = bytes.get(8..bytes.len().saturating_sub(10)).unwrap_or_default();
    let mut key = Vec::with_capacity(escaped.len());
    let mut after_zero = false;
    for byte in escaped {
        if !std::mem::replace(&mut after_zero, *byte == 0) {
            key.push(*byte);
        }
    }
    String::from_utf8_lossy(&key).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bucket() -> Bucket {
        Bucket { number: 7, ..Bucket::for_tests() }
    }

    #[test]
    fn keys_are_read_back_and_keep_their_order() {
        let keys = ["", "a", "a\0", "a\0b", "a\0\0", "a!", "ab", "ä"];
        let mut sorted: Vec<&str> = keys.to_vec();
        sorted.sort_unstable();
        let mut made: Vec<(Vec<u8>, &str)> = keys.iter().map(|key| (version(&bucket(), key, 5), *key)).collect();
        made.sort();
        assert_eq!(made.iter().map(|(_, key)| *key).collect::<Vec<_>>(), sorted);
        for (bytes, key) in made {
            assert_eq!(key_of(&bytes), key);
        }
    }

    #[test]
    fn newer_versions_come_first() {
        assert!(version(&bucket(), "k", 9) < version(&bucket(), "k", 8));
    }
}
