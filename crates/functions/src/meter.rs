//! What was used: requests, time and memory, for each function version and hour. Counted in memory, written at least every second;
//! a crash loses at most that second.

use crate::Error;
use crate::instances::Deployed;
use crate::keys;
use crate::model::FunctionKey;
use crate::pool::DeploymentId;
use fogbank_model::Timestamp;
use fogbank_store::{Read, Store, Tx};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

const HOUR_MS: i64 = 3_600_000;

/// What one version of a function used in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Calls that reached the function.
    pub requests: u64,
    /// Those that ended in an error of the function.
    pub errors: u64,
    /// Billed time, in milliseconds.
    pub billed_ms: u64,
    /// Configured memory times billed time, in MiB-milliseconds; 1,024,000 of them are a GB-second.
    pub mb_ms: u64,
    /// The part of that which ran on provisioned instances.
    #[serde(default)]
    pub on_provisioned_mb_ms: u64,
    /// Configured memory times the time for which provisioned instances were there, in MiB-milliseconds.
    #[serde(default)]
    pub provisioned_mb_ms: u64,
    /// Calls that waited for an instance to start.
    pub cold_starts: u64,
    /// The most memory that was used, in MiB.
    pub max_memory_mb: u32,
    /// The step that durations were rounded up to, in milliseconds.
    pub step_ms: u64,
}

impl Usage {
    /// Adds what `other` counted.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.billed_ms += other.billed_ms;
        self.mb_ms += other.mb_ms;
        self.on_provisioned_mb_ms += other.on_provisioned_mb_ms;
        self.provisioned_mb_ms += other.provisioned_mb_ms;
        self.cold_starts += other.cold_starts;
        self.max_memory_mb = self.max_memory_mb.max(other.max_memory_mb);
        self.step_ms = other.step_ms;
    }
}

/// One line of the meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The begin of the hour.
    pub hour: Timestamp,
    /// The function.
    pub function: FunctionKey,
    /// `$LATEST` or the version's number.
    pub version: String,
    /// What it used.
    pub usage: Usage,
}

type Counts = HashMap<(i64, DeploymentId), (Deployed, Usage)>;

/// Counts calls.
pub(crate) struct Meter {
    store: Store,
    counts: Mutex<Counts>,
}

impl Meter {
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), counts: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one call.
    pub fn count(&self, deployed: &Deployed, now: Timestamp, usage: &Usage) {
        let key = (now.0.div_euclid(HOUR_MS), deployed.version.deployment);
        self.lock().entry(key).or_insert_with(|| (deployed.clone(), Usage::default())).1.add(usage);
    }

    /// Writes what was counted. If that fails, it is kept for the next time.
    pub async fn flush(&self) -> Result<(), Error> {
        let counts = std::mem::take(&mut *self.lock());
        if counts.is_empty() {
            return Ok(());
        }
        let rows: Vec<(Vec<u8>, Usage)> = counts
            .iter()
            .map(|((hour, _), (deployed, usage))| {
                (keys::usage(*hour, &deployed.function.key, &deployed.version.label()), *usage)
            })
            .collect();
        let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            for (key, usage) in &rows {
                let mut total: Usage = tx.load(keys::USAGE, key)?.unwrap_or_default();
                total.add(usage);
                tx.save(keys::USAGE, key, &total)?;
            }
            Ok(())
        };
        let written = self.store.transact(change).await;
        if written.is_err() {
            let mut kept = self.lock();
            for (key, (deployed, usage)) in counts {
                kept.entry(key).or_insert_with(|| (deployed, Usage::default())).1.add(&usage);
            }
        }
        written
    }

    /// What was used from the hour of `from` to the hour before `to`, in order.
    pub async fn usage(&self, from: Timestamp, to: Timestamp) -> Result<Vec<UsageRow>, Error> {
        self.flush().await?;
        let hour = |at: Timestamp| at.0.max(0).div_euclid(HOUR_MS);
        let end = if to.0.rem_euclid(HOUR_MS) == 0 { hour(to) } else { hour(to) + 1 };
        let (first, last) = (hour(from).to_be_bytes(), end.to_be_bytes());
        let entries = self
            .store
            .read(|read| read.scan(keys::USAGE, Bound::Included(&first), Bound::Excluded(&last), usize::MAX))?;
        entries.iter().filter_map(|(key, value)| read_row(key, value).transpose()).collect()
    }
}

fn read_row(key: &[u8], value: &[u8]) -> Result<Option<UsageRow>, Error> {
    let Some((hour, rest)) = key.split_first_chunk::<8>() else { return Ok(None) };
    let Some((function, version)) = rest.get(1..).and_then(keys::split_function) else { return Ok(None) };
    let damaged =
        |error: serde_json::Error| fogbank_store::Error::Damaged { table: keys::USAGE.0, why: error.to_string() };
    let usage = serde_json::from_slice(value).map_err(damaged)?;
    let hour = Timestamp(i64::from_be_bytes(*hour) * HOUR_MS);
    Ok(Some(UsageRow { hour, function, version: String::from_utf8_lossy(version).into_owned(), usage }))
}
