//! What stands beside the platform: other ways to run functions on one's own machine, taken as they come from their registries and
//! driven from outside only. One that cannot be installed or does not answer is left out, and the table says why.

pub mod cargo_lambda;
pub mod dynalite;
pub mod functions_framework;
mod install;
pub mod ministack;
pub mod moto;
pub mod serverless_offline;
pub mod workerd;

/// A call with an event as plain text, for servers that know no events.
fn text_request(address: std::net::SocketAddr, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body.as_bytes()].concat()
}
