//! `cargo lambda watch`, the peer: it serves the same native function under the same API, without isolation.

use crate::bench::lambda::{COUNT, EVENT, Lambda};
use crate::bench::load::Target;
use crate::bench::process::{Server, free_port};
use crate::bench::{Failure, Programs};
use std::process::Command;
use std::time::{Duration, Instant};

pub const NAME: &str = "cargo lambda watch";

/// How long it may take to build the function and answer its first call.
const PATIENCE: Duration = Duration::from_secs(240);

/// A running peer, how to call its function, and how many milliseconds its first answer took.
pub struct CargoLambda {
    pub echo: Target,
    pub first_call: f64,
    /// Ends with this.
    _server: Server,
}

/// Starts the peer and calls its function.
///
/// # Errors
/// It could not be installed, or does not answer.
pub fn start(programs: &Programs) -> Result<CargoLambda, Failure> {
    let program = programs.cargo_lambda.clone()?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command.args([
        "lambda",
        "watch",
        "--release",
        "--ignore-changes",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
    ]);
    command.arg(port.to_string()).current_dir(&programs.native).env_remove("CARGO_TARGET_DIR");
    command.stderr(std::fs::File::create(programs.scratch.join("peer.log"))?);
    let server = Server::start_on(port, &mut command)?;
    let lambda = Lambda { address: server.address };
    let (count, begin) = (lambda.target("echo", COUNT).answering("1"), Instant::now());
    loop {
        match count.call() {
            Ok(_) => break,
            Err(why) if begin.elapsed() > PATIENCE => return Err(format!("cargo lambda watch: {why}").into()),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    let first_call = begin.elapsed().as_secs_f64() * 1e3;
    Ok(CargoLambda { echo: lambda.target("echo", EVENT), first_call, _server: server })
}
