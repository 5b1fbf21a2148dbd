//! The lines that Lambda itself writes to a function's log, and the error documents that it answers with.

use bytes::Bytes;
use fogbank_model::{Region, Timestamp};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::time::Duration;

/// What one call took, for its `REPORT` line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report<'a> {
    pub request_id: &'a str,
    pub duration: Duration,
    pub billed_ms: u64,
    pub memory_mb: u32,
    pub used_mb: u32,
    /// Present for the first call of an instance.
    pub begin: Option<Begin>,
    /// `error` or `timeout`, and what kind.
    pub status: Option<(&'static str, Option<&'a str>)>,
}

/// What came before an instance's first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// It was initialised for it.
    Init(Duration),
    /// It was restored from a snapshot. `billed_ms` is part of the call's billed duration.
    Restore { took: Duration, billed_ms: u64 },
}

impl Report<'_> {
    pub fn line(&self) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            self.request_id,
            millis(self.duration),
            self.billed_ms,
            self.memory_mb,
            self.used_mb
        );
        let _ = match self.begin {
            Some(Begin::Init(took)) => write!(line, "Init Duration: {} ms\t", millis(took)),
            Some(Begin::Restore { took, billed_ms }) => {
                write!(line, "Restore Duration: {} ms\tBilled Restore Duration: {billed_ms} ms\t", millis(took))
            }
            None => Ok(()),
        };
        if let Some((status, kind)) = self.status {
            let _ = write!(line, "Status: {status}");
            if let Some(kind) = kind {
                let _ = write!(line, "\tError Type: {kind}");
            }
        }
        line.push('\n');
        line
    }
}

pub(crate) fn start(request_id: &str, version: &str) -> String {
    format!("START RequestId: {request_id} Version: {version}\n")
}

pub(crate) fn end(request_id: &str) -> String {
    format!("END RequestId: {request_id}\n")
}

pub(crate) fn init_start(runtime: &str, region: &Region) -> String {
    format!("INIT_START {}", runtime_version(runtime, region))
}

pub(crate) fn restore_start(runtime: &str, region: &Region) -> String {
    format!("RESTORE_START {}", runtime_version(runtime, region))
}

pub(crate) fn restore_report(took: Duration) -> String {
    format!("RESTORE_REPORT Restore Duration: {} ms\n", millis(took))
}

/// `python3.12` runs as `python:3.12`; the version's ARN is made from the identifier, so that it stays the same.
fn runtime_version(runtime: &str, region: &Region) -> String {
    let split = runtime.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(runtime.len());
    let (language, version) = runtime.split_at(split);
    let version = version.trim_start_matches('.').trim_end_matches(".x");
    let version = if version.is_empty() { String::new() } else { format!(":{version}") };
    let arn = runtime_version_arn(runtime, region);
    format!("Runtime Version: {language}{version}\tRuntime Version ARN: {arn}\n")
}

/// What stands for the exact build of a runtime.
pub(crate) fn runtime_version_arn(runtime: &str, region: &Region) -> String {
    format!("arn:aws:lambda:{region}::runtime:{}", hex::encode(Sha256::digest(runtime)))
}

/// What the initialisation for a snapshot took.
pub(crate) fn snapshot_report(took: Duration) -> String {
    format!("INIT_REPORT Init Duration: {} ms\n", millis(took))
}

pub(crate) fn init_report(after: Duration, status: &str, error_type: Option<&str>) -> String {
    let kind = error_type.map(|kind| format!("\tError Type: {kind}")).unwrap_or_default();
    format!("INIT_REPORT Init Duration: {} ms\tPhase: init\tStatus: {status}{kind}\n", millis(after))
}

/// `2026-05-04T10:20:30.123Z ID Task timed out after 3.00 seconds`, and the empty line that AWS puts after it.
pub(crate) fn timed_out(at: Timestamp, request_id: &str, limit: Duration) -> String {
    let at = at.to_lambda_text().replace("+0000", "Z");
    format!("{at} {request_id} Task timed out after {:.2} seconds\n\n", limit.as_secs_f64())
}

pub(crate) fn crashed(request_id: &str, error_type: &str, reason: &str) -> String {
    format!("RequestId: {request_id} Error: {reason}\n{error_type}\n")
}

/// The answer of a call whose function broke off.
pub(crate) fn error_document(error_type: &str, message: &str) -> Bytes {
    serde_json::json!({"errorType": error_type, "errorMessage": message}).to_string().into()
}

/// A duration as AWS bills it: rounded up to `step_ms`, at least one step.
pub(crate) fn billed_ms(duration: Duration, step_ms: u64) -> u64 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let step = step_ms.max(1);
    micros.div_ceil(step.saturating_mul(1000)).max(1).saturating_mul(step)
}

fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_as_aws_prints_them() {
        let mut report = Report {
            request_id: "X",
            duration: Duration::from_micros(1234),
            billed_ms: 2,
            memory_mb: 128,
            used_mb: 40,
            begin: Some(Begin::Init(Duration::from_millis(100))),
            status: None,
        };
        let warm = "REPORT RequestId: X\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t";
        assert_eq!(report.line(), format!("{warm}Init Duration: 100.00 ms\t\n"));
        report.begin = Some(Begin::Restore { took: Duration::from_micros(2500), billed_ms: 3 });
        let restored = "Restore Duration: 2.50 ms\tBilled Restore Duration: 3 ms\t\n";
        assert_eq!(report.line(), format!("{warm}{restored}"));
        report.begin = None;
        assert_eq!(report.line(), format!("{warm}\n"));
        report.status = Some(("error", Some("Runtime.ExitError")));
        assert_eq!(report.line(), format!("{warm}Status: error\tError Type: Runtime.ExitError\n"));
        report.status = Some(("timeout", None));
        assert_eq!(report.line(), format!("{warm}Status: timeout\n"));
        assert_eq!(start("X", "$LATEST"), "START RequestId: X Version: $LATEST\n");
        assert_eq!(end("X"), "END RequestId: X\n");
        let at = Timestamp(1_704_067_200_000);
        let line = "2024-01-01T00:00:00.000Z X Task timed out after 3.00 seconds\n\n";
        assert_eq!(timed_out(at, "X", Duration::from_secs(3)), line);
    }

    #[test]
    fn an_initialisation_names_its_runtime() {
        let region = Region::default_region();
        assert!(
            init_start("python3.12", &region)
                .starts_with("INIT_START Runtime Version: python:3.12\tRuntime Version ARN: arn:")
        );
        assert!(init_start("nodejs22.x", &region).starts_with("INIT_START Runtime Version: nodejs:22\t"));
        assert!(init_start("provided.al2023", &region).contains(" provided:al2023\t"));
    }

    #[test]
    fn billing_rounds_up() {
        let billed = |micros, step| billed_ms(Duration::from_micros(micros), step);
        assert_eq!((billed(0, 1), billed(1, 1), billed(1000, 1), billed(1001, 1)), (1, 1, 1, 2));
        assert_eq!((billed(1000, 100), billed(100_000, 100), billed(100_001, 100)), (100, 100, 200));
    }
}
