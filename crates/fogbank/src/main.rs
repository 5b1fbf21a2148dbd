//! The `fogbank` binary: the platform, and the command line that talks to it.

mod browser;
mod bucket_access;
mod cli;
mod compose;
mod delivering;
mod dispatch;
mod endpoint;
mod front;
mod import_logs;
mod kinesis_source;
mod platform;
mod platform_api;
mod queue_source;
mod root_key;
mod settings;
mod stream_source;
mod table_source;
mod urls;

use clap::Parser;
use std::process::ExitCode;

/// A call makes hundreds of small values on one thread, and frees some of them on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The spawner forks, so it must be alone: this comes before the first thread.
    fogbank_sandbox::spawner_main_if_asked();
    fogbank_wasm::compiler_main_if_asked();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build() {
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

/// How many threads carry the platform: half as many as there are cores. Each call also runs in a function's process on the same
/// machine, and threads beyond what the platform needs only hand its calls to and fro between cores.
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores.div_ceil(2)
}
