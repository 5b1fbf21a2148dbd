//! The one call that every trigger ends in.

use crate::{BoxFuture, FunctionRef, RequestContext};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// One event for a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Which function, and which version or alias of it.
    pub function: FunctionRef,
    /// The event; JSON, unless there is a `head`.
    pub payload: Bytes,
    /// Set where the event is an HTTP request as a client sent it, and `payload` its body. Only for what [`Invoke::speaks_http`].
    pub head: Option<Box<http::request::Parts>>,
    /// The base64 text of `X-Amz-Client-Context`, decoded to JSON.
    pub client_context: Option<String>,
    /// Whether the caller can take an answer piece by piece. Without it a streamed answer is collected, to at most 6 MB.
    pub accepts_stream: bool,
    /// Whether the caller asked for the last 4 KB of the log (`LogType: Tail`).
    pub wants_log_tail: bool,
}

/// What a function made of an event.
#[derive(Debug)]
pub struct Reply {
    /// The version that ran, such as `$LATEST` or `3`.
    pub executed_version: String,
    /// The answer's body, or the error's JSON document if `error` is set.
    pub payload: Bytes,
    /// Set where the answer is an HTTP response as the function made it, and `payload` its body.
    pub head: Option<Box<http::response::Parts>>,
    /// `Handled` or `Unhandled` if the function failed, as in the header `X-Amz-Function-Error`.
    pub error: Option<&'static str>,
    /// What follows `payload` where the function streams its answer and the caller accepts that.
    pub stream: Option<ReplyStream>,
    /// The content type that a streaming function declared.
    pub content_type: Option<String>,
    /// The last 4 KB of the log of this call, if asked for.
    pub log_tail: Option<String>,
}

/// The rest of a streamed answer.
#[derive(Debug)]
pub struct ReplyStream {
    /// The pieces, in order. Not taking them holds the function back.
    pub chunks: mpsc::Receiver<Bytes>,
    /// How it ended; sent after the last piece.
    pub end: oneshot::Receiver<StreamEnd>,
}

/// How a streamed answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// The function finished its answer.
    Complete,
    /// The function failed midway.
    Failed {
        /// Such as `Runtime.ExitError`.
        error_type: String,
        /// The error's JSON document.
        details: String,
    },
}

/// Why a call did not reach a function's code.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// There is no such function, version or alias.
    #[error("Function not found: {0}")]
    NotFound(String),
    /// No instance may be started for it now: the concurrency limit is reached.
    #[error("Rate Exceeded.")]
    Throttled {
        /// AWS's word for the limit, such as `ReservedFunctionConcurrentInvocationLimitExceeded`.
        reason: &'static str,
    },
    /// The machine has no room for another instance now.
    #[error("{0}")]
    NoCapacity(String),
    /// The payload is larger than the limit.
    #[error("{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
        /// `RequestResponse` or `Event`.
        kind: &'static str,
    },
    /// The payload is not JSON, or the function's state does not allow a call.
    #[error("{message}")]
    Refused {
        /// The wire code, such as `InvalidRequestContentException`.
        code: &'static str,
        /// What to do about it.
        message: String,
    },
    /// The platform failed. The text is for the log, never for the caller.
    #[error("{0}")]
    Internal(String),
}

/// Runs functions. Implemented by `functions`; the gateway and every other trigger hold it as a trait, so that they do not depend on it.
pub trait Invoke: Send + Sync + 'static {
    /// Runs `invocation` and waits for its answer.
    fn invoke(&self, context: RequestContext, invocation: Invocation) -> BoxFuture<'_, Result<Reply, InvokeError>>;

    /// Whether `function` takes HTTP requests as they are, rather than events made of them. False for what does not exist.
    fn speaks_http(&self, _function: &FunctionRef) -> bool {
        false
    }
}
