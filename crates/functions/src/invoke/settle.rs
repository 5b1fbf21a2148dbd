//! The end of a call: its answer, its last lines in the log, its entry in the meter, and its instance given back.

use super::{Call, Called, timeout_document};
use crate::instances::Live;
use crate::limits;
use crate::meter::Usage;
use crate::report::{self, Begin, Report};
use crate::runtime::Outcome;
use bytes::{Bytes, BytesMut};
use fogbank_model::{InvokeError, LogSink, Reply, ReplyStream, StreamEnd};
use serde::de::IgnoredAny;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How a call ended, for its `REPORT` line.
pub(super) enum End<'a> {
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

impl Call {
    /// Turns what became of the event into the answer, and gives the instance back.
    pub(super) async fn settle(
        self,
        live: Arc<Live>,
        outcome: Outcome,
        accepts_stream: bool,
    ) -> Result<Called, InvokeError> {
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

    pub(super) fn line(&self, line: String) {
        self.caller.log.write(&self.log, self.caller.clock.now(), line);
    }

    /// `END` and `REPORT`, and the meter.
    pub(super) fn write_down(&self, end: End<'_>, used_mb: u32, took: Duration) {
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

    pub(super) fn reply(&self, payload: Bytes, error: Option<&'static str>, content_type: Option<String>) -> Reply {
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
