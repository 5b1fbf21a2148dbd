//! Components as the platform runs them: `guest.wasm` (from `guest/`) does what a request's path says.
#![allow(clippy::unwrap_used)]

mod calls;
mod compiling;
mod limits;
mod stage;
