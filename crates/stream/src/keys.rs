//! Keys in the store. Names are joined with zero bytes, which no name holds; numbers are big-endian, so that they sort.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `kinesis.stream` | account, region, name | [`Stream`](crate::model::Stream) |
//! | `kinesis.number` | nothing | the last id given (8 bytes) |
//! | `kinesis.secret` | nothing | the key that iterators and tokens are signed with |
//! | `kinesis.counts` | account, region | [`Counts`](crate::model::Counts) |
//! | `kinesis.commitment` | account, region | [`Commitment`](crate::commitment::Commitment) |
//! | `kinesis.left` | stream's id | nothing: the stream is deleted, what it held is still there |
//! | `kinesis.shard` | stream's id, shard's number | [`Shard`](crate::model::Shard), which changes when it is closed |
//! | `kinesis.open` | stream's id, last hash key | the number of the open shard that takes it (8 bytes) |
//! | `kinesis.tail` | stream's id, shard's number | [`Tail`], which changes with every record |
//! | `kinesis.record` | stream's id, shard's number, place | a record, which never changes |
//! | `kinesis.consumer` | stream's id, name | [`Consumer`](crate::model::Consumer) |

use crate::hash::HashKey;
use crate::model::StreamKey;
use crate::pace::Pace;
use crate::place::Place;
use bytes::Bytes;
use fogbank_model::{AccountId, Region};
use fogbank_store::{Error, Table};

pub(crate) const STREAM: Table = Table("kinesis.stream");
pub(crate) const NUMBER: Table = Table("kinesis.number");
pub(crate) const SECRET: Table = Table("kinesis.secret");
pub(crate) const COUNTS: Table = Table("kinesis.counts");
pub(crate) const COMMITMENT: Table = Table("kinesis.commitment");
pub(crate) const LEFT: Table = Table("kinesis.left");
pub(crate) const SHARD: Table = Table("kinesis.shard");
pub(crate) const OPEN: Table = Table("kinesis.open");
pub(crate) const TAIL: Table = Table("kinesis.tail");
pub(crate) const RECORD: Table = Table("kinesis.record");
pub(crate) const CONSUMER: Table = Table("kinesis.consumer");

pub(crate) fn scope(account: &AccountId, region: &Region) -> Vec<u8> {
    [account.as_str().as_bytes(), region.as_str().as_bytes(), b""].join(&0)
}

pub(crate) fn stream(key: &StreamKey) -> Vec<u8> {
    [scope(&key.account, &key.region).as_slice(), key.name.as_bytes()].concat()
}

/// The stream that a key of `kinesis.stream` names.
pub(crate) fn stream_of(key: &[u8]) -> Option<StreamKey> {
    let mut parts = std::str::from_utf8(key).ok()?.splitn(3, '\0');
    let (account, region) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(StreamKey { account, region, name: parts.next()?.to_owned() })
}

pub(crate) fn id(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

pub(crate) fn shard(stream: u64, shard: u64) -> Vec<u8> {
    [stream.to_be_bytes(), shard.to_be_bytes()].concat()
}

pub(crate) fn open(stream: u64, end: HashKey) -> Vec<u8> {
    [&stream.to_be_bytes()[..], &end.to_bytes()].concat()
}

pub(crate) fn record(stream: u64, shard: u64, place: Place) -> Vec<u8> {
    [&stream.to_be_bytes()[..], &shard.to_be_bytes(), &place.to_bytes()].concat()
}

/// The place in a key of `kinesis.record`.
pub(crate) fn place(key: &[u8]) -> Option<Place> {
    key.last_chunk::<16>().map(|bytes| Place::from_bytes(*bytes))
}

pub(crate) fn consumer(stream: u64, name: &str) -> Vec<u8> {
    [&stream.to_be_bytes()[..], name.as_bytes()].concat()
}

/// The number that a key or a value ends with.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    bytes.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// What those who wait for a shard's records listen to.
pub(crate) fn waker(stream: u64, shard: u64) -> String {
    format!("kinesis/{stream}/{shard}")
}

/// The end of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The last record's place, or the shard's start.
    pub last: Place,
    /// How much the shard can take.
    pub pace: Pace,
}

impl Tail {
    pub fn encode(&self) -> Vec<u8> {
        [&self.last.to_bytes()[..], &self.pace.encode()].concat()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let read = || {
            let (last, pace) = bytes.split_first_chunk::<16>()?;
            Some(Self { last: Place::from_bytes(*last), pace: Pace::decode(pace)? })
        };
        read().ok_or_else(|| Error::Damaged { table: TAIL.0, why: "it is too short".into() })
    }
}

/// A record as it is kept: whether it is said to be encrypted, the partition key behind its length, the data.
pub(crate) fn encode_record(encrypted: bool, partition_key: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(partition_key.len()).unwrap_or(u16::MAX);
    [&[u8::from(encrypted)][..], &length.to_be_bytes(), partition_key.as_bytes(), data].concat()
}

/// The parts of a kept record.
pub(crate) fn decode_record(bytes: Vec<u8>) -> Result<(bool, String, Bytes), Error> {
    let bytes = Bytes::from(bytes);
    let read = || {
        let (encrypted, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let key = rest.get(..u16::from_be_bytes(*length).into())?;
        Some((*encrypted != 0, String::from_utf8_lossy(key).into_owned(), bytes.slice(3 + key.len()..)))
    };
    read().ok_or_else(|| Error::Damaged { table: RECORD.0, why: "it is too short".into() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use fogbank_model::Timestamp;

    #[test]
    fn records_are_read_back() {
        let tail = Tail { last: Place { ms: 5, count: 9 }, pace: Pace::rested(Timestamp(5)) };
        assert_eq!(Tail::decode(&tail.encode()).unwrap(), tail);
        let kept = encode_record(true, "ключ", b"data");
        assert_eq!(decode_record(kept).unwrap(), (true, "ключ".to_owned(), Bytes::from_static(b"data")));
        assert!(decode_record(vec![0, 0, 9, 1]).is_err());
    }

    #[test]
    fn a_streams_key_and_arns_name_it() {
        let key = StreamKey {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: "clicks".into(),
        };
        assert_eq!(stream_of(&stream(&key)), Some(key.clone()));
        assert_eq!(StreamKey::of(key.arn().as_str()), Some(key.clone()));
        assert_eq!(StreamKey::of(&format!("{}/consumer/c:1", key.arn())), Some(key.clone()));
        assert_eq!(StreamKey::of("arn:aws:sqs:eu-west-1:123456789012:stream/clicks"), None);
    }
}
