//! `cargo xtask test`: all tests, and before them the set-up that they need, so that a fresh machine with Rust is enough.

mod setup;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Failure = Box<dyn std::error::Error>;

/// How many tests passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs everything; `arguments` go to pytest alone, and then only its tests run.
///
/// # Errors
/// The set-up failed, or at least one test did. The last line printed is the tally.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the xtask crate has no parent directory")?;
    let venv = setup::run(root)?;
    let mut tally = Tally::default();
    if arguments.is_empty() {
        tally.add(rust_tests(root)?);
    }
    succeed(cargo(root).args(["build", "--release", "--locked", "--package", "fogbank"]))?;
    succeed(cargo(root).args(["build", "--release", "--locked", "--package", "fogbank-wire", "--example", "echo"]))?;
    tally.add(black_box_tests(root, &venv, arguments)?);
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 { Err("not all tests passed".into()) } else { Ok(()) }
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|why| format!("{command:?}: {why}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}

/// Unit and integration tests of the crates: with nextest where it is installed, else with cargo's own runner.
fn rust_tests(root: &Path) -> Result<Tally, Failure> {
    let has_nextest = cargo(root).args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let words: &[&str] = match has_nextest {
        Ok(status) if status.success() => {
            &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--color=never"]
        }
        _ => &["test", "--workspace", "--locked", "--no-fail-fast"],
    };
    succeed(cargo(root).args(["build", "--locked", "--workspace", "--all-targets"]))?;
    let output = cargo(root).args(words).stdin(Stdio::null()).output()?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    print!("{text}");
    let tally = count(&text);
    match (output.status.success(), tally) {
        (_, Tally { passed: 0, failed: 0 }) => Err("the tests of the crates did not run".into()),
        (false, Tally { failed: 0, .. }) => Err("the tests of the crates failed".into()),
        (_, tally) => Ok(tally),
    }
}

/// Reads the closing lines of nextest (`Summary … 3 passed, 1 failed`) and of cargo's runner (`test result: ok. 3 passed; 0 failed`).
fn count(text: &str) -> Tally {
    let mut tally = Tally::default();
    let closing = |line: &&str| line.contains("tests run:") || line.starts_with("test result:");
    for line in text.lines().filter(closing) {
        let number = |what: &str| {
            let words: Vec<&str> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
            let at = words.iter().position(|word| *word == what)?;
            words.get(at.checked_sub(1)?)?.parse::<u64>().ok()
        };
        let (passed, failed) = (number("passed").unwrap_or(0), number("failed").unwrap_or(0));
        tally.add(Tally { passed, failed: failed + number("timed").unwrap_or(0) });
    }
    tally
}

/// Drives the real binary with real clients. Tests that measure time run by themselves, after the others.
fn black_box_tests(root: &Path, venv: &Path, arguments: &[String]) -> Result<Tally, Failure> {
    let runs: &[&[&str]] = match arguments {
        [] => &[&["-n", "2", "-m", "not alone"], &["-m", "alone"]],
        _ => &[&[]],
    };
    let mut tally = Tally::default();
    for (number, words) in runs.iter().enumerate() {
        let report = root.join(format!("target/pytest-{number}.xml"));
        let _ = std::fs::remove_file(&report);
        let mut command = Command::new(venv.join("bin/python"));
        command.args(["-m", "pytest", "-q", "--color=no", "--durations=8"]).args(*words).args(arguments);
        command.arg(format!("--junitxml={}", report.display()));
        command.current_dir(root.join("tests")).stdin(Stdio::null()).env("PATH", path_with(venv)?);
        let status = command.status()?;
        let found = std::fs::read_to_string(&report).map_err(|why| format!("pytest left no report: {why}"))?;
        let found = read_report(&found);
        if !status.success() && found.failed == 0 {
            return Err(format!("pytest failed: {status}").into());
        }
        tally.add(found);
    }
    Ok(tally)
}

fn path_with(venv: &Path) -> Result<std::ffi::OsString, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(venv.join("bin")).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(all.collect::<Vec<PathBuf>>())?)
}

/// Reads the totals of a JUnit report: `<testsuite errors="0" failures="1" skipped="0" tests="9" …>`.
fn read_report(text: &str) -> Tally {
    let suite = text.split("<testsuite ").nth(1).and_then(|rest| rest.split('>').next()).unwrap_or_default();
    let number = |name: &str| {
        let value = suite.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        value.parse::<u64>().ok()
    };
    let failed = number("failures").unwrap_or(0) + number("errors").unwrap_or(0);
    let ran = number("tests").unwrap_or(0).saturating_sub(number("skipped").unwrap_or(0));
    Tally { passed: ran.saturating_sub(failed), failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_every_runner_are_counted() {
        let nextest = "     Summary [   0.1s] 42 tests run: 40 passed (1 slow), 2 failed, 3 skipped\n";
        assert_eq!(count(nextest), Tally { passed: 40, failed: 2 });
        let cargo =
            "test result: ok. 3 passed; 0 failed; 0 ignored\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(count(cargo), Tally { passed: 4, failed: 2 });
        let junit = r#"<?xml?><testsuites name="t"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1">"#;
        assert_eq!(read_report(junit), Tally { passed: 4, failed: 3 });
    }
}
