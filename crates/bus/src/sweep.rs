//! Removes archived events that are older than their archive keeps them, and those of archives that are gone, a bounded number at a time.

use crate::archive::{Archive, Named, tally};
use crate::keys;
use fogbank_delivery::{Settle, Work};
use fogbank_model::{BoxFuture, Timestamp};
use fogbank_store::{Error as StoreError, Read, Tx};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// Events that one transaction removes; small, so that nobody waits long for it.
const AT_ONCE: usize = 200;
/// How often an archive's events are looked at.
const EVERY: Duration = Duration::from_secs(3600);
const DAY_MS: i64 = 24 * 3600 * 1000;

#[derive(Clone, Serialize, Deserialize)]
enum Sweep {
    /// What is too old.
    Expired { archive: Named, number: u64 },
    /// Everything.
    All { place: String },
}

/// Begins to remove what gets too old in an archive, if anything does.
pub(crate) fn arm(tx: &mut Tx<'_>, key: &Named, archive: &Archive) -> Result<(), StoreError> {
    if archive.retention_days == 0 {
        return Ok(());
    }
    enqueue(tx, tx.now(), &Sweep::Expired { archive: key.clone(), number: archive.sweep })
}

/// Begins to remove all that is in `place`.
pub(crate) fn clear(tx: &mut Tx<'_>, place: &str) -> Result<(), StoreError> {
    tx.put(keys::LEFT, place.as_bytes(), []);
    enqueue(tx, tx.now(), &Sweep::All { place: place.to_owned() })
}

fn enqueue(tx: &mut Tx<'_>, at: Timestamp, sweep: &Sweep) -> Result<(), StoreError> {
    let message = serde_json::to_vec(sweep);
    let message = message.map_err(|error| StoreError::Damaged { table: keys::SWEEPS, why: error.to_string() })?;
    tx.enqueue(keys::SWEEPS, at, &message)
}

/// Does the sweeping.
pub(crate) struct Sweeps;

impl Work for Sweeps {
    fn queue(&self) -> &'static str {
        keys::SWEEPS
    }

    fn at_once(&self) -> usize {
        1
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        Box::pin(async move {
            match serde_json::from_slice::<Sweep>(&message) {
                Ok(sweep) => Settle::with(move |tx| step(tx, &sweep)),
                Err(error) => {
                    tracing::error!(%error, "a damaged sweep is dropped");
                    Settle::done()
                }
            }
        })
    }
}

fn step(tx: &mut Tx<'_>, sweep: &Sweep) -> Result<(), StoreError> {
    match sweep {
        Sweep::All { place } => {
            if remove(tx, place, Timestamp(i64::MAX))? {
                return enqueue(tx, tx.now(), sweep);
            }
            tx.delete(keys::TALLY, place.as_bytes());
            tx.delete(keys::LEFT, place.as_bytes());
            Ok(())
        }
        Sweep::Expired { archive: key, number } => {
            let found: Option<Archive> = tx.load(keys::ARCHIVE, &key.key())?;
            let Some(archive) = found.filter(|archive| archive.sweep == *number && archive.retention_days > 0) else {
                return Ok(());
            };
            let oldest = Timestamp(tx.now().0.saturating_sub(archive.retention_days.saturating_mul(DAY_MS)));
            let more = remove(tx, &archive.place, oldest)?;
            let next = if more { tx.now() } else { tx.now().plus(EVERY) };
            enqueue(tx, next, sweep)
        }
    }
}

/// Removes events from before `oldest`. Returns whether there may be more.
fn remove(tx: &mut Tx<'_>, place: &str, oldest: Timestamp) -> Result<bool, StoreError> {
    let (from, to) = (keys::place(place), keys::archived(place, oldest, 0));
    let found = tx.scan(keys::ARCHIVED, Bound::Included(&from), Bound::Excluded(&to), AT_ONCE)?;
    if found.is_empty() {
        return Ok(false);
    }
    let mut tally = tally(tx, place)?;
    for (key, event) in &found {
        tx.delete(keys::ARCHIVED, key);
        tally.events -= 1;
        tally.bytes -= event.len() as i64;
    }
    tx.save(keys::TALLY, place.as_bytes(), &tally)?;
    Ok(found.len() == AT_ONCE)
}
