//! Removes what nobody can read any more: records older than their stream keeps them, closed shards without records, and what deleted
//! streams held.

use crate::model::{Shard, Stream, StreamKey};
use crate::place::Place;
use crate::{Error, keys, lookup, shards};
use fogbank_model::{Clock, Timestamp};
use fogbank_store::{Read, Store, Table, Tx};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// What the sweep listens to.
pub(crate) const WAKER: &str = "kinesis/sweep";
/// How often records' ages are looked at.
const EVERY: Duration = Duration::from_secs(60);
/// Records that one transaction removes; few, since each can be megabytes long and nobody is to wait for it.
const AT_ONCE: usize = 100;

/// Sweeps until the platform ends.
pub(crate) async fn work(store: Store, clock: Arc<dyn Clock>) {
    let arrivals = store.arrivals(WAKER);
    loop {
        // Registered before looking, so that nothing arrives unseen.
        let mut arrived = std::pin::pin!(arrivals.notified());
        arrived.as_mut().enable();
        if let Err(error) = sweep(&store, clock.as_ref()).await {
            tracing::error!(%error, "old records could not be removed; it will be tried again");
        }
        tokio::select! {
            () = arrived => {}
            () = clock.sleep_until(clock.now().plus(EVERY)) => {}
        }
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
        let some = some_keys(tx, table, &keys::id(stream))?;
        some.iter().for_each(|key| tx.delete(table, key));
        if !some.is_empty() {
            return Ok(false);
        }
    }
    tx.delete(keys::LEFT, &keys::id(stream));
    Ok(true)
}

fn some_keys(tx: &Tx<'_>, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    Ok(tx.scan_prefix(table, prefix, AT_ONCE)?.into_iter().map(|(key, _)| key).collect())
}

/// A shard of a stream that has something to remove.
fn expired(store: &Store, key: &StreamKey, now: Timestamp) -> Result<Option<u64>, Error> {
    store.read(|snapshot| {
        let Some(stream) = lookup(snapshot, key)? else { return Ok(None) };
        for (_, shard) in snapshot.load_prefix::<Shard>(keys::SHARD, &keys::id(stream.id))? {
            let old = old_records(snapshot, &stream, shard.number, now, 1)?;
            if !old.is_empty() || shards::has_gone(&stream, &shard, now) {
                return Ok(Some(shard.number));
            }
        }
        Ok(None)
    })
}

fn old_records(
    read: &impl Read,
    stream: &Stream,
    shard: u64,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Vec<u8>>, Error> {
    let from = keys::record(stream.id, shard, Place::default());
    let to = keys::record(stream.id, shard, stream.horizon(now));
    let found = read.scan(keys::RECORD, Bound::Included(&from), Bound::Excluded(&to), limit)?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

fn expire(tx: &mut Tx<'_>, key: &StreamKey, number: u64) -> Result<(), Error> {
    let Some(stream) = lookup(tx, key)? else { return Ok(()) };
    let old = old_records(tx, &stream, number, tx.now(), AT_ONCE)?;
    old.iter().for_each(|key| tx.delete(keys::RECORD, key));
    let place = keys::shard(stream.id, number);
    let shard: Option<Shard> = tx.load(keys::SHARD, &place)?;
    if old.len() < AT_ONCE && shard.is_some_and(|shard| shards::has_gone(&stream, &shard, tx.now())) {
        tx.delete(keys::SHARD, &place);
        tx.delete(keys::TAIL, &place);
    }
    Ok(())
}
