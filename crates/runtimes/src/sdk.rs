//! Fetches what AWS has in its runtimes and this host may not: the SDKs, and interpreters of other versions. Each lands in the shared runtime
//! directory whole or not at all. Called by the command line and by deployments, never on the way of a call.

use crate::config::Config;
use crate::interpreters::{Interpreters, Wanted};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

pub use crate::interpreters::Language;

/// The clients of AWS's SDK for JavaScript that functions find without packaging them.
const NODE_CLIENTS: &[&str] = &[
    "client-api-gateway",
    "client-cloudformation",
    "client-cloudwatch",
    "client-cloudwatch-logs",
    "client-dynamodb",
    "client-dynamodb-streams",
    "client-ec2",
    "client-eventbridge",
    "client-iam",
    "client-kinesis",
    "client-kms",
    "client-lambda",
    "client-s3",
    "client-scheduler",
    "client-secrets-manager",
    "client-ses",
    "client-sfn",
    "client-sns",
    "client-sqs",
    "client-ssm",
    "client-sts",
    "lib-dynamodb",
    "lib-storage",
    "s3-request-presigner",
    "util-dynamodb",
];

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The runtime is not one whose interpreter the platform starts.
    #[error("{0} cannot be installed: only python3.x and nodejs*.x have interpreters and SDKs")]
    NotInstallable(String),
    /// A program that is needed is missing.
    #[error("no {0} on this host: install it and try again")]
    NoProgram(&'static str),
    /// The program that fetches failed; the text is its last words.
    #[error("{program} failed: {output}; check the network and try again")]
    Failed {
        /// Such as `npm`.
        program: &'static str,
        /// The end of what it wrote.
        output: String,
    },
    /// A file could not be written.
    #[error("writing to {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Where the SDK for Python 3.`minor` lies. A directory per version, because newer SDKs leave older versions behind.
pub(crate) fn python_directory(runtimes: &Path, minor: u32) -> PathBuf {
    runtimes.join(format!("sdk/python3.{minor}"))
}

/// Where the SDK for JavaScript lies.
pub(crate) fn node_directory(runtimes: &Path) -> PathBuf {
    runtimes.join("sdk/node_modules")
}

/// Whether nothing has to be fetched for `runtime`, be it that it has no SDK.
pub(crate) fn is_there(config: &Config, interpreters: &Interpreters, runtime: &str) -> bool {
    let Some(Wanted::Interpreted(language, version)) = Wanted::parse(runtime) else { return true };
    let place = match language {
        Language::Python => {
            let serving = interpreters.find(language, version);
            serving.map(|interpreter| python_directory(&config.directory, interpreter.version))
        }
        Language::Node => Some(node_directory(&config.directory)),
    };
    place.is_none_or(|place| place.is_dir())
}

/// Makes sure that the SDK for `runtime` is there; `progress` hears what is going on. Without it functions run all the same, but only with what
/// they package: callers should warn and go on.
pub async fn ensure_sdk(config: &Config, runtime: &str, progress: &(dyn Fn(&str) + Sync)) -> Result<(), InstallError> {
    let Some(Wanted::Interpreted(language, version)) = Wanted::parse(runtime) else { return Ok(()) };
    let interpreters = Interpreters::new(config.directory.clone(), false);
    match language {
        Language::Python => {
            let interpreter = interpreters.find(language, version).ok_or(InstallError::NoProgram("python3"))?;
            let place = python_directory(&config.directory, interpreter.version);
            if place.is_dir() {
                return Ok(());
            }
            progress(&format!("fetching boto3 for Python 3.{}", interpreter.version));
            let new = Staging::begin(&config.directory)?;
            let mut command = readable(&interpreter.host_program);
            command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target"]);
            run("pip", command.arg(&new.path).arg("boto3"), progress).await?;
            new.finish(&new.path, &place)
        }
        Language::Node => {
            let place = node_directory(&config.directory);
            if place.is_dir() {
                return Ok(());
            }
            progress("fetching the AWS SDK for JavaScript");
            let new = Staging::begin(&config.directory)?;
            let packages = NODE_CLIENTS.iter().map(|client| format!("@aws-sdk/{client}@3"));
            let mut command = npm(&new.path);
            run("npm", command.args(packages), progress).await?;
            new.finish(&new.path.join("node_modules"), &place)
        }
    }
}

/// Installs an interpreter of the very version that `runtime` names into the shared runtime directory.
pub async fn install(config: &Config, runtime: &str, progress: &(dyn Fn(&str) + Sync)) -> Result<(), InstallError> {
    let not_installable = || InstallError::NotInstallable(runtime.into());
    let Some(Wanted::Interpreted(language, version)) = Wanted::parse(runtime) else { return Err(not_installable()) };
    let place = config.directory.join(runtime);
    if place.is_dir() {
        progress(&format!("{runtime} is installed already"));
        return Ok(());
    }
    progress(&format!("fetching {runtime}"));
    let new = Staging::begin(&config.directory)?;
    match language {
        Language::Node => {
            // The package `node` brings the official program as a dependency per platform.
            run("npm", npm(&new.path).arg(format!("node@{version}")), progress).await?;
            let package = new.path.join("node_modules/node");
            if !package.join("bin/node").exists() {
                return Err(InstallError::Failed {
                    program: "npm",
                    output: format!("the package node@{version} brought no program"),
                });
            }
            new.finish(&package, &place)
        }
        Language::Python => {
            let mut command = readable("uv".as_ref());
            command.args(["python", "install", "--no-bin", "--install-dir"]).arg(&new.path).arg(format!("3.{version}"));
            run("uv", &mut command, progress).await?;
            let made = std::fs::read_dir(&new.path).into_iter().flatten().flatten().map(|entry| entry.path());
            let found = made.into_iter().find(|one| one.join("bin").is_dir()).ok_or_else(not_installable)?;
            new.finish(&found, &place)
        }
    }
}

fn npm(directory: &Path) -> Command {
    let mut command = readable("npm".as_ref());
    command.args(["install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error", "--prefix"]).arg(directory);
    command
}

/// A command whose files everybody may read: sandboxes run as other users than the platform.
fn readable(program: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask 022; exec \"$0\" \"$@\""]).arg(program);
    command
}

/// What a shell answers if there is no such program.
const NOT_FOUND: i32 = 127;

/// Runs a program that fetches, and tells what it says.
async fn run(
    program: &'static str,
    command: &mut Command,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<(), InstallError> {
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = started.map_err(|_| InstallError::NoProgram(program))?;
    let mut last = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            progress(&line);
            last.push(line);
            if last.len() > 5 {
                last.remove(0);
            }
        }
    }
    match child.wait().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if status.code() == Some(NOT_FOUND) => Err(InstallError::NoProgram(program)),
        _ => Err(InstallError::Failed { program, output: last.join("; ") }),
    }
}

/// A directory that becomes visible under its real name only when it is complete.
struct Staging {
    path: PathBuf,
}

impl Staging {
    fn begin(directory: &Path) -> Result<Self, InstallError> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(".new-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = directory.join(name);
        let io = |source| InstallError::Io { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(io)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).map_err(io)?;
        Ok(Self { path })
    }

    fn finish(&self, made: &Path, place: &Path) -> Result<(), InstallError> {
        let io = |source| InstallError::Io { path: place.to_owned(), source };
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).map_err(io)?;
        }
        match std::fs::rename(made, place) {
            // Somebody else was faster; theirs is as good.
            Err(_) if place.is_dir() => Ok(()),
            other => other.map_err(io),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
