//! Google's functions-framework: a web server for one function. It answers with the request's body, or with 1 if that asks for a count.

use super::{install, text_request};
use crate::bench::lambda::{COUNT, EVENT, Language};
use crate::bench::load::Target;
use crate::bench::process::{Server, free_port};
use crate::bench::{Failure, Programs};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;

pub const NAME: &str = "functions-framework";

const PYTHON: &str = "import functions_framework

calls = 0

@functions_framework.http
def echo(request):
    global calls
    calls += 1
    body = request.get_data()
    return str(calls) if body.startswith(b'{\"count\"') else body
";

const NODE: &str = "let calls = 0;
exports.echo = (request, response) => {
    calls += 1;
    response.send(request.body.startsWith('{\"count\"') ? String(calls) : request.body);
};
";

/// Starts a server for the function, and answers how many milliseconds that and its first answer took.
pub fn start(programs: &Programs, language: Language) -> Result<(Server, f64), Failure> {
    let directory = programs.scratch.join("functions-framework");
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("main.py"), PYTHON)?;
    std::fs::write(directory.join("index.js"), NODE)?;
    std::fs::write(directory.join("package.json"), "{\"main\": \"index.js\"}")?;
    let program = match language {
        Language::Python => install::from_pypi(&programs.scratch, "functions-framework", "functions-framework")?,
        Language::Node => {
            install::from_npm(&programs.scratch, &["@google-cloud/functions-framework"], "functions-framework")?
        }
        Language::Native => return Err("has no native functions".into()),
    };
    let port = free_port()?;
    let mut command = Command::new(program);
    command.args(["--target=echo", &format!("--port={port}")]).current_dir(&directory);
    command.stderr(std::fs::File::create(programs.scratch.join("functions-framework.log"))?);
    let begin = Instant::now();
    let server = Server::start_on(port, &mut command)?;
    target(server.address, COUNT, "1").call()?;
    Ok((server, begin.elapsed().as_secs_f64() * 1e3))
}

/// A call that is answered with the event.
pub fn echo(server: &Server) -> Target {
    target(server.address, EVENT, EVENT)
}

fn target(address: SocketAddr, event: &str, answer: &str) -> Target {
    Target { address, request: text_request(address, event), answer: answer.into() }
}
