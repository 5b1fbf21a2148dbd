//! The way of one call: find the version, get an instance, hand it the event, answer, write it down. No disk, no lock across an
//! await, no copy of the payload.

mod settle;

use crate::instances::{Deployed, Instances, NotRun};
use crate::meter::{Meter, Usage};
use crate::model::{FunctionKey, Readiness, Version};
use crate::pool::{Refusal, Target};
use crate::registry::Registry;
use crate::report::{self, Begin};
use crate::runtime::{Event, StartError, WASM};
use crate::tail::LogTail;
use crate::{Error, limits};
use bytes::Bytes;
use fogbank_model::{
    Clock, FunctionRef, Invocation, InvokeError, LogSink, LogStream, Reply, RequestContext, Timestamp,
};
use serde::de::IgnoredAny;
use settle::End;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

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
