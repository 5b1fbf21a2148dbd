//! Keys in the store. Names are joined with zero bytes, which no name holds; numbers are big-endian, so that they sort.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `sns.topic` | account, region, name | [`Topic`](crate::model::Topic) |
//! | `sns.number` | nothing | the last topic id given (8 bytes) |
//! | `sns.subscription` | account, region, topic, 0, id | [`Subscription`](crate::model::Subscription) |
//! | `sns.endpoint` | account, region, topic, 0, protocol, 0, endpoint | the id of the subscription |
//! | `sns.sequence` | topic's id | the last number of a FIFO topic's message (8 bytes) |
//! | `sns.memory` | topic's id, what is remembered | see `memory.rs` |
//! | `sns.memory_end` | topic's id, time, what is remembered | nothing |
//! | `sns.signing` | nothing | [`Kept`](crate::signing::Kept): the key that notifications are signed with |
//! | `sns.outbox` | subscription, 0, time, number | [`Post`](crate::outbox::Post) |
//! | `sns.lane` | subscription | [`Lane`](crate::outbox::Lane) |
//! | `sns.application` | account, region, platform/name | [`Application`](crate::mobile::Application) |
//! | `sns.device` | account, region, platform/name/id | [`Device`](crate::mobile::Device) |
//! | `sns.sms` | account, region | the SMS attributes |
//! | `sns.phone` | account, region, number | [`Phone`](crate::sms::Phone) |
//!
//! Work queues: `sns/fan-out` (see `fan_out.rs`) and `sns/http` (see `outbox.rs`).

use crate::model::{Protocol, SubscriptionKey, TopicKey};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::Table;

pub(crate) const TOPIC: Table = Table("sns.topic");
pub(crate) const NUMBER: Table = Table("sns.number");
pub(crate) const SUBSCRIPTION: Table = Table("sns.subscription");
pub(crate) const ENDPOINT: Table = Table("sns.endpoint");
pub(crate) const SEQUENCE: Table = Table("sns.sequence");
pub(crate) const MEMORY: Table = Table("sns.memory");
pub(crate) const MEMORY_END: Table = Table("sns.memory_end");
pub(crate) const SIGNING: Table = Table("sns.signing");
pub(crate) const OUTBOX: Table = Table("sns.outbox");
pub(crate) const LANE: Table = Table("sns.lane");
pub(crate) const APPLICATION: Table = Table("sns.application");
pub(crate) const DEVICE: Table = Table("sns.device");
pub(crate) const SMS: Table = Table("sns.sms");
pub(crate) const PHONE: Table = Table("sns.phone");

pub(crate) fn scope(account: &AccountId, region: &Region) -> Vec<u8> {
    [account.as_str().as_bytes(), region.as_str().as_bytes(), b""].join(&0)
}

pub(crate) fn named(account: &AccountId, region: &Region, name: &str) -> Vec<u8> {
    [scope(account, region).as_slice(), name.as_bytes()].concat()
}

pub(crate) fn topic(key: &TopicKey) -> Vec<u8> {
    named(&key.account, &key.region, &key.name)
}

/// The last part of a key of `sns.topic`, `sns.application`, `sns.device` or `sns.phone`.
pub(crate) fn name_in(key: &[u8]) -> Option<String> {
    std::str::from_utf8(key).ok()?.splitn(3, '\0').nth(2).map(str::to_owned)
}

/// What the keys of a topic's subscriptions begin with.
pub(crate) fn subscriptions(key: &TopicKey) -> Vec<u8> {
    [topic(key).as_slice(), b"\0"].concat()
}

pub(crate) fn subscription(key: &SubscriptionKey) -> Vec<u8> {
    [subscriptions(&key.topic).as_slice(), key.id.as_bytes()].concat()
}

/// The subscription that a key of `sns.subscription` names.
pub(crate) fn subscription_of(key: &[u8]) -> Option<SubscriptionKey> {
    let mut parts = std::str::from_utf8(key).ok()?.splitn(4, '\0');
    let (account, region) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let topic = TopicKey { account, region, name: parts.next()?.to_owned() };
    Some(SubscriptionKey { topic, id: parts.next()?.to_owned() })
}

pub(crate) fn endpoint(key: &TopicKey, protocol: Protocol, endpoint: &str) -> Vec<u8> {
    [subscriptions(key).as_slice(), protocol.name().as_bytes(), b"\0", endpoint.as_bytes()].concat()
}

pub(crate) fn remembered(topic: u64, what: &[u8]) -> Vec<u8> {
    [&topic.to_be_bytes()[..], what].concat()
}

pub(crate) fn remembered_until(topic: u64, end: Timestamp, what: &[u8]) -> Vec<u8> {
    [&topic.to_be_bytes()[..], &end.0.max(0).to_be_bytes(), what].concat()
}

/// What the keys of a subscription's posts begin with.
pub(crate) fn posts(key: &SubscriptionKey) -> Vec<u8> {
    [subscription(key).as_slice(), b"\0"].concat()
}

pub(crate) fn post(key: &SubscriptionKey, due: Timestamp, number: u64) -> Vec<u8> {
    [posts(key).as_slice(), &due.0.max(0).to_be_bytes(), &number.to_be_bytes()].concat()
}

/// The time and the number that a key of `sns.outbox` ends with.
pub(crate) fn post_of(key: &[u8]) -> Option<(Timestamp, u64)> {
    let (rest, number) = key.split_last_chunk::<8>()?;
    let due = rest.last_chunk::<8>()?;
    Some((Timestamp(i64::from_be_bytes(*due)), u64::from_be_bytes(*number)))
}
