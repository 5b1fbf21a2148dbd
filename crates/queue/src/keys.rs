//! Keys in the store. Names are joined with zero bytes, which no name holds; numbers are big-endian, so that they sort.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `sqs.queue` | account, region, name | [`Queue`](crate::model::Queue) |
//! | `sqs.deleted` | account, region, name | when the queue was deleted (8 bytes) |
//! | `sqs.number` | nothing | the last id or place given (8 bytes) |
//! | `sqs.secret` | nothing | the key that receipt handles are signed with |
//! | `sqs.left` | place | nothing: messages that nobody can reach are still there |
//! | `sqs.counter` | place | [`Counters`] |
//! | `sqs.state` | place, message | [`State`], which changes with every receipt |
//! | `sqs.message` | place, message | [`Message`], which never changes |
//! | `sqs.ready` | place, time, message | what can be received: in FIFO queues the name of a group, whose first message it is |
//! | `sqs.timer` | place, time, message | when a delay or a visibility timeout ends |
//! | `sqs.order` | place, group, 0, message | the messages of a FIFO queue's group |
//! | `sqs.group` | place, group | [`Group`] |
//! | `sqs.memory` | place, what is remembered | see `memory.rs` |
//! | `sqs.memory_end` | place, time, what is remembered | nothing |
//! | `sqs.move` | account, region, source's name, 0, start, id | [`MoveTask`](crate::move_task::MoveTask) |
//! | `sqs.moving` | as `sqs.move` | nothing: the task is not done |

use crate::model::{Message, QueueKey};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Error, Table};

pub(crate) const QUEUE: Table = Table("sqs.queue");
pub(crate) const DELETED: Table = Table("sqs.deleted");
pub(crate) const NUMBER: Table = Table("sqs.number");
pub(crate) const SECRET: Table = Table("sqs.secret");
pub(crate) const LEFT: Table = Table("sqs.left");
pub(crate) const COUNTER: Table = Table("sqs.counter");
pub(crate) const STATE: Table = Table("sqs.state");
pub(crate) const MESSAGE: Table = Table("sqs.message");
pub(crate) const READY: Table = Table("sqs.ready");
pub(crate) const TIMER: Table = Table("sqs.timer");
pub(crate) const ORDER: Table = Table("sqs.order");
pub(crate) const GROUP: Table = Table("sqs.group");
pub(crate) const MEMORY: Table = Table("sqs.memory");
pub(crate) const MEMORY_END: Table = Table("sqs.memory_end");
pub(crate) const MOVE: Table = Table("sqs.move");
pub(crate) const MOVING: Table = Table("sqs.moving");

pub(crate) fn scope(account: &AccountId, region: &Region) -> Vec<u8> {
    [account.as_str().as_bytes(), region.as_str().as_bytes(), b""].join(&0)
}

pub(crate) fn queue(key: &QueueKey) -> Vec<u8> {
    [scope(&key.account, &key.region).as_slice(), key.name.as_bytes()].concat()
}

/// The queue that a key of `sqs.queue` names.
pub(crate) fn queue_of(key: &[u8]) -> Option<QueueKey> {
    let mut parts = std::str::from_utf8(key).ok()?.splitn(3, '\0');
    let (account, region) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(QueueKey { account, region, name: parts.next()?.to_owned() })
}

/// What those who wait for the queue's messages listen to.
pub(crate) fn waker(id: u64) -> String {
    format!("sqs/{id}")
}

pub(crate) fn place(place: u64) -> [u8; 8] {
    place.to_be_bytes()
}

pub(crate) fn message(place: u64, number: u64) -> Vec<u8> {
    [place.to_be_bytes(), number.to_be_bytes()].concat()
}

/// Times before 1970 sort as 1970.
pub(crate) fn timed(place: u64, at: Timestamp, number: u64) -> Vec<u8> {
    [place.to_be_bytes(), at.0.max(0).to_be_bytes(), number.to_be_bytes()].concat()
}

pub(crate) fn group(place: u64, group: &str) -> Vec<u8> {
    [&place.to_be_bytes()[..], group.as_bytes()].concat()
}

pub(crate) fn in_group(place: u64, group: &str) -> Vec<u8> {
    [&place.to_be_bytes()[..], group.as_bytes(), b"\0"].concat()
}

pub(crate) fn order(place: u64, group: &str, number: u64) -> Vec<u8> {
    [in_group(place, group).as_slice(), &number.to_be_bytes()].concat()
}

pub(crate) fn remembered(place: u64, what: &[u8]) -> Vec<u8> {
    [&place.to_be_bytes()[..], what].concat()
}

pub(crate) fn remembered_until(place: u64, end: Timestamp, what: &[u8]) -> Vec<u8> {
    [&place.to_be_bytes()[..], &end.0.max(0).to_be_bytes(), what].concat()
}

/// The number that a key ends with.
pub(crate) fn number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The time in a key of `sqs.ready`, `sqs.timer` or `sqs.memory_end`.
pub(crate) fn time(key: &[u8]) -> Option<Timestamp> {
    let bytes = key.get(8..16)?.first_chunk::<8>()?;
    Some(Timestamp(i64::from_be_bytes(*bytes)))
}

/// What a place counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The number that the last message got.
    pub last: u64,
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
}

impl Counters {
    pub fn encode(&self) -> Vec<u8> {
        [self.last, self.visible, self.in_flight, self.delayed].map(u64::to_be_bytes).concat()
    }

    pub fn decode(bytes: &[u8]) -> Self {
        let at = |place: usize| {
            let chunk = bytes.get(place * 8..).and_then(|rest| rest.first_chunk::<8>());
            chunk.map_or(0, |chunk| u64::from_be_bytes(*chunk))
        };
        Self { last: at(0), visible: at(1), in_flight: at(2), delayed: at(3) }
    }
}

/// Where a message is between its arrival and its removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Delayed,
    Visible,
    InFlight,
}

/// The part of a message that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub phase: Phase,
    /// Since when it has been visible, or when the delay or the visibility timeout ends.
    pub at: Timestamp,
    /// When it was sent.
    pub sent: Timestamp,
    /// How often it was received.
    pub received: u32,
    /// How often it had been received when it came here; those do not count against this queue's redrive policy.
    pub received_before: u32,
    /// When it was received for the first time.
    pub first_received: Timestamp,
    /// When it was received for the last time.
    pub last_received: Timestamp,
    /// In FIFO queues, the group.
    pub group: String,
}

impl State {
    pub fn encode(&self) -> Vec<u8> {
        let phase = match self.phase {
            Phase::Delayed => 0,
            Phase::Visible => 1,
            Phase::InFlight => 2,
        };
        let mut bytes = vec![phase];
        for time in [self.at, self.sent, self.first_received, self.last_received] {
            bytes.extend(time.0.to_be_bytes());
        }
        bytes.extend(self.received.to_be_bytes());
        bytes.extend(self.received_before.to_be_bytes());
        bytes.extend(self.group.as_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).ok_or_else(|| Error::Damaged { table: STATE.0, why: "it is too short".into() })
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (phase, rest) = bytes.split_first()?;
        let phase = match phase {
            0 => Phase::Delayed,
            1 => Phase::Visible,
            _ => Phase::InFlight,
        };
        let time = |rest: &mut &[u8]| -> Option<Timestamp> {
            let (chunk, after) = rest.split_first_chunk::<8>()?;
            *rest = after;
            Some(Timestamp(i64::from_be_bytes(*chunk)))
        };
        let mut rest = rest;
        let (at, sent) = (time(&mut rest)?, time(&mut rest)?);
        let (first_received, last_received) = (time(&mut rest)?, time(&mut rest)?);
        let (received, rest) = rest.split_first_chunk::<4>()?;
        let (before, group) = rest.split_first_chunk::<4>()?;
        let (received, received_before) = (u32::from_be_bytes(*received), u32::from_be_bytes(*before));
        let group = String::from_utf8_lossy(group).into_owned();
        Some(Self { phase, at, sent, received, received_before, first_received, last_received, group })
    }
}

/// A FIFO queue's group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its messages in flight; while there are any, the rest waits.
    pub in_flight: u32,
    /// Its key in `sqs.ready`, if it is there.
    pub ready: Option<(Timestamp, u64)>,
}

impl Group {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.in_flight.to_be_bytes().to_vec();
        if let Some((at, number)) = self.ready {
            bytes.extend(at.0.to_be_bytes());
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Self {
        let Some((in_flight, rest)) = bytes.split_first_chunk::<4>() else { return Self::default() };
        let ready = rest.split_first_chunk::<8>().and_then(|(at, rest)| {
            Some((Timestamp(i64::from_be_bytes(*at)), u64::from_be_bytes(*rest.first_chunk::<8>()?)))
        });
        Self { in_flight: u32::from_be_bytes(*in_flight), ready }
    }
}

impl Message {
    /// The head as JSON behind its length, then the body as it is.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        let damaged = |error: serde_json::Error| Error::Damaged { table: MESSAGE.0, why: error.to_string() };
        let head = serde_json::to_vec(self).map_err(damaged)?;
        let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
        Ok([&length.to_be_bytes()[..], &head, self.body.as_bytes()].concat())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |why: &dyn ToString| Error::Damaged { table: MESSAGE.0, why: why.to_string() };
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| damaged(&"it is too short"))?;
        let length = u32::from_be_bytes(*length) as usize;
        let head = rest.get(..length).ok_or_else(|| damaged(&"it is too short"))?;
        let mut message: Self = serde_json::from_slice(head).map_err(|error| damaged(&error))?;
        message.body = String::from_utf8_lossy(rest.get(length..).unwrap_or_default()).into_owned();
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn records_are_read_back() {
        let state = State {
            phase: Phase::InFlight,
            at: Timestamp(5),
            sent: Timestamp(1),
            received: 3,
            received_before: 2,
            first_received: Timestamp(2),
            last_received: Timestamp(4),
            group: "g".into(),
        };
        assert_eq!(State::decode(&state.encode()).unwrap(), state);
        for group in [Group { in_flight: 2, ready: None }, Group { in_flight: 0, ready: Some((Timestamp(9), 4)) }] {
            assert_eq!(Group::decode(&group.encode()), group);
        }
        let counters = Counters { last: 1, visible: 2, in_flight: 3, delayed: 4 };
        assert_eq!(Counters::decode(&counters.encode()), counters);
        let message = Message {
            id: "i".into(),
            sender: "s".into(),
            principal: "p".into(),
            body: "b".repeat(1000),
            attributes: Default::default(),
            trace: None,
            deduplication: None,
            group: Some("g".into()),
            source: None,
        };
        assert_eq!(Message::decode(&message.encode().unwrap()).unwrap(), message);
    }

    #[test]
    fn a_queues_key_names_it() {
        let key = QueueKey {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: "orders.fifo".into(),
        };
        assert_eq!(queue_of(&queue(&key)), Some(key.clone()));
        assert_eq!(QueueKey::of(key.arn().as_str()), Some(key));
    }
}
