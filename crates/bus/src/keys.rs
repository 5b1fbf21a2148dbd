//! Keys in the store. Names are joined with zero bytes, which no name holds; numbers are big-endian, so that they sort.
//!
//! | table | key | record |
//! | --- | --- | --- |
//! | `events.bus` | account, region, name | [`Bus`](crate::model::Bus); the default bus only once it was changed |
//! | `events.stamp` | account, region, bus | which state of the bus's rules and archives this is: see `rule_set.rs` |
//! | `events.rule` | account, region, bus, rule | [`Rule`](crate::model::Rule) with its targets |
//! | `events.archive` | account, region, name | [`Archive`](crate::archive::Archive) |
//! | `events.archived` | archive's place, event's time, number | an event (JSON) |
//! | `events.tally` | archive's place | [`Tally`](crate::archive::Tally) |
//! | `events.left` | archive's place | nothing: events of a deleted archive are still there |
//! | `events.replay` | account, region, name | [`Replay`](crate::replay::Replay) |
//! | `events.connection` | account, region, name | [`Connection`](crate::connection::Connection) |
//! | `events.destination` | account, region, name | [`Destination`](crate::destination::Destination) |
//!
//! Work queues: `events/timer` (schedules), `events/replay` (replays under way), `events/call` (calls of API destinations), `events/sweep`
//! (old events in archives).

use crate::model::{BusKey, RuleKey};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::Table;

pub(crate) const BUS: Table = Table("events.bus");
pub(crate) const STAMP: Table = Table("events.stamp");
pub(crate) const RULE: Table = Table("events.rule");
pub(crate) const ARCHIVE: Table = Table("events.archive");
pub(crate) const ARCHIVED: Table = Table("events.archived");
pub(crate) const TALLY: Table = Table("events.tally");
pub(crate) const LEFT: Table = Table("events.left");
pub(crate) const REPLAY: Table = Table("events.replay");
pub(crate) const CONNECTION: Table = Table("events.connection");
pub(crate) const DESTINATION: Table = Table("events.destination");

pub(crate) const TIMERS: &str = "events/timer";
pub(crate) const REPLAYS: &str = "events/replay";
pub(crate) const CALLS: &str = "events/call";
pub(crate) const SWEEPS: &str = "events/sweep";

/// What the keys of an account's things in a region begin with.
pub(crate) fn scope(account: &AccountId, region: &Region) -> Vec<u8> {
    [account.as_str().as_bytes(), region.as_str().as_bytes(), b""].join(&0)
}

/// Something that has a name of its own in its account and region.
pub(crate) fn named(account: &AccountId, region: &Region, name: &str) -> Vec<u8> {
    [scope(account, region).as_slice(), name.as_bytes()].concat()
}

pub(crate) fn bus(bus: &BusKey) -> Vec<u8> {
    named(&bus.account, &bus.region, &bus.name)
}

/// What the keys of a bus's rules begin with.
pub(crate) fn rules(bus: &BusKey) -> Vec<u8> {
    [self::bus(bus).as_slice(), &[0]].concat()
}

pub(crate) fn rule(rule: &RuleKey) -> Vec<u8> {
    [rules(&rule.bus).as_slice(), rule.name.as_bytes()].concat()
}

/// The name that a key ends with, after its last zero byte.
pub(crate) fn name_of(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.rsplit(|byte| *byte == 0).next()?).ok()
}

/// What the keys of an archive's events begin with.
pub(crate) fn place(place: &str) -> Vec<u8> {
    [place.as_bytes(), &[0]].concat()
}

pub(crate) fn archived(place: &str, at: Timestamp, number: u64) -> Vec<u8> {
    [self::place(place).as_slice(), &at.0.max(0).to_be_bytes(), &number.to_be_bytes()].concat()
}

/// When the event happened that an archive keeps under `key`.
pub(crate) fn time_of(place: &str, key: &[u8]) -> Option<Timestamp> {
    let bytes = key.get(place.len() + 1..)?.first_chunk::<8>()?;
    Some(Timestamp(i64::from_be_bytes(*bytes)))
}
