//! moto's server, which answers AWS's APIs out of memory.

use super::install;
use crate::bench::process::{Server, free_port};
use crate::bench::{Failure, Programs};
use std::process::{Command, Stdio};

pub const NAME: &str = "moto_server";

/// The running peer.
pub fn start(programs: &Programs) -> Result<Server, Failure> {
    let program = install::from_pypi(&programs.scratch, "moto[server]", "moto_server")?;
    let port = free_port()?;
    let mut command = Command::new(program);
    // Its log of every request would be measured with it.
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stderr(Stdio::null());
    Server::start_on(port, &mut command)
}
