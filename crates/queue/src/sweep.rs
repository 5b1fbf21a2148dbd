//! Removes what nobody can receive any more: messages older than their queue keeps them, and the places of deleted and purged
//! queues.

use crate::contents::{self, Contents};
use crate::keys::{self, State};
use crate::model::{PAUSE_MS, QueueKey};
use crate::{Error, lookup};
use fogbank_model::{Arrivals, Clock, Timestamp};
use fogbank_store::{Read, Store, Tx};
use std::sync::Arc;
use std::time::Duration;

/// What the sweep listens to.
pub(crate) const WAKER: &str = "sqs/sweep";
/// How often messages' ages are looked at.
const EVERY: Duration = Duration::from_secs(60);
/// Messages that one transaction removes; small, so that nobody waits long for it.
const AT_ONCE: usize = 200;

/// Sweeps until the platform ends.
pub(crate) async fn work(store: Store, clock: Arc<dyn Clock>) {
    let mut arrivals = Arrivals::of(store.arrivals(WAKER));
    loop {
        if let Err(error) = sweep(&store, clock.as_ref()).await {
            tracing::error!(%error, "old messages could not be removed; it will be tried again");
        }
        arrivals.next_or_at(clock.as_ref(), Some(clock.now().plus(EVERY))).await;
    }
}

/// One sweep over everything.
pub(crate) async fn sweep(store: &Store, clock: &dyn Clock) -> Result<(), Error> {
    for (key, _) in store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::LEFT, &[], usize::MAX)?))? {
        let Some(place) = keys::number(&key) else { continue };
        while !store.transact(move |tx: &mut Tx<'_>| clear(tx, place)).await? {}
    }
    let queues = store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::QUEUE, &[], usize::MAX)?))?;
    for key in queues.iter().filter_map(|(key, _)| keys::queue_of(key)) {
        while has_expired(store, &key, clock.now())? {
            let key = key.clone();
            store.transact(move |tx: &mut Tx<'_>| expire(tx, &key)).await?;
        }
    }
    let names = store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::DELETED, &[], usize::MAX)?))?;
    let oldest = clock.now().0 - PAUSE_MS as i64;
    let old: Vec<Vec<u8>> = names.into_iter().filter(|(_, at)| is_before(at, oldest)).map(|(key, _)| key).collect();
    if !old.is_empty() {
        let forget = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            old.iter().for_each(|key| tx.delete(keys::DELETED, key));
            Ok(())
        };
        store.transact(forget).await?;
    }
    Ok(())
}

fn is_before(at: &[u8], oldest: i64) -> bool {
    at.first_chunk::<8>().is_none_or(|bytes| i64::from_be_bytes(*bytes) < oldest)
}

fn clear(tx: &mut Tx<'_>, place: u64) -> Result<bool, Error> {
    let is_empty = contents::clear(tx, place, AT_ONCE)?;
    if is_empty {
        tx.delete(keys::LEFT, &keys::place(place));
    }
    Ok(is_empty)
}

/// Messages are numbered as they come, so the first one is the oldest, or was moved here and goes with the ones around it.
fn has_expired(store: &Store, key: &QueueKey, now: Timestamp) -> Result<bool, Error> {
    store.read(|snapshot| {
        let Some(queue) = lookup(snapshot, key)? else { return Ok(false) };
        let first = snapshot.scan_prefix(keys::STATE, &keys::place(queue.place), 1)?;
        let state = first.first().map(|(_, bytes)| State::decode(bytes)).transpose()?;
        Ok(state.is_some_and(|state| is_expired(&state, now, queue.attributes.retention_s)))
    })
}

fn expire(tx: &mut Tx<'_>, key: &QueueKey) -> Result<(), Error> {
    let Some(queue) = lookup(tx, key)? else { return Ok(()) };
    let mut contents = Contents::open(tx, &queue)?;
    for (key, bytes) in tx.scan_prefix(keys::STATE, &keys::place(queue.place), AT_ONCE)? {
        let (Some(number), state) = (keys::number(&key), State::decode(&bytes)?) else { continue };
        if !is_expired(&state, tx.now(), queue.attributes.retention_s) {
            break;
        }
        contents.remove(tx, number, &state)?;
    }
    contents.close(tx);
    Ok(())
}

/// Whether a message is older than its queue keeps it.
pub(crate) fn is_expired(state: &State, now: Timestamp, retention_s: u32) -> bool {
    now.since(state.sent) >= Duration::from_secs(retention_s.into())
}
