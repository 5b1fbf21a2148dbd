//! Making, finding and deleting streams.

use crate::model::{
    Counts, Distribution, Mode, ON_DEMAND_STREAMS, RETENTION_H, Shard, Stream, StreamKey, TAGS, shard_limit,
};
use crate::place::Place;
use crate::settings::check_tags;
use crate::{Error, Streams, find, fresh_number, hash, keys, lookup, shards, sweep};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Read, Tx};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What a new stream is to be.
#[derive(Debug, Clone)]
pub struct Make {
    /// How its capacity is set.
    pub mode: Mode,
    /// Its shards, at least one.
    pub shards: u64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The largest record, in KiB.
    pub max_record_kib: u32,
    /// Who decides about shards.
    pub distribution: Distribution,
    /// What an on-demand stream is to be ready for, in MiB a second.
    pub warm_mibps: Option<u32>,
}

impl Streams {
    /// Makes a stream. It takes records at once.
    ///
    /// # Errors
    /// [`Error::InUse`] if there is one of the name, [`Error::Limit`], [`Error::Invalid`] for too many tags, [`Error::Store`].
    pub async fn create(&self, key: &StreamKey, make: Make) -> Result<(), Error> {
        let key = key.clone();
        if make.tags.len() > TAGS {
            return Err(Error::invalid(format!(
                "Failed to add tags to stream {} under account {} because a given stream cannot have more than {TAGS} tags associated with it.",
                key.name, key.account
            )));
        }
        check_tags(&make.tags)?;
        self.store.transact(move |tx: &mut Tx<'_>| create(tx, &key, &make)).await
    }

    /// Deletes a stream with all that is in it. Its consumers go with it if `with_consumers`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InUse`] if it has consumers that are to stay, [`Error::Store`].
    pub async fn delete(&self, key: &StreamKey, with_consumers: bool) -> Result<(), Error> {
        let key = key.clone();
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let stream = find(tx, &key)?;
            if stream.consumers > 0 && !with_consumers {
                let text = format!(
                    "Stream {} under account {} has registered consumers. Deregister them, or set EnforceConsumerDeletion.",
                    key.name, key.account
                );
                return Err(Error::InUse(text));
            }
            if stream.mode == Mode::OnDemand {
                count_on_demand(tx, &key, -1)?;
            }
            count_shards(tx, &key, stream.mode, stream.open_shards, 0)?;
            tx.delete(keys::STREAM, &keys::stream(&key));
            tx.put(keys::LEFT, &keys::id(stream.id), []);
            tx.wake(sweep::WAKER);
            // Readers find out that it is gone.
            for number in shards::open_numbers(tx, stream.id)? {
                tx.wake(&keys::waker(stream.id, number));
            }
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// At most `limit` streams of an account in a region in the order of their names, after `after`; and whether there are more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(
        &self,
        account: &AccountId,
        region: &Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<(StreamKey, Stream)>, bool), Error> {
        let scope = keys::scope(account, region);
        let mut end = scope.clone();
        // Names are joined with zeros.
        if let Some(last) = end.last_mut() {
            *last = 1;
        }
        let from = [&scope[..], after.unwrap_or_default().as_bytes()].concat();
        let found = self.store.read::<_, Error>(|snapshot| {
            let bounds = (Bound::Excluded(from.as_slice()), Bound::Excluded(end.as_slice()));
            Ok(snapshot.scan(keys::STREAM, bounds.0, bounds.1, limit.saturating_add(1))?)
        })?;
        let more = found.len() > limit;
        let mut streams = Vec::new();
        for (key, bytes) in found.into_iter().take(limit) {
            let stream: Stream = serde_json::from_slice(&bytes).map_err(|error| Error::Store(error.to_string()))?;
            streams.extend(keys::stream_of(&key).map(|key| (key, stream)));
        }
        Ok((streams, more))
    }

    /// What an account has in a region.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn counts(&self, account: &AccountId, region: &Region) -> Result<Counts, Error> {
        let key = keys::scope(account, region);
        self.store.read(|snapshot| Ok(snapshot.load(keys::COUNTS, &key)?.unwrap_or_default()))
    }
}

fn create(tx: &mut Tx<'_>, key: &StreamKey, make: &Make) -> Result<(), Error> {
    if lookup(tx, key)?.is_some() {
        let text = format!("Stream {} under account {} already exists.", key.name, key.account);
        return Err(Error::InUse(text));
    }
    let now = tx.now();
    let stream = Stream {
        id: fresh_number(tx)?,
        created: now,
        mode: make.mode,
        retention_h: RETENTION_H,
        floor: Timestamp(0),
        kms_key: None,
        metrics: BTreeSet::new(),
        tags: make.tags.clone(),
        policy: None,
        max_record_kib: make.max_record_kib,
        distribution: make.distribution,
        warm_mibps: make.warm_mibps,
        next_shard: make.shards,
        open_shards: make.shards,
        consumers: 0,
        rescaled: Vec::new(),
        switched: Vec::new(),
    };
    if make.mode == Mode::OnDemand {
        count_on_demand(tx, key, 1)?;
    }
    count_shards(tx, key, make.mode, 0, make.shards)?;
    for (number, range) in (0..).zip(hash::even(make.shards)) {
        let start = Place::at(now).into();
        let shard =
            Shard { number, range, parent: None, adjacent_parent: None, start, end: None, children: Vec::new() };
        shards::open(tx, stream.id, &shard)?;
    }
    tx.save(keys::STREAM, &keys::stream(key), &stream)?;
    Ok(())
}

/// Counts that there are `change` on-demand streams more.
pub(crate) fn count_on_demand(tx: &mut Tx<'_>, key: &StreamKey, change: i64) -> Result<(), Error> {
    let place = keys::scope(&key.account, &key.region);
    let mut counts: Counts = tx.load(keys::COUNTS, &place)?.unwrap_or_default();
    counts.on_demand_streams = counts.on_demand_streams.saturating_add_signed(change);
    if change > 0 && counts.on_demand_streams > ON_DEMAND_STREAMS {
        let text = format!(
            "This request would exceed the on-demand stream limit for the account {} in {}. Limit: {ON_DEMAND_STREAMS}.",
            key.account, key.region
        );
        return Err(Error::Limit(text));
    }
    tx.save(keys::COUNTS, &place, &counts)?;
    Ok(())
}

/// Counts that a stream of `mode` has `to` open shards instead of `from`.
pub(crate) fn count_shards(tx: &mut Tx<'_>, key: &StreamKey, mode: Mode, from: u64, to: u64) -> Result<(), Error> {
    let place = keys::scope(&key.account, &key.region);
    let mut counts: Counts = tx.load(keys::COUNTS, &place)?.unwrap_or_default();
    let counted = match mode {
        Mode::Provisioned => &mut counts.provisioned_shards,
        Mode::OnDemand => &mut counts.on_demand_shards,
    };
    let before = *counted;
    *counted = counted.saturating_sub(from) + to;
    let limit = shard_limit(&key.region);
    if mode == Mode::Provisioned && *counted > limit && *counted > before {
        let text = format!(
            "This request would exceed the shard limit for the account {} in {}. Current shard count for the account: {before}. \
             Limit: {limit}. Number of additional shards that would have resulted from this request: {}. Refer to the AWS Service \
             Limits page (https://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
             request higher limits.",
            key.account,
            key.region,
            *counted - before
        );
        return Err(Error::Limit(text));
    }
    tx.save(keys::COUNTS, &place, &counts)?;
    Ok(())
}
