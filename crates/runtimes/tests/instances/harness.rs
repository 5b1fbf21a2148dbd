//! What the tests share: a runtime in a temporary directory, functions written on the spot, and a log that is kept.

use bytes::Bytes;
use fogbank_functions::runtime::{Event, Instance, InstanceSpec, Outcome, Runtime, StartError, Started, StreamEnd};
use fogbank_model::{AccountId, Arn, BoxFuture, Clock, LogSink, LogStream, Region, SystemClock, Timestamp};
use fogbank_runtimes::{Config, Door, DoorIdentity, Processes, SessionCredentials, SessionKeys};
use fogbank_sandbox::Spawner;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Keeps the lines.
#[derive(Default)]
pub struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn write(&self, _stream: &LogStream, _at: Timestamp, message: String) {
        self.0.lock().unwrap().push(message);
    }
}

/// Answers every connection with the identity behind it.
struct WhoIs;

impl Door for WhoIs {
    fn serve(&self, mut stream: tokio::net::TcpStream, from: DoorIdentity) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let text = format!("{} {} {} {}", from.account, from.region, from.role, from.session);
            let _ = stream.write_all(text.as_bytes()).await;
        })
    }
}

struct Keys;

impl SessionCredentials for Keys {
    fn session(&self, _account: &AccountId, _role: &Arn, name: &str) -> SessionKeys {
        SessionKeys { access_key_id: "ASIATEST".into(), secret: "secret".into(), token: format!("token-{name}") }
    }
}

pub struct Stage {
    pub runtime: Processes,
    pub lines: Arc<Lines>,
    pub directory: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(config())
    }

    pub fn with(config: Config) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let spawner =
            Spawner::start_with(env!("CARGO_BIN_EXE_runtimes-test-spawner"), directory.path().join("state")).unwrap();
        let lines = Arc::new(Lines::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let runtime = Processes::new(config, spawner, lines.clone(), Arc::new(Keys), Arc::new(WhoIs), clock);
        Self { runtime, lines, directory }
    }

    /// A function made of `files`.
    pub fn function(&self, runtime: &str, handler: &str, files: &[(&str, &str)]) -> InstanceSpec {
        let code = tempfile::tempdir_in(self.directory.path()).unwrap().keep();
        std::fs::set_permissions(&code, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        for (name, text) in files {
            let path = code.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let (account, region) = (AccountId::default_account(), Region::default_region());
        InstanceSpec {
            name: "shop".into(),
            version: "$LATEST".into(),
            arn: Arn::new("lambda", &region, &account, "function:shop"),
            runtime: runtime.into(),
            handler: handler.into(),
            code,
            layers: vec![],
            environment: BTreeMap::new(),
            role: Arn::global("iam", &account, "role/shop"),
            memory_mb: 256,
            tmp_mb: 512,
            timeout: Duration::from_secs(10),
            log: LogStream {
                account: account.clone(),
                region: region.clone(),
                group: "/aws/lambda/shop".into(),
                stream: "s".into(),
            },
            account,
            region,
            initialization: "on-demand",
        }
    }

    pub fn python(&self, text: &str) -> InstanceSpec {
        self.function("python3.12", "app.handler", &[("app.py", text)])
    }

    pub fn node(&self, text: &str) -> InstanceSpec {
        self.function("nodejs20.x", "app.handler", &[("app.js", text)])
    }

    pub fn native(&self, handler: &str) -> InstanceSpec {
        let spec = self.function("provided.al2023", handler, &[]);
        std::fs::copy(env!("CARGO_BIN_EXE_runtimes-test-bootstrap"), spec.code.join("bootstrap")).unwrap();
        spec
    }

    pub async fn start(&self, spec: &InstanceSpec) -> Box<dyn Instance> {
        self.started(spec).await.instance
    }

    pub async fn started(&self, spec: &InstanceSpec) -> Started {
        self.runtime.readied(&spec.runtime, spec.memory_mb).await;
        match self.runtime.start(spec.clone()).await {
            Ok(started) => started,
            Err(error) => panic!("{error:?}; log: {:#?}", self.log()),
        }
    }

    pub async fn fails(&self, spec: &InstanceSpec) -> StartError {
        self.runtime.readied(&spec.runtime, spec.memory_mb).await;
        match self.runtime.start(spec.clone()).await {
            Ok(_) => panic!("it started"),
            Err(error) => error,
        }
    }

    /// Starts an instance, gives it one event and expects an answer.
    pub async fn ask(&self, spec: &InstanceSpec, payload: &str) -> serde_json::Value {
        let instance = self.start(spec).await;
        answered(instance.invoke(event(payload)).await)
    }

    pub fn log(&self) -> Vec<String> {
        self.lines.0.lock().unwrap().clone()
    }
}

/// Whether instances come from sandboxes that wait. This file is part of two test programs, one for each way.
pub fn waits() -> bool {
    env!("CARGO_CRATE_NAME") == "waiting"
}

/// Installed SDKs and compiled bootstraps are shared between test runs; everything else is new.
pub fn config() -> Config {
    let shared = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("runtimes");
    Config {
        directory: std::env::var_os("FOGBANK_RUNTIMES").map_or(shared, PathBuf::from),
        strict: false,
        ahead: waits(),
    }
}

pub fn event(payload: &str) -> Event {
    event_within(payload, Duration::from_secs(10))
}

pub fn event_within(payload: &str, timeout: Duration) -> Event {
    Event {
        request_id: SystemClock.uuid(),
        payload: Bytes::from(payload.to_owned()),
        head: None,
        deadline: SystemClock.now().plus(timeout),
        timeout,
        invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:shop:live".into(),
        trace: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".into(),
        client_context: None,
    }
}

pub fn answered(outcome: Outcome) -> serde_json::Value {
    match outcome {
        Outcome::Answered(payload) => serde_json::from_slice(&payload).unwrap(),
        other => panic!("{other:?}"),
    }
}

pub fn failed(outcome: Outcome) -> (String, serde_json::Value) {
    match outcome {
        Outcome::Failed { error_type, payload } => (error_type, serde_json::from_slice(&payload).unwrap()),
        other => panic!("{other:?}"),
    }
}

pub fn init_error(error: StartError) -> (String, serde_json::Value) {
    match error {
        StartError::Init { error_type, payload, .. } => (error_type, serde_json::from_slice(&payload).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// A streamed answer's content type, all its pieces, and its end.
pub async fn streamed(outcome: Outcome) -> (Option<String>, Vec<u8>, StreamEnd) {
    match outcome {
        Outcome::Streaming { content_type, mut chunks, end } => {
            let mut body = Vec::new();
            while let Some(piece) = chunks.recv().await {
                body.extend_from_slice(&piece);
            }
            (content_type, body, end.await.unwrap())
        }
        other => panic!("{other:?}"),
    }
}
