//! Exports and imports are jobs: kept in the store until they have ended, done one after another beside the requests, and begun anew after
//! a restart.

#[cfg(test)]
mod tests;

use crate::buckets::{BucketError, Buckets};
use crate::import::ImportLog;
use crate::registry::Registry;
use crate::{Error, Tables, backup, export, import};
use fogbank_model::{AccountId, Arrivals, Clock, Timestamp};
use fogbank_store::{Read, Store, Table as Map, Tx};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// Jobs that have not ended: their kind and the key of their record.
pub(crate) const JOB: Map = Map("dynamodb.job");
/// What the worker listens to.
const WAKER: &str = "dynamodb/jobs";
/// How long the worker waits after the store failed.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a client's token means the job that it began.
const TOKEN_KEPT: Duration = Duration::from_secs(8 * 3600);

/// Whether a token that comes `now` still means the job that it began at `started`.
pub(crate) fn is_remembered(started: Timestamp, now: Timestamp) -> bool {
    now < started.plus(TOKEN_KEPT)
}

/// What a job is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Export = b'e' as isize,
    Import = b'i' as isize,
}

/// Why a job has failed, in the API's words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub code: &'static str,
    pub message: String,
}

impl From<BucketError> for Failure {
    fn from(error: BucketError) -> Self {
        let code = match &error {
            BucketError::NoBucket => "S3NoSuchBucket",
            BucketError::Denied => "S3AccessDenied",
            BucketError::Failed(_) => "InternalServerError",
        };
        Self { code, message: error.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: "InternalServerError", message: error.to_string() }
    }
}

impl From<fogbank_store::Error> for Failure {
    fn from(error: fogbank_store::Error) -> Self {
        Self { code: "InternalServerError", message: error.to_string() }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { code: "InternalServerError", message: error.to_string() }
    }
}

/// Buckets that a job finds are of its own account.
pub(crate) fn check_owner(account: &AccountId, owner: Option<&str>) -> Result<(), BucketError> {
    match owner.is_none_or(|owner| owner == account.as_str()) {
        true => Ok(()),
        false => Err(BucketError::Denied),
    }
}

/// What jobs work with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub store: Store,
    pub registry: Arc<Registry>,
    pub clock: Arc<dyn Clock>,
    pub buckets: Arc<dyn Buckets>,
    pub log: Arc<dyn ImportLog>,
    pub runtime: Handle,
}

impl Tools {
    /// Stores an object, from a thread that may block.
    pub fn put(
        &self,
        account: &AccountId,
        place: (&str, &str),
        body: Vec<u8>,
        content_type: &'static str,
    ) -> Result<String, BucketError> {
        self.runtime.block_on(self.buckets.put(account, place, body.into(), content_type))
    }
}

fn key(kind: Kind, record: &[u8]) -> Vec<u8> {
    [&[kind as u8], record].concat()
}

/// Lets the worker do a job whose record is under `record`.
pub(crate) fn begin(tx: &mut Tx<'_>, kind: Kind, record: &[u8]) {
    tx.put(JOB, &key(kind, record), []);
    tx.wake(WAKER);
}

/// Says that a job has ended.
pub(crate) fn end(tx: &mut Tx<'_>, kind: Kind, record: &[u8]) {
    tx.delete(JOB, &key(kind, record));
}

impl Tables {
    /// Begins with the exports and imports that were not ended, and goes on with those to come. To be called once, when buckets are there.
    pub fn start(&self, buckets: Arc<dyn Buckets>, log: Arc<dyn ImportLog>) {
        let tools = Tools {
            store: self.store.clone(),
            registry: self.registry.clone(),
            clock: self.clock.clone(),
            buckets,
            log,
            runtime: Handle::current(),
        };
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).spawn(work(tools));
    }
}

async fn work(tools: Tools) {
    let mut arrivals = Arrivals::of(tools.store.arrivals(WAKER));
    loop {
        match turn(&tools).await {
            Ok(()) => arrivals.next().await,
            Err(error) => {
                tracing::error!(%error, "exports and imports could not go on; it will be tried again");
                tools.clock.sleep_until(tools.clock.now().plus(PAUSE)).await;
            }
        }
    }
}

/// Does all jobs that there are.
async fn turn(tools: &Tools) -> Result<(), Error> {
    loop {
        let next = tools.store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(JOB, &[], 1)?))?;
        let Some((job, _)) = next.into_iter().next() else { return Ok(()) };
        let (record, with) = (job.get(1..).unwrap_or_default().to_vec(), tools.clone());
        let is_export = job.first() == Some(&(Kind::Export as u8));
        backup::blocking(move || match is_export {
            true => export::run(&with, &record),
            false => import::run(&with, &record),
        })
        .await?;
    }
}
