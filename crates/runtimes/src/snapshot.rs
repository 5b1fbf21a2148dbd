//! SnapStart: the process of one version that has initialised itself, kept to fork instances from. It shares nothing with other versions, not
//! even an interpreter: it was started anew for this.

use crate::instance::document;
use crate::interpreters::Wanted;
use crate::processes::forked;
use crate::spares::{Source, Spares};
use crate::surroundings::Surroundings;
use crate::zygote::{READY, Zygote};
use fogbank_functions::runtime::{InstanceSpec, Snapshot, StartError, Started};
use fogbank_model::BoxFuture;
use fogbank_sandbox::{Sandbox, Spawner};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

/// AWS's limit of an initialisation for a snapshot: 130 s, or the function's time limit if that is longer.
const INIT_LIMIT: Duration = Duration::from_secs(130);
/// AWS's limit of restoring, hooks included.
const RESTORE_LIMIT: Duration = Duration::from_secs(10);

/// One version's initialised process.
pub(crate) struct ProcessSnapshot {
    surroundings: Arc<Surroundings>,
    spares: Arc<Spares>,
}

impl ProcessSnapshot {
    /// Waits until the program of `sandbox` has loaded its function, run its hooks and become a zygote.
    pub(crate) async fn take(
        surroundings: &Arc<Surroundings>,
        spawner: &Arc<Spawner>,
        spec: &InstanceSpec,
        mut sandbox: Sandbox,
    ) -> Result<Self, StartError> {
        let begin = Instant::now();
        let incomplete = || StartError::Sandbox("a sandbox came without its socket".into());
        let mut socket = sandbox.socket.take().ok_or_else(incomplete)?;
        let (instance, initialised) = surroundings.adopt(spec, sandbox, None)?;
        let limit = spec.timeout.max(INIT_LIMIT);
        tokio::select! {
            biased;
            Ok(READY) = socket.read_u8() => {}
            // It does not ask for events: what this brings is an error, its end, or that time is up.
            started = instance.initialised(initialised, begin, limit) => {
                let strange = "Runtime.InvalidState";
                let error = |()| StartError::Init {
                    error_type: strange.into(),
                    payload: document(strange, "The function asked for an event before the snapshot was taken"),
                    after: begin.elapsed(),
                };
                return Err(started.map_or_else(|error| error, error));
            }
        }
        instance.output.catch_up();
        let zygote = Zygote::over(instance.control.clone(), socket, Some(instance));
        let fork = forked(spec.memory_mb, spec.tmp_mb);
        let spares = Spares::of(Source::Snapshot(zygote, fork), spawner);
        Ok(Self { surroundings: surroundings.clone(), spares })
    }
}

impl Snapshot for ProcessSnapshot {
    fn restore(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>> {
        Box::pin(async move {
            let begin = Instant::now();
            let wanted = Wanted::parse(&spec.runtime).ok_or_else(|| StartError::NoRuntime(spec.runtime.clone()))?;
            let told = self.surroundings.told(&spec, wanted);
            // What it runs before it answers is the function's own and may be broken: then it is like a snapshot that is gone.
            let spare = self.spares.take_as(spec.tmp_mb, None, &told).await.ok_or(StartError::SnapshotLost)?;
            let (instance, initialised) = self.surroundings.adopt(&spec, spare.sandbox, spare.zygote)?;
            instance.initialise(initialised, begin, RESTORE_LIMIT).await
        })
    }

    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.spares.lost())
    }
}
