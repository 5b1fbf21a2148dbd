//! Handlers for calls. They take the input as it was decoded: payloads are moved, not copied.

use super::faults;
use super::functions::named;
use crate::Functions;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use fogbank_model::{Invocation, ReplyStream, StreamEnd};
use fogbank_wire::{Body, Fault, Input, Output, Value};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

type State = Arc<Functions>;

fn text(input: &Input, member: &str) -> Option<String> {
    input.value.get(member).and_then(Value::as_str).map(str::to_owned)
}

fn payload(input: &mut Input, member: &str) -> Bytes {
    match input.value.take(member) {
        Some(Value::Blob(bytes)) => bytes,
        Some(Value::Text(text)) => text.into(),
        _ => Bytes::new(),
    }
}

/// Reads what the calling operations have in common.
fn invocation(input: &mut Input, payload: Bytes, accepts_stream: bool) -> Result<Invocation, Fault> {
    let refuse = |member: &str| match text(input, member) {
        Some(_) => Err(Fault::from(crate::Error::unsupported(member))),
        None => Ok(()),
    };
    refuse("DurableExecutionName")?;
    refuse("TenantId")?;
    let name = text(input, "FunctionName").unwrap_or_default();
    let invalid =
        || crate::Error::invalid("ClientContext must be the base64 form of a JSON object of at most 3583 bytes.");
    let decode = |encoded: String| -> Option<String> {
        let decoded = BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
        serde_json::from_str::<serde::de::IgnoredAny>(&decoded).is_ok().then_some(decoded)
    };
    let client_context = text(input, "ClientContext").filter(|encoded| !encoded.is_empty());
    let client_context = client_context.map(|encoded| decode(encoded).ok_or_else(invalid)).transpose()?;
    Ok(Invocation {
        function: named(&input.context, &name, text(input, "Qualifier").as_deref())?,
        payload,
        head: None,
        client_context,
        accepts_stream,
        wants_log_tail: text(input, "LogType").as_deref() == Some("Tail"),
    })
}

fn output(members: Vec<(&str, Value)>) -> Output {
    Output::Value(Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

pub(super) async fn invoke(state: State, mut input: Input) -> Result<Output, Fault> {
    let payload = payload(&mut input, "Payload");
    let kind = text(&input, "InvocationType");
    let mut invocation = invocation(&mut input, payload, false)?;
    match kind.as_deref() {
        Some("Event") => {
            invocation.wants_log_tail = false;
            state.asynchronous.accept(&input.context, invocation).await.map_err(faults::invoke)?;
            Ok(output(vec![("StatusCode", Value::Int(202)), ("Payload", Value::Blob(Bytes::new()))]))
        }
        Some("DryRun") => {
            state.caller.find(&invocation.function).map_err(faults::invoke)?;
            Ok(output(vec![("StatusCode", Value::Int(204)), ("Payload", Value::Blob(Bytes::new()))]))
        }
        _ => {
            let reply = state.caller.call(input.context, invocation).await.map_err(faults::invoke)?.reply;
            let mut members = vec![
                ("StatusCode", Value::Int(200)),
                ("ExecutedVersion", reply.executed_version.into()),
                ("Payload", Value::Blob(reply.payload)),
            ];
            members.extend(reply.error.map(|error| ("FunctionError", error.into())));
            members.extend(reply.log_tail.map(|tail| ("LogResult", BASE64_STANDARD.encode(tail).into())));
            Ok(output(members))
        }
    }
}

pub(super) async fn invoke_async(state: State, mut input: Input) -> Result<Output, Fault> {
    let payload = payload(&mut input, "InvokeArgs");
    let invocation = invocation(&mut input, payload, false)?;
    state.asynchronous.accept(&input.context, invocation).await.map_err(faults::invoke)?;
    Ok(output(vec![("Status", Value::Int(202))]))
}

pub(super) async fn invoke_with_response_stream(state: State, mut input: Input) -> Result<Output, Fault> {
    let payload = payload(&mut input, "Payload");
    let kind = text(&input, "InvocationType");
    let invocation = invocation(&mut input, payload, true)?;
    let executed = |version: String| ("ExecutedVersion".to_owned(), Value::Text(version));
    let status = |code| ("StatusCode".to_owned(), Value::Int(code));
    if kind.as_deref() == Some("DryRun") {
        state.caller.find(&invocation.function).map_err(faults::invoke)?;
        return Ok(Output::Stream { value: Value::Map(vec![status(204)]), body: Body::empty() });
    }
    let called = state.caller.call(input.context, invocation).await.map_err(faults::invoke)?;
    let (reply, late_tail) = (called.reply, called.late_tail);
    let mut members = vec![status(200), executed(reply.executed_version)];
    members.push(("ResponseStreamContentType".into(), "application/vnd.amazon.eventstream".into()));
    let (frames, body) = mpsc::channel(16);
    let whole = Whole { payload: reply.payload, error: reply.error, log_tail: reply.log_tail };
    tokio::spawn(frame_all(frames, whole, reply.stream, late_tail));
    Ok(Output::Stream { value: Value::Map(members), body: Body::Stream(body) })
}

/// The part of an answer that was there before the stream, or all of it.
struct Whole {
    payload: Bytes,
    error: Option<&'static str>,
    log_tail: Option<String>,
}

/// Sends an answer as event stream frames. Ends early when the client has gone.
async fn frame_all(
    frames: mpsc::Sender<Bytes>,
    whole: Whole,
    stream: Option<ReplyStream>,
    late_tail: Option<oneshot::Receiver<String>>,
) {
    let failed = whole.error.is_some();
    let mut end = match failed {
        true => StreamEnd::Failed {
            error_type: "Unhandled".into(),
            details: String::from_utf8_lossy(&whole.payload).into_owned(),
        },
        false => StreamEnd::Complete,
    };
    if !failed && !whole.payload.is_empty() && frames.send(chunk(whole.payload)).await.is_err() {
        return;
    }
    if let Some(mut stream) = stream {
        while let Some(piece) = stream.chunks.recv().await {
            if frames.send(chunk(piece)).await.is_err() {
                return;
            }
        }
        end = stream.end.await.unwrap_or(StreamEnd::Complete);
    }
    let tail = match late_tail {
        Some(late) => late.await.ok(),
        None => whole.log_tail,
    };
    drop(frames.send(complete(end, tail)).await);
}

fn chunk(payload: Bytes) -> Bytes {
    fogbank_wire::event_frame("PayloadChunk", "application/octet-stream", &payload)
}

fn complete(end: StreamEnd, tail: Option<String>) -> Bytes {
    let mut members = serde_json::Map::new();
    if let StreamEnd::Failed { error_type, details } = end {
        members.insert("ErrorCode".into(), error_type.into());
        members.insert("ErrorDetails".into(), details.into());
    }
    members.extend(tail.map(|tail| ("LogResult".to_owned(), BASE64_STANDARD.encode(tail).into())));
    let payload = serde_json::Value::Object(members).to_string();
    fogbank_wire::event_frame("InvokeComplete", "application/json", payload.as_bytes())
}
