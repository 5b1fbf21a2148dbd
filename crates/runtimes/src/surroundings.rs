//! What an instance meets: its environment, its doors, and where its output goes. The same however its sandbox came to be.

use crate::api::Stop;
use crate::config::{Door, DoorIdentity, SessionCredentials};
use crate::environment;
use crate::exchange::{Exchange, Initialised};
use crate::instance::{Killer, ProcessInstance};
use crate::interpreters::Wanted;
use crate::output::Output;
use crate::processes::DIRECTORY;
use crate::spares::Told;
use crate::zygote::Zygote;
use fogbank_functions::runtime::{InstanceSpec, StartError};
use fogbank_model::{Clock, LogSink};
use fogbank_sandbox::Sandbox;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// What the platform gives to instances.
pub(crate) struct Surroundings {
    pub(crate) logs: Arc<dyn LogSink>,
    pub(crate) credentials: Arc<dyn SessionCredentials>,
    pub(crate) door: Arc<dyn Door>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Surroundings {
    /// The environment of a new instance, with keys of its own.
    pub(crate) fn environment(&self, spec: &InstanceSpec, wanted: Wanted) -> Vec<(String, String)> {
        let keys = self.credentials.session(&spec.account, &spec.role, &spec.name);
        environment::environment(spec, wanted, &keys)
    }

    /// What a sandbox that waits is told, to become an instance.
    pub(crate) fn told(&self, spec: &InstanceSpec, wanted: Wanted) -> Told<'static> {
        let environment = self.environment(spec, wanted);
        Told {
            environment: environment.into_iter().map(|(name, value)| (name, value.into())).collect(),
            directory: DIRECTORY,
        }
    }

    /// Serves the doors of a sandbox and follows its output. The receiver tells when the function has initialised itself.
    pub(crate) fn adopt(
        &self,
        spec: &InstanceSpec,
        sandbox: Sandbox,
        zygote: Option<Arc<Zygote>>,
    ) -> Result<(ProcessInstance, oneshot::Receiver<Initialised>), StartError> {
        let (doors, output, _socket, control) = sandbox.into_parts();
        let control = Arc::new(control);
        let (exchange, initialised) = Exchange::new();
        let exchange = Arc::new(exchange);
        let incomplete = || StartError::Sandbox("a sandbox came without its doors or its output".into());
        let [api, endpoint] = <[TcpListener; 2]>::try_from(doors).map_err(|_| incomplete())?;
        let output = Arc::new(Output::new(
            output.ok_or_else(incomplete)?,
            spec.log.clone(),
            self.logs.clone(),
            self.clock.clone(),
        ));
        tokio::spawn({
            let output = output.clone();
            async move { output.follow().await }
        });
        let identity = DoorIdentity {
            account: spec.account.clone(),
            region: spec.region.clone(),
            role: spec.role.clone(),
            session: spec.name.clone(),
        };
        if spec.layers.iter().any(|layer| layer.join("extensions").is_dir()) {
            let text = "EXTENSION\tThe layers bring external extensions, which are not supported and were not started";
            self.logs.write(&spec.log, self.clock.now(), text.into());
        }
        let mut doors = JoinSet::new();
        doors.spawn(crate::doors::attend(api, {
            let (exchange, stop): (_, Arc<dyn Stop>) = (exchange.clone(), Arc::new(Killer(control.clone())));
            move |stream| Box::pin(crate::api::serve(stream, exchange.clone(), stop.clone()))
        }));
        doors.spawn(crate::doors::attend(endpoint, {
            let door = self.door.clone();
            move |stream| door.serve(stream, identity.clone())
        }));
        Ok((ProcessInstance { control, exchange, output, _zygote: zygote, doors }, initialised))
    }
}
