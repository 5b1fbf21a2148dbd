//! The repository's own tasks: `cargo xtask TASK`.

mod models;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask TASK

tasks:
  models    compile AWS's service models into crates/wire/models, and the test models beside their sources";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let done = match task.as_deref() {
        Some("models") => models::run(),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
