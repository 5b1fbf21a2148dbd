//! MiniStack, which speaks the Lambda API and runs functions as processes, without isolation.

use super::install;
use crate::bench::lambda::Lambda;
use crate::bench::process::{Server, free_port};
use crate::bench::{Failure, Programs};
use std::process::Command;
use std::time::{Duration, Instant};

pub const NAME: &str = "MiniStack";

/// It listens before it can answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running peer.
pub fn start(programs: &Programs) -> Result<(Server, Lambda), Failure> {
    let program = install::from_pypi(&programs.scratch, "ministack", "ministack")?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command.env("GATEWAY_PORT", port.to_string()).current_dir(&programs.scratch);
    command.stderr(std::fs::File::create(programs.scratch.join("ministack.log"))?);
    let server = Server::start_on(port, &mut command)?;
    let lambda = Lambda { address: server.address };
    let begin = Instant::now();
    while let Err(why) = lambda.list() {
        if begin.elapsed() > PATIENCE {
            return Err(why);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok((server, lambda))
}
