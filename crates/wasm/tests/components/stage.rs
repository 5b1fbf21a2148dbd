//! What components run on: a platform's part of the crate, without a platform.

use bytes::Bytes;
use fogbank_functions::runtime::{Event, Instance, InstanceSpec, Outcome, Runtime};
use fogbank_model::{BoxFuture, LogSink, LogStream, SystemClock, Timestamp};
use fogbank_runtimes::{DoorIdentity, SessionCredentials, SessionKeys};
use fogbank_wasm::{AwsEndpoint, Components, Config};
use http::{Request, Response};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const GUEST: &[u8] = include_bytes!("../guest.wasm");

#[derive(Default)]
pub struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn write(&self, _stream: &LogStream, _at: Timestamp, message: String) {
        self.0.lock().unwrap().push(message);
    }
}

struct NoKeys;

impl SessionCredentials for NoKeys {
    fn session(&self, _: &fogbank_model::AccountId, _: &fogbank_model::Arn, name: &str) -> SessionKeys {
        SessionKeys { access_key_id: format!("ASIA{name}"), secret: "s".into(), token: "t".into() }
    }
}

/// Answers with who asked for what.
struct Endpoint;

impl AwsEndpoint for Endpoint {
    fn answer(&self, request: Request<Bytes>, from: DoorIdentity) -> BoxFuture<'static, Response<Bytes>> {
        let text = format!("{} {} as {}", request.method(), request.uri(), from.session);
        Box::pin(async move { Response::new(text.into()) })
    }
}

pub struct Stage {
    pub home: tempfile::TempDir,
    pub components: Components,
    pub log: Arc<Lines>,
}

impl Stage {
    pub fn with(compiler: &Path, limit: Duration) -> Self {
        Self::at(tempfile::tempdir().unwrap(), compiler, limit)
    }

    pub fn at(home: tempfile::TempDir, compiler: &Path, limit: Duration) -> Self {
        let config = Config { compiler: compiler.into(), compile_limit: limit, ..Config::below(home.path()) };
        let log = Arc::new(Lines::default());
        let components =
            Components::open(config, log.clone(), Arc::new(NoKeys), Arc::new(Endpoint), Arc::new(SystemClock)).unwrap();
        Self { home, components, log }
    }

    pub fn new() -> Self {
        Self::with(Path::new(env!("CARGO_BIN_EXE_wasm-test-compiler")), Duration::from_secs(60))
    }

    /// A package with one file.
    pub fn package(&self, name: &str, file: &[u8]) -> PathBuf {
        let code = self.home.path().join("code").join(name);
        std::fs::create_dir_all(&code).unwrap();
        std::fs::write(code.join("guest.wasm"), file).unwrap();
        code
    }

    pub fn spec(&self, code: PathBuf) -> InstanceSpec {
        InstanceSpec {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: "orders".into(),
            version: "7".into(),
            arn: "arn:aws:lambda:eu-west-1:123456789012:function:orders".parse().unwrap(),
            runtime: "wasm".into(),
            handler: "guest.wasm".into(),
            code,
            layers: Vec::new(),
            environment: [("GREETING".to_owned(), "hi".to_owned()), ("_HANDLER".to_owned(), "forged".to_owned())]
                .into(),
            role: "arn:aws:iam::123456789012:role/r".parse().unwrap(),
            memory_mb: 128,
            tmp_mb: 8,
            timeout: Duration::from_secs(10),
            log: LogStream {
                account: "123456789012".parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
                group: "/aws/lambda/orders".into(),
                stream: "s".into(),
            },
            initialization: "on-demand",
        }
    }

    pub async fn start(&self) -> Box<dyn Instance> {
        self.components.start(self.spec(self.package("p1", GUEST))).await.unwrap().instance
    }

    pub fn lines(&self) -> Vec<String> {
        self.log.0.lock().unwrap().clone()
    }
}

pub fn event(payload: impl Into<Bytes>) -> Event {
    Event {
        request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into(),
        payload: payload.into(),
        head: None,
        deadline: Timestamp(1_542_409_706_888),
        timeout: Duration::from_secs(10),
        invoked_arn: "arn:aws:lambda:eu-west-1:123456789012:function:orders:live".into(),
        trace: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1".into(),
        client_context: Some(r#"{"custom":1}"#.into()),
    }
}

pub fn request(request: http::request::Builder, body: impl Into<Bytes>) -> Event {
    let (head, body) = request.body(body.into()).unwrap().into_parts();
    Event { head: Some(Box::new(head)), ..event(body) }
}

pub async fn get(instance: &dyn Instance, path: &str) -> Outcome {
    instance.invoke(request(Request::get(path).header("host", "shop.localhost"), "")).await
}

pub fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Responded(_, body) => String::from_utf8(body.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

pub fn crash(outcome: Outcome) -> (String, String) {
    match outcome {
        Outcome::Crashed { error_type, reason } => (error_type, reason),
        other => panic!("{other:?}"),
    }
}
