//! Starts instances: decides on the program, makes the sandbox, opens its doors, and waits for the function's own initialisation.

use crate::api::Stop;
use crate::bootstrap::Bootstraps;
use crate::config::{Config, Door, DoorIdentity, SessionCredentials};
use crate::environment::{self, ENDPOINT_PORT, NODE_SDK, PYTHON_SDK, RUNTIME_API_PORT};
use crate::exchange::{Exchange, Initialised};
use crate::instance::{Doors, Killer, ProcessInstance, crash};
use crate::interpreters::{Interpreters, Language, Wanted};
use crate::output::Output;
use bytes::Bytes;
use fogbank_functions::runtime::{InstanceSpec, Resolution, Runtime, StartError, Started, Taken};
use fogbank_model::{BoxFuture, Clock, LogSink};
use fogbank_sandbox::{Bind, Outbound, Spawner, Spec};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// AWS's limit of the first initialisation.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long a failed fetch of an SDK is not tried again, so that creating functions stays quick without a network.
const SDK_PAUSE: Duration = Duration::from_secs(600);
/// AWS's limit of processes and threads.
const MAX_PROCESSES: u32 = 1024;

/// Runs functions as sandboxed processes.
pub struct Processes {
    config: Config,
    spawner: Spawner,
    interpreters: Arc<Interpreters>,
    bootstraps: OnceLock<Bootstraps>,
    logs: Arc<dyn LogSink>,
    credentials: Arc<dyn SessionCredentials>,
    door: Arc<dyn Door>,
    clock: Arc<dyn Clock>,
    /// When fetching an SDK failed last.
    sdk_failure: tokio::sync::Mutex<Option<Instant>>,
}

impl Processes {
    /// Takes over `spawner`; every instance ends when this is dropped. Looks for no interpreter and writes nothing before the first start.
    pub fn new(
        config: Config,
        spawner: Spawner,
        logs: Arc<dyn LogSink>,
        credentials: Arc<dyn SessionCredentials>,
        door: Arc<dyn Door>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let interpreters = Arc::new(Interpreters::new(config.directory.clone(), config.strict));
        Self {
            config,
            spawner,
            interpreters,
            bootstraps: OnceLock::new(),
            logs,
            credentials,
            door,
            clock,
            sdk_failure: Default::default(),
        }
    }

    fn bootstraps(&self) -> Result<&Bootstraps, StartError> {
        if let Some(bootstraps) = self.bootstraps.get() {
            return Ok(bootstraps);
        }
        let made = Bootstraps::lay_out(&self.config.directory).map_err(|error| {
            StartError::Sandbox(format!("laying out the runtimes in {}: {error}", self.config.directory.display()))
        })?;
        Ok(self.bootstraps.get_or_init(|| made))
    }

    /// The sandbox that an instance runs in.
    fn sandbox(&self, spec: &InstanceSpec) -> Result<Spec, StartError> {
        let missing = || match self.interpreters.resolve(&spec.runtime) {
            Resolution::Missing(text) | Resolution::Nearest(text) => StartError::NoRuntime(text),
            Resolution::Exact => StartError::NoRuntime(format!("{} is not supported", spec.runtime)),
        };
        let wanted = Wanted::parse(&spec.runtime).ok_or_else(missing)?;
        let mut binds = Vec::new();
        let command = match wanted {
            Wanted::Provided => vec![provided_bootstrap(spec)?],
            Wanted::Interpreted(language, version) => {
                let interpreter = self.interpreters.serve(language, version).ok_or_else(missing)?;
                let bootstraps = self.bootstraps()?;
                binds.push(Bind { source: bootstraps.directory().into(), target: "/var/runtime".into() });
                binds.extend(interpreter.bind.clone());
                let (sdk, place) = match language {
                    Language::Python => {
                        (crate::sdk::python_directory(&self.config.directory, interpreter.version), PYTHON_SDK)
                    }
                    Language::Node => (crate::sdk::node_directory(&self.config.directory), NODE_SDK),
                };
                if sdk.is_dir() {
                    binds.push(Bind { source: sdk, target: place.into() });
                }
                let mut command = bootstraps.command(language, interpreter, spec.memory_mb);
                // https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
                command.splice(
                    0..0,
                    spec.environment.get("AWS_LAMBDA_EXEC_WRAPPER").filter(|wrapper| !wrapper.is_empty()).cloned(),
                );
                command
            }
        };
        let keys = self.credentials.session(&spec.account, &spec.role, &spec.name);
        Ok(Spec {
            command,
            environment: environment::environment(spec, wanted, &keys),
            directory: "/var/task".into(),
            code: spec.code.clone(),
            layers: spec.layers.clone(),
            binds,
            memory_mb: spec.memory_mb,
            tmp_mb: spec.tmp_mb,
            max_processes: MAX_PROCESSES,
            doors: vec![RUNTIME_API_PORT, ENDPOINT_PORT],
            outbound: Outbound::None,
        })
    }

    /// Makes the sandbox and serves its doors. The receiver tells when the function has initialised itself.
    async fn launch(
        &self,
        spec: &InstanceSpec,
    ) -> Result<(ProcessInstance, oneshot::Receiver<Initialised>), StartError> {
        let sandbox =
            self.spawner.launch(self.sandbox(spec)?).await.map_err(|error| StartError::Sandbox(error.to_string()))?;
        let (doors, output, control) = sandbox.into_parts();
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
        let doors = Doors(vec![
            tokio::spawn(crate::doors::attend(api, {
                let (exchange, stop): (_, Arc<dyn Stop>) = (exchange.clone(), Arc::new(Killer(control.clone())));
                move |stream| Box::pin(crate::api::serve(stream, exchange.clone(), stop.clone()))
            })),
            tokio::spawn(crate::doors::attend(endpoint, {
                let door = self.door.clone();
                move |stream| door.serve(stream, identity.clone())
            })),
        ]);
        Ok((ProcessInstance { control, exchange, output, _doors: doors }, initialised))
    }

    /// One attempt at starting, within `limit`.
    async fn attempt(&self, spec: &InstanceSpec, limit: Duration) -> Result<Started, StartError> {
        let begin = Instant::now();
        let (instance, initialised) = self.launch(spec).await?;
        tokio::select! {
            biased;
            Ok(initialised) = initialised => {
                instance.output.catch_up();
                match initialised {
                    Initialised::Ready => Ok(Started { instance: Box::new(instance), init: begin.elapsed() }),
                    Initialised::Failed { error_type, payload } => Err(StartError::Init { error_type, payload, after: begin.elapsed() }),
                }
            }
            ended = instance.control.ended() => {
                instance.last_words().await;
                let (error_type, reason) = crash(&ended);
                Err(StartError::Init { payload: document(&error_type, &reason), error_type, after: begin.elapsed() })
            }
            () = tokio::time::sleep(limit) => {
                instance.stop().await;
                Err(StartError::InitTimeout(limit))
            }
        }
    }
}

impl Runtime for Processes {
    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>> {
        Box::pin(async move {
            // As on AWS: an initialisation that takes too long is begun anew, within the function's own time limit.
            match Box::pin(self.attempt(&spec, INIT_LIMIT)).await {
                Err(StartError::InitTimeout(_)) => Box::pin(self.attempt(&spec, spec.timeout)).await,
                other => other,
            }
        })
    }

    fn snapshot(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Taken, StartError>> {
        Box::pin(async move { Err(StartError::NoRuntime(format!("{} has no snapshots", spec.runtime))) })
    }

    fn resolve(&self, runtime: &str) -> Resolution {
        self.interpreters.resolve(runtime)
    }

    fn prepare<'a>(&'a self, runtime: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if crate::sdk::is_there(&self.config, &self.interpreters, runtime) {
                return;
            }
            // One fetch at a time; whoever waited finds it done. Nobody on the way of a call comes here.
            let mut failed_at = self.sdk_failure.lock().await;
            if failed_at.is_some_and(|at| at.elapsed() < SDK_PAUSE) {
                return;
            }
            let progress = |text: &str| tracing::info!(runtime, "{text}");
            if let Err(error) = crate::sdk::ensure_sdk(&self.config, runtime, &progress).await {
                tracing::warn!(runtime, %error, "functions have no AWS SDK unless they package one");
                *failed_at = Some(Instant::now());
            }
        })
    }
}

/// The function's own `bootstrap`, from its code or a layer.
fn provided_bootstrap(spec: &InstanceSpec) -> Result<String, StartError> {
    let in_layer = |layer: &PathBuf| layer.join("bootstrap").exists();
    if spec.code.join("bootstrap").exists() {
        Ok("/var/task/bootstrap".into())
    } else if spec.layers.iter().any(in_layer) {
        Ok(Path::new("/opt/bootstrap").display().to_string())
    } else {
        let error_type = "Runtime.InvalidEntrypoint";
        let payload =
            document(error_type, "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
        Err(StartError::Init { error_type: error_type.into(), payload, after: Duration::ZERO })
    }
}

fn document(error_type: &str, message: &str) -> Bytes {
    serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
}
