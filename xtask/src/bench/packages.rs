//! The package of a Python function that imports numpy and boto3, as a deployment tool would make it: everything in one directory,
//! nothing compiled beforehand.

use super::Failure;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use zip::write::SimpleFileOptions;

const HANDLER: &str = "import boto3
import numpy

calls = 0

def handler(event, context):
    global calls
    calls += 1
    if 'exit' in event:
        import os
        os._exit(0)
    return int(numpy.full(1, calls).sum())
";

/// Tells the bench for which Python to install.
pub const VERSION: &str = "import sys\n\ndef handler(event, context):\n    return sys.version_info.minor\n";

/// The ZIP file, for Python 3.`minor`.
///
/// # Errors
/// Its modules cannot be installed.
pub fn numpy_and_boto3(scratch: &Path, minor: u64) -> Result<Vec<u8>, Failure> {
    let directory = scratch.join(format!("numpy-boto3-3.{minor}"));
    let complete = directory.join("index.py");
    if !complete.exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-compile", "--only-binary=:all:", "--upgrade"]);
        pip.arg(format!("--python-version=3.{minor}")).arg("--target").arg(&directory).args(["numpy", "boto3"]);
        let output = pip.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let why = said.trim().lines().last().unwrap_or_default();
            return Err(format!("numpy and boto3 cannot be installed: {why}").into());
        }
        std::fs::write(complete, HANDLER)?;
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut files = files(&directory)?;
    files.sort();
    for file in files {
        let name = file.strip_prefix(&directory)?.to_str().ok_or("a file's name is not text")?;
        zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o755))?;
        zip.write_all(&std::fs::read(&file)?)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// All files below the directory but tests.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            found.push(entry.path());
        } else if entry.file_name() != "tests" {
            found.extend(files(&entry.path())?);
        }
    }
    Ok(found)
}
