//! Components as the platform runs them: `guest.wasm` (from `guest/`) does what a request's path says.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use fogbank_functions::runtime::{Event, Instance, InstanceSpec, Outcome, Runtime, StartError, Started};
use fogbank_model::{BoxFuture, LogSink, LogStream, SystemClock, Timestamp};
use fogbank_runtimes::{DoorIdentity, SessionCredentials, SessionKeys};
use fogbank_wasm::{AwsEndpoint, Components, Config};
use http::{Request, Response};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const GUEST: &[u8] = include_bytes!("guest.wasm");

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

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

struct Stage {
    home: tempfile::TempDir,
    components: Components,
    log: Arc<Lines>,
}

impl Stage {
    fn with(compiler: &Path, limit: Duration) -> Self {
        Self::at(tempfile::tempdir().unwrap(), compiler, limit)
    }

    fn at(home: tempfile::TempDir, compiler: &Path, limit: Duration) -> Self {
        let config = Config { compiler: compiler.into(), compile_limit: limit, ..Config::below(home.path()) };
        let log = Arc::new(Lines::default());
        let components =
            Components::open(config, log.clone(), Arc::new(NoKeys), Arc::new(Endpoint), Arc::new(SystemClock)).unwrap();
        Self { home, components, log }
    }

    fn new() -> Self {
        Self::with(Path::new(env!("CARGO_BIN_EXE_wasm-test-compiler")), Duration::from_secs(60))
    }

    /// A package with one file.
    fn package(&self, name: &str, file: &[u8]) -> PathBuf {
        let code = self.home.path().join("code").join(name);
        std::fs::create_dir_all(&code).unwrap();
        std::fs::write(code.join("guest.wasm"), file).unwrap();
        code
    }

    fn spec(&self, code: PathBuf) -> InstanceSpec {
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

    async fn start(&self) -> Box<dyn Instance> {
        self.components.start(self.spec(self.package("p1", GUEST))).await.unwrap().instance
    }

    fn lines(&self) -> Vec<String> {
        self.log.0.lock().unwrap().clone()
    }
}

fn event(payload: impl Into<Bytes>) -> Event {
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

fn request(request: http::request::Builder, body: impl Into<Bytes>) -> Event {
    let (head, body) = request.body(body.into()).unwrap().into_parts();
    Event { head: Some(Box::new(head)), ..event(body) }
}

async fn get(instance: &dyn Instance, path: &str) -> Outcome {
    instance.invoke(request(Request::get(path).header("host", "shop.localhost"), "")).await
}

fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Responded(_, body) => String::from_utf8(body.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn crash(outcome: Outcome) -> (String, String) {
    match outcome {
        Outcome::Crashed { error_type, reason } => (error_type, reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_arrives_as_it_is_and_the_response_comes_back() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let asked = Request::put("/request?a=1&b=%20").header("host", "shop.localhost:4566").header("x-twice", "one");
    let asked = asked.header("x-twice", "two").header("lambda-runtime-function-name", "forged");
    let Outcome::Responded(head, body) = instance.invoke(request(asked, "")).await else { panic!() };
    assert_eq!((head.status.as_u16(), head.headers["x-guest"].to_str().unwrap()), (200, "1"));
    let described = String::from_utf8(body.to_vec()).unwrap();
    let lines: Vec<&str> = described.lines().collect();
    assert_eq!(lines[0], "PUT /request?a=1&b=%20 shop.localhost:4566");
    for line in [
        "x-twice: one",
        "x-twice: two",
        "x-amzn-requestid: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "lambda-runtime-deadline-ms: 1542409706888",
        "lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:orders:live",
        "lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        "lambda-runtime-client-context: {\"custom\":1}",
        "lambda-runtime-function-name: orders",
        "lambda-runtime-function-version: 7",
        "lambda-runtime-memory-limit-mb: 128",
        "lambda-runtime-log-group-name: /aws/lambda/orders",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {described}");
    }
    assert!(!described.contains("forged"));
    let echoed = instance.invoke(request(Request::post("/echo"), vec![0, 255, 10])).await;
    assert!(matches!(echoed, Outcome::Responded(_, body) if body[..] == [0, 255, 10]));
}

#[tokio::test]
async fn an_event_comes_as_a_post_and_an_error_status_is_a_functions_error() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let answer = |outcome| match outcome {
        Outcome::Answered(body) => String::from_utf8(body.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(answer(instance.invoke(event(r#"{"a":1}"#)).await), r#"{"a":1}"#);
    let described = answer(instance.invoke(event("\"request\"")).await);
    assert!(described.starts_with("POST / ") && described.contains("content-type: application/json"), "{described}");
    let failure = |outcome| match outcome {
        Outcome::Failed { error_type, payload } => (error_type, String::from_utf8(payload.to_vec()).unwrap()),
        other => panic!("{other:?}"),
    };
    let own = r#"{"errorType":"Orders.Closed","errorMessage":"no orders today"}"#;
    assert_eq!(failure(instance.invoke(event("\"error\"")).await), ("Orders.Closed".into(), own.into()));
    let made = r#"{"errorType":"Http418","errorMessage":"short and stout"}"#;
    assert_eq!(failure(instance.invoke(event("\"teapot\"")).await), ("Http418".into(), made.into()));
    // A client's own request may be answered with any status.
    let Outcome::Responded(head, _) = get(&*instance, "/status?418").await else { panic!() };
    assert_eq!(head.status.as_u16(), 418);
}

#[tokio::test]
async fn nothing_survives_a_call() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let mut random = Vec::new();
    for _ in 0..5 {
        assert_eq!(text(get(&*instance, "/count").await), "1");
        assert_eq!(text(get(&*instance, "/write?1").await), "1 MiB of /tmp, 1048576 bytes");
        assert_eq!(text(get(&*instance, "/list").await), "1: /tmp: [], out: false");
        random.push(text(get(&*instance, "/random").await));
    }
    random.dedup();
    assert_eq!(random.len(), 5);
}

#[tokio::test]
async fn two_functions_do_not_see_each_others_files() {
    let stage = Stage::new();
    let (one, other) = (stage.start().await, stage.start().await);
    let sleeping = async { get(&*one, "/write?8").await };
    let (wrote, seen) = tokio::join!(sleeping, get(&*other, "/list"));
    assert_eq!((text(wrote), text(seen)), ("7 MiB of /tmp, full".into(), "1: /tmp: [], out: false".into()));
}

#[tokio::test]
async fn a_plain_call_makes_no_directory_and_files_go_with_their_call() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let count = || std::fs::read_dir(stage.home.path().join("wasm/tmp")).unwrap().count();
    text(get(&*instance, "/hello").await);
    assert_eq!(count(), 0);
    text(get(&*instance, "/write?1").await);
    let begun = Instant::now();
    while count() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the directory stays");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_size_of_tmp_and_the_number_of_open_files_are_limited() {
    let stage = Stage::new();
    let instance = stage.start().await;
    assert_eq!(text(get(&*instance, "/write?7").await), "7 MiB of /tmp, 7340032 bytes");
    assert_eq!(text(get(&*instance, "/write?100").await), "7 MiB of /tmp, full");
    assert_eq!(text(get(&*instance, "/open?100").await), "100");
    let refused = text(get(&*instance, "/open?1000").await);
    assert!(refused.starts_with("127: ") && refused.contains("insufficient-memory"), "{refused}");
}

#[tokio::test]
async fn a_trap_is_an_error_and_its_place_is_in_the_log() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let (error_type, reason) = crash(get(&*instance, "/trap").await);
    assert_eq!(error_type, "Runtime.ExitError");
    assert!(reason.contains("unreachable"), "{reason}");
    assert!(stage.lines().iter().any(|line| line.contains("wasm backtrace")), "{:?}", stage.lines());
    let (error_type, reason) = crash(get(&*instance, "/recurse?10000000").await);
    assert!(error_type == "Runtime.ExitError" && reason.contains("out of bounds"), "{reason}");
    let (_, reason) = crash(get(&*instance, "/exit?3").await);
    assert_eq!(reason, "Runtime exited with error: exit status 3");
    let silent = get(&*instance, "/silent").await;
    assert!(matches!(silent, Outcome::Failed { error_type, .. } if error_type == "Runtime.NoResponse"));
    assert_eq!(text(get(&*instance, "/hello").await), "hello", "the instance lives on");
}

#[tokio::test]
async fn a_call_ends_with_its_time_whether_it_works_or_sleeps() {
    let stage = Stage::new();
    let instance = stage.start().await;
    for path in ["/spin", "/sleep?60000"] {
        let begun = Instant::now();
        let late = request(Request::get(path), "");
        let outcome = instance.invoke(Event { timeout: Duration::from_millis(200), ..late }).await;
        assert!(matches!(outcome, Outcome::TimedOut), "{path}: {outcome:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{path} took {:?}", begun.elapsed());
    }
    assert_eq!(text(get(&*instance, "/sleep?1").await), "slept");
}

/// On one thread, as the platform is on a small machine: calls that work for long must not keep it.
#[tokio::test]
async fn components_that_work_for_long_leave_the_platforms_threads_to_others() {
    let stage = Stage::new();
    let instance: Arc<dyn Instance> = Arc::from(stage.start().await);
    let mut spins = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let instance = instance.clone();
        let spin = Event { timeout: Duration::from_secs(3), ..request(Request::get("/spin"), "") };
        spins.spawn(async move { instance.invoke(spin).await });
    }
    // All of them have begun, and are moved when their epoch has ended.
    text(get(&*instance, "/sleep?500").await);
    let begun = Instant::now();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "100 turns of this thread took {:?}", begun.elapsed());
    while let Some(spun) = spins.join_next().await {
        assert!(matches!(spun.unwrap(), Outcome::TimedOut));
    }
}

#[tokio::test]
async fn memory_is_limited_and_its_peak_is_reported() {
    let stage = Stage::new();
    let instance = stage.start().await;
    text(get(&*instance, "/hello").await);
    let small = instance.max_memory_mb();
    assert!((1..8).contains(&small), "{small}");
    assert_eq!(text(get(&*instance, "/allocate?64").await), "64");
    assert!((64..80).contains(&instance.max_memory_mb()), "{}", instance.max_memory_mb());
    assert_eq!(crash(get(&*instance, "/allocate?200").await).0, "Runtime.OutOfMemory");
    assert!(instance.max_memory_mb() <= 128);
}

#[tokio::test]
async fn the_environment_is_the_functions_and_nothing_of_the_platforms() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let environment = text(get(&*instance, "/env").await);
    for line in [
        "GREETING=hi",
        "_HANDLER=guest.wasm",
        "AWS_REGION=eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME=orders",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
        "AWS_ACCESS_KEY_ID=ASIAorders",
        "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
    ] {
        assert!(environment.lines().any(|one| one == line), "{line} is missing in {environment}");
    }
    assert!(!environment.contains("CARGO"));
}

#[tokio::test]
async fn only_the_aws_endpoint_can_be_reached() {
    let stage = Stage::new();
    let instance = stage.start().await;
    assert_eq!(text(get(&*instance, "/fetch?127.0.0.1:4566/a/b").await), "200 GET http://127.0.0.1:4566/a/b as orders");
    for address in ["example.com/x", "127.0.0.1:4567/", "127.0.0.1/", "169.254.169.254/latest"] {
        assert_eq!(
            text(get(&*instance, &format!("/fetch?{address}")).await),
            "ErrorCode::HttpRequestDenied",
            "{address}"
        );
    }
    assert!(stage.lines().iter().any(|line| line.contains("A request to example.com was refused")));
    assert_eq!(text(get(&*instance, "/socket").await).matches("access-denied").count(), 2);
}

#[tokio::test]
async fn what_it_prints_is_logged_by_lines() {
    let stage = Stage::new();
    let instance = stage.start().await;
    text(get(&*instance, "/print").await);
    assert_eq!(stage.lines(), ["first", "second", "last"]);
}

#[tokio::test]
async fn a_response_beyond_the_limit_is_cut_one_byte_after_it() {
    let stage = Stage::new();
    let instance = stage.start().await;
    assert_eq!(text(get(&*instance, "/large?6291456").await).len(), 6_291_456);
    assert_eq!(text(get(&*instance, "/large?9000000").await).len(), 6_291_557);
}

async fn refusal(stage: &Stage, name: &str, file: &[u8]) -> String {
    let code = stage.package(name, file);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap_err()
}

#[tokio::test]
async fn what_is_no_component_is_refused_with_the_reason() {
    let stage = Stage::new();
    let refused = refusal(&stage, "a", b"#!/bin/sh").await;
    assert!(refused.contains("it is not a WebAssembly binary"), "{refused}");
    let refused = refusal(&stage, "b", b"\0asm\x01\0\0\0").await;
    assert!(refused.contains("it is a core module, not a component"), "{refused}");
    let refused = refusal(&stage, "c", &GUEST[..GUEST.len() / 2]).await;
    assert!(refused.contains("The component is not valid"), "{refused}");
    // An empty component.
    let refused = refusal(&stage, "d", b"\0asm\x0d\0\x01\0").await;
    assert!(refused.contains("does not export wasi:http/incoming-handler"), "{refused}");
    let code = stage.package("e", GUEST);
    let missing = stage.components.accept("wasm", "other.wasm", &code).await.unwrap_err();
    assert!(missing.contains("no file other.wasm"), "{missing}");
}

#[tokio::test]
async fn machine_code_from_a_package_is_never_loaded() {
    let stage = Stage::new();
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    let compiled = std::fs::read_dir(stage.home.path().join("wasm/compiled")).unwrap().next().unwrap().unwrap();
    let machine_code = std::fs::read(compiled.path()).unwrap();
    let refused = refusal(&stage, "q", &machine_code).await;
    assert!(refused.contains("not a WebAssembly binary"), "{refused}");
}

/// A compiler that first does as `script` says, and notes that it was started.
fn compiler(stage_home: &Path, script: &str) -> PathBuf {
    let program = stage_home.join("compiler.sh");
    let real = env!("CARGO_BIN_EXE_wasm-test-compiler");
    let notes = stage_home.join("notes");
    let text = format!(
        "#!/bin/bash\necho started >> {0}\ncount=$(wc -l < {0})\n{script}\nexec -a fogbank-wasm-compiler {real}\n",
        notes.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn attempts(home: &Path) -> usize {
    std::fs::read_to_string(home.join("notes")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_compiler_that_is_killed_is_replaced_once() {
    let home = tempfile::tempdir().unwrap();
    let program = compiler(home.path(), "[ $count = 1 ] && kill -9 $$");
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    assert_eq!(attempts(stage.home.path()), 2);
}

#[tokio::test]
async fn a_compiler_that_hangs_is_ended_and_replaced_once() {
    let home = tempfile::tempdir().unwrap();
    let program = compiler(home.path(), "exec sleep 600");
    let stage = Stage::at(home, &program, Duration::from_millis(300));
    let code = stage.package("p", GUEST);
    let refused = stage.components.accept("wasm", "guest.wasm", &code).await.unwrap_err();
    assert!(refused.contains("took longer than"), "{refused}");
    assert_eq!(attempts(stage.home.path()), 2);
}

#[tokio::test]
async fn machine_code_is_kept_until_its_package_goes() {
    let home = tempfile::tempdir().unwrap();
    let program = compiler(home.path(), "");
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    let Stage { home, components, .. } = stage;
    drop(components);
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    let started: Started = stage.components.start(stage.spec(code.clone())).await.unwrap();
    assert_eq!(text(get(&*started.instance, "/hello").await), "hello");
    assert_eq!(attempts(stage.home.path()), 1, "compiled again");
    std::fs::remove_dir_all(&code).unwrap();
    let Stage { home, .. } = stage;
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    assert_eq!(std::fs::read_dir(stage.home.path().join("wasm/compiled")).unwrap().count(), 0);
}

#[tokio::test]
async fn machine_code_that_was_damaged_is_made_again() {
    let stage = Stage::new();
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    let compiled = std::fs::read_dir(stage.home.path().join("wasm/compiled")).unwrap().next().unwrap().unwrap().path();
    let Stage { home, components, .. } = stage;
    drop(components);
    std::fs::remove_file(&compiled).unwrap();
    std::fs::write(&compiled, b"torn").unwrap();
    let stage = Stage::at(home, Path::new(env!("CARGO_BIN_EXE_wasm-test-compiler")), Duration::from_secs(60));
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
}

#[tokio::test]
async fn a_package_that_cannot_run_fails_the_start_and_not_the_platform() {
    let stage = Stage::new();
    let spec = stage.spec(stage.package("p", b"nonsense"));
    let Err(StartError::Init { error_type, .. }) = stage.components.start(spec).await else { panic!() };
    assert_eq!(error_type, "Runtime.InvalidEntrypoint");
}

#[tokio::test]
async fn many_calls_at_once_wait_for_room_and_all_answer() {
    let stage = Stage::new();
    let instance: Arc<dyn Instance> = Arc::from(stage.start().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..2000 {
        let instance = instance.clone();
        calls.spawn(async move { text(get(&*instance, "/sleep?50").await) });
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap(), "slept");
    }
}
