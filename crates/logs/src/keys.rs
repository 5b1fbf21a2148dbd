//! Keys in the store. Parts are joined with a zero byte, which no name holds.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `logs.group` | account, region, group | [`Group`](crate::model::Group) |
//! | `logs.stream` | group's key, stream | [`Stream`](crate::model::Stream) |
//! | `logs.event` | stream's key, time, number (8 bytes each) | time of ingestion (8 bytes), message |

use crate::model::{GroupKey, LogEvent, Position};
use fogbank_model::{LogStream, Timestamp};
use fogbank_store::Table;

pub(crate) const GROUP: Table = Table("logs.group");
pub(crate) const STREAM: Table = Table("logs.stream");
pub(crate) const EVENT: Table = Table("logs.event");

pub(crate) fn scope(account: &fogbank_model::AccountId, region: &fogbank_model::Region) -> Vec<u8> {
    [account.as_str().as_bytes(), region.as_str().as_bytes(), b""].join(&0)
}

pub(crate) fn group(key: &GroupKey) -> Vec<u8> {
    [scope(&key.account, &key.region).as_slice(), key.name.as_bytes()].concat()
}

/// What all streams and events of a group begin with.
pub(crate) fn in_group(key: &GroupKey) -> Vec<u8> {
    [group(key).as_slice(), b"\0"].concat()
}

pub(crate) fn stream(group: &GroupKey, stream: &str) -> Vec<u8> {
    [in_group(group).as_slice(), stream.as_bytes()].concat()
}

pub(crate) fn event(group: &GroupKey, name: &str, position: Position) -> Vec<u8> {
    let (time, number) = (position.time.to_be_bytes(), position.number.to_be_bytes());
    [stream(group, name).as_slice(), b"\0", &time, &number].concat()
}

pub(crate) fn position(key: &[u8]) -> Option<Position> {
    let (rest, number) = key.split_last_chunk::<8>()?;
    let time = rest.last_chunk::<8>()?;
    Some(Position { time: u64::from_be_bytes(*time), number: u64::from_be_bytes(*number) })
}

pub(crate) fn encode_event(ingested: Timestamp, message: &str) -> Vec<u8> {
    [&ingested.0.to_be_bytes()[..], message.as_bytes()].concat()
}

pub(crate) fn decode_event(key: &[u8], value: &[u8]) -> Option<LogEvent> {
    let (ingested, message) = value.split_first_chunk::<8>()?;
    Some(LogEvent {
        position: position(key)?,
        ingested: Timestamp(i64::from_be_bytes(*ingested)),
        message: String::from_utf8_lossy(message).into_owned(),
    })
}

pub(crate) fn group_of(stream: &LogStream) -> GroupKey {
    GroupKey { account: stream.account.clone(), region: stream.region.clone(), name: stream.group.clone() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_event_has_this_key_and_is_read_back() {
        let group = GroupKey {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: "/a".into(),
        };
        let at = Position { time: 258, number: 1 };
        let key = event(&group, "s", at);
        assert_eq!(key, b"123456789012\0eu-west-1\0/a\0s\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\0\x01");
        let value = encode_event(Timestamp(9), "hello");
        let read = decode_event(&key, &value).unwrap();
        assert_eq!(read, LogEvent { position: at, ingested: Timestamp(9), message: "hello".into() });
    }
}
