//! Runs WebAssembly components: implements the `Runtime` and `Instance` of `fogbank-functions` with Wasmtime, for functions with the
//! runtime `wasm`. Each call gets a fresh instance of its component. Composed by the binary; nothing else depends on it. It is a crate of
//! its own so that Wasmtime's build and link time stay out of the other runtimes' tests.
//!
//! A component is compiled ahead of time in a process of its own (`compile`, `compiler`), kept on disk (`artifact`, `components`), and
//! called through `wasi:http/incoming-handler` (`call`). What it can reach is what `host` gives it: its environment, the clocks, random
//! numbers, a `/tmp` of its own (`tmp`), the log (`output`), and the platform's AWS endpoint (`outbound`).

mod artifact;
mod call;
mod compile;
mod compiler;
mod components;
mod context;
mod engine;
mod host;
mod instance;
mod long;
mod no_sockets;
mod outbound;
mod output;
mod package;
mod ticker;
mod tmp;

pub use compiler::compiler_main_if_asked;
pub use components::{Components, Config};
pub use outbound::{AwsEndpoint, BODY_LIMIT};
