//! `cargo lambda watch`, the peer: it serves the same native function under the same API, without isolation.

use super::lambda::{EVENT, Lambda};
use super::load::Target;
use super::process::{Server, free_port};
use super::{Failure, Programs};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long it may take to build the function and answer its first call.
const PATIENCE: Duration = Duration::from_secs(240);

/// The running peer, and the call of its function.
///
/// # Errors
/// It could not be installed, or does not answer.
pub fn start(programs: &Programs) -> Result<(Server, Target), Failure> {
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
    let target = Lambda { address: server.address }.target("echo", EVENT);
    let begin = Instant::now();
    loop {
        match target.call() {
            Ok(_) => return Ok((server, target)),
            Err(why) if begin.elapsed() > PATIENCE => return Err(format!("cargo lambda watch: {why}").into()),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}
