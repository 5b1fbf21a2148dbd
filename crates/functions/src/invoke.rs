//! The way of one call: find the version, get an instance, hand it the event, answer, write it down. No disk, no lock across an
//! await, no copy of the payload.

use crate::instances::{Deployed, Instances, Live, NotRun};
use crate::meter::{Meter, Usage};
use crate::model::{FunctionKey, Readiness, Version};
use crate::pool::{Refusal, Target};
use crate::registry::Registry;
use crate::report::{self, Begin, Report};
use crate::runtime::{Event, Outcome, StartError, WASM};
use crate::tail::LogTail;
use crate::{Error, limits};
use bytes::{Bytes, BytesMut};
use fogbank_model::{
    Clock, FunctionRef, Invocation, InvokeError, LogSink, LogStream, Reply, ReplyStream, RequestContext, StreamEnd,
    Timestamp,
};
use serde::de::IgnoredAny;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// The code of the refusal of a call to a version that is not ready.
pub(crate) const NOT_READY: &str = "ResourceConflictException";

/// What calls need of the platform.
pub(crate) struct Caller {
    pub registry: Arc<Registry>,
    pub instances: Arc<Instances>,
    pub meter: Meter,
    pub clock: Arc<dyn Clock>,
    pub log: Arc<LogTail>,
    /// Calls in flight at once in one account and region.
    pub concurrency: u32,
    /// Durations are billed in steps of this many milliseconds.
    pub step_ms: u64,
}

/// A reply, and the log's tail if it can only be known once the stream has ended.
pub(crate) struct Called {
    pub reply: Reply,
    pub late_tail: Option<oneshot::Receiver<String>>,
}

/// One call under way.
struct Call {
    caller: Arc<Caller>,
    deployed: Deployed,
    request_id: Arc<str>,
    version: String,
    log: LogStream,
    began: Instant,
    begin: Option<Begin>,
    /// Whether it waited for a start.
    cold: bool,
    provisioned: bool,
    wants_tail: bool,
}

/// How a call ended, for its `REPORT` line.
enum End<'a> {
    Answered,
    Failed,
    Broken { error_type: &'a str },
    TimedOut,
}

/// The answer, and what is left of the instance.
struct Finished {
    payload: Bytes,
    error: Option<&'static str>,
    content_type: Option<String>,
    head: Option<Box<http::response::Parts>>,
    instance_lives: bool,
}

impl Caller {
    /// Runs a synchronous call to its end, even if whoever waits for it goes away: as on AWS, a function is not stopped for that.
    pub fn call(
        self: &Arc<Self>,
        context: RequestContext,
        invocation: Invocation,
    ) -> impl Future<Output = Result<Called, InvokeError>> + Send + use<> {
        Unstoppable::new(self.clone().run(context, invocation))
    }

    /// Finds what `function` means for this call.
    pub fn find(&self, function: &FunctionRef) -> Result<(Deployed, u32), InvokeError> {
        let snapshot = self.registry.snapshot();
        let key = FunctionKey::of(function);
        let found = |error| match error {
            Error::NotFound(_) => InvokeError::NotFound(function.arn().to_string()),
            other => InvokeError::Internal(other.to_string()),
        };
        let registered = snapshot.function(&key).map_err(found)?;
        let version = registered.route(function.qualifier.as_ref(), || self.clock.fraction()).map_err(found)?;
        let unreserved = self.concurrency.saturating_sub(snapshot.claimed(&key.scope));
        Ok((Deployed { function: registered.clone(), version: version.clone() }, unreserved))
    }

    async fn run(self: Arc<Self>, context: RequestContext, invocation: Invocation) -> Result<Called, InvokeError> {
        let (limit, kind) = (limits::SYNC_PAYLOAD_BYTES, "RequestResponse");
        let payload = match &invocation.head {
            None => check_payload(invocation.payload, limit, kind)?,
            Some(_) => check_size(invocation.payload, limit, kind)?,
        };
        let (deployed, unreserved) = self.find(&invocation.function)?;
        check_ready(&deployed)?;
        if invocation.head.is_some() && !speaks_http(&deployed.version) {
            // An update has put another runtime in its place since the caller asked.
            return Err(InvokeError::Internal("an HTTP request for a function that does not speak HTTP".into()));
        }
        let target = self.target(&deployed, unreserved);
        let request_id = context.request_id.0.clone();
        let live = match self.instances.acquire(deployed.clone(), target).await {
            Ok(live) => live,
            Err(not_run) => return self.not_run(not_run, deployed, &request_id, invocation.wants_log_tail),
        };
        if invocation.wants_log_tail {
            self.log.watch(&live.log);
        }
        let version = deployed.version.label();
        let now = self.clock.now();
        self.log.write(&live.log, now, report::start(&request_id, &version));
        let timeout = deployed.version.configuration.timeout();
        let event = Event {
            request_id: request_id.to_string(),
            payload,
            head: invocation.head,
            deadline: now.plus(timeout),
            timeout,
            invoked_arn: invocation.function.arn().into(),
            trace: context.trace.filter(|trace| trace.contains("Root=")).unwrap_or_else(|| self.trace()),
            client_context: invocation.client_context,
        };
        let begin = live.first_use(self.step_ms);
        let call = Call {
            log: live.log.clone(),
            provisioned: live.is_provisioned(),
            cold: live.was_waited_for() && begin.is_some(),
            begin,
            wants_tail: invocation.wants_log_tail,
            caller: self,
            deployed,
            request_id,
            version,
            began: Instant::now(),
        };
        let outcome = live.instance.invoke(event).await;
        call.settle(live, outcome, invocation.accepts_stream).await
    }

    /// Counts the provisioned instances that were there for the time `lasted` until `now`.
    pub fn meter_provisioned(&self, lasted: Duration, now: Timestamp) {
        let snapshot = self.registry.snapshot();
        for function in snapshot.functions().filter(|function| !function.provisioned.is_empty()) {
            for version in function.versions.values() {
                let ready = self.instances.provided(version.deployment).0.ready;
                if ready == 0 {
                    continue;
                }
                let mb = u64::from(ready) * u64::from(version.configuration.memory_mb);
                let lasted_ms = u64::try_from(lasted.as_millis()).unwrap_or(0);
                let deployed = Deployed { function: function.clone(), version: version.clone() };
                let usage = Usage { provisioned_mb_ms: mb * lasted_ms, step_ms: self.step_ms, ..Usage::default() };
                self.meter.count(&deployed, now, &usage);
            }
        }
    }

    /// Whether every version that a call of `function` may get speaks HTTP.
    pub fn speaks_http(&self, function: &FunctionRef) -> bool {
        let snapshot = self.registry.snapshot();
        let Ok(registered) = snapshot.function(&FunctionKey::of(function)) else { return false };
        // Both ends of the range, for an alias that splits its calls.
        [0.0, 1.0].iter().all(|fraction| {
            registered.route(function.qualifier.as_ref(), || *fraction).is_ok_and(|version| speaks_http(version))
        })
    }

    fn target(&self, deployed: &Deployed, unreserved: u32) -> Target {
        Target {
            deployment: deployed.version.deployment,
            function: deployed.function.id,
            scope: deployed.function.scope_id,
            memory_mb: deployed.version.configuration.memory_mb.into(),
            reserved: deployed.function.settings.reserved,
            unreserved,
        }
    }

    /// `Root=1-TIME-RANDOM;Parent=RANDOM;Sampled=0`, in X-Ray's form.
    fn trace(&self) -> String {
        let mut random = [0; 20];
        self.clock.random(&mut random);
        let (root, parent) = random.split_at(12);
        let seconds = self.clock.now().0 / 1000;
        format!("Root=1-{seconds:08x}-{};Parent={};Sampled=0", hex::encode(root), hex::encode(parent))
    }

    /// No instance took the call.
    fn not_run(
        self: Arc<Self>,
        why: NotRun,
        deployed: Deployed,
        request_id: &Arc<str>,
        wants_tail: bool,
    ) -> Result<Called, InvokeError> {
        let (error, log) = match why {
            NotRun::Refused(refusal) => return Err(refused(refusal, &deployed)),
            NotRun::Closed => return Err(InvokeError::NoCapacity("The platform is shutting down.".into())),
            NotRun::NotStarted(error, log) => (error, log),
        };
        let limit = deployed.version.configuration.timeout();
        let (payload, after, broken) = match error {
            StartError::Init { error_type, payload, after } => (payload, after, Some(error_type)),
            StartError::InitTimeout(after) => (timeout_document(request_id, limit), after, None),
            StartError::NoRuntime(message) => {
                return Err(InvokeError::Refused { code: "InvalidRuntimeException", message });
            }
            error @ (StartError::SnapshotLost | StartError::Sandbox(_)) => {
                return Err(InvokeError::Internal(error.to_string()));
            }
        };
        let version = deployed.version.label();
        let call = Call {
            request_id: request_id.clone(),
            began: Instant::now(),
            begin: Some(Begin::Init(after)),
            cold: true,
            provisioned: false,
            wants_tail,
            caller: self,
            deployed,
            version,
            log,
        };
        if wants_tail {
            call.caller.log.watch(&call.log);
        }
        call.line(report::start(request_id, &call.version));
        let end = broken.as_deref().map_or(End::TimedOut, |error_type| End::Broken { error_type });
        call.write_down(end, 0, after);
        let reply = call.reply(payload, Some("Unhandled"), None);
        Ok(Called { reply, late_tail: None })
    }
}

/// A version whose snapshot is not made, or cannot be made, takes no calls, as on AWS.
fn check_ready(deployed: &Deployed) -> Result<(), InvokeError> {
    let state = match &deployed.version.readiness {
        Readiness::Active | Readiness::Optimized => return Ok(()),
        Readiness::Pending => "Pending",
        Readiness::Failed { .. } => "Failed",
    };
    let message = format!(
        "The operation cannot be performed at this time. The function is currently in the following state: {state}"
    );
    Err(InvokeError::Refused { code: NOT_READY, message })
}

fn refused(refusal: Refusal, deployed: &Deployed) -> InvokeError {
    match refusal {
        Refusal::Reserved => InvokeError::Throttled { reason: "ReservedFunctionConcurrentInvocationLimitExceeded" },
        Refusal::Unreserved => InvokeError::Throttled { reason: "ConcurrentInvocationLimitExceeded" },
        Refusal::Memory => InvokeError::NoCapacity(format!(
            "The machine has no {} MB left for an instance of {}. Stop other functions, lower its memory, or give the platform more.",
            deployed.version.configuration.memory_mb, deployed.function.key.name
        )),
    }
}

fn speaks_http(version: &Version) -> bool {
    version.configuration.runtime == WASM
}

fn check_size(payload: Bytes, limit: usize, kind: &'static str) -> Result<Bytes, InvokeError> {
    if payload.len() > limit {
        return Err(InvokeError::TooLarge { size: payload.len(), limit, kind });
    }
    Ok(payload)
}

/// Checks an event's size and form. No event at all is an empty object, as on AWS.
pub(crate) fn check_payload(payload: Bytes, limit: usize, kind: &'static str) -> Result<Bytes, InvokeError> {
    let payload = check_size(payload, limit, kind)?;
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    // What is ignored is not decoded, so the text is checked by itself.
    let checked = match std::str::from_utf8(&payload) {
        Ok(text) => serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match checked {
        Ok(()) => Ok(payload),
        Err(why) => Err(InvokeError::Refused {
            code: "InvalidRequestContentException",
            message: format!("Could not parse request body into json: Could not parse payload into json: {why}"),
        }),
    }
}

fn timeout_document(request_id: &str, limit: Duration) -> Bytes {
    let message = format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", limit.as_secs_f64());
    report::error_document("Sandbox.Timedout", &message)
}

impl Call {
    /// Turns what became of the event into the answer, and gives the instance back.
    async fn settle(self, live: Arc<Live>, outcome: Outcome, accepts_stream: bool) -> Result<Called, InvokeError> {
        let finished = match outcome {
            Outcome::Streaming { content_type, chunks, end } if accepts_stream => {
                return Ok(self.stream(live, content_type, chunks, end));
            }
            Outcome::Streaming { content_type, chunks, end } => {
                let (body, ended) = collect(chunks, end).await;
                self.collected(&live, content_type, body, ended)
            }
            other => self.answered(&live, other),
        };
        self.give_back(live, finished.instance_lives);
        let mut reply = self.reply(finished.payload, finished.error, finished.content_type);
        reply.head = finished.head;
        Ok(Called { reply, late_tail: None })
    }

    fn answered(&self, live: &Live, mut outcome: Outcome) -> Finished {
        let mut head = None;
        if let Outcome::Responded(response, body) = outcome {
            head = (body.len() <= limits::SYNC_PAYLOAD_BYTES).then_some(response);
            outcome = Outcome::Answered(body);
        }
        let (end, payload, error) = match &outcome {
            Outcome::Answered(payload) if payload.len() > limits::SYNC_PAYLOAD_BYTES => {
                (End::Failed, response_too_large(), Some("Unhandled"))
            }
            Outcome::Answered(payload) => (End::Answered, payload.clone(), None),
            Outcome::Failed { payload, .. } => (End::Failed, payload.clone(), Some("Unhandled")),
            Outcome::Crashed { error_type, reason } => {
                self.line(report::crashed(&self.request_id, error_type, reason));
                let message = format!("RequestId: {} Error: {reason}", self.request_id);
                (End::Broken { error_type }, report::error_document(error_type, &message), Some("Unhandled"))
            }
            // Only `settle` sees streams, and responses were taken apart above.
            Outcome::TimedOut | Outcome::Streaming { .. } | Outcome::Responded(..) => {
                let limit = self.deployed.version.configuration.timeout();
                self.line(report::timed_out(self.caller.clock.now(), &self.request_id, limit));
                (End::TimedOut, timeout_document(&self.request_id, limit), Some("Unhandled"))
            }
        };
        let instance_lives = matches!(end, End::Answered | End::Failed);
        self.write_down(end, live.measure(), self.began.elapsed());
        Finished { payload, error, content_type: None, head, instance_lives }
    }

    fn collected(&self, live: &Live, content_type: Option<String>, body: Option<Bytes>, end: StreamEnd) -> Finished {
        let instance_lives = self.end_of_stream(live, &end);
        let (payload, error) = match (end, body) {
            (StreamEnd::Failed { error_type, details }, _) => {
                let stated = serde_json::from_str::<IgnoredAny>(&details).is_ok() && !details.is_empty();
                let document = if stated { details.into() } else { report::error_document(&error_type, &details) };
                (document, Some("Unhandled"))
            }
            (StreamEnd::Complete, Some(body)) => (body, None),
            (StreamEnd::Complete, None) => (response_too_large(), Some("Unhandled")),
        };
        Finished { payload, error, content_type, head: None, instance_lives }
    }

    /// Passes the pieces on as they are; what remains to be done is done when the function has finished.
    fn stream(
        self,
        live: Arc<Live>,
        content_type: Option<String>,
        chunks: mpsc::Receiver<Bytes>,
        end: oneshot::Receiver<StreamEnd>,
    ) -> Called {
        let (ended, told) = oneshot::channel();
        let (tail, late_tail) = oneshot::channel();
        let wants_tail = self.wants_tail;
        let mut reply = Reply {
            executed_version: self.version.clone(),
            payload: Bytes::new(),
            head: None,
            error: None,
            stream: None,
            content_type,
            log_tail: None,
        };
        tokio::spawn(async move {
            let end = end.await.unwrap_or_else(|_| broken_stream());
            let lives = self.end_of_stream(&live, &end);
            self.give_back(live, lives);
            if wants_tail {
                drop(tail.send(self.caller.log.take(&self.log)));
            }
            // The caller may have gone.
            drop(ended.send(end));
        });
        reply.stream = Some(ReplyStream { chunks, end: told });
        Called { reply, late_tail: wants_tail.then_some(late_tail) }
    }

    /// Whether the instance can be used again.
    fn end_of_stream(&self, live: &Live, end: &StreamEnd) -> bool {
        let how = match end {
            StreamEnd::Complete => End::Answered,
            StreamEnd::Failed { error_type, .. } if error_type == "Sandbox.Timedout" => {
                let limit = self.deployed.version.configuration.timeout();
                self.line(report::timed_out(self.caller.clock.now(), &self.request_id, limit));
                End::TimedOut
            }
            StreamEnd::Failed { error_type, .. } if error_type.starts_with("Runtime.") => End::Broken { error_type },
            StreamEnd::Failed { .. } => End::Failed,
        };
        let lives = matches!(how, End::Answered | End::Failed);
        self.write_down(how, live.measure(), self.began.elapsed());
        lives
    }

    fn give_back(&self, live: Arc<Live>, lives: bool) {
        if lives {
            self.caller.instances.free(&live);
        } else {
            self.caller.instances.end(live.id);
        }
    }

    fn line(&self, line: String) {
        self.caller.log.write(&self.log, self.caller.clock.now(), line);
    }

    /// `END` and `REPORT`, and the meter.
    fn write_down(&self, end: End<'_>, used_mb: u32, took: Duration) {
        let configuration = &self.deployed.version.configuration;
        let (status, is_error) = match &end {
            End::Answered => (None, false),
            End::Failed => (None, true),
            End::Broken { error_type } => (Some(("error", Some(*error_type))), true),
            End::TimedOut => (Some(("timeout", None)), true),
        };
        let memory_mb = configuration.memory_mb;
        let out_of_memory = matches!(end, End::Broken { error_type: "Runtime.OutOfMemory" });
        let duration = if matches!(end, End::TimedOut) { configuration.timeout() } else { took };
        let restored_ms = match self.begin {
            Some(Begin::Restore { billed_ms, .. }) => billed_ms,
            Some(Begin::Init(_)) | None => 0,
        };
        let billed_ms = report::billed_ms(duration, self.caller.step_ms) + restored_ms;
        let used_mb = if out_of_memory { memory_mb } else { used_mb.min(memory_mb) };
        let begin = self.begin;
        let report = Report { request_id: &self.request_id, duration, billed_ms, memory_mb, used_mb, begin, status };
        self.line(report::end(&self.request_id));
        self.line(report.line());
        let usage = Usage {
            requests: 1,
            errors: is_error.into(),
            billed_ms,
            mb_ms: billed_ms * u64::from(memory_mb),
            on_provisioned_mb_ms: if self.provisioned { billed_ms * u64::from(memory_mb) } else { 0 },
            provisioned_mb_ms: 0,
            cold_starts: self.cold.into(),
            max_memory_mb: used_mb,
            step_ms: self.caller.step_ms,
        };
        self.caller.meter.count(&self.deployed, self.caller.clock.now(), &usage);
    }

    fn reply(&self, payload: Bytes, error: Option<&'static str>, content_type: Option<String>) -> Reply {
        let log_tail = self.wants_tail.then(|| self.caller.log.take(&self.log));
        let executed_version = self.version.clone();
        Reply { executed_version, payload, head: None, error, stream: None, content_type, log_tail }
    }
}

fn response_too_large() -> Bytes {
    let limit = limits::SYNC_PAYLOAD_BYTES;
    let message = format!("Response payload size exceeded maximum allowed payload size ({limit} bytes).");
    report::error_document("Function.ResponseSizeTooLarge", &message)
}

fn broken_stream() -> StreamEnd {
    StreamEnd::Failed { error_type: "Runtime.ExitError".into(), details: "the stream broke off".into() }
}

/// A streamed answer as one piece, or `None` if it is larger than the limit. Takes every piece, so that the function can finish.
async fn collect(mut chunks: mpsc::Receiver<Bytes>, end: oneshot::Receiver<StreamEnd>) -> (Option<Bytes>, StreamEnd) {
    let mut body = Some(BytesMut::new());
    while let Some(chunk) = chunks.recv().await {
        match &mut body {
            Some(whole) if whole.len() + chunk.len() <= limits::SYNC_PAYLOAD_BYTES => whole.extend_from_slice(&chunk),
            _ => body = None,
        }
    }
    (body.map(BytesMut::freeze), end.await.unwrap_or_else(|_| broken_stream()))
}

/// A future that goes on in a task of its own when whoever polls it goes away before its end.
struct Unstoppable<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> Unstoppable<T> {
    fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<T: Send + 'static> Future for Unstoppable<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let polled = future.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Unstoppable<T> {
    fn drop(&mut self) {
        if let (Some(rest), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            drop(runtime.spawn(rest));
        }
    }
}
