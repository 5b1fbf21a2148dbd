//! Change streams as their readers have them: the API in `streams/`, and event source mappings.

use crate::changes::{self, Change, Numbered, Stream, StreamKey, sequence_text};
use crate::value::{Item, json};
use crate::{Error, Tables, keys};
use fogbank_model::{AccountId, Arrivals, Region, Timestamp};
use fogbank_store::Read;
use serde_json::{Map, Value};
use std::ops::Bound;

/// Bytes of records that one read gives at most.
const BYTES: usize = 1 << 20;

impl Stream {
    /// The name of its one shard.
    pub fn shard_id(&self) -> String {
        format!("shardId-{:020}-{:08x}", self.created.0, self.place)
    }
}

impl Tables {
    /// The stream called `key`, if there is one; also for a day after it has ended.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn stream(&self, key: &StreamKey) -> Result<Option<Stream>, Error> {
        self.store.read(|snapshot| Ok(snapshot.load(keys::STREAM, &keys::stream(&key.table, &key.label))?))
    }

    /// The streams of an account in a region.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn streams(&self, account: &AccountId, region: &Region) -> Result<Vec<(StreamKey, Stream)>, Error> {
        let scope = keys::scope(account, region);
        let found = self.store.read(|snapshot| snapshot.load_prefix::<Stream>(keys::STREAM, &scope))?;
        Ok(found.into_iter().filter_map(|(key, stream)| Some((keys::stream_of(&key)?, stream))).collect())
    }

    /// At most `limit` records after the sequence number `after`, in their order.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn changes(&self, stream: &Stream, after: u64, limit: usize) -> Result<Vec<Numbered>, Error> {
        let limit = limit.min(changes::PAGE);
        self.store.read(|snapshot| changes::read(snapshot, stream.place, after, limit, BYTES))
    }

    /// The stream called `key`, and at most `limit` records after `after`, for a reader who is to miss none.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Trimmed`] if there were some that are no longer kept.
    pub(crate) fn records(&self, key: &StreamKey, after: u64, limit: usize) -> Result<(Stream, Vec<Numbered>), Error> {
        self.store.read(|snapshot| {
            let stream: Option<Stream> = snapshot.load(keys::STREAM, &keys::stream(&key.table, &key.label))?;
            let stream = stream.ok_or_else(Error::no_resource)?;
            let found = changes::read(snapshot, stream.place, stream.untrimmed(after)?, limit, BYTES)?;
            Ok((stream, found))
        })
    }

    /// The sequence number behind which the first record of `at` or later is. Records are looked up, not read through.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn before(&self, stream: &Stream, at: Timestamp) -> Result<u64, Error> {
        let (mut before, mut until) = (stream.horizon(), self.last_change(stream)?);
        while before < until {
            let middle = before + (until - before) / 2;
            match self.changes(stream, middle, 1)?.first() {
                Some((number, change)) if change.second() < at => before = *number,
                _ => until = middle,
            }
        }
        Ok(before)
    }

    /// The sequence number of the last record, or the one before the first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn last_change(&self, stream: &Stream) -> Result<u64, Error> {
        let (from, to) = (keys::place(stream.place), keys::place(stream.place + 1));
        self.store.read(|snapshot| {
            let mut all = snapshot.range(keys::CHANGE, Bound::Included(&from), Bound::Excluded(&to))?;
            let last = all.next_back().transpose()?;
            Ok(last.and_then(|(key, _)| keys::number(&key)).unwrap_or(stream.horizon()))
        })
    }

    /// Resolves when the stream has a record after `after`, or has ended. Takes nothing, so that waiting can be given up at any time.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::NotFound`] if there is no such stream.
    pub async fn changed(&self, key: &StreamKey, after: u64) -> Result<(), Error> {
        let place = self.stream(key)?.ok_or_else(Error::no_resource)?.place;
        let mut arrivals = Arrivals::of(self.store.arrivals(&changes::waker(place)));
        loop {
            let stream = self.stream(key)?.ok_or_else(Error::no_resource)?;
            if stream.ended.is_some() || !self.changes(&stream, after, 1)?.is_empty() {
                return Ok(());
            }
            arrivals.next().await;
        }
    }
}

/// A record as a function's event has it ("Using AWS Lambda with Amazon DynamoDB" in the Lambda Developer Guide).
pub fn event_record(key: &StreamKey, stream: &Stream, number: u64, change: &Change) -> Value {
    let image = |item: &Item| json::item(item);
    let mut dynamodb = Map::new();
    dynamodb.insert("ApproximateCreationDateTime".into(), (change.second().0 / 1000).into());
    dynamodb.insert("Keys".into(), image(&change.keys));
    dynamodb.extend(change.new.as_ref().map(|item| ("NewImage".to_owned(), image(item))));
    dynamodb.extend(change.old.as_ref().map(|item| ("OldImage".to_owned(), image(item))));
    dynamodb.insert("SequenceNumber".into(), sequence_text(number).into());
    dynamodb.insert("SizeBytes".into(), change.size().into());
    dynamodb.insert("StreamViewType".into(), stream.view.as_str().into());
    let mut record = serde_json::json!({
        "eventID": changes::event_id(number),
        "eventName": change.event.as_str(),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": key.table.region.as_str(),
        "dynamodb": dynamodb,
        "eventSourceARN": key.arn(),
    });
    if change.by_expiry {
        record["userIdentity"] = serde_json::json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
    }
    record
}
