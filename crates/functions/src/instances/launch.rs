//! Starting an instance: its code, what it is made of, the lines that Lambda writes about it.

use super::live::{Live, Origin};
use super::{Deployed, Instances};
use crate::code::Hold;
use crate::pool::{Ahead, InstanceId};
use crate::report;
use crate::runtime::{InstanceSpec, StartError};
use crate::snapstart::Kept;
use fogbank_model::{LogSink, LogStream};
use std::sync::Arc;

impl Instances {
    pub(super) async fn start(
        &self,
        id: InstanceId,
        deployed: &Deployed,
        ahead: Option<Ahead>,
        log: &LogStream,
    ) -> Result<Arc<Live>, StartError> {
        let (origin, restored, initialization) = match ahead {
            None => (Origin::OnDemand, Origin::Restored, "on-demand"),
            Some(Ahead::Expected) => (Origin::Expected, Origin::RestoredAhead, "on-demand"),
            Some(Ahead::Provisioned) => (Origin::Provisioned, Origin::Provisioned, "provisioned-concurrency"),
        };
        if let Some(kept) = self.snapshots.of(deployed.version.deployment) {
            match self.restore(&kept, id, deployed, restored, log).await {
                // No fault of the function, which can start without.
                Err(StartError::SnapshotLost) => self.snapshots.lost(deployed.version.deployment, &kept),
                restored => return restored,
            }
        }
        let (spec, held) = self.spec(deployed, log, initialization).await?;
        let line = report::init_start(&spec.runtime, &spec.region);
        self.log.write(log, self.clock.now(), line);
        let started = self.runtime.start(spec).await.inspect_err(|error| self.log_failure(log, error))?;
        Ok(Live::new(id, started, log, held, origin))
    }

    async fn restore(
        &self,
        kept: &Kept,
        id: InstanceId,
        deployed: &Deployed,
        origin: Origin,
        log: &LogStream,
    ) -> Result<Arc<Live>, StartError> {
        let (spec, held) = self.spec(deployed, log, "snap-start").await?;
        let line = report::restore_start(&spec.runtime, &spec.region);
        self.log.write(log, self.clock.now(), line);
        let started = kept.snapshot.restore(spec).await.inspect_err(|error| self.log_failure(log, error))?;
        self.log.write(log, self.clock.now(), report::restore_report(started.init));
        Ok(Live::new(id, started, log, held, origin))
    }

    /// Initialises a version, for instances to be made from what comes of it.
    pub async fn take_snapshot(&self, deployed: &Deployed) -> Result<Arc<Kept>, StartError> {
        let log = self.stream(deployed);
        let (spec, code) = self.spec(deployed, &log, "snap-start").await?;
        let line = report::init_start(&spec.runtime, &spec.region);
        self.log.write(&log, self.clock.now(), line);
        let taken = self.runtime.snapshot(spec).await.inspect_err(|error| self.log_failure(&log, error))?;
        self.log.write(&log, self.clock.now(), report::snapshot_report(taken.init));
        Ok(Arc::new(Kept { snapshot: taken.snapshot, _code: code }))
    }

    /// What an instance is made of, and the holds on its code.
    async fn spec(
        &self,
        deployed: &Deployed,
        log: &LogStream,
        initialization: &'static str,
    ) -> Result<(InstanceSpec, Vec<Hold>), StartError> {
        let (key, version) = (&deployed.function.key, &deployed.version);
        let configuration = &version.configuration;
        let mut held = Vec::new();
        let mut directories = Vec::new();
        for code in std::iter::once(&version.code).chain(configuration.layers.iter().map(|layer| &layer.code)) {
            let hold = self.packages.hold(&code.sha256);
            let directory = self.packages.ensure(&hold).await;
            directories.push(directory.map_err(|error| StartError::Sandbox(error.to_string()))?);
            held.push(hold);
        }
        let spec = InstanceSpec {
            account: key.scope.account.clone(),
            region: key.scope.region.clone(),
            name: key.name.to_string(),
            version: version.label(),
            arn: key.arn(),
            runtime: configuration.runtime.clone(),
            handler: configuration.handler.clone(),
            layers: directories.split_off(1),
            code: directories.swap_remove(0),
            environment: configuration.environment.clone(),
            role: configuration.role.clone(),
            memory_mb: configuration.memory_mb,
            tmp_mb: configuration.tmp_mb,
            timeout: configuration.timeout(),
            log: log.clone(),
            initialization,
        };
        Ok((spec, held))
    }

    fn log_failure(&self, log: &LogStream, error: &StartError) {
        let line = match error {
            StartError::Init { error_type, after, .. } => report::init_report(*after, "error", Some(error_type)),
            StartError::InitTimeout(after) => report::init_report(*after, "timeout", None),
            StartError::NoRuntime(why) => format!("{why}\n"),
            // The text is about the host, not about the function.
            StartError::SnapshotLost => "The snapshot is gone; the instance starts without.\n".into(),
            StartError::Sandbox(_) => "The sandbox of this instance could not be made.\n".into(),
        };
        self.log.write(log, self.clock.now(), line);
    }

    /// A new stream: `2026/05/04/[$LATEST]` and 32 hex digits.
    pub(super) fn stream(&self, deployed: &Deployed) -> LogStream {
        let (scope, now) = (&deployed.function.key.scope, self.clock.now());
        let mut random = [0; 16];
        self.clock.random(&mut random);
        let day = now.to_lambda_text().get(..10).unwrap_or_default().replace('-', "/");
        LogStream {
            account: scope.account.clone(),
            region: scope.region.clone(),
            group: deployed.version.configuration.log_group.clone(),
            stream: format!("{day}/[{}]{}", deployed.version.label(), hex::encode(random)),
        }
    }
}

/// Why provisioned concurrency has failed, in AWS's words.
pub(super) fn reason(error: &StartError) -> &'static str {
    match error {
        StartError::Init { .. } | StartError::InitTimeout(_) => "FUNCTION_ERROR_INIT_FAILURE",
        StartError::NoRuntime(_) => "INVALID_RUNTIME",
        StartError::SnapshotLost | StartError::Sandbox(_) => "INTERNAL_ERROR",
    }
}
