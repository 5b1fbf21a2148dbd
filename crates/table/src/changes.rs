//! The change stream of a table: a record of each change, written in the item's own transaction ("Change data capture for DynamoDB
//! Streams" in the Developer Guide). Read by the API in `streams/` and by event source mappings.
//!
//! A stream has one shard, because the platform has one writer; its records are in the order in which the changes were made.

use crate::schema::{StreamOf, Table, TableKey, View};
use crate::value::{self, Item};
use crate::write::key_of;
use crate::{Error, keys, registry, upkeep};
use fogbank_model::Timestamp;
use fogbank_store::{Error as StoreError, Read, Tx};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::time::Duration;

/// How long records are kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Records that one read gives at most.
pub const PAGE: usize = 1000;

/// Who changes an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// Somebody who called an operation.
    Caller,
    /// The item's time to live has ended.
    Expiry,
}

/// A stream, from its beginning until nothing is left of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Where its records are in the store.
    pub place: u64,
    /// When it was switched on.
    pub created: Timestamp,
    /// When it was switched off, or its table deleted.
    pub ended: Option<Timestamp>,
    /// What it shows.
    pub view: View,
    /// The table's key attributes, as the API shows them.
    pub keys: crate::schema::KeySchema,
    /// Sequence numbers are greater than this.
    pub first: u64,
    /// The last sequence number, once it has ended.
    pub last: Option<u64>,
    /// The last sequence number whose record is no longer kept; zero if all are.
    #[serde(default)]
    pub trimmed: u64,
}

impl Stream {
    /// The records that are kept come after this sequence number.
    pub fn horizon(&self) -> u64 {
        self.first.max(self.trimmed)
    }

    /// The sequence number `after`, if all that came behind it is kept.
    pub(crate) fn untrimmed(&self, after: u64) -> Result<u64, Error> {
        match after < self.trimmed {
            true => Err(Error::Trimmed("The data you are trying to access has been trimmed".into())),
            false => Ok(after),
        }
    }
}

/// A stream's name: its table and its label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamKey {
    /// The table.
    pub table: TableKey,
    /// When it was switched on, as text.
    pub label: String,
}

impl StreamKey {
    /// `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`
    pub fn arn(&self) -> String {
        self.table.resource_arn(&format!("/stream/{}", self.label)).to_string()
    }

    /// The stream that `arn` names.
    pub fn of(arn: &str) -> Option<Self> {
        let label = arn.split_once("/stream/")?.1.to_owned();
        Some(Self { table: TableKey::of(arn)?, label })
    }
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It came.
    Insert,
    /// It changed.
    Modify,
    /// It went.
    Remove,
}

impl Event {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

/// A record of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What happened.
    pub event: Event,
    /// Whether it was because of the item's time to live.
    pub by_expiry: bool,
    /// When.
    pub at: Timestamp,
    /// The item's key.
    pub keys: Item,
    /// The item before, if the stream shows it.
    pub old: Option<Item>,
    /// The item after, if the stream shows it.
    pub new: Option<Item>,
}

/// A record with its sequence number.
pub type Numbered = (u64, Change);

/// A sequence number as the API writes it: 21 digits, so that they sort as texts too.
pub fn sequence_text(number: u64) -> String {
    format!("1{number:020}")
}

/// What [`sequence_text`] wrote.
pub fn sequence_of(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('1').filter(|digits| digits.len() == 20)?;
    digits.parse().ok()
}

/// The id of the event that a record is.
pub(crate) fn event_id(number: u64) -> String {
    format!("{number:032x}")
}

impl Change {
    /// When, to the second, as records say it.
    pub fn second(&self) -> Timestamp {
        Timestamp(self.at.0.div_euclid(1000) * 1000)
    }

    /// Bytes of the key and the images, as `SizeBytes` has them.
    pub fn size(&self) -> usize {
        [Some(&self.keys), self.old.as_ref(), self.new.as_ref()].into_iter().flatten().map(value::item_size).sum()
    }

    fn encode(&self) -> Vec<u8> {
        let event = match self.event {
            Event::Insert => 0,
            Event::Modify => 1,
            Event::Remove => 2,
        };
        let mut bytes = vec![event, u8::from(self.by_expiry)];
        bytes.extend(self.at.0.to_be_bytes());
        for item in [Some(&self.keys), self.old.as_ref(), self.new.as_ref()] {
            let item = item.map(value::encode_item);
            let length = item.as_ref().map_or(u32::MAX, |item| u32::try_from(item.len()).unwrap_or(u32::MAX - 1));
            bytes.extend(length.to_be_bytes());
            bytes.extend(item.unwrap_or_default());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || StoreError::Damaged { table: keys::CHANGE.0, why: "it is too short".into() };
        let (head, mut rest) = bytes.split_first_chunk::<10>().ok_or_else(damaged)?;
        let event = match head[0] {
            0 => Event::Insert,
            1 => Event::Modify,
            _ => Event::Remove,
        };
        let mut next = || -> Result<Option<Item>, Error> {
            let (length, after) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
            let length = u32::from_be_bytes(*length);
            rest = after;
            if length == u32::MAX {
                return Ok(None);
            }
            let (item, after) = rest.split_at_checked(length as usize).ok_or_else(damaged)?;
            rest = after;
            crate::contents::decode(item).map(Some)
        };
        let (keys, old, new) = (next()?.unwrap_or_default(), next()?, next()?);
        let at = head.last_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes));
        Ok(Self { event, by_expiry: head[1] != 0, at: Timestamp(at), keys, old, new })
    }
}

/// What those who wait for a stream's records listen to.
pub(crate) fn waker(place: u64) -> String {
    format!("dynamodb/stream/{place}")
}

/// Switches a stream on; answers what the table keeps of it.
pub(crate) fn begin(tx: &mut Tx<'_>, name: &TableKey, table: &Table, view: View) -> Result<StreamOf, Error> {
    let place = registry::next_number(tx)?;
    let mut at = tx.now();
    let label = loop {
        let text = at.to_iso_text();
        let label = text.trim_end_matches('Z').to_owned();
        // Two streams of a table within a millisecond must not share a name.
        if tx.get(keys::STREAM, &keys::stream(name, &label))?.is_none() {
            break label;
        }
        at = at.plus(Duration::from_millis(1));
    };
    let (created, keys) = (tx.now(), table.keys.clone());
    let stream = Stream { place, created, ended: None, view, keys, first: place, last: None, trimmed: 0 };
    tx.save(keys::STREAM, &keys::stream(name, &label), &stream)?;
    Ok(StreamOf { place, label, view })
}

/// Switches a table's stream off. Its records stay for as long as they are kept.
pub(crate) fn end(tx: &mut Tx<'_>, name: &TableKey, stream: &StreamOf) -> Result<(), Error> {
    let key = keys::stream(name, &stream.label);
    let Some(mut kept) = tx.load::<Stream>(keys::STREAM, &key)? else { return Ok(()) };
    kept.ended = Some(tx.now());
    kept.last = Some(registry::next_number(tx)?);
    tx.save(keys::STREAM, &key, &kept)?;
    tx.wake(&waker(stream.place));
    Ok(())
}

/// Writes the record of a change, if the table has a stream.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    table: &Table,
    (old, new): (Option<&Item>, Option<&Item>),
    author: Author,
) -> Result<(), Error> {
    let Some(stream) = &table.stream else { return Ok(()) };
    let (event, item) = match (old, new) {
        (None, Some(new)) => (Event::Insert, new),
        (Some(_), Some(new)) => (Event::Modify, new),
        (Some(old), None) => (Event::Remove, old),
        (None, None) => return Ok(()),
    };
    let shows_old = matches!(stream.view, View::OldImage | View::NewAndOldImages);
    let shows_new = matches!(stream.view, View::NewImage | View::NewAndOldImages);
    let change = Change {
        event,
        by_expiry: author == Author::Expiry,
        at: tx.now(),
        keys: key_of(&table.keys, item),
        old: old.filter(|_| shows_old).cloned(),
        new: new.filter(|_| shows_new).cloned(),
    };
    let number = registry::next_number(tx)?;
    tx.put(keys::CHANGE, &keys::below(stream.place, &number.to_be_bytes()), change.encode());
    tx.wake(&waker(stream.place));
    Ok(())
}

/// At most `limit` records after the sequence number `after`, and at most `bytes` of them (one at least).
pub(crate) fn read(
    from: &fogbank_store::Snapshot,
    place: u64,
    after: u64,
    limit: usize,
    bytes: usize,
) -> Result<Vec<Numbered>, Error> {
    let first = keys::below(place, &after.to_be_bytes());
    let last = keys::below(place, &u64::MAX.to_be_bytes());
    let mut found = Vec::new();
    let mut taken = 0;
    for entry in from.range(keys::CHANGE, Bound::Excluded(&first), Bound::Included(&last))?.take(limit) {
        let (key, change) = entry?;
        taken += change.len();
        if taken > bytes && !found.is_empty() {
            break;
        }
        found.push((keys::number(&key).unwrap_or_default(), Change::decode(&change)?));
    }
    Ok(found)
}

/// Removes some of the records of the stream under `key` that are older than `oldest`.
pub(crate) fn trim(tx: &mut Tx<'_>, key: &[u8], oldest: Timestamp) -> Result<(), Error> {
    let Some(mut stream) = tx.load::<Stream>(keys::STREAM, key)? else { return Ok(()) };
    let (from, to) = (keys::place(stream.place), keys::place(stream.place + 1));
    let (records, _) = tx.portion(keys::CHANGE, &from, &to, upkeep::LOOK, upkeep::AT_ONCE)?;
    for (record, bytes) in records {
        if Change::decode(&bytes)?.at >= oldest {
            break;
        }
        stream.trimmed = keys::number(&record).unwrap_or(stream.trimmed);
        tx.delete(keys::CHANGE, &record);
    }
    Ok(tx.save(keys::STREAM, key, &stream)?)
}
