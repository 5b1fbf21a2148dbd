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
mod snapshot;
mod spares;
mod surroundings;
mod zygote;

pub use config::{Config, Door, DoorIdentity, SessionCredentials, SessionKeys};
pub use environment::identity;
pub use processes::Processes;
pub use sdk::{InstallError, Language, ensure_sdk, install};

/// The interpreter on this host that would serve `runtime`: what builds of its packages should run. `None` if there is none, or the
/// runtime has no interpreter.
pub fn interpreter(config: &Config, runtime: &str) -> Option<std::path::PathBuf> {
    let Some(interpreters::Wanted::Interpreted(language, version)) = interpreters::Wanted::parse(runtime) else {
        return None;
    };
    let interpreters = interpreters::Interpreters::new(config.directory.clone(), config.strict);
    interpreters.find(language, version).map(|found| found.host_program.clone())
}
