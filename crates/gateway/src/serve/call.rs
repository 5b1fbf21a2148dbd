//! Calling: the function gets the event, within the integration's time.

use super::answer;
use super::refusal::Refusal;
use super::request::Received;
use bytes::Bytes;
use fogbank_model::{Clock, FunctionRef, Invocation, Invoke, InvokeError, Reply, RequestContext};
use std::sync::Arc;
use std::time::Duration;

/// A call to make.
pub(crate) struct Call {
    pub context: RequestContext,
    pub function: FunctionRef,
    pub event: Bytes,
    /// The head of the client's request, where the function takes that as it is, and `event` is its body.
    pub head: Option<Box<http::request::Parts>>,
    /// `None`: as long as the function's own timeout allows.
    pub timeout: Option<Duration>,
    pub accepts_stream: bool,
}

impl Call {
    /// A call with an event, which may take as long as the function's own timeout allows and is answered as a whole.
    pub fn new(context: RequestContext, function: &FunctionRef, event: Bytes) -> Self {
        Self { context, function: function.clone(), event, head: None, timeout: None, accepts_stream: false }
    }
}

/// Calls the function. It goes on when the time is over or the client has gone, as in AWS.
pub(crate) async fn call(invoke: &Arc<dyn Invoke>, clock: &dyn Clock, call: Call) -> Result<Reply, Refusal> {
    let request_id = call.context.request_id.clone();
    let invocation = Invocation {
        function: call.function,
        payload: call.event,
        head: call.head,
        client_context: None,
        accepts_stream: call.accepts_stream,
        wants_log_tail: false,
    };
    let invoke = invoke.clone();
    let context = call.context;
    let running = tokio::spawn(async move { invoke.invoke(context, invocation).await });
    let outcome = match call.timeout {
        None => running.await,
        Some(limit) => tokio::select! {
            outcome = running => outcome,
            () = clock.sleep_until(clock.now().plus(limit)) => {
                tracing::debug!(%request_id, ?limit, "the integration timed out");
                return Err(Refusal::TimedOut);
            }
        },
    };
    let reply = outcome.unwrap_or_else(|why| Err(InvokeError::Internal(why.to_string())));
    let reply = reply.map_err(|error| {
        let refusal = refusal(&error);
        tracing::debug!(%request_id, %error, ?refusal, "the integration could not be called");
        refusal
    })?;
    match reply.error {
        None => Ok(reply),
        Some(kind) => {
            tracing::debug!(%request_id, kind, "the function failed");
            Err(Refusal::Failed)
        }
    }
}

/// Hands the client's request over as it is, to a function that speaks HTTP. `path` is what the client asked of the API, and still encoded.
pub(crate) async fn pass(
    invoke: &Arc<dyn Invoke>,
    clock: &dyn Clock,
    received: &Received<'_>,
    path: &str,
    call: Call,
) -> Result<http::Response<fogbank_wire::Body>, Refusal> {
    let head = Some(Box::new(received.forwarded(path)));
    let reply = self::call(invoke, clock, Call { head, event: received.body.clone(), ..call }).await?;
    match reply.head {
        Some(head) => Ok(answer::passed_on(*head, reply.payload)),
        // An update has put another kind of function in its place meanwhile.
        None => Err(Refusal::Unreachable),
    }
}

fn refusal(error: &InvokeError) -> Refusal {
    match error {
        InvokeError::Throttled { .. } | InvokeError::NoCapacity(_) => Refusal::Busy,
        InvokeError::TooLarge { .. } => Refusal::TooLarge,
        InvokeError::NotFound(_) | InvokeError::Refused { .. } | InvokeError::Internal(_) => Refusal::Unreachable,
    }
}
