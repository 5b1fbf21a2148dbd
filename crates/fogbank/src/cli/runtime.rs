//! `fogbank runtime install`.

use crate::cli::Failure;

/// Fetches the interpreter of `runtime`.
///
/// # Errors
/// It is not a runtime that can be obtained, or the download failed.
pub async fn install(runtime: &str) -> Result<u8, Failure> {
    let config = fogbank_runtimes::Config::from_environment();
    fogbank_runtimes::install(&config, runtime, &|text: &str| eprintln!("{text}")).await?;
    Ok(0)
}
