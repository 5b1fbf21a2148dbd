//! The same as `instances`, in sandboxes that waited for their function, and what only those can do.
#![allow(clippy::unwrap_used)]

#[path = "../instances/harness.rs"]
mod harness;
#[path = "../instances/node.rs"]
mod node;
#[path = "../instances/python.rs"]
mod python;
mod snapshots;
mod spares;
mod speed;
