//! Installs peers below the bench's directory, once.

use crate::bench::Failure;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program of a package from PyPI, in the virtual environment that the Python peers share.
pub fn from_pypi(scratch: &Path, package: &str, program: &str) -> Result<PathBuf, Failure> {
    let venv = scratch.join("venv");
    let program = venv.join("bin").join(program);
    if !program.exists() {
        if !venv.join("bin/python").exists() {
            succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        }
        succeed(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", package]))?;
    }
    if program.exists() { Ok(program) } else { Err(format!("{package} brought no program").into()) }
}

/// A program of packages from npm, in a directory that the Node.js peers share.
pub fn from_npm(scratch: &Path, packages: &[&str], program: &str) -> Result<PathBuf, Failure> {
    let directory = scratch.join("npm");
    let program = directory.join("node_modules/.bin").join(program);
    let there = |package: &&str| directory.join("node_modules").join(package).exists();
    if !program.exists() || !packages.iter().all(there) {
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("package.json"), "{\"private\": true}")?;
        let quiet = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
        // npm removes what it is not told of.
        let all = ["osls", "serverless-offline", "workerd", "@google-cloud/functions-framework", "dynalite"];
        succeed(Command::new("npm").args(quiet).args(all).current_dir(&directory))?;
    }
    if program.exists() { Ok(program) } else { Err(format!("{} brought no program", packages.join(", ")).into()) }
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|why| format!("{command:?}: {why}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.trim().lines().last().unwrap_or_default();
    if output.status.success() { Ok(()) } else { Err(format!("could not be installed: {why}").into()) }
}
