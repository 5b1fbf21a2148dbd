//! A Rust component behind an HTTP API, a fresh instance for every call, beside workerd with a warm isolate that gives the same answer.
//! They take turns, round by round; a figure is the median of the rounds.

use super::load::{Load, Target};
use super::process::{Server, free_port};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, http, median};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What `examples/wasm-rust` answers.
const ANSWER: &str = "Hello, world!";
const WARM_UP: Duration = Duration::from_millis(500);
const TEMPLATE: &str = "Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: wasm
      Handler: function.wasm
      CodeUri: function
      MemorySize: 128
      Timeout: 29
      Events:
        Call:
          Type: HttpApi
          Properties: {Path: /hello, Method: get}
";
const WORKER: &str = r#"export default {
  async fetch(request) {
    const url = new URL(request.url);
    const name = url.search.slice(1) || "world";
    return new Response(`Hello, ${name}!`, { headers: { "content-type": "text/plain" } });
  },
};
"#;

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let directory = programs.scratch.join("bench-wasm");
    deploy(&platform, programs, &directory)?;
    let target = |address: std::net::SocketAddr, host: String| {
        let request = http::get("/hello", host);
        Target { address, request, answer: ANSWER.into() }
    };
    let ours = target(platform.address, format!("bench-wasm.localhost:{}", platform.address.port()));
    ours.load(16, WARM_UP)?;
    let (worker, note) = match workerd(programs, &directory) {
        Ok(server) => (Some(server), None),
        Err(why) => (None, Some(Row::skipped("wasm, beside workerd", why))),
    };
    let theirs = worker.as_ref().map(|server| target(server.address, server.address.to_string()));
    if let Some(theirs) = &theirs {
        theirs.load(16, WARM_UP)?;
    }
    let time = Duration::from_millis(plan.samples(2000, 500) as u64);
    let mut loads: [Vec<(Load, Option<Load>)>; 2] = Default::default();
    for _ in 0..plan.samples(5, 3) {
        for (at, connections) in [1, 16].into_iter().enumerate() {
            let mine = ours.load(connections, time)?;
            let other = theirs.as_ref().map(|theirs| theirs.load(connections, time)).transpose()?;
            loads[at].push((mine, other));
        }
    }
    let [alone, crowd] = loads;
    let row = |what: &str, unit, loads: &[(Load, Option<Load>)], figure: fn(&Load) -> f64| {
        let ours = median(loads.iter().map(|(load, _)| figure(load)).collect());
        let theirs: Option<Vec<f64>> = loads.iter().map(|(_, load)| load.as_ref().map(figure)).collect();
        Row::new(format!("wasm, fresh instance per call, {what} (peer: workerd)"), unit, ours, None)
            .with_peer(theirs.map(median))
    };
    let rows = [
        row("1 connection, p50", Unit::Milliseconds, &alone, |load| load.p50).with_goal(Goal::AtMost(0.15)),
        row("1 connection, p99", Unit::Milliseconds, &alone, |load| load.p99),
        row("16 connections, p99", Unit::Milliseconds, &crowd, |load| load.p99),
        row("16 connections, requests", Unit::PerSecond, &crowd, |load| load.per_second)
            .with_goal(Goal::TimesPeer(1.0)),
    ];
    Ok(rows.into_iter().chain(note).collect())
}

fn deploy(platform: &Server, programs: &Programs, directory: &Path) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the xtask crate has no parent directory")?;
    std::fs::create_dir_all(directory.join("function"))?;
    let component = root.join("examples/wasm-rust/function/function.wasm");
    std::fs::copy(component, directory.join("function/function.wasm"))?;
    std::fs::write(directory.join("template.yaml"), TEMPLATE)?;
    let mut command = Command::new(&programs.fogbank);
    command.arg("deploy").arg(directory).args(["--stack", "bench-wasm", "--endpoint"]);
    let output = command.arg(format!("http://{}", platform.address)).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

/// Installs workerd where it is not there yet, and starts it.
fn workerd(programs: &Programs, directory: &Path) -> Result<Server, Failure> {
    let place = programs.scratch.join("workerd");
    let program = program(&place);
    if !program.exists() {
        std::fs::create_dir_all(&place)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&place).arg("workerd");
        let status = npm.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        if !status.success() || !program.exists() {
            return Err("npm could not install workerd".into());
        }
    }
    let port = free_port()?;
    let config = format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\
         const config :Workerd.Config = (\n\
         \x20 services = [(name = \"main\", worker = (modules = [(name = \"worker\", esModule = embed \"worker.js\")],\n\
         \x20   compatibilityDate = \"2025-01-01\"))],\n\
         \x20 sockets = [(name = \"http\", address = \"127.0.0.1:{port}\", http = (), service = \"main\")]\n);\n"
    );
    std::fs::write(directory.join("worker.js"), WORKER)?;
    std::fs::write(directory.join("workerd.capnp"), config)?;
    let mut command = Command::new(program);
    command.args(["serve", "workerd.capnp"]).current_dir(directory);
    command.stderr(std::fs::File::create(directory.join("workerd.log"))?);
    Server::start_on(port, &mut command)
}

fn program(place: &Path) -> PathBuf {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "64" };
    place.join(format!("node_modules/@cloudflare/workerd-linux-{architecture}/bin/workerd"))
}
