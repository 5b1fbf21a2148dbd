//! Runs functions as sandboxed processes: implements the `Runtime` and `Instance` of `fogbank-functions` with the `sandbox` crate's processes,
//! the Lambda Runtime API, and interpreters found on the host. Composed by the binary; nothing else depends on it.

mod api;
mod bootstrap;
mod config;
mod doors;
mod environment;
mod exchange;
mod instance;
mod interpreters;
mod output;
mod processes;
mod sdk;

pub use config::{Config, Door, DoorIdentity, SessionCredentials, SessionKeys};
pub use processes::Processes;
pub use sdk::{InstallError, Language, ensure_sdk, install};
