//! Keys in the store. Names are joined with zero bytes, which no name holds; numbers are big-endian, so that they sort.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `dynamodb.table` | account, region, name | revision (8 bytes), [`Table`](crate::schema::Table) |
//! | `dynamodb.number` | nothing | the last place, revision or sequence number given (8 bytes) |
//! | `dynamodb.left` | place | nothing: what is below the place is to be removed |
//! | `dynamodb.filling` | account, region, name | nothing: the table has an index or an expiry that is being filled |
//! | `dynamodb.counter` | place | entries and bytes of a table or an index (8 bytes each) |
//! | `dynamodb.item` | place, [`ItemKey`] | the item |
//! | `dynamodb.entry` | place of the index, its [`ItemKey`], the item's [`ItemKey`] | length of the former (4 bytes) |
//! | `dynamodb.expiry` | place, seconds, [`ItemKey`] | nothing |
//! | `dynamodb.change` | place of the stream, sequence number | [`Change`](crate::changes::Change) |
//! | `dynamodb.stream` | account, region, table, 0, label | [`Stream`](crate::changes::Stream) |
//! | `dynamodb.token` | account, region, token | a transaction that was made: its digest and answer |
//! | `dynamodb.token_end` | time, account, region, token | nothing |
//! | `dynamodb.history` | place, time, number | the key that changed, and what was there before |
//! | `dynamodb.backup` | account, region, table, 0, id | [`Backup`](crate::backup::Backup) |
//! | `dynamodb.saving` | the same | the same, of a deleted table whose items are still below its place |
//!
//! Exports, imports and the jobs that they are have tables of their own in `export.rs`, `import.rs` and `jobs.rs`.
//!
//! An [`ItemKey`] begins with two bytes of a hash of the partition key, so that a parallel scan's segments are alike; then the attributes of
//! the partition key and of the sort key, encoded so that they sort as their values do and none is the beginning of another.

#[cfg(test)]
pub(crate) mod tests;

use crate::changes::StreamKey;
use crate::schema::{KeySchema, TableKey};
use crate::value::{AttributeValue, Item};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::Table as Map;
use sha2::{Digest, Sha256};

pub(crate) const TABLE: Map = Map("dynamodb.table");
pub(crate) const NUMBER: Map = Map("dynamodb.number");
pub(crate) const LEFT: Map = Map("dynamodb.left");
pub(crate) const FILLING: Map = Map("dynamodb.filling");
pub(crate) const COUNTER: Map = Map("dynamodb.counter");
pub(crate) const ITEM: Map = Map("dynamodb.item");
pub(crate) const ENTRY: Map = Map("dynamodb.entry");
pub(crate) const EXPIRY: Map = Map("dynamodb.expiry");
pub(crate) const CHANGE: Map = Map("dynamodb.change");
pub(crate) const STREAM: Map = Map("dynamodb.stream");
pub(crate) const TOKEN: Map = Map("dynamodb.token");
pub(crate) const TOKEN_END: Map = Map("dynamodb.token_end");

/// Segments of a parallel scan are ranges of the hash that keys begin with.
const HASHES: u64 = 1 << 16;
/// The bytes of that hash.
const BUCKET: usize = 2;
/// Bytes that most keys have room in.
const ROOM: usize = 64;

pub(crate) fn scope(account: &AccountId, region: &Region) -> Vec<u8> {
    [account.as_str().as_bytes(), region.as_str().as_bytes(), b""].join(&0)
}

pub(crate) fn table(key: &TableKey) -> Vec<u8> {
    [scope(&key.account, &key.region).as_slice(), key.name.as_bytes()].concat()
}

/// The table that a key of `dynamodb.table` names.
pub(crate) fn table_of(key: &[u8]) -> Option<TableKey> {
    let mut parts = std::str::from_utf8(key).ok()?.splitn(3, '\0');
    let (account, region) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(TableKey { account, region, name: parts.next()?.to_owned() })
}

pub(crate) fn place(place: u64) -> [u8; 8] {
    place.to_be_bytes()
}

pub(crate) fn below(place: u64, rest: &[u8]) -> Vec<u8> {
    [&place.to_be_bytes()[..], rest].concat()
}

/// Where the keys below `place` begin and end whose hashes are those of one of several segments.
pub(crate) fn segment(place: u64, (segment, of): (u64, u64)) -> (Vec<u8>, Vec<u8>) {
    let bound = |part: u64| match part * HASHES / of {
        HASHES.. => self::place(place + 1).to_vec(),
        hash => below(place, &(hash as u16).to_be_bytes()),
    };
    (bound(segment), bound(segment + 1))
}

/// Times before 1970 sort as 1970.
pub(crate) fn timed(place: u64, seconds: i64, rest: &[u8]) -> Vec<u8> {
    [&place.to_be_bytes()[..], &seconds.max(0).to_be_bytes(), rest].concat()
}

pub(crate) fn stream(table: &TableKey, label: &str) -> Vec<u8> {
    [self::table(table).as_slice(), b"\0", label.as_bytes()].concat()
}

/// The stream that a key of `dynamodb.stream` names.
pub(crate) fn stream_of(key: &[u8]) -> Option<StreamKey> {
    let at = key.iter().rposition(|byte| *byte == 0)?;
    let label = std::str::from_utf8(key.get(at + 1..)?).ok()?.to_owned();
    Some(StreamKey { table: table_of(key.get(..at)?)?, label })
}

pub(crate) fn token(account: &AccountId, region: &Region, token: &str) -> Vec<u8> {
    [scope(account, region).as_slice(), token.as_bytes()].concat()
}

pub(crate) fn token_end(at: Timestamp, token: &[u8]) -> Vec<u8> {
    [&at.0.max(0).to_be_bytes()[..], token].concat()
}

/// The time of a key that [`timed`] made, and the number that it ends with.
pub(crate) fn time_and_number(key: &[u8]) -> Option<(Timestamp, u64)> {
    let time = key.get(8..16)?.first_chunk::<8>()?;
    Some((Timestamp(i64::from_be_bytes(*time)), number(key)?))
}

/// The number that a key ends with.
pub(crate) fn number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Appends a key attribute's value, encoded; `None` if it is of a type that no key has.
pub(crate) fn encode(value: &AttributeValue, out: &mut Vec<u8>) -> Option<()> {
    match value {
        AttributeValue::N(number) => number.encode_ordered(out),
        _ => {
            encode_beginning(value, out)?;
            out.extend([0, 0]);
        }
    }
    Some(())
}

/// Appends the beginning of all encoded values that begin with `value`.
pub(crate) fn encode_beginning(value: &AttributeValue, out: &mut Vec<u8>) -> Option<()> {
    match value {
        AttributeValue::S(text) => escape(text.as_bytes(), out),
        AttributeValue::B(bytes) => escape(bytes, out),
        _ => return None,
    }
    Some(())
}

/// Zero bytes are followed by 255, so that the two that end the value come before all else.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
}

/// The key of an item, or of an index's entry without the item's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemKey(pub Vec<u8>);

impl ItemKey {
    /// In which of several segments it is, if their number divides that of the hashes.
    pub fn segment(&self, of: u64) -> u64 {
        let hash = self.0.first_chunk::<BUCKET>().map_or(0, |hash| u16::from_be_bytes(*hash));
        u64::from(hash) * of / HASHES
    }

    /// What all keys begin with whose partition key has these values; `None` if one is missing, or of a type that no key has.
    pub fn partition<'v>(hash: impl Iterator<Item = Option<&'v AttributeValue>>) -> Option<Self> {
        let mut key = Vec::with_capacity(ROOM);
        key.extend([0; BUCKET]);
        for value in hash {
            encode(value?, &mut key)?;
        }
        let digest = Sha256::digest(&key[BUCKET..]);
        key[..BUCKET].copy_from_slice(&digest[..BUCKET]);
        Some(Self(key))
    }

    /// The key that `item` has by `keys`; `None` if an attribute is missing, or of another type.
    pub fn of(keys: &KeySchema, item: &Item) -> Option<Self> {
        let mut key = Self::partition(keys.hash.attributes().map(|attribute| attribute.of(item)))?;
        for attribute in keys.ranges() {
            encode(attribute.of(item)?, &mut key.0)?;
        }
        Some(key)
    }
}
