//! The Lambda Runtime API (2018-06-01) at a sandbox's door.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use crate::exchange::{Exchange, Next, Refusal};
use bytes::{Bytes, BytesMut};
use fogbank_functions::runtime::{Event, Outcome, StreamEnd};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// The largest buffered answer: 6 MB and 100 bytes, as AWS has it.
const MAX_RESPONSE: usize = 6_291_556;
/// The largest error document.
const MAX_ERROR: usize = 262_144;
/// The largest streamed answer: 200 MB.
const MAX_STREAM: usize = 200 * 1024 * 1024;
/// How much of a request is read ahead.
const MAX_BUFFER: usize = 512 * 1024;
/// So many pieces of a streamed answer wait for their reader before the function is held back.
const PIECES_IN_FLIGHT: usize = 16;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

type Answer = Response<Full<Bytes>>;

/// Ends an instance whose time is up while it streams.
pub(crate) trait Stop: Send + Sync + 'static {
    fn stop(&self);
}

/// Serves one connection.
pub(crate) async fn serve(stream: tokio::net::TcpStream, exchange: Arc<Exchange>, stop: Arc<dyn Stop>) {
    let service = hyper::service::service_fn(|request| {
        let (exchange, stop) = (exchange.clone(), stop.clone());
        async move { Ok::<_, Infallible>(answer(request, &exchange, &stop).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .serve_connection(hyper_util::rt::TokioIo::new(stream), service);
    // A connection that breaks off is the function's own affair: its end shows in the instance's outcome.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, exchange: &Exchange, stop: &Arc<dyn Stop>) -> Answer {
    let (head, body) = request.into_parts();
    let Some(path) = head.uri.path().strip_prefix("/2018-06-01/runtime/") else { return unknown(head.uri.path()) };
    match (&head.method, path.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(exchange).await,
        (&Method::POST, ["invocation", id, "response"]) => match exchange.answer(id) {
            Ok(answering) if is_streaming(&head.headers) => stream(head.headers, body, answering, stop).await,
            Ok(answering) => match collect(body, MAX_RESPONSE).await {
                Ok(payload) => {
                    answering.give(Outcome::Answered(payload));
                    accepted()
                }
                // The function died while it answered: how it ended is told by its process, not by half an answer.
                Err(Uncollected::Broken) => {
                    refuse(StatusCode::BAD_REQUEST, "InvalidRequest", "The response body ended too early.")
                }
                Err(Uncollected::TooLarge) => {
                    let (error_type, payload) = too_large();
                    answering.give(Outcome::Failed { error_type, payload });
                    refuse(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "RequestEntityTooLarge",
                        "Exceeded maximum allowed payload size (6291556 bytes).",
                    )
                }
            },
            Err(refusal) => refused(refusal),
        },
        (&Method::POST, ["invocation", id, "error"]) => match exchange.answer(id) {
            Ok(answering) => {
                let (error_type, payload) = error_of(&head.headers, body).await;
                answering.give(Outcome::Failed { error_type, payload });
                accepted()
            }
            Err(refusal) => refused(refusal),
        },
        (&Method::POST, ["init", "error"]) => {
            let (error_type, payload) = error_of(&head.headers, body).await;
            exchange.fail_initialisation(error_type, payload).map_or_else(refused, |()| accepted())
        }
        _ => unknown(head.uri.path()),
    }
}

async fn next(exchange: &Exchange) -> Answer {
    match exchange.next() {
        Ok(Next::Event(event)) => with_event(*event),
        Ok(Next::Wait(event)) => match event.await {
            Ok(event) => with_event(event),
            // Another connection has asked since: that one gets the event.
            Err(_) => refused(Refusal::InvalidState),
        },
        Err(refusal) => refused(refusal),
    }
}

fn with_event(event: Event) -> Answer {
    let mut answer = Response::new(Full::new(event.payload));
    let headers = answer.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    };
    set("content-type", "application/json");
    set("lambda-runtime-aws-request-id", &event.request_id);
    set("lambda-runtime-deadline-ms", &event.deadline.0.to_string());
    set("lambda-runtime-invoked-function-arn", &event.invoked_arn);
    set("lambda-runtime-trace-id", &event.trace);
    if let Some(context) = &event.client_context {
        set("lambda-runtime-client-context", context);
    }
    answer
}

fn is_streaming(headers: &HeaderMap) -> bool {
    headers
        .get("lambda-runtime-function-response-mode")
        .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"))
}

/// Passes a streamed answer on piece by piece, within the event's time limit.
async fn stream(
    headers: HeaderMap,
    mut body: Incoming,
    answering: crate::exchange::Answering,
    stop: &Arc<dyn Stop>,
) -> Answer {
    let (pieces, chunks) = mpsc::channel(PIECES_IN_FLIGHT);
    let (tell, end) = oneshot::channel();
    let until = answering.until;
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    answering.give(Outcome::Streaming { content_type, chunks, end });
    let passed = tokio::time::timeout_at(until, pass_on(&mut body, &pieces)).await;
    drop(pieces);
    let (ended, answer) = match passed {
        Ok(StreamEnd::Complete) => (StreamEnd::Complete, accepted()),
        Ok(failed) => (failed, accepted()),
        Err(_) => {
            stop.stop();
            let failed =
                failed_stream("Sandbox.Timedout", "The function's time limit passed while it streamed its answer");
            (failed, refused(Refusal::InvalidState))
        }
    };
    let _ = tell.send(ended);
    answer
}

async fn pass_on(body: &mut Incoming, pieces: &mpsc::Sender<Bytes>) -> StreamEnd {
    let (mut size, mut failed) = (0usize, None);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return failed_stream("Runtime.TruncatedResponse", "The connection ended before the answer did");
        };
        match frame.into_data() {
            Ok(piece) => {
                size += piece.len();
                if size > MAX_STREAM {
                    return failed_stream(
                        "Function.ResponseSizeTooLarge",
                        "Response payload size exceeded maximum allowed payload size (209715200 bytes).",
                    );
                }
                // A caller that has gone does not stop the function, as on AWS.
                let _ = pieces.send(piece).await;
            }
            Err(frame) => failed = frame.into_trailers().ok().and_then(|trailers| error_trailers(&trailers)).or(failed),
        }
    }
    failed.unwrap_or(StreamEnd::Complete)
}

fn failed_stream(error_type: &str, message: &str) -> StreamEnd {
    let details = serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string();
    StreamEnd::Failed { error_type: error_type.into(), details }
}

/// The error that came in the trailers; its document is base64.
fn error_trailers(trailers: &HeaderMap) -> Option<StreamEnd> {
    use base64::Engine;
    let error_type = trailers.get(ERROR_TYPE)?.to_str().ok()?.to_owned();
    let body = trailers.get(ERROR_BODY).map(HeaderValue::as_bytes).unwrap_or_default();
    let details =
        base64::engine::general_purpose::STANDARD.decode(body).ok().and_then(|text| String::from_utf8(text).ok());
    Some(StreamEnd::Failed { error_type, details: details.unwrap_or_default() })
}

/// Why a body is not there as a whole.
enum Uncollected {
    TooLarge,
    Broken,
}

/// The whole body, without copying it where it came in one piece.
async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Uncollected> {
    let (mut first, mut rest) = (None::<Bytes>, BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|_| Uncollected::Broken)?.into_data() else { continue };
        if first.as_ref().map_or(0, Bytes::len) + rest.len() + piece.len() > limit {
            drain(body).await;
            return Err(Uncollected::TooLarge);
        }
        match &first {
            None => first = Some(piece),
            Some(begin) => {
                if rest.is_empty() {
                    rest.reserve(begin.len() + piece.len());
                    rest.extend_from_slice(begin);
                    first = Some(Bytes::new());
                }
                rest.extend_from_slice(&piece);
            }
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}

/// Reads what is too much, to a bound, so that a client that does not listen while it writes still sees the refusal.
async fn drain(mut body: Incoming) {
    let mut left = 64 * 1024 * 1024_usize;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

fn too_large() -> (String, Bytes) {
    let document = serde_json::json!({
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    });
    ("Function.ResponseSizeTooLarge".into(), document.to_string().into())
}

async fn error_of(headers: &HeaderMap, body: Incoming) -> (String, Bytes) {
    let payload = collect(body, MAX_ERROR).await.unwrap_or_else(|_| Bytes::from_static(b"{}"));
    let declared = headers
        .get(ERROR_TYPE)
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.is_empty())
        .map(str::to_owned);
    let in_document = || {
        let document: serde_json::Value = serde_json::from_slice(&payload).ok()?;
        Some(document.get("errorType")?.as_str()?.to_owned())
    };
    let error_type = declared.or_else(in_document).unwrap_or_else(|| "Runtime.Unknown".into());
    (error_type, payload)
}

fn accepted() -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(b"{\"status\":\"OK\"}\n")));
    *answer.status_mut() = StatusCode::ACCEPTED;
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    answer
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::InvalidRequestId => refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        Refusal::InvalidState => {
            refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", "State transition is not allowed")
        }
    }
}

fn unknown(path: &str) -> Answer {
    let text = if path.starts_with("/2020-01-01/extension/") {
        "The Extensions API is not supported: run the function without external extensions"
    } else {
        "404 page not found"
    };
    refuse(StatusCode::NOT_FOUND, "NotFound", text)
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Answer {
    let document = serde_json::json!({ "errorMessage": message, "errorType": kind });
    let mut answer = Response::new(Full::new(Bytes::from(document.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    answer
}
