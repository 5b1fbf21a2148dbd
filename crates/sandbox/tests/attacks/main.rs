//! Attacks on the sandbox. Each first proves, where that can be shown, that the attack works outside, and then that it fails inside.
//! They run as root with control groups; where those are missing they fail, because what they prove is then not so.
#![allow(clippy::unwrap_used)]

mod files;
mod forks;
mod harness;
mod kernel;
mod leftovers;
mod limits;
mod neighbours;
mod rootless;
