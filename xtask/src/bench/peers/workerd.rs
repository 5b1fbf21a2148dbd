//! workerd, which runs JavaScript in isolates of one process: it stands beside warm calls.

use super::{install, text_request};
use crate::bench::lambda::EVENT;
use crate::bench::load::Target;
use crate::bench::process::{Server, free_port};
use crate::bench::{Failure, Programs};
use std::process::Command;

pub const NAME: &str = "workerd";

const WORKER: &str = "export default { async fetch(request) { return new Response(await request.text()); } };";

/// The running peer, and a call that is answered with the event.
pub fn start(programs: &Programs) -> Result<(Server, Target), Failure> {
    let program = install::from_npm(&programs.scratch, &["workerd"], "workerd")?;
    let port = free_port()?;
    let configuration = programs.scratch.join("workerd.capnp");
    let text = format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\
         const config :Workerd.Config = (\n\
         \x20 services = [(name = \"echo\", worker = .echo)],\n\
         \x20 sockets = [(name = \"http\", address = \"127.0.0.1:{port}\", http = (), service = \"echo\")]\n);\n\
         const echo :Workerd.Worker = (\n\
         \x20 modules = [(name = \"worker\", esModule = \"{WORKER}\")],\n\
         \x20 compatibilityDate = \"2025-01-01\",\n);\n"
    );
    std::fs::write(&configuration, text)?;
    let mut command = Command::new(program);
    command.arg("serve").arg(&configuration);
    command.stderr(std::fs::File::create(programs.scratch.join("workerd.log"))?);
    let server = Server::start_on(port, &mut command)?;
    let request = text_request(server.address, EVENT);
    let target = Target { address: server.address, request, answer: EVENT.into() };
    target.call()?;
    Ok((server, target))
}
