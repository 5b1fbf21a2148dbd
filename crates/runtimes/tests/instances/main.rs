//! Functions through the `Runtime` trait, as the pool runs them.
#![allow(clippy::unwrap_used)]

mod fetched;
mod harness;
mod native;
mod node;
mod python;
mod speed;
