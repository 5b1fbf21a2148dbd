//! Groups, streams and events.

use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What AWS adds to a message's length when it counts bytes.
pub(crate) const EVENT_OVERHEAD: usize = 26;
/// Events of one `PutLogEvents` request, and of one page.
pub(crate) const EVENTS: usize = 10_000;
/// Bytes of one `PutLogEvents` request, of one message, and of one page.
pub(crate) const BYTES: usize = 1 << 20;
/// Groups or streams of one page.
pub(crate) const PAGE: usize = 50;
/// Tags of one group.
pub(crate) const TAGS: usize = 50;

/// Names one log group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The group's name.
    pub name: String,
}

impl GroupKey {
    /// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("logs", &self.region, &self.account, &format!("log-group:{}", self.name))
    }
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// When it was made.
    pub created: Timestamp,
    /// Days that events are kept; for ever if `None`.
    pub retention_days: Option<u32>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// When it was made.
    pub created: Timestamp,
    /// The time of its earliest event.
    pub first_event: Option<Timestamp>,
    /// The time of its latest event.
    pub last_event: Option<Timestamp>,
    /// When something was last written to it.
    pub last_ingestion: Option<Timestamp>,
    /// Bytes written to it.
    pub bytes: u64,
}

impl Stream {
    /// A new stream.
    pub(crate) fn new(created: Timestamp) -> Self {
        Self { created, first_event: None, last_event: None, last_ingestion: None, bytes: 0 }
    }

    pub(crate) fn note(&mut self, at: Timestamp, ingested: Timestamp, message: &str) {
        self.first_event = Some(self.first_event.map_or(at, |first| first.min(at)));
        self.last_event = Some(self.last_event.map_or(at, |last| last.max(at)));
        self.last_ingestion = Some(ingested);
        self.bytes += (message.len() + EVENT_OVERHEAD) as u64;
    }
}

/// Where an event is in its stream: by time, then in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The event's time in milliseconds.
    pub time: u64,
    /// Its number among all events.
    pub number: u64,
}

/// A log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Where it is in its stream.
    pub position: Position,
    /// When it was taken in.
    pub ingested: Timestamp,
    /// What it says.
    pub message: String,
}
