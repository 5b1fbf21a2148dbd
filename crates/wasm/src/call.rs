//! One call: a fresh instance in a store of its own, given one request, and dropped.

use crate::host::Host;
use bytes::{Bytes, BytesMut};
use fogbank_functions::runtime::{Outcome, SYNC_PAYLOAD_BYTES};
use http::Request;
use http::response::Parts;
use http_body_util::{BodyExt, Full};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

/// How much of a trap's description goes to the log, in bytes.
const TRACE_BYTES: usize = 8 * 1024;

/// What came of a call.
pub(crate) enum Ran {
    /// The component's response. Of a body beyond Lambda's limit there is one byte more than that limit.
    Responded(Box<Parts>, Bytes),
    /// Something else, and what the log should say of it.
    Broken(Outcome, Option<String>),
}

type Sent = Result<http::Response<HyperOutgoingBody>, ErrorCode>;

/// Runs `request` on a fresh instance of `component`, until the component has returned. `is_long` turns true when an epoch has ended meanwhile.
pub(crate) async fn run(
    component: &ProxyPre<Host>,
    host: Host,
    request: Request<Full<Bytes>>,
    is_long: Arc<AtomicBool>,
) -> Ran {
    let mut store = Store::new(component.engine(), host);
    store.limiter(|host| &mut host.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        is_long.store(true, Ordering::Relaxed);
        Ok(UpdateDeadline::Yield(1))
    });
    let (sent, response) = oneshot::channel();
    let running = async move {
        let ended = serve(component, &mut store, request, sent).await;
        // With the store goes what the component has not finished, and `receive` ends too.
        (ended, store.data().memory.refused)
    };
    let ((ended, refused), received) = tokio::join!(running, receive(response));
    match (ended, received) {
        (Ok(()), Some(Ok((head, body)))) => Ran::Responded(head, body),
        (Err(error), Some(Ok((head, body)))) if exit_status(&error) == Some(0) => Ran::Responded(head, body),
        (Err(error), _) => broken(&error, refused),
        (Ok(()), Some(Err(code))) => failed("Runtime.HttpError", &format!("The component failed to respond: {code}")),
        (Ok(()), None) => failed("Runtime.NoResponse", "The component returned without setting a response."),
    }
}

async fn serve(
    component: &ProxyPre<Host>,
    store: &mut Store<Host>,
    request: Request<Full<Bytes>>,
    sent: oneshot::Sender<Sent>,
) -> wasmtime::Result<()> {
    use wasmtime_wasi_http::WasiHttpView;
    let request = request.map(|body| body.map_err(|never: Infallible| -> wasmtime_wasi_http::Error { match never {} }));
    let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
    let out = store.data_mut().http().new_response_outparam(sent)?;
    let proxy = component.instantiate_async(&mut *store).await?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, out).await
}

/// The response, if the component sets one. Takes the whole body, so that the component can finish.
async fn receive(response: oneshot::Receiver<Sent>) -> Option<Result<(Box<Parts>, Bytes), String>> {
    let response = match response.await.ok()? {
        Ok(response) => response,
        Err(code) => return Some(Err(format!("{code:?}"))),
    };
    let (head, mut body) = response.into_parts();
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let piece = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return Some(Err(format!("{error:?}"))),
        };
        let room = (SYNC_PAYLOAD_BYTES + 1).saturating_sub(first.len() + rest.len());
        let piece = piece.slice(..piece.len().min(room));
        match first.is_empty() {
            // Most bodies come in one piece, which needs no copy.
            true => first = piece,
            false => rest.extend_from_slice(&piece),
        }
    }
    let body = match rest.is_empty() {
        true => first,
        false => [&first[..], &rest[..]].concat().into(),
    };
    Some(Ok((Box::new(head), body)))
}

fn exit_status(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}

fn broken(error: &wasmtime::Error, out_of_memory: bool) -> Ran {
    // The causes one by one: the error's debug form may hold the platform's own backtrace, which says nothing to the function's author.
    let mut trace = error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\nCaused by: ");
    trace.truncate(trace.floor_char_boundary(TRACE_BYTES));
    let (error_type, reason) = match (exit_status(error), error.downcast_ref::<Trap>()) {
        _ if out_of_memory => (
            "Runtime.OutOfMemory",
            "Runtime exited with error: the component wanted more memory than the function has".into(),
        ),
        (Some(0), _) => ("Runtime.ExitError", "Runtime exited without providing a reason".into()),
        (Some(status), _) => ("Runtime.ExitError", format!("Runtime exited with error: exit status {status}")),
        (None, Some(trap)) => ("Runtime.ExitError", format!("Runtime exited with error: {trap}")),
        (None, None) => ("Runtime.ExitError", format!("Runtime exited with error: {}", error.root_cause())),
    };
    Ran::Broken(Outcome::Crashed { error_type: error_type.into(), reason }, Some(trace))
}

/// An error of the component's own making; the log has nothing to say of it.
pub(crate) fn failed(error_type: &str, message: &str) -> Ran {
    let payload = serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string().into();
    Ran::Broken(Outcome::Failed { error_type: error_type.into(), payload }, None)
}
