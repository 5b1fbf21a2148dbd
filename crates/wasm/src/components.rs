//! The components of all functions: compiled, kept on disk beside the unpacked packages, and loaded once for all instances.

use crate::compile::{Compiler, Uncompiled};
use crate::host::{self, Host};
use crate::instance::Slot;
use crate::long::LongCalls;
use crate::outbound::AwsEndpoint;
use crate::output::Log;
use crate::ticker::Ticker;
use crate::{artifact, engine, package};
use fogbank_functions::runtime::{InstanceSpec, Resolution, Runtime, StartError, Started, Taken, WASM};
use fogbank_model::{BoxFuture, Clock, LogSink};
use fogbank_runtimes::SessionCredentials;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OnceCell, Semaphore};
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

/// Compilers that run at the same time; each uses every core.
const COMPILERS: usize = 2;
/// So many loaded components are kept before those are dropped that no instance uses.
const KEPT: usize = 256;
/// How the files of compiled components end.
const SUFFIX: &str = ".cwasm";

/// Where things are.
#[derive(Debug, Clone)]
pub struct Config {
    /// For compiled components and the calls' `/tmp`; nobody but the platform may write to it.
    pub directory: PathBuf,
    /// Where packages are unpacked, each in a directory named after its digest. What was compiled from others is forgotten at the start.
    pub packages: PathBuf,
    /// A program that calls [`crate::compiler_main_if_asked`].
    pub compiler: PathBuf,
    /// How long compiling one component may take.
    pub compile_limit: Duration,
}

impl Config {
    /// Everything below the data directory `root`, compiling with this very program.
    pub fn below(root: &Path) -> Self {
        Self {
            directory: root.join("wasm"),
            packages: root.join("code"),
            compiler: "/proc/self/exe".into(),
            compile_limit: Duration::from_secs(120),
        }
    }
}

/// Runs functions as WebAssembly components.
pub struct Components {
    compiled: PathBuf,
    tmp: Arc<PathBuf>,
    compiler: Compiler,
    compilers: Semaphore,
    logs: Arc<dyn LogSink>,
    credentials: Arc<dyn SessionCredentials>,
    endpoint: Arc<dyn AwsEndpoint>,
    clock: Arc<dyn Clock>,
    /// Made with the first component, because it takes address space and a thread.
    shared: OnceLock<Result<Arc<Shared>, String>>,
    loaded: Mutex<HashMap<String, Arc<OnceCell<Arc<Loaded>>>>>,
}

/// What all calls have in common.
pub(crate) struct Shared {
    engine: Engine,
    linker: Linker<Host>,
    fingerprint: u64,
    pub ticker: Arc<Ticker>,
    pub long: LongCalls,
    /// The linear memories that calls may still have.
    pub memories: Semaphore,
    pub endpoint: Arc<dyn AwsEndpoint>,
    pub tmp: Arc<PathBuf>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // So that its thread finds the engine gone.
        self.ticker.wake();
    }
}

/// A component that is ready to be instantiated.
pub(crate) struct Loaded {
    pub component: ProxyPre<Host>,
    /// How many linear memories an instance has; at least 1.
    pub memories: u32,
}

/// Why a component is not ready.
enum NotLoaded {
    /// Its own fault.
    Component(String),
    /// The host's.
    Host(String),
}

impl Components {
    /// Opens the directory, and forgets what was compiled from packages that are gone.
    ///
    /// # Errors
    /// If the directory cannot be made.
    pub fn open(
        config: Config,
        logs: Arc<dyn LogSink>,
        credentials: Arc<dyn SessionCredentials>,
        endpoint: Arc<dyn AwsEndpoint>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let (compiled, tmp) = (config.directory.join("compiled"), config.directory.join("tmp"));
        // Only the platform may come here: see `artifact`.
        DirBuilder::new().recursive(true).mode(0o700).create(&compiled)?;
        if tmp.exists() {
            std::fs::remove_dir_all(&tmp)?;
        }
        DirBuilder::new().mode(0o700).create(&tmp)?;
        sweep(&compiled, |name| {
            let package = name.split('-').next().unwrap_or_default();
            name.ends_with(SUFFIX) && config.packages.join(package).is_dir()
        })?;
        Ok(Self {
            compiled,
            tmp: Arc::new(tmp),
            compiler: Compiler { program: config.compiler, limit: config.compile_limit },
            compilers: Semaphore::new(COMPILERS),
            logs,
            credentials,
            endpoint,
            clock,
            shared: OnceLock::new(),
            loaded: Mutex::default(),
        })
    }

    fn shared(&self) -> Result<&Arc<Shared>, NotLoaded> {
        let shared = self.shared.get_or_init(|| self.share().map(Arc::new).map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| NotLoaded::Host(error.clone()))
    }

    fn share(&self) -> wasmtime::Result<Shared> {
        let engine = engine::running()?;
        let fingerprint = engine::fingerprint(&engine);
        let current = format!("{fingerprint:016x}{SUFFIX}");
        sweep(&self.compiled, |name| name.ends_with(&current) || !name.ends_with(SUFFIX))?;
        Ok(Shared {
            linker: host::linker(&engine)?,
            ticker: Ticker::start(engine.weak())?,
            long: LongCalls::start()?,
            engine,
            fingerprint,
            memories: Semaphore::new(engine::MEMORIES as usize),
            endpoint: self.endpoint.clone(),
            tmp: self.tmp.clone(),
        })
    }

    /// The component of a package, compiled if it is not yet.
    async fn load(&self, code: &Path, handler: &str) -> Result<Arc<Loaded>, NotLoaded> {
        let shared = self.shared()?;
        let component = package::component(code, handler).map_err(NotLoaded::Component)?;
        let (Some(package), Some(file)) = (code.file_name(), component.file_name()) else {
            return Err(NotLoaded::Host(format!("{} has no name", code.display())));
        };
        let file = hex::encode(Sha256::digest(file.as_encoded_bytes()));
        let file = file.get(..16).unwrap_or_default();
        let name = format!("{}-{file}-{:016x}{SUFFIX}", package.to_string_lossy(), shared.fingerprint);
        let cell = {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            if loaded.len() >= KEPT {
                let in_use = |cell: &Arc<OnceCell<Arc<Loaded>>>| {
                    Arc::strong_count(cell) > 1 || cell.get().is_some_and(|loaded| Arc::strong_count(loaded) > 1)
                };
                loaded.retain(|_, cell| in_use(cell));
            }
            loaded.entry(name.clone()).or_default().clone()
        };
        let ready = cell.get_or_try_init(|| self.make_ready(shared, &component, self.compiled.join(name)));
        ready.await.cloned()
    }

    async fn make_ready(
        &self,
        shared: &Arc<Shared>,
        component: &Path,
        compiled: PathBuf,
    ) -> Result<Arc<Loaded>, NotLoaded> {
        if compiled.exists() {
            match link(shared, &compiled).await {
                // As after a change of the processor, or of what components may import.
                Err(NotLoaded::Host(why)) => tracing::warn!(why, "a component is compiled anew"),
                result => return result,
            }
        }
        let began = Instant::now();
        let _turn = self.compilers.acquire().await;
        self.compiler.compile(component, &compiled).await.map_err(|error| match error {
            Uncompiled::Refused(why) => NotLoaded::Component(format!("The component is not valid: {why}")),
            Uncompiled::Stopped(how) => NotLoaded::Component(format!(
                "The component could not be compiled: the compiler was stopped, because {how}"
            )),
            Uncompiled::Host(error) => NotLoaded::Host(format!("compiling {}: {error}", component.display())),
        })?;
        tracing::debug!(component = %component.display(), took = ?began.elapsed(), "compiled");
        link(shared, &compiled).await
    }
}

/// Loads machine code and finds what it imports.
async fn link(shared: &Arc<Shared>, compiled: &Path) -> Result<Arc<Loaded>, NotLoaded> {
    let (shared, compiled) = (shared.clone(), compiled.to_owned());
    let linked = tokio::task::spawn_blocking(move || {
        let component =
            artifact::load(&shared.engine, &compiled).map_err(|error| NotLoaded::Host(format!("{error:#}")))?;
        let needs = component.resources_required();
        let memories = needs.map_or(engine::MEMORIES_PER_COMPONENT, |needs| needs.num_memories.max(1));
        let refused = |error: wasmtime::Error| NotLoaded::Component(format!("The component cannot be used: {error:#}"));
        let ready = shared.linker.instantiate_pre(&component).map_err(refused)?;
        let component = ProxyPre::new(ready).map_err(|error| {
            NotLoaded::Component(format!(
                "The component does not export wasi:http/incoming-handler@0.2, which functions are called through: {error:#}"
            ))
        })?;
        Ok(Arc::new(Loaded { component, memories }))
    });
    linked.await.map_err(|error| NotLoaded::Host(error.to_string()))?
}

/// Removes the files that are not to be kept.
fn sweep(directory: &Path, keep: impl Fn(&str) -> bool) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if !keep(&entry.file_name().to_string_lossy()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Runtime for Components {
    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>> {
        Box::pin(async move {
            let began = Instant::now();
            let loaded = self.load(&spec.code, &spec.handler).await;
            let loaded = loaded.map_err(|error| match error {
                NotLoaded::Component(why) => invalid(&why, began.elapsed()),
                NotLoaded::Host(why) => StartError::Sandbox(why),
            })?;
            let shared = self.shared().map_err(|_| StartError::Sandbox("there is no engine".into()))?.clone();
            let keys = self.credentials.session(&spec.account, &spec.role, &spec.name);
            let log = Log { stream: spec.log.clone(), sink: self.logs.clone(), clock: self.clock.clone() };
            let instance = Box::new(Slot::new(shared, loaded, &spec, &keys, log));
            Ok(Started { instance, init: began.elapsed() })
        })
    }

    fn snapshot(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Taken, StartError>> {
        Box::pin(
            async move { Err(StartError::NoRuntime(format!("{} has no snapshots, and needs none", spec.runtime))) },
        )
    }

    /// Every call is a fresh instance already.
    fn expect(&self, _runtime: &str, _memory_mb: u32) {}

    fn resolve(&self, runtime: &str) -> Resolution {
        match runtime {
            WASM => Resolution::Exact,
            other => Resolution::Missing(format!("{other} is not WebAssembly")),
        }
    }

    fn prepare<'a>(&'a self, _runtime: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn accept<'a>(&'a self, _runtime: &'a str, handler: &'a str, code: &'a Path) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            match self.load(code, handler).await {
                Ok(_) => Ok(()),
                Err(NotLoaded::Component(why)) => Err(why),
                Err(NotLoaded::Host(why)) => {
                    tracing::error!(why, "a component could not be made ready");
                    Err("The component could not be compiled on this machine; the platform's log says why.".into())
                }
            }
        })
    }
}

fn invalid(why: &str, after: Duration) -> StartError {
    let error_type = "Runtime.InvalidEntrypoint";
    let payload = serde_json::json!({ "errorType": error_type, "errorMessage": why }).to_string().into();
    StartError::Init { error_type: error_type.into(), payload, after }
}
