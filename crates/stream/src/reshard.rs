//! Splitting and merging shards. A shard that is split or merged is closed: it takes no more records, and its children follow it.

use crate::create::count_shards;
use crate::hash::{self, HashKey, HashRange};
use crate::model::{DAY_MS, Mode, Shard, Stream, StreamKey};
use crate::place::Place;
use crate::{Error, Streams, find, keys, shards};
use fogbank_store::{Error as StoreError, Read, Tx};

/// How often a stream's shard count may be set in 24 hours.
const RESCALINGS: usize = 10;
/// Shards that a stream may be scaled to.
const MOST_SHARDS: u64 = 10_000;

impl Streams {
    /// Splits the shard called `id` so that the second of its children begins with `at`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] if it is closed or has no hash keys on both sides, [`Error::Validation`] for an on-demand
    /// stream, [`Error::Limit`], [`Error::Store`].
    pub async fn split(&self, key: &StreamKey, id: &str, at: HashKey) -> Result<(), Error> {
        let (key, id) = (key.clone(), id.to_owned());
        let split = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut stream = provisioned(tx, &key)?;
            let shard = open_shard(tx, &key, &stream, &id)?;
            let HashRange { start, end } = shard.range;
            if at.0 <= start.0.saturating_add(1) || at >= end {
                return Err(Error::invalid(format!(
                    "NewStartingHashKey {at} used in SplitShard() on shard {id} in stream {} under account {} is not both greater than \
                     one plus the shard's StartingHashKey {start} and less than the shard's EndingHashKey {end}.",
                    key.name, key.account
                )));
            }
            let before = stream.open_shards;
            divide(tx, &mut stream, shard, at)?;
            keep(tx, &key, &stream, before)
        };
        self.store.transact(split).await
    }

    /// Merges two shards whose hash keys follow each other.
    ///
    /// # Errors
    /// As [`Self::split`]; [`Error::Invalid`] if they are not neighbours.
    pub async fn merge(&self, key: &StreamKey, first: &str, second: &str) -> Result<(), Error> {
        let (key, first, second) = (key.clone(), first.to_owned(), second.to_owned());
        let merge = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut stream = provisioned(tx, &key)?;
            let one = open_shard(tx, &key, &stream, &first)?;
            let other = open_shard(tx, &key, &stream, &second)?;
            let follows = |a: &Shard, b: &Shard| a.range.end.0.checked_add(1) == Some(b.range.start.0);
            if !follows(&one, &other) && !follows(&other, &one) {
                return Err(Error::invalid(format!(
                    "Shards {first} and {second} in stream {} under account {} are not an adjacent pair of shards eligible for merging",
                    key.name, key.account
                )));
            }
            let before = stream.open_shards;
            join(tx, &mut stream, one, other)?;
            keep(tx, &key, &stream, before)
        };
        self.store.transact(merge).await
    }

    /// Splits and merges shards until there are `target` even ones. Answers how many there were.
    ///
    /// # Errors
    /// As [`Self::split`]; [`Error::Invalid`] for more than twice or less than half as many, [`Error::Limit`] after ten times in 24 hours.
    pub async fn rescale(&self, key: &StreamKey, target: u64) -> Result<u64, Error> {
        let key = key.clone();
        let rescale = move |tx: &mut Tx<'_>| -> Result<u64, Error> {
            let (now, mut stream) = (tx.now(), provisioned(tx, &key)?);
            let before = stream.open_shards;
            check_target(&key, before, target)?;
            stream.rescaled.retain(|at| now.0.saturating_sub(at.0) < DAY_MS);
            if stream.rescaled.len() >= RESCALINGS {
                return Err(Error::Limit(format!(
                    "The limit of {RESCALINGS} updates of the shard count in 24 hours has been reached for stream {} under account {}.",
                    key.name, key.account
                )));
            }
            stream.rescaled.push(now);
            scale(tx, &mut stream, target)?;
            keep(tx, &key, &stream, before)?;
            Ok(before)
        };
        self.store.transact(rescale).await
    }
}

fn check_target(key: &StreamKey, current: u64, target: u64) -> Result<(), Error> {
    let wrong = |what: &str| {
        let counts = format!("Current open shard count: {current} Target shard count: {target}");
        Err(Error::invalid(format!("UpdateShardCount cannot scale {what} your current open shard count. {counts}")))
    };
    match target {
        0 => Err(Error::invalid(format!("The target shard count of stream {} must be at least 1.", key.name))),
        _ if target > current.saturating_mul(2) => wrong("up over double"),
        _ if target < current.div_ceil(2) => wrong("down below half"),
        _ if target > MOST_SHARDS => Err(Error::Limit(format!("A stream has at most {MOST_SHARDS} shards."))),
        _ => Ok(()),
    }
}

/// The stream called `key`, whose shards its owner decides about.
fn provisioned(read: &impl Read, key: &StreamKey) -> Result<Stream, Error> {
    let stream = find(read, key)?;
    match stream.mode {
        Mode::Provisioned => Ok(stream),
        Mode::OnDemand => {
            let (name, account) = (&key.name, &key.account);
            Err(Error::Validation(format!(
                "Request is invalid. Stream {name} under account {account} is in On-Demand mode."
            )))
        }
    }
}

fn open_shard(tx: &Tx<'_>, key: &StreamKey, stream: &Stream, id: &str) -> Result<Shard, Error> {
    let shard = shards::named(tx, key, stream, id, tx.now())?;
    if shard.is_open() {
        return Ok(shard);
    }
    Err(Error::invalid(format!(
        "Shard {id} in stream {} under account {} has already been merged or split, and thus is not eligible for merging or splitting.",
        key.name, key.account
    )))
}

fn keep(tx: &mut Tx<'_>, key: &StreamKey, stream: &Stream, before: u64) -> Result<(), Error> {
    count_shards(tx, key, stream.mode, before, stream.open_shards)?;
    Ok(tx.save(keys::STREAM, &keys::stream(key), stream)?)
}

/// Closes a shard. Answers the place where its children begin.
fn close(tx: &mut Tx<'_>, stream: &mut Stream, shard: &mut Shard, children: &[u64]) -> Result<Place, StoreError> {
    let end = shards::tail(tx, stream.id, shard.number)?.last.following(tx.now());
    shard.end = Some(end.into());
    shard.children = children.to_vec();
    stream.open_shards = stream.open_shards.saturating_sub(1);
    tx.delete(keys::OPEN, &keys::open(stream.id, shard.range.end));
    tx.save(keys::SHARD, &keys::shard(stream.id, shard.number), shard)?;
    tx.wake(&keys::waker(stream.id, shard.number));
    Ok(end)
}

fn open(
    tx: &mut Tx<'_>,
    stream: &mut Stream,
    range: HashRange,
    parents: (u64, Option<u64>),
    start: Place,
) -> Result<Shard, StoreError> {
    let (parent, adjacent_parent) = (Some(parents.0), parents.1);
    let number = stream.next_shard;
    let shard = Shard { number, range, parent, adjacent_parent, start: start.into(), end: None, children: Vec::new() };
    (stream.next_shard, stream.open_shards) = (number + 1, stream.open_shards + 1);
    shards::open(tx, stream.id, &shard)?;
    Ok(shard)
}

/// Splits `shard`, the second of its children beginning with `at`.
fn divide(tx: &mut Tx<'_>, stream: &mut Stream, mut shard: Shard, at: HashKey) -> Result<[Shard; 2], StoreError> {
    let HashRange { start, end } = shard.range;
    let first = stream.next_shard;
    let place = close(tx, stream, &mut shard, &[first, first + 1])?;
    let parents = (shard.number, None);
    let lower = open(tx, stream, HashRange { start, end: HashKey(at.0 - 1) }, parents, place)?;
    let upper = open(tx, stream, HashRange { start: at, end }, parents, place)?;
    Ok([lower, upper])
}

/// Merges two neighbours.
fn join(tx: &mut Tx<'_>, stream: &mut Stream, mut one: Shard, mut other: Shard) -> Result<Shard, StoreError> {
    let child = stream.next_shard;
    let place = close(tx, stream, &mut one, &[child])?.max(close(tx, stream, &mut other, &[child])?);
    let range = HashRange { start: one.range.start.min(other.range.start), end: one.range.end.max(other.range.end) };
    open(tx, stream, range, (one.number, Some(other.number)), place)
}

/// Splits shards where the even ranges begin, and merges what then lies within the same one.
fn scale(tx: &mut Tx<'_>, stream: &mut Stream, target: u64) -> Result<(), Error> {
    let mut current = Vec::new();
    for number in shards::open_numbers(tx, stream.id)? {
        current.extend(tx.load::<Shard>(keys::SHARD, &keys::shard(stream.id, number))?);
    }
    let mut rest = current.into_iter();
    let mut next = rest.next();
    for range in hash::even(target) {
        let mut whole: Option<Shard> = None;
        while let Some(shard) = next.take() {
            let (part, behind) = if shard.range.end > range.end {
                let [part, behind] = divide(tx, stream, shard, HashKey(range.end.0 + 1))?;
                (part, Some(behind))
            } else {
                (shard, rest.next())
            };
            next = behind;
            let is_last = part.range.end == range.end;
            whole = Some(match whole {
                Some(whole) => join(tx, stream, whole, part)?,
                None => part,
            });
            if is_last {
                break;
            }
        }
    }
    Ok(())
}
