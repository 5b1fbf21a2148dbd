//! What goes on beside requests: indexes are filled, items expire, and what nobody can reach any more is removed. All in small
//! transactions, so that nobody waits long for one, and each can be the last: the next start goes on from there.

use crate::changes::{self, Author, KEPT, Stream};
use crate::keys::{self, ItemKey};
use crate::registry::{self, Registry, save};
use crate::schema::{Phase, TableKey};
use crate::{Error, contents, deleted, destinations, history, load};
use fogbank_model::{Arrivals, Clock, Timestamp};
use fogbank_store::{Read, Store, Tx};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// What the upkeep listens to.
pub(crate) const WAKER: &str = "dynamodb/upkeep";
/// How often it looks by itself.
const EVERY: Duration = Duration::from_secs(60);
/// How long it waits after the store failed, or while the platform is starting.
const PAUSE: Duration = Duration::from_secs(5);
/// Items that one transaction takes.
pub(crate) const AT_ONCE: usize = 200;
/// Bytes of them, so that nobody waits long for it.
const BYTES: usize = 4 << 20;
/// Entries that are looked up at a time, since each can be large.
pub(crate) const LOOK: usize = 20;
/// How long a transaction's token is remembered.
pub(crate) const TOKEN_KEPT: Duration = Duration::from_secs(600);
/// Items whose time passed longer ago than this do not expire ("Using time to live" in the Developer Guide).
const TOO_OLD_S: i64 = 5 * 365 * 24 * 3600;

/// Works until the platform ends.
pub(crate) async fn work(store: Store, registry: Arc<Registry>, clock: Arc<dyn Clock>) {
    let mut arrivals = Arrivals::of(store.arrivals(WAKER));
    loop {
        let next = turn(&store, &registry, clock.as_ref()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "tables could not be kept up; it will be tried again");
            Some(clock.now().plus(PAUSE))
        });
        let latest = clock.now().plus(EVERY);
        arrivals.next_or_at(clock.as_ref(), Some(next.unwrap_or(latest).min(latest))).await;
    }
}

/// Does all there is to do now; answers when an item expires next.
pub(crate) async fn turn(
    store: &Store,
    registry: &Arc<Registry>,
    clock: &dyn Clock,
) -> Result<Option<Timestamp>, Error> {
    for (key, _) in store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::FILLING, &[], usize::MAX)?))? {
        let Some(key) = keys::table_of(&key) else { continue };
        // One table's file that cannot be read must not hold up the others.
        if let Err(error) = load::run(store, registry, &key).await {
            tracing::error!(%error, table = key.name, "a table could not be filled from its file; it will be tried again");
            continue;
        }
        loop {
            let (registry, key) = (registry.clone(), key.clone());
            if store.transact(move |tx: &mut Tx<'_>| fill(tx, &registry, &key)).await? {
                break;
            }
        }
    }
    deleted::save_all(store).await?;
    for (key, _) in store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::LEFT, &[], usize::MAX)?))? {
        while !store
            .transact({
                let key = key.clone();
                move |tx: &mut Tx<'_>| clear(tx, &key)
            })
            .await?
        {}
    }
    trim(store, clock.now()).await?;
    expire_all(store, registry, clock).await
}

/// Lets the upkeep fill what of the table `key` is not filled yet.
pub(crate) fn fill_later(tx: &mut Tx<'_>, key: &TableKey) {
    tx.put(keys::FILLING, &keys::table(key), []);
    tx.wake(WAKER);
}

/// Lets the upkeep remove all below `place`.
pub(crate) fn leave(tx: &mut Tx<'_>, place: u64) {
    tx.put(keys::LEFT, &keys::place(place), []);
    tx.wake(WAKER);
}

/// Lets the upkeep look in time for what is due at `seconds`. What is due later is found when it looks by itself.
pub(crate) fn wake_by(tx: &mut Tx<'_>, seconds: i64) {
    if seconds.saturating_mul(1000) <= tx.now().plus(EVERY).0 {
        tx.wake(WAKER);
    }
}

/// Whether an item that expires at `seconds` is one that does.
pub(crate) fn does_expire(seconds: i64, now: Timestamp) -> bool {
    seconds > now.0 / 1000 - TOO_OLD_S
}

/// Fills some more of a table's indexes and times; whether that was all.
fn fill(tx: &mut Tx<'_>, registry: &Registry, key: &TableKey) -> Result<bool, Error> {
    let done = |tx: &mut Tx<'_>| {
        tx.delete(keys::FILLING, &keys::table(key));
        Ok(true)
    };
    let Some(table) = registry.look_up(tx, key)? else { return done(tx) };
    let mut table = Arc::unwrap_or_clone(table);
    let (phase, index) = match table.indexes.iter().position(|index| matches!(index.phase, Phase::Filling(_))) {
        Some(at) => (table.indexes[at].phase.clone(), Some(at)),
        None => match &table.expiry {
            Some(expiry) => (expiry.phase.clone(), None),
            None => return done(tx),
        },
    };
    let Phase::Filling(after) = phase else { return done(tx) };
    // The first key behind the last one that was entered is that with a zero byte more.
    let from = if after.is_empty() {
        keys::place(table.place).to_vec()
    } else {
        keys::below(table.place, &[&after[..], &[0]].concat())
    };
    let (items, is_all) = tx.portion(keys::ITEM, &from, &keys::place(table.place + 1), LOOK, AT_ONCE)?;
    for (at, bytes) in &items {
        let (at, item) = (ItemKey(at.get(8..).unwrap_or_default().to_vec()), contents::decode(bytes)?);
        match (index, &table.expiry) {
            (Some(index), _) => contents::fill(tx, &table, &table.indexes[index], &at, &item)?,
            (None, Some(expiry)) => {
                if let Some(seconds) = contents::expires(&expiry.attribute, &item) {
                    contents::enter_expiry(tx, expiry, &at, seconds);
                }
            }
            (None, None) => {}
        }
    }
    let phase = match items.last() {
        Some((last, _)) if !is_all => Phase::Filling(last.get(8..).unwrap_or_default().to_vec()),
        _ => Phase::Active,
    };
    match (index, &mut table.expiry) {
        (Some(index), _) => table.indexes[index].phase = phase,
        (None, Some(expiry)) => expiry.phase = phase,
        (None, None) => {}
    }
    save(tx, key, &table)?;
    Ok(false)
}

/// Removes some more of what is left below a place; whether that was all.
fn clear(tx: &mut Tx<'_>, place: &[u8]) -> Result<bool, Error> {
    let end = keys::place(keys::number(place).unwrap_or_default() + 1);
    for map in [keys::ITEM, keys::ENTRY, keys::EXPIRY, keys::CHANGE, history::HISTORY] {
        let (entries, is_all) = tx.portion(map, place, &end, LOOK, AT_ONCE)?;
        entries.iter().for_each(|(key, _)| tx.delete(map, key));
        if !is_all {
            return Ok(false);
        }
    }
    tx.delete(keys::COUNTER, place);
    tx.delete(keys::LEFT, place);
    Ok(true)
}

/// Removes changes that are older than they are kept, streams that have ended and are empty, old tokens, backups and history.
async fn trim(store: &Store, now: Timestamp) -> Result<(), Error> {
    let streams = store.read(|snapshot| snapshot.load_prefix::<Stream>(keys::STREAM, &[]))?;
    let oldest = Timestamp(now.0 - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX));
    for (key, stream) in streams {
        let is_old = || -> Result<bool, Error> {
            let first = store.read(|snapshot| changes::read(snapshot, stream.place, 0, 1, 0))?;
            Ok(first.first().is_some_and(|(_, change)| change.at < oldest))
        };
        while is_old()? {
            let key = key.clone();
            store.transact(move |tx: &mut Tx<'_>| changes::trim(tx, &key, oldest)).await?;
        }
        if stream.ended.is_some_and(|at| at < oldest) {
            store
                .transact(move |tx: &mut Tx<'_>| -> Result<(), Error> {
                    tx.delete(keys::STREAM, &key);
                    leave(tx, stream.place);
                    Ok(())
                })
                .await?;
        }
    }
    let forget = move |tx: &mut Tx<'_>| -> Result<bool, Error> {
        let until = keys::token_end(now, &[]);
        let old = tx.scan(keys::TOKEN_END, Bound::Unbounded, Bound::Excluded(&until), AT_ONCE)?;
        for (key, _) in &old {
            tx.delete(keys::TOKEN_END, key);
            tx.delete(keys::TOKEN, key.get(8..).unwrap_or_default());
        }
        Ok(old.len() < AT_ONCE)
    };
    let has_old = || -> Result<bool, Error> {
        let first = store.read(|snapshot| snapshot.scan_prefix(keys::TOKEN_END, &[], 1))?;
        Ok(first.first().is_some_and(|(key, _)| *key < keys::token_end(now, &[])))
    };
    while has_old()? && !store.transact(forget).await? {}
    deleted::expire(store, now).await?;
    history::trim(store, now).await
}

async fn expire_all(store: &Store, registry: &Arc<Registry>, clock: &dyn Clock) -> Result<Option<Timestamp>, Error> {
    let mut next: Option<Timestamp> = None;
    let tables = store.read(registry::all)?;
    for (key, table) in tables {
        let Some(place) = table.expiry.map(|expiry| expiry.place) else { continue };
        loop {
            let first = store.read(|snapshot| snapshot.scan_prefix(keys::EXPIRY, &keys::place(place), 1))?;
            let seconds = first.first().and_then(|(key, _)| key.get(8..16)?.try_into().ok()).map(i64::from_be_bytes);
            let Some(due) = seconds.map(|seconds| Timestamp(seconds.saturating_mul(1000))) else { break };
            if due > clock.now() {
                next = Some(next.map_or(due, |next| next.min(due)));
                break;
            }
            let (registry, key) = (registry.clone(), key.clone());
            if !store.transact(move |tx: &mut Tx<'_>| expire(tx, &registry, &key, place)).await? {
                break;
            }
        }
    }
    Ok(next)
}

/// Removes some of the items whose times are at `place`; nothing if that is not the table's any more.
fn expire(tx: &mut Tx<'_>, registry: &Registry, key: &TableKey, place: u64) -> Result<bool, Error> {
    let table = registry.look_up(tx, key)?;
    let Some(table) = table.filter(|table| table.expiry.as_ref().is_some_and(|expiry| expiry.place == place)) else {
        return Ok(false);
    };
    let mut bytes = 0;
    let until = keys::timed(place, tx.now().0 / 1000 + 1, &[]);
    let due = tx.scan(keys::EXPIRY, Bound::Included(&keys::place(place)), Bound::Excluded(&until), AT_ONCE)?;
    for (entry, _) in due {
        // Gone first: without an item behind it, it would be due for ever.
        tx.delete(keys::EXPIRY, &entry);
        let at = ItemKey(entry.get(16..).unwrap_or_default().to_vec());
        if let Some(item) = contents::item(tx, &table, &at)? {
            bytes += contents::change(tx, &table, &at, (Some(&item), None), Author::Expiry)?.bytes;
            destinations::tell(tx, registry, key, &table, (Some(&item), None), Author::Expiry)?;
        }
        if bytes >= BYTES {
            break;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
