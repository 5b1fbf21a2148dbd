//! Functions through the `Runtime` trait, as the pool runs them, each started anew.
#![allow(clippy::unwrap_used)]

mod fetched;
mod harness;
mod native;
mod node;
mod python;
