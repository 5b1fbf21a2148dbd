//! One running copy of a function: its sandbox, its Runtime API, its output.

use crate::api::Stop;
use crate::exchange::{Exchange, Initialised};
use crate::output::Output;
use crate::zygote::Zygote;
use bytes::Bytes;
use fogbank_functions::runtime::{Event, Instance, Outcome, StartError, Started, StreamEnd};
use fogbank_model::BoxFuture;
use fogbank_sandbox::{Control, Ended, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A sandboxed process that speaks the Runtime API. Dropping it kills the sandbox.
pub(crate) struct ProcessInstance {
    pub(crate) control: Arc<Control>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) output: Arc<Output>,
    /// What it was forked from, and ends with.
    pub(crate) _zygote: Option<Arc<Zygote>>,
    /// The tasks that serve its doors; they end with it.
    pub(crate) doors: JoinSet<()>,
}

/// Kills a sandbox.
pub(crate) struct Killer(pub(crate) Arc<Control>);

impl Stop for Killer {
    fn stop(&self) {
        self.0.kill();
    }
}

impl Drop for ProcessInstance {
    fn drop(&mut self) {
        self.control.kill();
    }
}

/// How long the last output of an ended sandbox is waited for.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl ProcessInstance {
    /// Ends every connection through its doors, and takes no more.
    pub(crate) fn close_doors(mut self) -> Self {
        self.doors = JoinSet::new();
        self
    }

    /// Waits until it has initialised itself, at most for `limit`.
    pub(crate) async fn initialise(
        self,
        initialised: oneshot::Receiver<Initialised>,
        begin: Instant,
        limit: Duration,
    ) -> Result<Started, StartError> {
        self.initialised(initialised, begin, limit).await?;
        Ok(Started { instance: Box::new(self), init: begin.elapsed() })
    }

    /// Resolves when it has initialised itself, or failed to.
    pub(crate) async fn initialised(
        &self,
        initialised: oneshot::Receiver<Initialised>,
        begin: Instant,
        limit: Duration,
    ) -> Result<(), StartError> {
        tokio::select! {
            biased;
            Ok(initialised) = initialised => {
                self.output.catch_up();
                match initialised {
                    Initialised::Ready => Ok(()),
                    Initialised::Failed { error_type, payload } => Err(StartError::Init { error_type, payload, after: begin.elapsed() }),
                }
            }
            ended = self.control.ended() => {
                self.last_words().await;
                let (error_type, reason) = crash(&ended);
                Err(StartError::Init { payload: document(&error_type, &reason), error_type, after: begin.elapsed() })
            }
            () = tokio::time::sleep(limit) => {
                self.stop().await;
                Err(StartError::InitTimeout(limit))
            }
        }
    }

    /// Kills it and reads what it has written to its end, so that this stands in the log before the call's end does.
    pub(crate) async fn stop(&self) {
        self.control.kill();
        let _ = tokio::time::timeout(LAST_WORDS, self.control.ended()).await;
        self.last_words().await;
    }

    /// The end of a stream, told once what the function printed before it stands in the log.
    fn after_output(&self, end: oneshot::Receiver<StreamEnd>) -> oneshot::Receiver<StreamEnd> {
        let (tell, told) = oneshot::channel();
        let output = self.output.clone();
        tokio::spawn(async move {
            // A sender that is gone is passed on as one.
            if let Ok(end) = end.await {
                output.catch_up();
                let _ = tell.send(end);
            }
        });
        told
    }

    /// Reads the rest of the output of a sandbox that has ended.
    pub(crate) async fn last_words(&self) {
        let _ = tokio::time::timeout(LAST_WORDS, self.output.follow()).await;
    }
}

impl Instance for ProcessInstance {
    fn invoke(&self, event: Event) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let limit = tokio::time::sleep(event.timeout);
            let answer = self.exchange.begin(event);
            let outcome = tokio::select! {
                biased;
                Ok(outcome) = answer => outcome,
                ended = self.control.ended() => {
                    self.last_words().await;
                    let (error_type, reason) = crash(&ended);
                    return Outcome::Crashed { error_type, reason };
                }
                () = limit => {
                    self.stop().await;
                    return Outcome::TimedOut;
                }
            };
            self.output.catch_up();
            match outcome {
                Outcome::Streaming { content_type, chunks, end } => {
                    Outcome::Streaming { content_type, chunks, end: self.after_output(end) }
                }
                whole => whole,
            }
        })
    }

    fn ended(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.control.ended().await;
        })
    }

    fn max_memory_mb(&self) -> u32 {
        let bytes = self.control.peak_bytes().unwrap_or(0);
        u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX)
    }
}

/// An error in the form in which functions report theirs.
pub(crate) fn document(error_type: &str, message: &str) -> Bytes {
    serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
}

/// AWS's error type and words for a process that ended without an answer.
pub(crate) fn crash(ended: &Ended) -> (String, String) {
    let reason = match (ended.status, &ended.failure) {
        (_, Some(failure)) => return ("Runtime.InvalidEntrypoint".into(), format!("Error: {failure}")),
        (Some(ExitStatus::Code(0)), _) => "Runtime exited without providing a reason".into(),
        (Some(ExitStatus::Code(code)), _) => format!("Runtime exited with error: exit status {code}"),
        (Some(ExitStatus::Signal(signal)), _) => format!("Runtime exited with error: signal: {}", signal_name(signal)),
        (None, _) => "Runtime exited with error: signal: killed".into(),
    };
    let out_of_memory = ended.out_of_memory && ended.status.is_none_or(|status| status == ExitStatus::Signal(9));
    let error_type = if out_of_memory { "Runtime.OutOfMemory" } else { "Runtime.ExitError" };
    (error_type.into(), reason)
}

/// The words that AWS uses (Go's `syscall.Signal.String`).
fn signal_name(signal: i32) -> String {
    match signal {
        2 => "interrupt".into(),
        3 => "quit".into(),
        4 => "illegal instruction".into(),
        5 => "trace/breakpoint trap".into(),
        6 => "aborted".into(),
        7 => "bus error".into(),
        8 => "floating point exception".into(),
        9 => "killed".into(),
        11 => "segmentation fault".into(),
        13 => "broken pipe".into(),
        15 => "terminated".into(),
        31 => "bad system call".into(),
        other => format!("signal {other}"),
    }
}
