//! Functions, as Lambda has them: what is registered, which instances of it are alive, and how an event reaches one.
//!
//! A function has one changeable version, `$LATEST`, and any number of published ones that never change; aliases are names for
//! versions. Code is a package, kept once by its digest. An instance is a running copy of one version and has one event at a time.
//!
//! Invariants:
//! - What calls see in memory is what the store holds: a change is shown only after it is on disk, one change at a time.
//! - A call reads no disk and takes no lock across an await.
//! - An instance never serves another version than the one it was started from; a changed `$LATEST` is another one.
//! - An asynchronous call that was accepted is in the store until it has run.
//!
//! The keys in the store are listed in `keys.rs`; `lambda/` is the only place that knows the wire.

mod alias;
mod asynchronous;
pub mod bill;
mod code;
mod concurrency;
mod configuration;
mod create;
mod delete;
mod error;
mod event_invoke;
mod idle_times;
pub mod images;
mod instances;
mod invoke;
pub mod keep_alive;
mod keys;
pub mod lambda;
mod layer;
mod limits;
mod list;
pub mod machine;
pub mod meter;
pub mod model;
mod pace;
mod package;
mod permission;
mod pool;
pub mod provisioned;
mod publish;
mod registry;
mod report;
pub mod runtime;
mod settings;
mod snapstart;
pub mod source;
pub mod sources;
mod tag;
mod tail;
mod update;
mod url;

pub use error::Error;
pub use keep_alive::KeepAlive;
pub use pool::Machine;
pub use registry::Snapshot;
pub use tail::LogTail;

use asynchronous::Asynchronous;
use bytes::Bytes;
use code::Packages;
use fogbank_delivery::{Deliver, Delivery, Signer, Undelivered, Worker};
use fogbank_model::{
    Arn, BoxFuture, Clock, FunctionRef, Invocation, Invoke, InvokeError, ReadObject, Reply, RequestContext, Timestamp,
};
use fogbank_store::{Store, Tx};
use instances::Instances;
use invoke::Caller;
use machine::Memory;
use meter::{Meter, UsageRow};
use model::{Function, FunctionKey};
use pool::Bounds;
use registry::Registry;
use runtime::Runtime;
use sha2::{Digest, Sha256};
use sources::{QueueSource, Sources, StreamSource};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinSet;

/// What can be set about functions as a whole.
#[derive(Debug, Clone)]
pub struct Config {
    /// Memory for all instances together, in MiB.
    pub memory_mb: u64,
    /// How long an instance may be idle before it is stopped, where its function's history says nothing.
    pub idle: Duration,
    /// Whether histories decide how long idle instances are kept.
    pub keep_alive: KeepAlive,
    /// What is set aside for an instance of which nobody knows yet what it uses, in percent of its memory limit.
    pub unknown_memory_percent: u64,
    /// Calls in flight at once in one account and region.
    pub concurrency: u32,
    /// The wait before an asynchronous call that failed is tried again; before the second retry it is twice that.
    pub retry_after: Duration,
    /// Durations are billed in steps of this many milliseconds: 1, or 100 as AWS did until 2020.
    pub billing_step_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        let idle = Duration::from_secs(600);
        Self {
            memory_mb: 4096,
            idle,
            keep_alive: KeepAlive::default(),
            unknown_memory_percent: 25,
            concurrency: limits::CONCURRENCY,
            retry_after: limits::RETRY_AFTER,
            billing_step_ms: 1,
        }
    }
}

/// What functions are built on.
pub struct Parts {
    /// Where state is kept.
    pub store: Store,
    /// The time of day and randomness.
    pub clock: Arc<dyn Clock>,
    /// What runs code. It writes functions' lines to the same `log`.
    pub runtime: Arc<dyn Runtime>,
    /// Where lines go.
    pub log: Arc<LogTail>,
    /// What memory the machine has.
    pub memory: Arc<dyn Memory>,
    /// What event source mappings take messages from.
    pub queues: Arc<dyn QueueSource>,
    /// What event source mappings read records from.
    pub streams: Arc<dyn StreamSource>,
    /// What code is read from that is in a bucket.
    pub objects: Arc<dyn ReadObject>,
    /// Signs events that other services deliver.
    pub signer: Arc<Signer>,
    /// Takes what becomes of asynchronous calls to its destinations.
    pub deliver: Arc<dyn Deliver>,
    /// Settings.
    pub config: Config,
}

/// All functions of the platform.
pub struct Functions {
    store: Store,
    registry: Arc<Registry>,
    packages: Arc<Packages>,
    objects: Arc<dyn ReadObject>,
    instances: Arc<Instances>,
    caller: Arc<Caller>,
    asynchronous: Arc<Asynchronous>,
    runtime: Arc<dyn Runtime>,
    config: Config,
    /// Signs the addresses of code packages; a new one at each start.
    secret: [u8; 32],
    /// They end with this.
    workers: Mutex<JoinSet<()>>,
    calls: Mutex<Option<Worker>>,
    sources: Arc<Sources>,
}

impl Functions {
    /// Reads what is registered, and begins to work on what was left over. To be called within a Tokio runtime. Blobs that nothing
    /// refers to are left alone, since others keep blobs too; [`Snapshot::needs`] tells which ones functions need.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Disk`].
    pub fn open(parts: Parts) -> Result<Arc<Self>, Error> {
        let Parts { store, clock, runtime, log, memory, queues, streams, objects, signer, deliver, config } = parts;
        let registry = Arc::new(Registry::load(&store, clock.clone())?);
        let snapshot = registry.snapshot();
        let packages = Arc::new(Packages::open(&store, |sha256| snapshot.needs(sha256))?);
        let bounds = Bounds {
            memory_mb: config.memory_mb,
            unknown_percent: config.unknown_memory_percent,
            idle: config.idle,
            keep_alive: config.keep_alive,
            capacity_wait: limits::CAPACITY_WAIT,
            launches: limits::LAUNCHES,
            launch_time: limits::LAUNCH_TIME,
        };
        let instances = Instances::new(bounds, runtime.clone(), clock.clone(), log.clone(), packages.clone(), memory);
        idle_times::load(&store, &snapshot, &instances)?;
        registry.serve_with(instances.clone(), packages.clone());
        let caller = Arc::new(Caller {
            registry: registry.clone(),
            instances: instances.clone(),
            meter: Meter::new(&store),
            clock: clock.clone(),
            log,
            concurrency: config.concurrency,
            step_ms: config.billing_step_ms,
        });
        let asynchronous = Asynchronous::new(&store, caller.clone(), deliver.clone(), signer, config.retry_after);
        let calls = Mutex::new(Some(Worker::start(store.clone(), clock.clone(), &asynchronous)));
        let sources = Sources::open(&store, caller.clone(), (queues, streams), deliver)?;
        let mut secret = [0; 32];
        clock.random(&mut secret);
        let mut workers = JoinSet::new();
        workers.spawn(every_second(store.clone(), Arc::downgrade(&caller)));
        let expected: BTreeSet<(String, u32)> = snapshot
            .functions()
            .map(|function| &function.latest.configuration)
            .map(|configuration| (configuration.runtime.clone(), configuration.memory_mb))
            .collect();
        // Beside the start: whoever expects something looks for interpreters first.
        tokio::spawn({
            let runtime = runtime.clone();
            async move { expected.iter().for_each(|(name, memory_mb)| runtime.expect(name, *memory_mb)) }
        });
        Ok(Arc::new(Self {
            store,
            registry,
            packages,
            objects,
            instances,
            caller,
            asynchronous,
            runtime,
            config,
            secret,
            workers: Mutex::new(workers),
            calls,
            sources,
        }))
    }

    /// Stops all instances and writes what is left to write. Calls under way are cut off.
    pub async fn shutdown(&self) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.sources.close();
        drop(self.calls.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.instances.close();
        if let Err(error) = idle_times::save(&self.store, &self.registry, &self.instances).await {
            tracing::error!(%error, "the last minute of functions' idle times was not written");
        }
        if let Err(error) = self.caller.meter.flush().await {
            tracing::error!(%error, "the last second of the meter was not written");
        }
    }

    /// The event source mappings.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Accepts an asynchronous call of `function` within the caller's transaction.
    ///
    /// # Errors
    /// [`Undelivered`]: there is no such function, version or alias, or the body is not JSON of at most 1 MB.
    pub fn deliver_in(&self, tx: &mut Tx<'_>, function: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        self.asynchronous.accept_in(tx, function, delivery)
    }

    /// Whether `function` names a function, version or alias that is there.
    pub fn exists(&self, function: &Arn) -> bool {
        asynchronous::function_of(function).is_some_and(|function| self.caller.find(&function).is_ok())
    }

    /// What is registered now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.registry.snapshot()
    }

    /// The function `key`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn function(&self, key: &FunctionKey) -> Result<Arc<Function>, Error> {
        self.snapshot().function(key).cloned()
    }

    /// How `runtime` is served on this host.
    pub fn resolve_runtime(&self, runtime: &str) -> runtime::Resolution {
        self.runtime.resolve(runtime)
    }

    /// What was used in the hours from that of `from` to that before `to`.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn usage(&self, from: Timestamp, to: Timestamp) -> Result<Vec<UsageRow>, Error> {
        self.caller.meter.usage(from, to).await
    }

    /// The address that a code package can be fetched from, until the platform ends.
    pub fn code_url(&self, endpoint: &str, sha256: &str) -> String {
        format!("{endpoint}/_fogbank/code/{sha256}?token={}", self.code_token(sha256))
    }

    /// The ZIP file behind an address of [`Self::code_url`]; `None` if the token is not the right one. Blocks on the disk.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn code_package(&self, sha256: &str, token: &str) -> Result<Option<Bytes>, Error> {
        // Compared by digest, so that the time it takes tells nothing.
        if Sha256::digest(token) != Sha256::digest(self.code_token(sha256)) {
            return Ok(None);
        }
        self.packages.content(sha256)
    }

    fn code_token(&self, sha256: &str) -> String {
        let signed = [&self.secret[..], sha256.as_bytes(), &self.secret].concat();
        hex::encode(Sha256::digest(signed))
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.instances.close();
    }
}

impl Invoke for Functions {
    fn invoke(&self, context: RequestContext, invocation: Invocation) -> BoxFuture<'_, Result<Reply, InvokeError>> {
        let call = self.caller.call(context, invocation);
        Box::pin(async move { Ok(call.await?.reply) })
    }

    fn speaks_http(&self, function: &FunctionRef) -> bool {
        self.caller.speaks_http(function)
    }
}

/// Lets idle instances end, counts provisioned ones, writes the meter, and every minute the idle times.
async fn every_second(store: Store, caller: Weak<Caller>) {
    let mut metered = Timestamp(i64::MAX);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for seconds in 1u64.. {
        second.tick().await;
        let Some(caller) = caller.upgrade() else { return };
        caller.instances.tick();
        let now = caller.clock.now();
        caller.meter_provisioned(now.since(metered), now);
        metered = now;
        if let Err(error) = caller.meter.flush().await {
            tracing::warn!(%error, "the meter could not be written; it is tried again");
        }
        if seconds.is_multiple_of(60)
            && let Err(error) = idle_times::save(&store, &caller.registry, &caller.instances).await
        {
            tracing::warn!(%error, "idle times could not be written");
        }
    }
}

#[cfg(test)]
mod tests;
