//! The repository's own tasks: `cargo xtask TASK`.

mod bench;
mod models;
mod test;
mod wasm;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask TASK

tasks:
  bench     measure starts, calls and instances, and print one table; --quick for a first look
  models    compile AWS's service models into crates/wire/models, and our own models beside their sources
  test      install what tests need and run all of them; arguments go to pytest, and then only its tests run
  wasm      build the WebAssembly component that tests use, and the examples' that are committed";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((task, rest)) if task == "bench" => bench::run(rest).map_err(|why| why.to_string()),
        Some((task, _)) if task == "models" => models::run().map_err(|why| why.to_string()),
        Some((task, rest)) if task == "test" => test::run(rest).map_err(|why| why.to_string()),
        Some((task, _)) if task == "wasm" => wasm::run().map_err(|why| why.to_string()),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
