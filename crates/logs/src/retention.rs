//! Deletes events that are older than their group keeps them. Looks once an hour.

use crate::groups::DELETE_AT_ONCE;
use crate::model::{Group, Position, Stream};
use crate::{Error, keys};
use fogbank_model::{Clock, Timestamp};
use fogbank_store::{Read, Store, Tx};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sweeps for ever.
pub(crate) async fn work(store: Store, clock: Arc<dyn Clock>) {
    loop {
        if let Err(error) = sweep(&store, clock.now()).await {
            tracing::warn!(%error, "old log events could not be deleted; it is tried again");
        }
        clock.sleep_until(clock.now().plus(HOUR)).await;
    }
}

/// Deletes what is too old at `now`.
pub(crate) async fn sweep(store: &Store, now: Timestamp) -> Result<(), Error> {
    let groups = store.read(|read| read.load_prefix::<Group>(keys::GROUP, &[]))?;
    let limited = groups.into_iter().filter_map(|(key, group)| Some((key, group.retention_days?)));
    for (group, days) in limited {
        let oldest = now.0.saturating_sub(i64::try_from((DAY * days).as_millis()).unwrap_or(i64::MAX));
        let within = [group.as_slice(), b"\0"].concat();
        let streams = store.read(|read| read.load_prefix::<Stream>(keys::STREAM, &within))?;
        let aged = streams.into_iter().filter(|(_, stream)| stream.first_event.is_some_and(|first| first.0 < oldest));
        for (stream, _) in aged {
            sweep_stream(store, &stream, u64::try_from(oldest).unwrap_or(0)).await?;
        }
    }
    Ok(())
}

async fn sweep_stream(store: &Store, stream: &[u8], oldest: u64) -> Result<(), Error> {
    let at = |time: u64| [stream, b"\0", &time.to_be_bytes(), &0u64.to_be_bytes()].concat();
    loop {
        let (from, to, key) = (at(0), at(oldest), stream.to_vec());
        let delete = move |tx: &mut Tx<'_>| -> Result<usize, Error> {
            let events = tx.scan(keys::EVENT, Bound::Included(&from), Bound::Excluded(&to), DELETE_AT_ONCE)?;
            events.iter().for_each(|(key, _)| tx.delete(keys::EVENT, key));
            let next = tx.scan_prefix(keys::EVENT, &[key.as_slice(), b"\0"].concat(), 1)?;
            if let Some(mut record) = tx.load::<Stream>(keys::STREAM, &key)? {
                let first = next.first().and_then(|(key, _)| keys::position(key));
                record.first_event =
                    first.map(|Position { time, .. }| Timestamp(i64::try_from(time).unwrap_or(i64::MAX)));
                tx.save(keys::STREAM, &key, &record)?;
            }
            Ok(events.len())
        };
        if store.transact(delete).await? < DELETE_AT_ONCE {
            return Ok(());
        }
    }
}
