//! serverless-offline on osls: Node.js functions run in threads of it, Python functions as processes.

use super::install;
use crate::bench::lambda::{Lambda, Language};
use crate::bench::process::{Server, free_port};
use crate::bench::{Failure, Programs};
use std::fmt::Write as _;
use std::process::Command;

pub const NAME: &str = "serverless-offline";

/// The running peer with `functions` functions of each of the languages it knows; [`name`] says what they are called.
pub fn start(programs: &Programs, functions: usize) -> Result<(Server, Lambda), Failure> {
    let program = install::from_npm(&programs.scratch, &["osls", "serverless-offline"], "osls")?;
    let directory = programs.scratch.join("serverless");
    std::fs::create_dir_all(&directory)?;
    let mut template =
        String::from("service: bench\nplugins: [serverless-offline]\nprovider: {name: aws}\nfunctions:\n");
    for (language, module) in [(Language::Python, "python"), (Language::Node, "node")] {
        let (file, content, _) = language.file(programs)?;
        let ending = file.rsplit('.').next().unwrap_or_default();
        std::fs::write(directory.join(format!("{module}.{ending}")), content)?;
        for number in 0..functions {
            let runtime = language.runtime();
            writeln!(template, "  {module}-{number}: {{handler: {module}.handler, runtime: {runtime}}}")?;
        }
    }
    std::fs::write(directory.join("serverless.yml"), template)?;
    let modules = directory.join("node_modules");
    if !modules.exists() {
        std::os::unix::fs::symlink(programs.scratch.join("npm/node_modules"), modules)?;
    }
    let (port, http) = (free_port()?, free_port()?);
    let mut command = Command::new(program);
    command.args(["offline", "start", "--lambdaPort"]).arg(port.to_string());
    command.arg("--httpPort").arg(http.to_string()).current_dir(&directory);
    command.stderr(std::fs::File::create(programs.scratch.join("serverless.log"))?);
    let server = Server::start_on(port, &mut command)?;
    let lambda = Lambda { address: server.address };
    Ok((server, lambda))
}

/// The name of a function.
pub fn name(language: Language, number: usize) -> String {
    format!("bench-dev-{}-{number}", language.name())
}
