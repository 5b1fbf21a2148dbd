//! The `fogbank` binary: the platform, and the command line that talks to it.

mod cli;
mod compose;
mod endpoint;
mod front;
mod platform;
mod platform_api;
mod root_key;
mod settings;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The spawner forks, so it must be alone: this comes before the first thread.
    fogbank_sandbox::spawner_main_if_asked();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli::run(cli)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}
