//! What tests need on the machine: programs, through apt where that may be used, and a virtual environment with pinned clients.

use super::{Failure, succeed};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that tests run, the Debian package that brings it, and what it is for.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("python3", "python3", "Python functions and the test suite"),
    ("node", "nodejs", "Node.js functions"),
    ("npm", "npm", "building Node.js functions and fetching the AWS SDK for JavaScript"),
    ("make", "make", "functions with BuildMethod makefile"),
    ("gcc", "gcc", "the attacks on the sandbox"),
    ("curl", "curl", "the examples' walk-through"),
    // By its path: the virtual environment brings version 1 under the same name.
    ("/usr/bin/aws", "awscli", "following a log with version 2 of the AWS command line"),
    ("mkfs.ext4", "e2fsprogs", "the /tmp of a function"),
];

/// Makes everything ready and returns the virtual environment's directory.
pub fn run(root: &Path) -> Result<PathBuf, Failure> {
    install_programs()?;
    let venv = root.join("target/test-venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        make_venv(&venv)?;
    }
    let wanted = std::fs::read_to_string(root.join("tests/requirements.txt"))?;
    let marker = venv.join("installed-requirements.txt");
    if std::fs::read_to_string(&marker).ok().as_ref() != Some(&wanted) {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        succeed(Command::new(&python).args(pip).arg(root.join("tests/requirements.txt")))?;
        std::fs::write(&marker, &wanted)?;
    }
    Ok(venv)
}

fn make_venv(venv: &Path) -> Result<(), Failure> {
    let make = || succeed(Command::new("python3").args(["-m", "venv"]).arg(venv));
    if make().is_ok() {
        return Ok(());
    }
    // Debian keeps the part that makes virtual environments in a package of its own.
    let _ = std::fs::remove_dir_all(venv);
    apt_install(&["python3-venv"])?;
    make()
}

fn install_programs() -> Result<(), Failure> {
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, ..)| !is_there(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    let described: Vec<String> = missing
        .iter()
        .map(|(program, package, purpose)| format!("{program} (Debian: {package}), for {purpose}"))
        .collect();
    apt_install(&packages).map_err(|why| format!("{why}\nplease install:\n  {}", described.join("\n  ")).into())
}

fn apt_install(packages: &[&str]) -> Result<(), Failure> {
    if !is_there("apt-get") || !is_root() {
        return Err(format!("cannot install {} here: that needs apt-get and root", packages.join(", ")).into());
    }
    let apt = |words: &[&str]| succeed(Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive"));
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
}

/// Whether this process may install packages.
fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    let sbin = Path::new("/usr/sbin").join(program).exists() || Path::new("/sbin").join(program).exists();
    sbin || found.is_ok_and(|status| status.success())
}
