//! dynalite, which keeps DynamoDB's tables in memory.

use super::install;
use crate::bench::process::{Server, free_port};
use crate::bench::{Failure, Programs};
use std::process::Command;

pub const NAME: &str = "dynalite";

/// The running peer.
pub fn start(programs: &Programs) -> Result<Server, Failure> {
    let program = install::from_npm(&programs.scratch, &["dynalite"], "dynalite")?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command.args(["--host", "127.0.0.1", "--port"]).arg(port.to_string());
    command.args(["--createTableMs", "0", "--deleteTableMs", "0"]);
    Server::start_on(port, &mut command)
}
