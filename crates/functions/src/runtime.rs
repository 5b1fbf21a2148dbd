//! What `functions` asks of whatever runs code: start an instance, give it one event at a time, stop it. Implemented by the
//! `runtimes` crate with sandboxed processes, and by a test with an echo.

use bytes::Bytes;
use fogbank_model::{AccountId, Arn, BoxFuture, LogStream, Region, Timestamp};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

pub use crate::limits::SYNC_PAYLOAD_BYTES;
pub use fogbank_model::StreamEnd;

/// The identifier of WebAssembly components, which AWS does not have. Functions with it take HTTP requests as they are.
pub const WASM: &str = "wasm";

/// Starts instances.
pub trait Runtime: Send + Sync + 'static {
    /// Starts an instance and waits until it has asked for its first event, so that an error or a time-out of the function's own
    /// initialisation is known. Dropping the future stops what was started.
    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>>;

    /// Runs a version's initialisation once and keeps what came of it, to make instances from: SnapStart. The function's before-snapshot
    /// hooks have run when this resolves. [`StartError::NoRuntime`] for runtimes that cannot do it. Dropping the future stops what was started.
    fn snapshot(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Taken, StartError>>;

    /// Calls of functions with this runtime and memory may come: what can be made ready for them is, in the background.
    fn expect(&self, runtime: &str, memory_mb: u32);

    /// Says how `runtime` (a Lambda identifier such as `python3.12`) would be served here. Called at create and update.
    fn resolve(&self, runtime: &str) -> Resolution;

    /// Obtains what functions with `runtime` expect to find beside themselves, such as AWS's SDK. Called before a function is
    /// created or given another runtime; does nothing once it is there. What cannot be obtained is left out with a warning.
    fn prepare<'a>(&'a self, runtime: &'a str) -> BoxFuture<'a, ()>;

    /// Looks at the unpacked `code` before a function with this `runtime` and `handler` gets it, and does what can be done ahead of its
    /// first start, such as compiling. The error says what is wrong with the code, for who uploads it. Most runtimes take any code.
    fn accept<'a>(
        &'a self,
        _runtime: &'a str,
        _handler: &'a str,
        _code: &'a std::path::Path,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// How a runtime identifier is served on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// By just that version.
    Exact,
    /// By the nearest version of the same language; the text says which, for the deploy output and the log.
    Nearest(String),
    /// Not at all; the text says how to obtain it.
    Missing(String),
}

/// Everything an instance is made of.
#[derive(Debug, Clone)]
pub struct InstanceSpec {
    /// The owner.
    pub account: AccountId,
    /// Where it runs.
    pub region: Region,
    /// The function's name.
    pub name: String,
    /// `$LATEST` or a version's number.
    pub version: String,
    /// The unqualified function ARN.
    pub arn: Arn,
    /// The runtime's identifier, such as `nodejs22.x` or `provided.al2023`.
    pub runtime: String,
    /// Such as `app.handler`.
    pub handler: String,
    /// The unpacked code, mounted read-only at `/var/task`. The directory's name is the SHA-256 digest of its package.
    pub code: PathBuf,
    /// Unpacked layers, merged in order (a later one wins) and mounted read-only at `/opt`.
    pub layers: Vec<PathBuf>,
    /// The user's environment variables.
    pub environment: BTreeMap<String, String>,
    /// The role it acts as.
    pub role: Arn,
    /// Memory limit in MiB.
    pub memory_mb: u32,
    /// Size of `/tmp` in MiB.
    pub tmp_mb: u32,
    /// The function's time limit; initialisation has its own (10 s, then once more within this limit, as on AWS).
    pub timeout: Duration,
    /// Where its lines go.
    pub log: LogStream,
    /// `on-demand`, `provisioned-concurrency` or `snap-start`, for `AWS_LAMBDA_INITIALIZATION_TYPE`.
    pub initialization: &'static str,
}

/// An instance that is ready for its first event.
pub struct Started {
    /// The instance.
    pub instance: Box<dyn Instance>,
    /// How long its initialisation took, for `REPORT`.
    pub init: Duration,
}

/// A snapshot that instances can be made from.
pub struct Taken {
    /// The snapshot.
    pub snapshot: Arc<dyn Snapshot>,
    /// How long the initialisation took.
    pub init: Duration,
}

/// One version's initialised state, for instances of that version alone. Dropping it frees what it keeps; its instances live on.
pub trait Snapshot: Send + Sync + 'static {
    /// Makes an instance. Its after-restore hooks have run when this resolves; [`Started::init`] is how long that took.
    /// [`StartError::SnapshotLost`] when there is nothing left to make one from: take another snapshot, or start without.
    fn restore(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>>;

    /// Resolves when the snapshot is of no more use.
    fn lost(&self) -> BoxFuture<'_, ()>;
}

/// Why an instance could not be started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// The function's own initialisation failed: `/runtime/init/error` was called, or its process ended.
    #[error("{error_type}")]
    Init {
        /// Such as `Runtime.ImportModuleError` or `Runtime.ExitError`.
        error_type: String,
        /// The error's JSON document, given to the caller as the answer with `X-Amz-Function-Error: Unhandled`.
        payload: Bytes,
        /// How long it ran.
        after: Duration,
    },
    /// Initialisation did not end in time.
    #[error("initialisation took longer than {0:?}")]
    InitTimeout(Duration),
    /// The host has no interpreter for this runtime.
    #[error("{0}")]
    NoRuntime(String),
    /// The snapshot to start from is gone; no fault of the function.
    #[error("the snapshot is gone")]
    SnapshotLost,
    /// The sandbox could not be made. The text is for the log.
    #[error("{0}")]
    Sandbox(String),
}

/// A running copy of a function. It has one event at a time.
pub trait Instance: Send + Sync + 'static {
    /// Gives it `event` and waits for the answer's begin. After [`Outcome::Crashed`] or [`Outcome::TimedOut`] it is of no more use:
    /// drop it.
    fn invoke(&self, event: Event) -> BoxFuture<'_, Outcome>;

    /// Resolves when its process has ended without being asked to, so that the pool forgets it.
    fn ended(&self) -> BoxFuture<'_, ()>;

    /// The most memory it has used so far, in MiB, rounded up.
    fn max_memory_mb(&self) -> u32;
}

/// One event, as the Runtime API hands it to the function.
#[derive(Debug, Clone)]
pub struct Event {
    /// `Lambda-Runtime-Aws-Request-Id`
    pub request_id: String,
    /// The body.
    pub payload: Bytes,
    /// Set where the event is an HTTP request as a client sent it; only for functions with the runtime [`WASM`].
    pub head: Option<Box<http::request::Parts>>,
    /// `Lambda-Runtime-Deadline-Ms`
    pub deadline: Timestamp,
    /// How long it may run.
    pub timeout: Duration,
    /// `Lambda-Runtime-Invoked-Function-Arn`, with the qualifier that the caller used.
    pub invoked_arn: String,
    /// `Lambda-Runtime-Trace-Id`
    pub trace: String,
    /// `Lambda-Runtime-Client-Context`, JSON.
    pub client_context: Option<String>,
}

/// What became of an event.
#[derive(Debug)]
pub enum Outcome {
    /// The function answered.
    Answered(Bytes),
    /// The function answered an event that has a [`head`](Event::head).
    Responded(Box<http::response::Parts>, Bytes),
    /// The function began to stream its answer.
    Streaming {
        /// The content type it declared, such as `application/vnd.awslambda.http-integration-response`.
        content_type: Option<String>,
        /// The pieces, in order; not taking them holds the function back.
        chunks: mpsc::Receiver<Bytes>,
        /// How it ended, sent after the last piece. The instance is busy until then.
        end: oneshot::Receiver<StreamEnd>,
    },
    /// The function reported an error for this event; the instance lives on.
    Failed {
        /// Such as `KeyError`.
        error_type: String,
        /// The error's JSON document.
        payload: Bytes,
    },
    /// The process ended before it answered.
    Crashed {
        /// `Runtime.ExitError`, or `Runtime.OutOfMemory` when the memory limit was the reason.
        error_type: String,
        /// Such as `Runtime exited with error: signal: killed`.
        reason: String,
    },
    /// The time limit passed; the instance was stopped.
    TimedOut,
}
