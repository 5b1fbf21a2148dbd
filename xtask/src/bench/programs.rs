//! What is measured: the platform, the bare server, the native function and the peer, built or installed once.

use super::Failure;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The native function: what `lambda_runtime`'s own documentation shows, with the behaviour that [`super::lambda`] describes.
const NATIVE_MANIFEST: &str = r#"[workspace]

[package]
name = "echo"
version = "0.0.0"
edition = "2024"

[dependencies]
lambda_runtime = { version = "1", default-features = false }
serde_json = "1"
tokio = { version = "1", features = ["macros", "rt-multi-thread", "time"] }
"#;

const NATIVE_SOURCE: &str = r#"use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(echo)).await
}

static CALLS: AtomicU64 = AtomicU64::new(0);

async fn echo(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = event.payload;
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    if event.get("count").is_some() {
        return Ok(calls.into());
    }
    if event.get("exit").is_some() {
        std::process::exit(0);
    }
    if let Some(millis) = event.get("sleep_ms").and_then(Value::as_u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    match event.get("requestContext") {
        Some(_) => Ok(json!({"statusCode": 200, "body": event["body"]})),
        None => Ok(event),
    }
}
"#;

/// Where everything is.
pub struct Programs {
    pub fogbank: PathBuf,
    pub hyper: PathBuf,
    /// The native function's package directory, for the peer.
    pub native: PathBuf,
    /// Its executable.
    pub bootstrap: PathBuf,
    /// `cargo-lambda`, or why it is not there.
    pub cargo_lambda: Result<PathBuf, String>,
    /// For what the bench writes.
    pub scratch: PathBuf,
}

impl Programs {
    /// Builds and installs what is not there yet.
    pub fn prepare(root: &Path) -> Result<Self, Failure> {
        let scratch = root.join("target/bench");
        let native = scratch.join("native");
        std::fs::create_dir_all(native.join("src"))?;
        write_if_new(&native.join("Cargo.toml"), NATIVE_MANIFEST)?;
        write_if_new(&native.join("src/main.rs"), NATIVE_SOURCE)?;
        build(root, &["--profile", "dist", "--locked", "--package", "fogbank"])?;
        build(root, &["--profile", "dist", "--locked", "--package", "fogbank-wire", "--example", "bare_hyper"])?;
        build(&native, &["--release"])?;
        Ok(Self {
            fogbank: root.join("target/dist/fogbank"),
            hyper: root.join("target/dist/examples/bare_hyper"),
            bootstrap: native.join("target/release/echo"),
            cargo_lambda: cargo_lambda(&scratch).map_err(|why| format!("cargo-lambda could not be installed: {why}")),
            native,
            scratch,
        })
    }
}

/// A file that stays as it is does not make cargo build again.
fn write_if_new(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|present| present == text) { Ok(()) } else { std::fs::write(path, text) }
}

fn build(directory: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The native function is a workspace of its own, with a target directory of its own.
    command.arg("build").args(arguments).current_dir(directory).env_remove("CARGO_TARGET_DIR");
    succeed(&mut command)
}

fn cargo_lambda(scratch: &Path) -> Result<PathBuf, Failure> {
    let venv = scratch.join("venv");
    let program = venv.join("bin/cargo-lambda");
    if !program.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        succeed(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", "cargo-lambda"]))?;
    }
    if program.exists() { Ok(program) } else { Err("the package brought no program".into()) }
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.stdin(Stdio::null()).status().map_err(|why| format!("{command:?}: {why}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}
