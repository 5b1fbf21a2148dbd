//! Removes what nobody can read any more: records older than their stream keeps them, closed shards without records, and what deleted
//! streams held.

use crate::model::{Shard, Stream, StreamKey};
use crate::place::Place;
use crate::{Error, keys, lookup, shards};
use fogbank_model::{Arrivals, Clock, Timestamp};
use fogbank_store::{Read, Store, Tx};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// What the sweep listens to.
pub(crate) const WAKER: &str = "kinesis/sweep";
/// How often records' ages are looked at.
const EVERY: Duration = Duration::from_secs(60);
/// Records that one transaction removes; small, so that nobody waits long for it.
const AT_ONCE: usize = 500;
/// Records that are looked up at a time, since each can be megabytes long.
const LOOK: usize = 8;

/// Sweeps until the platform ends.
pub(crate) async fn work(store: Store, clock: Arc<dyn Clock>) {
    let mut arrivals = Arrivals::of(store.arrivals(WAKER));
    loop {
        if let Err(error) = sweep(&store, clock.as_ref()).await {
            tracing::error!(%error, "old records could not be removed; it will be tried again");
        }
        arrivals.next_or_at(clock.as_ref(), Some(clock.now().plus(EVERY))).await;
    }
}

/// One sweep over everything.
pub(crate) async fn sweep(store: &Store, clock: &dyn Clock) -> Result<(), Error> {
    for (key, _) in store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::LEFT, &[], usize::MAX)?))? {
        let Some(stream) = keys::number(&key) else { continue };
        while !store.transact(move |tx: &mut Tx<'_>| clear(tx, stream)).await? {}
    }
    let streams = store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::STREAM, &[], usize::MAX)?))?;
    for key in streams.iter().filter_map(|(key, _)| keys::stream_of(key)) {
        while let Some(shard) = expired(store, &key, clock.now())? {
            let key = key.clone();
            store.transact(move |tx: &mut Tx<'_>| expire(tx, &key, shard)).await?;
        }
    }
    Ok(())
}

/// Removes a part of what a deleted stream held. Answers whether nothing is left.
fn clear(tx: &mut Tx<'_>, stream: u64) -> Result<bool, Error> {
    for table in [keys::RECORD, keys::TAIL, keys::OPEN, keys::SHARD, keys::CONSUMER] {
        let (from, to) = (keys::id(stream), keys::id(stream + 1));
        let (some, _) = tx.portion(table, &from, &to, LOOK, AT_ONCE)?;
        some.iter().for_each(|(key, _)| tx.delete(table, key));
        if !some.is_empty() {
            return Ok(false);
        }
    }
    tx.delete(keys::LEFT, &keys::id(stream));
    Ok(true)
}

/// A shard of a stream that has something to remove.
fn expired(store: &Store, key: &StreamKey, now: Timestamp) -> Result<Option<u64>, Error> {
    store.read(|snapshot| {
        let Some(stream) = lookup(snapshot, key)? else { return Ok(None) };
        for (_, shard) in snapshot.load_prefix::<Shard>(keys::SHARD, &keys::id(stream.id))? {
            let (from, to) = old_records(&stream, shard.number, now);
            let oldest = snapshot.scan(keys::RECORD, Bound::Included(&from), Bound::Excluded(&to), 1)?;
            if !oldest.is_empty() || shards::has_gone(&stream, &shard, now) {
                return Ok(Some(shard.number));
            }
        }
        Ok(None)
    })
}

/// The bounds of the records that are too old.
fn old_records(stream: &Stream, shard: u64, now: Timestamp) -> (Vec<u8>, Vec<u8>) {
    let bound = |place| keys::record(stream.id, shard, place);
    (bound(Place::default()), bound(stream.horizon(now)))
}

fn expire(tx: &mut Tx<'_>, key: &StreamKey, number: u64) -> Result<(), Error> {
    let Some(stream) = lookup(tx, key)? else { return Ok(()) };
    let (from, to) = old_records(&stream, number, tx.now());
    let (old, is_all) = tx.portion(keys::RECORD, &from, &to, LOOK, AT_ONCE)?;
    old.iter().for_each(|(key, _)| tx.delete(keys::RECORD, key));
    let place = keys::shard(stream.id, number);
    let shard: Option<Shard> = tx.load(keys::SHARD, &place)?;
    if is_all && shard.is_some_and(|shard| shards::has_gone(&stream, &shard, tx.now())) {
        tx.delete(keys::SHARD, &place);
        tx.delete(keys::TAIL, &place);
    }
    Ok(())
}
