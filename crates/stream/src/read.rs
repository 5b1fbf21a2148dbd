//! Reading records: where to begin, what is there, and waiting for more.

use crate::model::{READ_BYTES, READ_RECORDS, Record, Shard, Stream, StreamKey, shard_id};
use crate::place::{Place, Sequence};
use crate::{Error, Streams, find, keys, shards};
use fogbank_model::{Arrivals, Timestamp};
use fogbank_store::Read;
use std::ops::Bound;

/// Records that are looked up at first, before it is known how large they are.
const FIRST_LOOK: usize = 8;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record.
    TrimHorizon,
    /// Behind the newest record.
    Latest,
    /// At the first record that arrived at this time or later.
    At(Timestamp),
    /// At the record of this number.
    AtSequence(Sequence),
    /// Behind the record of this number.
    AfterSequence(Sequence),
}

/// What a read gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where the next read begins.
    pub next: Place,
    /// How long ago the last record arrived that was read, in milliseconds; zero if and only if nothing is left.
    pub behind_ms: i64,
    /// The shard is closed and nothing is left of it: the shards that follow it.
    pub end: Option<Vec<Shard>>,
}

impl Streams {
    /// The place in `shard` where `start` is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for a sequence number of something else, [`Error::Store`].
    pub fn position(&self, key: &StreamKey, shard: &str, start: Start) -> Result<Place, Error> {
        let now = self.clock.now();
        self.store.read(|snapshot| {
            let stream = find(snapshot, key)?;
            let shard = shards::named(snapshot, key, &stream, shard, now)?;
            let own = |sequence: Sequence| {
                if sequence == Sequence::new(stream.id, shard.number, sequence.place) {
                    return Ok(sequence.place);
                }
                Err(foreign(key, &shard.id(), &sequence.to_string()))
            };
            match start {
                Start::TrimHorizon => Ok(Place::default()),
                Start::Latest => Ok(shards::tail(snapshot, stream.id, shard.number)?.last.next()),
                Start::At(at) => Ok(Place::at(at)),
                Start::AtSequence(sequence) => own(sequence),
                Start::AfterSequence(sequence) => own(sequence).map(Place::next),
            }
        })
    }

    /// At most `limit` records of `shard` (and 10 MiB of them) from `from` on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn read(&self, key: &StreamKey, shard: &str, from: Place, limit: usize) -> Result<Batch, Error> {
        let now = self.clock.now();
        self.store.read(|snapshot| {
            let stream = find(snapshot, key)?;
            let shard = shards::named(snapshot, key, &stream, shard, now)?;
            read(snapshot, &stream, &shard, from, limit, READ_BYTES, now)
        })
    }

    /// Waits until a read of `shard` from `from` on gives a record or the shard's end.
    ///
    /// # Errors
    /// [`Error::NotFound`], also when the stream is deleted meanwhile, [`Error::Store`].
    pub async fn ready(&self, key: &StreamKey, shard: &str, from: Place) -> Result<(), Error> {
        let look = || {
            let now = self.clock.now();
            self.store.read(|snapshot| {
                let stream = find(snapshot, key)?;
                let shard = shards::named(snapshot, key, &stream, shard, now)?;
                Ok::<_, Error>((keys::waker(stream.id, shard.number), is_ready(snapshot, &stream, &shard, from, now)?))
            })
        };
        let (mut waker, _) = look()?;
        let mut arrivals = Arrivals::of(self.store.arrivals(&waker));
        loop {
            match look()? {
                (_, true) => return Ok(()),
                (same, _) if same == waker => arrivals.next().await,
                // Another stream has the name by now.
                (other, _) => {
                    arrivals = Arrivals::of(self.store.arrivals(&other));
                    waker = other;
                }
            }
        }
    }
}

/// What is said of a sequence number that is not one of the shard's.
pub(crate) fn foreign(key: &StreamKey, shard: &str, sequence: &str) -> Error {
    Error::invalid(format!(
        "StartingSequenceNumber {sequence} used in GetShardIterator on shard {shard} in stream {} under account {} is invalid.",
        key.name, key.account
    ))
}

fn is_ready(read: &impl Read, stream: &Stream, shard: &Shard, from: Place, now: Timestamp) -> Result<bool, Error> {
    Ok(!shard.is_open() || has_records(read, stream, shard, from.max(stream.horizon(now)))?)
}

/// Whether there is a record at `from` or behind it, which is not before the horizon: then the last one is there.
fn has_records(read: &impl Read, stream: &Stream, shard: &Shard, from: Place) -> Result<bool, Error> {
    let last = shards::tail(read, stream.id, shard.number)?.last;
    Ok(last >= from && last > Place::from(shard.start))
}

/// Reads records. They are looked up a few at a time, so that no more than about `bytes` are held whatever their sizes are; but one is given
/// however large it is.
pub(crate) fn read(
    snapshot: &impl Read,
    stream: &Stream,
    shard: &Shard,
    from: Place,
    limit: usize,
    bytes: usize,
    now: Timestamp,
) -> Result<Batch, Error> {
    let limit = limit.clamp(1, READ_RECORDS);
    let to = keys::shard(stream.id, shard.number + 1);
    let mut next = from.max(stream.horizon(now));
    let (mut records, mut held, mut look) = (Vec::new(), 0, FIRST_LOOK);
    'reading: while records.len() < limit {
        let begin = keys::record(stream.id, shard.number, next);
        let wanted = look.min(limit - records.len());
        let found = snapshot.scan(keys::RECORD, Bound::Included(&begin), Bound::Excluded(&to), wanted)?;
        let found_all = found.len() < wanted;
        for (key, kept) in found {
            let Some(place) = keys::place(&key) else { continue };
            if held + kept.len() > bytes && !records.is_empty() {
                break 'reading;
            }
            held += kept.len();
            let (encrypted, partition_key, data) = keys::decode_record(kept)?;
            let sequence = Sequence::new(stream.id, shard.number, place);
            records.push(Record { sequence, arrived: place.time(), data, partition_key, encrypted });
            next = place.next();
        }
        if found_all {
            break;
        }
        let average = (held / records.len().max(1)).max(1);
        look = (bytes.saturating_sub(held) / average).clamp(1, 1000);
    }
    let has_more = has_records(snapshot, stream, shard, next)?;
    let behind_ms = match records.last() {
        Some(record) if has_more => now.0.saturating_sub(record.arrived.0).max(1),
        _ => 0,
    };
    let end = (!has_more && !shard.is_open()).then(|| children(snapshot, stream, shard)).transpose()?;
    Ok(Batch { records, next, behind_ms, end })
}

fn children(read: &impl Read, stream: &Stream, shard: &Shard) -> Result<Vec<Shard>, Error> {
    let load = |number: &u64| read.load(keys::SHARD, &keys::shard(stream.id, *number)).transpose();
    Ok(shard.children.iter().filter_map(load).collect::<Result<_, _>>()?)
}

/// The ids of a shard's parents.
pub(crate) fn parent_ids(shard: &Shard) -> Vec<String> {
    shard.parents().map(shard_id).collect()
}
