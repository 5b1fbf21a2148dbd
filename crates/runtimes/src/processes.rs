//! Starts instances: decides on the program, makes the sandbox, opens its doors, and waits for the function's own initialisation.

use crate::bootstrap::Bootstraps;
use crate::config::{Config, Door, SessionCredentials};
use crate::environment::{self, ENDPOINT_PORT, NODE_SDK, PYTHON_SDK, RUNTIME_API_PORT};
use crate::instance::document;
use crate::interpreters::{Interpreters, Language, Wanted};
use crate::snapshot::ProcessSnapshot;
use crate::spares::{Source, Spares};
use crate::surroundings::Surroundings;
use crate::zygote::Zygote;
use fogbank_functions::runtime::{InstanceSpec, Resolution, Runtime, StartError, Started, Taken};
use fogbank_model::{BoxFuture, Clock, LogSink};
use fogbank_sandbox::{Assignment, Bind, Fork, Kind, Outbound, Sandbox, Spawner, Spec};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// AWS's limit of the first initialisation.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long a failed fetch of an SDK is not tried again, so that creating functions stays quick without a network.
const SDK_PAUSE: Duration = Duration::from_secs(600);
/// AWS's limit of processes and threads.
const MAX_PROCESSES: u32 = 1024;
/// AWS's default size of `/tmp`: what sandboxes that wait have.
const USUAL_TMP_MB: u32 = 512;
/// So many kinds of sandboxes wait at most; the one that nobody has asked for longest goes.
const MOST_KINDS: usize = 8;
/// The memory limit of an interpreter that others are forked from, and of a fork until it has a function.
const ZYGOTE_MB: u32 = 512;
/// What the platform serves inside a sandbox, in the order in which [`Surroundings::adopt`] takes them.
const DOORS: [u16; 2] = [RUNTIME_API_PORT, ENDPOINT_PORT];
/// Where a function's code begins.
pub(crate) const DIRECTORY: &str = "/var/task";

/// Runs functions as sandboxed processes.
pub struct Processes {
    config: Config,
    spawner: Arc<Spawner>,
    interpreters: Arc<Interpreters>,
    bootstraps: OnceLock<Bootstraps>,
    surroundings: Arc<Surroundings>,
    /// Sandboxes that wait for a function, by what runs in them.
    spares: Mutex<HashMap<SpareKey, Arc<Spares>>>,
    /// When fetching an SDK failed last.
    sdk_failure: tokio::sync::Mutex<Option<Instant>>,
}

/// Which functions a waiting sandbox can serve: an interpreter, and where that is fixed when it starts, the memory limit.
type SpareKey = (PathBuf, Option<u32>);

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
            spawner: Arc::new(spawner),
            interpreters,
            bootstraps: OnceLock::new(),
            surroundings: Arc::new(Surroundings { logs, credentials, door, clock }),
            spares: Mutex::default(),
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

    fn no_runtime(&self, runtime: &str) -> StartError {
        match self.interpreters.resolve(runtime) {
            Resolution::Missing(text) | Resolution::Nearest(text) => StartError::NoRuntime(text),
            Resolution::Exact => StartError::NoRuntime(format!("{runtime} is not supported")),
        }
    }

    /// The command that runs the bootstrap of an interpreter, and what it needs to see. `role` is the bootstrap's, none for a function.
    fn interpreter(
        &self,
        runtime: &str,
        (language, version): (Language, u32),
        memory_mb: u32,
        role: Option<&str>,
    ) -> Result<(Vec<String>, Vec<Bind>), StartError> {
        let missing = || self.no_runtime(runtime);
        let interpreter = self.interpreters.serve(language, version).ok_or_else(missing)?;
        let bootstraps = self.bootstraps()?;
        let mut binds = vec![Bind { source: bootstraps.directory().into(), target: "/var/runtime".into() }];
        binds.extend(interpreter.bind.clone());
        let (sdk, place) = match language {
            Language::Python => (crate::sdk::python_directory(&self.config.directory, interpreter.version), PYTHON_SDK),
            Language::Node => (crate::sdk::node_directory(&self.config.directory), NODE_SDK),
        };
        if sdk.is_dir() {
            binds.push(Bind { source: sdk, target: place.into() });
        }
        let mut command = bootstraps.command(language, interpreter, memory_mb);
        command.extend(role.map(str::to_owned));
        Ok((command, binds))
    }

    /// The sandbox of an instance that is started anew.
    fn sandbox(&self, spec: &InstanceSpec, kind: Kind, role: Option<&str>) -> Result<Spec, StartError> {
        let wanted = Wanted::parse(&spec.runtime).ok_or_else(|| self.no_runtime(&spec.runtime))?;
        let (command, binds) = match wanted {
            Wanted::Provided => (vec![provided_bootstrap(spec)?], vec![]),
            Wanted::Interpreted(language, version) => {
                let (mut command, binds) =
                    self.interpreter(&spec.runtime, (language, version), spec.memory_mb, role)?;
                // https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
                let wrapper = spec.environment.get("AWS_LAMBDA_EXEC_WRAPPER").filter(|wrapper| !wrapper.is_empty());
                command.splice(0..0, wrapper.cloned());
                (command, binds)
            }
        };
        Ok(Spec {
            command,
            environment: self.surroundings.environment(spec, wanted),
            directory: DIRECTORY.into(),
            kind,
            code: Some(spec.code.clone()),
            layers: spec.layers.clone(),
            binds,
            memory_mb: spec.memory_mb,
            tmp_mb: spec.tmp_mb,
            max_processes: MAX_PROCESSES,
            doors: DOORS.into(),
            outbound: Outbound::None,
        })
    }

    /// Where sandboxes come from that wait for functions with this runtime and memory. `None` if there are none such.
    fn spares(&self, runtime: &str, memory_mb: u32) -> Option<Arc<Spares>> {
        let wanted = Wanted::parse(runtime).filter(|_| self.config.ahead)?;
        let Wanted::Interpreted(language, version) = wanted else { return None };
        let role = match language {
            Language::Python => "zygote",
            Language::Node => "spare",
        };
        let (command, binds) = self.interpreter(runtime, (language, version), memory_mb, Some(role)).ok()?;
        let key = (PathBuf::from(command.first()?), (language == Language::Node).then_some(memory_mb));
        let waiting = Spec {
            command,
            environment: environment::before_function(wanted),
            directory: "/".into(),
            kind: Kind::Spare,
            code: None,
            layers: vec![],
            binds,
            memory_mb,
            tmp_mb: USUAL_TMP_MB,
            max_processes: MAX_PROCESSES,
            doors: DOORS.into(),
            outbound: Outbound::None,
        };
        let mut all = self.spares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&key).filter(|known| known.are_of(&waiting)) {
            return Some(known.clone());
        }
        let source = match language {
            Language::Node => Source::Launch(waiting),
            Language::Python => {
                let blank = self.bootstraps().ok()?.blank();
                let fork = forked(ZYGOTE_MB, USUAL_TMP_MB);
                let (kind, memory_mb, doors) = (Kind::Zygote, ZYGOTE_MB, vec![]);
                Source::Zygote(
                    Spec { kind, memory_mb, doors, code: Some(blank.clone()), layers: vec![blank], ..waiting },
                    fork,
                )
            }
        };
        let spares = Spares::of(source, &self.spawner);
        if all.len() >= MOST_KINDS
            && let Some(oldest) = all.iter().max_by_key(|(_, spares)| spares.idle()).map(|(key, _)| key.clone())
        {
            all.remove(&oldest);
        }
        all.insert(key, spares.clone());
        Some(spares)
    }

    /// A sandbox that waits and has been told that it is this function. None of the function's code has run if there is none.
    async fn ready_made(&self, spec: &InstanceSpec) -> Option<(Sandbox, Option<Arc<Zygote>>)> {
        if spec.environment.keys().any(|name| environment::matters_at_start(name)) {
            return None;
        }
        let spares = self.spares(&spec.runtime, spec.memory_mb)?;
        let wanted = Wanted::parse(&spec.runtime)?;
        let told = self.surroundings.told(spec, wanted);
        let assignment = Assignment {
            code: spec.code.clone(),
            layers: spec.layers.clone(),
            memory_mb: spec.memory_mb,
            max_processes: MAX_PROCESSES,
        };
        let spare = spares.take_as(spec.tmp_mb, Some(&assignment), &told).await?;
        Some((spare.sandbox, spare.zygote))
    }

    /// A sandbox that is started for this function, and for nothing before.
    async fn anew(&self, spec: &InstanceSpec, kind: Kind, role: Option<&str>) -> Result<Sandbox, StartError> {
        let sandbox = self.spawner.launch(self.sandbox(spec, kind, role)?).await;
        sandbox.map_err(|error| StartError::Sandbox(error.to_string()))
    }

    /// Waits until a sandbox waits for functions with this runtime and memory; at once if none ever will.
    pub async fn readied(&self, runtime: &str, memory_mb: u32) {
        if let Some(spares) = self.spares(runtime, memory_mb) {
            spares.readied().await;
        }
    }

    /// One attempt at starting, within `limit`.
    async fn attempt(&self, spec: &InstanceSpec, limit: Duration) -> Result<Started, StartError> {
        let begin = Instant::now();
        if let Some((sandbox, zygote)) = self.ready_made(spec).await {
            let (instance, initialised) = self.surroundings.adopt(spec, sandbox, zygote.clone())?;
            let started = instance.initialise(initialised, begin, limit).await;
            // An instance that ended with its zygote is no fault of the function's.
            if started.is_ok() || zygote.is_none_or(|zygote| zygote.is_well()) {
                return started;
            }
        }
        let sandbox = self.anew(spec, Kind::Program, None).await?;
        let (instance, initialised) = self.surroundings.adopt(spec, sandbox, None)?;
        instance.initialise(initialised, begin, limit).await
    }
}

/// What a fork of a zygote has of its own.
pub(crate) fn forked(memory_mb: u32, tmp_mb: u32) -> Fork {
    Fork { memory_mb, tmp_mb, max_processes: MAX_PROCESSES, doors: DOORS.into() }
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
        Box::pin(async move {
            if !matches!(Wanted::parse(&spec.runtime), Some(Wanted::Interpreted(Language::Python, _))) {
                return Err(StartError::NoRuntime(format!("{} has no snapshots", spec.runtime)));
            }
            let begin = Instant::now();
            let sandbox = self.anew(&spec, Kind::Zygote, Some("snapshot")).await?;
            let snapshot = ProcessSnapshot::take(&self.surroundings, &self.spawner, &spec, sandbox).await?;
            Ok(Taken { snapshot: Arc::new(snapshot), init: begin.elapsed() })
        })
    }

    fn expect(&self, runtime: &str, memory_mb: u32) {
        drop(self.spares(runtime, memory_mb));
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
