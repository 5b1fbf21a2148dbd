//! A platform without sandboxes: a real store, and a runtime whose instances do what a variable of the function says.
#![allow(clippy::unwrap_used)]

mod asynchronous;
mod calls;
mod http;
mod limits_hold;
mod provisioned;
mod puppet;
mod registered;
mod snapstart;
mod streams;

pub(crate) use puppet::Puppet;

use super::*;
use fogbank_model::{
    AccountId, Caller as Who, LogSink, LogStream, ObjectError, ObjectName, RequestId, SystemClock, TestClock,
};
use fogbank_wire::{Fault, Input, Output, Service, Value};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

/// A machine that nobody can measure.
struct NoMeasure;

impl Memory for NoMeasure {
    fn measure(&self) -> Option<Machine> {
        None
    }
}

/// Collects lines.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<(LogStream, String)>>);

impl LogSink for Lines {
    fn write(&self, stream: &LogStream, _: Timestamp, message: String) {
        self.0.lock().unwrap().push((stream.clone(), message));
    }
}

pub(crate) struct Platform {
    pub home: Arc<tempfile::TempDir>,
    pub functions: Arc<Functions>,
    pub service: Arc<Service>,
    pub puppet: Arc<Puppet>,
    pub lines: Arc<Lines>,
    pub clock: Arc<dyn Clock>,
    pub delivered: Arc<Mailbox>,
    pub streams: Arc<streams::Streams>,
}

/// On a thread of its own, because platforms are opened without waiting.
fn signer(store: &Store, clock: &Arc<dyn Clock>) -> Arc<Signer> {
    let (store, clock) = (store.clone(), clock.clone());
    let open = move || tokio::runtime::Runtime::new().unwrap().block_on(Signer::open(&store, clock)).unwrap();
    std::thread::spawn(open).join().unwrap()
}

struct NoQueues;

impl QueueSource for NoQueues {
    fn facts(&self, _: &Arn) -> Result<sources::QueueFacts, sources::SourceError> {
        Err(sources::SourceError::NoSource)
    }

    fn ready<'a>(&'a self, _: &'a Arn) -> BoxFuture<'a, Result<(), sources::SourceError>> {
        Box::pin(std::future::pending())
    }

    fn receive<'a>(
        &'a self,
        _: &'a Arn,
        _: usize,
        _: u64,
    ) -> BoxFuture<'a, Result<Vec<sources::QueueMessage>, sources::SourceError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn delete<'a>(&'a self, _: &'a Arn, _: Vec<String>) -> BoxFuture<'a, Result<(), sources::SourceError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Has one package, under the key `there` of the bucket `code`.
struct OnePackage;

impl ReadObject for OnePackage {
    fn open(&self, _: &AccountId, object: &ObjectName) -> Result<Box<dyn std::io::Read + Send>, ObjectError> {
        match (object.bucket.as_str(), object.key.as_str()) {
            ("code", "there") => Ok(Box::new(std::io::Cursor::new(package::tests::zip_of(&[("app.py", "x = 1")])))),
            ("code", "endless") => Ok(Box::new(std::io::repeat(0))),
            ("code", _) => Err(ObjectError { code: "NoSuchKey", message: "The specified key does not exist.".into() }),
            _ => Err(ObjectError { code: "AccessDenied", message: "Access Denied".into() }),
        }
    }
}

/// Keeps what is delivered, and refuses what goes to a target called `gone`.
#[derive(Default)]
pub(crate) struct Mailbox(pub Mutex<Vec<(Arn, Delivery)>>);

impl Deliver for Mailbox {
    fn deliver(&self, _: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        if target.resource() == "gone" {
            return Err(Undelivered::NoTarget(target.to_string()));
        }
        self.0.lock().unwrap().push((target.clone(), delivery.clone()));
        Ok(())
    }

    fn exists(&self, _: &Tx<'_>, target: &Arn) -> Result<bool, fogbank_store::Error> {
        Ok(target.resource() != "gone")
    }
}

pub(crate) fn context() -> RequestContext {
    RequestContext {
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        caller: Who::Root,
        request_id: RequestId("8f5a0c2e-0000-4000-8000-000000000001".into()),
        source_ip: None,
        endpoint: "http://127.0.0.1:4566".into(),
        trace: None,
    }
}

pub(crate) fn error(fault: &Fault) -> (&str, &str) {
    (&fault.code, &fault.message)
}

impl Platform {
    pub fn new() -> Self {
        Self::with(Config::default(), Arc::new(SystemClock))
    }

    pub fn with(config: Config, clock: Arc<dyn Clock>) -> Self {
        Self::open(Arc::new(tempfile::tempdir().unwrap()), config, clock)
    }

    pub fn open(home: Arc<tempfile::TempDir>, config: Config, clock: Arc<dyn Clock>) -> Self {
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let lines = Arc::new(Lines::default());
        let log = LogTail::over(lines.clone());
        let puppet = Arc::new(Puppet {
            started: AtomicUsize::new(0),
            gate: Arc::new(Semaphore::new(0)),
            specs: Mutex::default(),
            snapshots: Mutex::default(),
            loss: Arc::default(),
            broken: Arc::default(),
            death: Arc::default(),
            log: log.clone(),
            judge: Arc::new(Mutex::new(Box::new(Ok))),
        });
        let memory = Arc::new(NoMeasure);
        let delivered = Arc::new(Mailbox::default());
        let streams = streams::Streams::of(&home);
        let signer = signer(&store, &clock);
        let parts = Parts {
            store,
            clock: clock.clone(),
            runtime: puppet.clone(),
            log,
            memory,
            queues: Arc::new(NoQueues),
            streams: streams.clone(),
            objects: Arc::new(OnePackage),
            signer,
            deliver: delivered.clone(),
            config,
        };
        let functions = Functions::open(parts).unwrap();
        let service = Arc::new(lambda::service(functions.clone()));
        Self { home, functions, service, puppet, lines, clock, delivered, streams }
    }

    pub async fn raw(&self, operation: &str, value: Value) -> Result<Output, Fault> {
        self.raw_as(context(), operation, value).await
    }

    pub async fn raw_as(&self, context: RequestContext, operation: &str, value: Value) -> Result<Output, Fault> {
        let handler = self.service.handler(operation).unwrap_or_else(|| panic!("{operation} is not registered"));
        handler(Input { context, value }).await
    }

    /// Runs an operation on JSON input, and returns its output as JSON.
    pub async fn run(&self, operation: &str, input: serde_json::Value) -> Result<serde_json::Value, Fault> {
        match self.raw(operation, fogbank_wire::to_value(&input).unwrap()).await? {
            Output::Value(value) => Ok(fogbank_wire::from_value(value).unwrap()),
            Output::Stream { .. } | Output::Events { .. } => panic!("{operation} answered with a stream"),
        }
    }

    pub async fn create_with(&self, name: &str, mut input: serde_json::Value) -> Result<serde_json::Value, Fault> {
        let defaults = json!({
            "FunctionName": name, "Runtime": "python3.12", "Handler": "app.handler",
            "Role": "arn:aws:iam::123456789012:role/shop",
        });
        for (member, value) in defaults.as_object().unwrap() {
            let members = input.as_object_mut().unwrap();
            members.entry(member.clone()).or_insert(value.clone());
        }
        let code = input.as_object_mut().unwrap().remove("Zip").unwrap_or_else(|| "x = 1".into());
        let Value::Map(mut members) = fogbank_wire::to_value(&input).unwrap() else { panic!("not an object") };
        members.push(("Code".into(), Value::Map(vec![zip_member(code.as_str().unwrap())])));
        match self.raw("CreateFunction", Value::Map(members)).await? {
            Output::Value(value) => Ok(fogbank_wire::from_value(value).unwrap()),
            Output::Stream { .. } | Output::Events { .. } => panic!("a stream"),
        }
    }

    /// Makes a function whose instances behave as `mode` says.
    pub async fn create(&self, name: &str, mode: &str) -> serde_json::Value {
        self.create_with(name, json!({"Environment": {"Variables": {"MODE": mode}}})).await.unwrap()
    }

    pub async fn update_code(
        &self,
        name: &str,
        code: &str,
        mut more: serde_json::Value,
    ) -> Result<serde_json::Value, Fault> {
        more["FunctionName"] = name.into();
        let Value::Map(mut members) = fogbank_wire::to_value(&more).unwrap() else { panic!("not an object") };
        members.push(zip_member(code));
        match self.raw("UpdateFunctionCode", Value::Map(members)).await? {
            Output::Value(value) => Ok(fogbank_wire::from_value(value).unwrap()),
            Output::Stream { .. } | Output::Events { .. } => panic!("a stream"),
        }
    }

    /// Calls a function, and returns its answer, the error header and the log's tail.
    pub async fn call_with(&self, name: &str, payload: &str, more: serde_json::Value) -> Result<Answer, Fault> {
        let mut input = more;
        input["FunctionName"] = name.into();
        let Value::Map(mut members) = fogbank_wire::to_value(&input).unwrap() else { panic!("not an object") };
        members.push(("Payload".into(), Value::Blob(Bytes::copy_from_slice(payload.as_bytes()))));
        let Output::Value(value) = self.raw("Invoke", Value::Map(members)).await? else { panic!("a stream") };
        let text = |member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        let Some(Value::Blob(payload)) = value.get("Payload") else { panic!("no payload") };
        Ok(Answer {
            payload: String::from_utf8(payload.to_vec()).unwrap(),
            status: value.get("StatusCode").cloned().unwrap(),
            error: text("FunctionError"),
            log: text("LogResult"),
            version: text("ExecutedVersion"),
        })
    }

    pub async fn call(&self, name: &str, payload: &str) -> Result<Answer, Fault> {
        self.call_with(name, payload, json!({})).await
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.0.lock().unwrap().iter().map(|(_, line)| line.clone()).collect()
    }

    pub fn started(&self) -> usize {
        self.puppet.started.load(Ordering::SeqCst)
    }

    /// Ends the platform and starts another one on the same directory.
    pub async fn restart(self) -> Self {
        let config = self.functions.config.clone();
        self.restart_with(config).await
    }

    pub async fn restart_with(self, config: Config) -> Self {
        let Self { home, functions, service, puppet, lines, clock, delivered, streams } = self;
        functions.shutdown().await;
        drop((service, puppet, lines, delivered, streams));
        until(|| Arc::strong_count(&functions) == 1).await;
        drop(functions);
        let free = || Store::open(home.path(), clock.clone()).is_ok();
        until(free).await;
        Self::open(home, config, clock)
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub payload: String,
    pub status: Value,
    pub error: Option<String>,
    pub log: Option<String>,
    pub version: Option<String>,
}

fn zip_member(code: &str) -> (String, Value) {
    ("ZipFile".into(), Value::Blob(crate::package::tests::zip_of(&[("app.py", code)]).into()))
}

/// Waits for a condition, at most ten seconds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "it never came true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn test_clock(seed: u64) -> Arc<TestClock> {
    Arc::new(TestClock::new(Timestamp(1_777_890_030_123), seed))
}
