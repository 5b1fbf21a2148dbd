//! Greets whoever calls. Over HTTP it answers `GET /hello?NAME`; an event's JSON comes back as it came.

#![cfg_attr(target_os = "unknown", no_std)]

extern crate alloc;

// Only needed to build without the standard library; the target `wasm32-wasip2` has one.
#[cfg(target_os = "unknown")]
mod bare;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

wasip2::http::proxy::export!(Greeter);

struct Greeter;

impl wasip2::exports::http::incoming_handler::Guest for Greeter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, name) = target.split_once('?').unwrap_or((&target, "world"));
        match (request.method(), path) {
            (Method::Get, _) => respond(out, 200, "text/plain", format!("Hello, {name}!").as_bytes()),
            // Events that are no HTTP requests come as a POST, with the Lambda context in headers.
            (Method::Post, "/") => {
                let id = header(&request, "lambda-runtime-aws-request-id");
                let _ = wasip2::cli::stdout::get_stdout().blocking_write_and_flush(format!("request {id}\n").as_bytes());
                respond(out, 200, "application/json", &body(&request));
            }
            _ => respond(out, 405, "text/plain", b"only GET and POST"),
        }
    }
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let value = request.headers().get(name).into_iter().next().unwrap_or_default();
    String::from_utf8(value).unwrap_or_default()
}

fn body(request: &IncomingRequest) -> Vec<u8> {
    let mut whole = Vec::new();
    if let Ok(incoming) = request.consume()
        && let Ok(stream) = incoming.stream()
    {
        while let Ok(piece) = stream.blocking_read(64 * 1024) {
            whole.extend_from_slice(&piece);
        }
    }
    whole
}

fn respond(out: ResponseOutparam, status: u16, kind: &str, body: &[u8]) {
    let headers = Fields::new();
    let _ = headers.set("content-type", &[kind.as_bytes().to_vec()]);
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(status);
    let Ok(outgoing) = response.body() else { return };
    ResponseOutparam::set(out, Ok(response));
    if let Ok(stream) = outgoing.write() {
        // A stream takes at most 4 KiB at once.
        let _ = body.chunks(4096).try_for_each(|piece| stream.blocking_write_and_flush(piece));
    }
    let _ = OutgoingBody::finish(outgoing, None);
}
