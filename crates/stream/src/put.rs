//! Writing records.

use crate::hash::HashKey;
use crate::model::{Draft, Mode, Stream, StreamKey, Written, shard_id};
use crate::place::{Place, Sequence};
use crate::{Error, Streams, find, keys, shards};
use fogbank_store::Tx;
use std::sync::Arc;

impl Streams {
    /// Writes `drafts` in one transaction. Each has a result of its own: a shard that is written to too fast refuses some.
    ///
    /// # Errors
    /// For all of them [`Error::NotFound`] and [`Error::Store`], for one [`Error::Throttled`], and [`Error::Invalid`] for a number to
    /// follow that nothing can follow.
    pub async fn put(&self, key: &StreamKey, drafts: Vec<Draft>) -> Result<Vec<Result<Written, Error>>, Error> {
        let (key, drafts) = (key.clone(), Arc::new(drafts));
        let put = move |tx: &mut Tx<'_>| -> Result<Vec<Result<Written, Error>>, Error> {
            let stream = find(tx, &key)?;
            drafts.iter().map(|draft| separate(put_in(tx, &key, &stream, draft, Throttle::On))).collect()
        };
        self.store.transact(put).await
    }
}

/// Parts what one record fails with from what all of them do.
fn separate(result: Result<Written, Error>) -> Result<Result<Written, Error>, Error> {
    match result {
        Err(Error::Store(why)) => Err(Error::Store(why)),
        other => Ok(other),
    }
}

/// Whether a shard's limits hold for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Throttle {
    On,
    /// For what cannot be sent again later.
    Off,
}

/// Writes one record within a transaction. A failure other than the store's has written nothing.
pub(crate) fn put_in(
    tx: &mut Tx<'_>,
    key: &StreamKey,
    stream: &Stream,
    draft: &Draft,
    throttle: Throttle,
) -> Result<Written, Error> {
    let hash = draft.hash_key.unwrap_or_else(|| HashKey::of(&draft.partition_key));
    let shard = shards::taking(tx, stream, hash)?;
    let mut tail = shards::tail(tx, stream.id, shard)?;
    let now = tx.now();
    if throttle == Throttle::On && stream.mode == Mode::Provisioned {
        let (id, name, account) = (shard_id(shard), &key.name, &key.account);
        let refused =
            || Error::Throttled(format!("Rate exceeded for shard {id} in stream {name} under account {account}."));
        tail.pace = tail.pace.take(now, draft.size()).ok_or_else(refused)?;
    }
    if let Some(after) = draft.after {
        if after.place.ms > tail.last.ms.max(Place::at(now).ms) {
            return Err(Error::invalid(format!(
                "ExclusiveMinimumSequenceNumber {after} used in PutRecord on stream {} under account {} is invalid.",
                key.name, key.account
            )));
        }
        tail.last = tail.last.max(after.place);
    }
    let place = tail.last.following(now);
    tail.last = place;
    let encrypted = stream.kms_key.is_some();
    let kept = keys::encode_record(encrypted, &draft.partition_key, &draft.data);
    tx.put(keys::RECORD, &keys::record(stream.id, shard, place), kept);
    tx.put(keys::TAIL, &keys::shard(stream.id, shard), tail.encode());
    tx.wake(&keys::waker(stream.id, shard));
    Ok(Written { shard: shard_id(shard), sequence: Sequence::new(stream.id, shard, place), encrypted })
}
