//! SnapStart: the snapshots of published versions, that instances are made from. A version's first snapshot decides whether it can be
//! called; after that its snapshot is only kept at hand, and taken again when it is lost or the platform was restarted. Calls that come
//! meanwhile are started without.
//!
//! Rules: "Improving startup performance with Lambda SnapStart" in the AWS Lambda Developer Guide.

use crate::Error;
use crate::code::Hold;
use crate::instances::{Deployed, Instances};
use crate::limits;
use crate::model::{Configuration, Function, FunctionKey, Readiness, Version};
use crate::pool::DeploymentId;
use crate::registry::{Registry, Turn};
use crate::runtime::{Snapshot, StartError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Snapshots that are taken again at once, so that a restart with many of them leaves room for calls.
const RETAKES: usize = 2;
/// The first and the longest pause before a snapshot that could not be taken, or did not last, is taken again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
/// How often the first snapshot is tried when the host, not the function, is the reason that it failed.
const FIRST_TRIES: u32 = 3;

/// Checks that a configuration may have SnapStart, if it asks for it.
pub(crate) fn check(configuration: &Configuration) -> Result<(), Error> {
    if !configuration.snap_start {
        return Ok(());
    }
    if !supports(&configuration.runtime) {
        return Err(Error::invalid(format!(
            "{} is not supported for SnapStart enabled functions.",
            configuration.runtime
        )));
    }
    if configuration.tmp_mb > limits::TMP_MB.0 {
        return Err(Error::invalid(format!(
            "Ephemeral storage greater than {} MB is not supported for SnapStart enabled functions.",
            limits::TMP_MB.0
        )));
    }
    Ok(())
}

/// Python from 3.12, Java from 11, .NET from 8.
fn supports(runtime: &str) -> bool {
    let from = |prefix: &str, least: u32| {
        let digits = runtime.strip_prefix(prefix).and_then(|rest| rest.split('.').next());
        digits.and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| number >= least)
    };
    from("python3.", 12) || from("java", 11) || from("dotnet", 8)
}

/// A snapshot, and the code that it needs.
pub(crate) struct Kept {
    pub snapshot: Arc<dyn Snapshot>,
    pub _code: Vec<Hold>,
}

struct Entry {
    kept: Option<Arc<Kept>>,
    /// Told when the snapshot turned out to be of no use.
    lost: Arc<Notify>,
    keeper: AbortHandle,
}

/// The snapshots at hand, by deployment.
pub(crate) struct Snapshots {
    entries: Mutex<HashMap<DeploymentId, Entry>>,
    retakes: Semaphore,
}

impl Snapshots {
    pub fn new() -> Self {
        Self { entries: Mutex::default(), retakes: Semaphore::new(RETAKES) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeploymentId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshot to start from, if there is one now.
    pub fn of(&self, deployment: DeploymentId) -> Option<Arc<Kept>> {
        self.lock().get(&deployment)?.kept.clone()
    }

    /// `kept` could not be restored: it is not used again, and another one is taken.
    pub fn lost(&self, deployment: DeploymentId, kept: &Arc<Kept>) {
        let mut entries = self.lock();
        if let Some(entry) = entries.get_mut(&deployment)
            && entry.kept.as_ref().is_some_and(|current| Arc::ptr_eq(current, kept))
        {
            entry.kept = None;
            entry.lost.notify_one();
        }
    }

    /// No more instances will be made of a deployment.
    pub fn retire(&self, deployment: DeploymentId) {
        let entry = self.lock().remove(&deployment);
        if let Some(entry) = entry {
            entry.keeper.abort();
        }
    }

    /// Frees everything.
    pub fn close(&self) {
        let entries = std::mem::take(&mut *self.lock());
        entries.values().for_each(|entry| entry.keeper.abort());
    }

    /// Shows `kept` to launches, or takes away what was shown. Returns what tells that it is lost; `None` for a retired deployment.
    fn show(&self, deployment: DeploymentId, kept: Option<Arc<Kept>>) -> Option<Arc<Notify>> {
        let mut entries = self.lock();
        let entry = entries.get_mut(&deployment)?;
        let before = std::mem::replace(&mut entry.kept, kept);
        let lost = entry.lost.clone();
        drop(entries);
        // Dropping a snapshot may end processes, which takes a moment.
        drop(before);
        Some(lost)
    }
}

impl Registry {
    /// Begins to keep a snapshot of each version of `function` that wants one and has none yet.
    pub(crate) fn keep_snapshots(self: &Arc<Self>, instances: &Arc<Instances>, function: &Arc<Function>) {
        let wants = |version: &&Arc<Version>| {
            version.configuration.snap_start && !matches!(version.readiness, Readiness::Failed { .. })
        };
        for version in function.versions.values().filter(wants) {
            let mut entries = instances.snapshots.lock();
            if entries.contains_key(&version.deployment) {
                continue;
            }
            let deployed = Deployed { function: function.clone(), version: version.clone() };
            let keeper = Keeper {
                registry: Arc::downgrade(self),
                instances: Arc::downgrade(instances),
                first: version.readiness == Readiness::Pending,
                deployed,
            };
            let keeper = tokio::spawn(keeper.work()).abort_handle();
            entries.insert(version.deployment, Entry { kept: None, lost: Arc::default(), keeper });
        }
    }

    /// Writes down what became of a version's snapshot.
    async fn settle(self: &Arc<Self>, key: &FunctionKey, deployment: DeploymentId, readiness: Readiness) {
        let edit = |function: &mut Function, _: &Turn| {
            for version in function.versions.values_mut().filter(|version| version.deployment == deployment) {
                Arc::make_mut(version).readiness = readiness.clone();
            }
            Ok(())
        };
        match self.edit(key, edit).await {
            Ok(_) | Err(Error::NotFound(_)) => {}
            Err(error) => tracing::error!(%error, function = %key.name, "the state of a version could not be written"),
        }
    }
}

/// Keeps one version's snapshot.
struct Keeper {
    registry: Weak<Registry>,
    instances: Weak<Instances>,
    deployed: Deployed,
    /// Whether the version waits for its first one.
    first: bool,
}

impl Keeper {
    async fn work(mut self) {
        let mut pause = PAUSE.0;
        let mut tries = 0;
        loop {
            tries += 1;
            let begun = Instant::now();
            let Some(instances) = self.instances.upgrade() else { return };
            let taken = self.take(&instances).await;
            let settled = match &taken {
                Ok(_) => Some(Readiness::Optimized),
                Err(StartError::NoRuntime(_)) => Some(Readiness::Active),
                Err(error) if self.first => failed(error, tries),
                Err(_) => None,
            };
            let shown = match taken {
                Ok(kept) => {
                    let lost = instances.snapshots.show(self.deployed.version.deployment, Some(kept.clone()));
                    lost.map(|lost| (kept, lost))
                }
                Err(error) => {
                    tracing::info!(function = %self.deployed.function.key.name, %error, "no snapshot could be taken");
                    None
                }
            };
            drop(instances);
            if let Some(readiness) = settled {
                let over = !matches!(readiness, Readiness::Optimized);
                self.settle(readiness).await;
                if over {
                    return;
                }
            }
            if let Some((kept, lost)) = shown {
                tokio::select! { () = kept.snapshot.lost() => {}, () = lost.notified() => {} }
                let Some(instances) = self.instances.upgrade() else { return };
                instances.snapshots.show(self.deployed.version.deployment, None);
            }
            // One that lasted is taken again at once; one that is lost over and over must not keep the machine busy.
            pause = if begun.elapsed() > PAUSE.1 { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
            tokio::time::sleep(pause).await;
        }
    }

    async fn take(&self, instances: &Instances) -> Result<Arc<Kept>, StartError> {
        let _turn = match self.first {
            true => None,
            false => instances.snapshots.retakes.acquire().await.ok(),
        };
        instances.take_snapshot(&self.deployed).await
    }

    async fn settle(&mut self, readiness: Readiness) {
        let before = &self.deployed.version.readiness;
        self.first = false;
        if *before == readiness {
            return;
        }
        if let Some(registry) = self.registry.upgrade() {
            let key = &self.deployed.function.key;
            registry.settle(key, self.deployed.version.deployment, readiness.clone()).await;
        }
        Arc::make_mut(&mut self.deployed.version).readiness = readiness;
    }
}

/// What the version is after its first snapshot failed; `None` to try again.
fn failed(error: &StartError, tries: u32) -> Option<Readiness> {
    let (code, reason) = match error {
        StartError::Init { error_type, payload, .. } => {
            let code =
                if error_type == "Runtime.ExitError" { "FunctionError.RuntimeInitError" } else { "FunctionError" };
            (code, format!("{error_type}: {}", message_of(payload).unwrap_or("the initialisation failed")))
        }
        StartError::InitTimeout(after) => {
            ("FunctionError.InitTimeout", format!("The initialisation took longer than {} s.", after.as_secs_f64()))
        }
        StartError::NoRuntime(why) => ("InvalidRuntime", why.clone()),
        StartError::SnapshotLost | StartError::Sandbox(_) if tries < FIRST_TRIES => return None,
        StartError::SnapshotLost | StartError::Sandbox(_) => {
            ("InternalError", "The snapshot could not be made. The platform's log says why.".into())
        }
    };
    Some(Readiness::Failed { code: code.into(), reason })
}

fn message_of(document: &[u8]) -> Option<&str> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        error_message: &'a str,
    }
    serde_json::from_slice::<Document<'_>>(document).ok().map(|document| document.error_message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_runtimes_support_it() {
        for runtime in ["python3.12", "python3.14", "java11", "java17.al2023", "java21", "dotnet8", "dotnet10"] {
            assert!(supports(runtime), "{runtime}");
        }
        for runtime in ["python3.11", "python2.7", "java8", "java8.al2", "dotnet6", "nodejs22.x", "provided.al2023", ""]
        {
            assert!(!supports(runtime), "{runtime}");
        }
    }
}
