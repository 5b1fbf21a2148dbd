//! Shards: which take records, and which there are.

use crate::hash::HashKey;
use crate::model::{Shard, Stream, StreamKey};
use crate::pace::Pace;
use crate::place::Place;
use crate::{Error, Streams, find, keys};
use fogbank_model::Timestamp;
use fogbank_store::{Error as StoreError, Read, Tx};
use std::ops::Bound;

/// Which shards a list is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// All that are there.
    #[default]
    All,
    /// Those behind this number.
    After(u64),
    /// Those that were open at this time.
    At(Timestamp),
    /// Those that were open at this time or later.
    From(Timestamp),
    /// Those that are open.
    Open,
}

impl Filter {
    fn takes(self, shard: &Shard) -> bool {
        let was_open = |at: Timestamp| shard.closed().is_none_or(|closed| closed >= at);
        match self {
            Self::All | Self::After(_) => true,
            Self::At(at) => was_open(at) && shard.opened() <= at,
            Self::From(at) => was_open(at),
            Self::Open => shard.is_open(),
        }
    }
}

impl Streams {
    /// All shards of a stream that have records or take them, in the order of their numbers: parents come before their children.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn shards(&self, key: &StreamKey) -> Result<Vec<Shard>, Error> {
        Ok(self.shards_of(key, Filter::All, None, usize::MAX)?.0)
    }

    /// At most `limit` of the shards that `filter` takes, behind the number `after`; and whether there are more.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn shards_of(
        &self,
        key: &StreamKey,
        filter: Filter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Shard>, bool), Error> {
        let after = match filter {
            Filter::After(number) => Some(after.map_or(number, |after| after.max(number))),
            _ => after,
        };
        let now = self.clock.now();
        self.store.read(|snapshot| {
            let stream = find(snapshot, key)?;
            let from = after.map_or_else(|| keys::id(stream.id).to_vec(), |after| keys::shard(stream.id, after));
            let end = keys::id(stream.id + 1);
            let found = snapshot.scan(keys::SHARD, Bound::Excluded(&from), Bound::Excluded(&end), usize::MAX)?;
            let mut shards = Vec::new();
            for (_, bytes) in found {
                let shard = decode(&bytes)?;
                if !has_gone(&stream, &shard, now) && filter.takes(&shard) {
                    shards.push(shard);
                }
            }
            let more = shards.len() > limit;
            shards.truncate(limit);
            Ok((shards, more))
        })
    }
}

fn decode(bytes: &[u8]) -> Result<Shard, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged { table: keys::SHARD.0, why: error.to_string() })
}

/// Whether a shard is closed and nothing of it is kept any more, whether or not the sweep has been there.
pub(crate) fn has_gone(stream: &Stream, shard: &Shard, now: Timestamp) -> bool {
    shard.end.is_some_and(|end| Place::from(end) < stream.horizon(now))
}

/// The shard called `id`.
pub(crate) fn named(
    read: &impl Read,
    key: &StreamKey,
    stream: &Stream,
    id: &str,
    now: Timestamp,
) -> Result<Shard, Error> {
    let shard = match crate::shard_number(id) {
        Some(number) => read.load(keys::SHARD, &keys::shard(stream.id, number))?,
        None => None,
    };
    let missing = || {
        let (name, account) = (&key.name, &key.account);
        Error::NotFound(format!("Could not find shard {id} in stream {name} under account {account}."))
    };
    shard.filter(|shard| !has_gone(stream, shard, now)).ok_or_else(missing)
}

/// The number of the open shard that takes `hash`.
pub(crate) fn taking(read: &impl Read, stream: &Stream, hash: HashKey) -> Result<u64, StoreError> {
    let (from, end) = (keys::open(stream.id, hash), keys::id(stream.id + 1));
    let found = read.scan(keys::OPEN, Bound::Included(&from), Bound::Excluded(&end), 1)?;
    let number = found.first().and_then(|(_, number)| keys::number(number));
    number.ok_or_else(|| StoreError::Damaged { table: keys::OPEN.0, why: format!("nothing takes {hash}") })
}

/// The numbers of the open shards, in the order of their hash keys.
pub(crate) fn open_numbers(read: &impl Read, stream: u64) -> Result<Vec<u64>, StoreError> {
    let found = read.scan_prefix(keys::OPEN, &keys::id(stream), usize::MAX)?;
    Ok(found.iter().filter_map(|(_, number)| keys::number(number)).collect())
}

/// Puts a new shard where records find it.
pub(crate) fn open(tx: &mut Tx<'_>, stream: u64, shard: &Shard) -> Result<(), StoreError> {
    tx.save(keys::SHARD, &keys::shard(stream, shard.number), shard)?;
    tx.put(keys::OPEN, &keys::open(stream, shard.range.end), keys::id(shard.number));
    let last = Place::from(shard.start);
    let tail = keys::Tail { last, pace: Pace::rested(last.time()) };
    tx.put(keys::TAIL, &keys::shard(stream, shard.number), tail.encode());
    Ok(())
}

/// The end of a shard.
pub(crate) fn tail(read: &impl Read, stream: u64, shard: u64) -> Result<keys::Tail, StoreError> {
    let bytes = read.get(keys::TAIL, &keys::shard(stream, shard))?;
    keys::Tail::decode(&bytes.unwrap_or_default())
}
