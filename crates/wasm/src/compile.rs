//! Having a component compiled: starts the compiler's process, waits for it no longer than is reasonable, and keeps what it made.

use crate::compiler::{NAME, REFUSED};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// How many bytes of a reason are passed on.
const REASON_BYTES: u64 = 4096;
/// A compiler that is killed or hangs is replaced once.
const ATTEMPTS: u32 = 2;

/// The compiler to start.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    /// The program: one that calls [`crate::compiler_main_if_asked`].
    pub program: PathBuf,
    /// How long it may take, on the wall clock.
    pub limit: Duration,
}

/// Why there is no machine code.
#[derive(Debug)]
pub(crate) enum Uncompiled {
    /// The component is at fault.
    Refused(String),
    /// The compiler ended, or was ended, before it was done.
    Stopped(String),
    /// The host is at fault.
    Host(std::io::Error),
}

impl Compiler {
    /// Compiles `component` to the file `to`, which is whole and on disk when this resolves. Dropping the future ends the compiler.
    pub async fn compile(&self, component: &Path, to: &Path) -> Result<(), Uncompiled> {
        let mut attempt = 1;
        loop {
            match self.attempt(component, to).await {
                Err(Uncompiled::Stopped(how)) if attempt < ATTEMPTS => {
                    tracing::warn!(component = %component.display(), how, "a compiler is replaced");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn attempt(&self, component: &Path, to: &Path) -> Result<(), Uncompiled> {
        let place = to.parent().unwrap_or(Path::new("."));
        let draft = tempfile::Builder::new().suffix(".draft").tempfile_in(place).map_err(Uncompiled::Host)?;
        let output = draft.reopen().map_err(Uncompiled::Host)?;
        let mut child = Command::new(&self.program)
            .arg0(NAME)
            .env_clear()
            .stdin(File::open(component).map_err(Uncompiled::Host)?)
            .stdout(output)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Uncompiled::Host)?;
        let mut reason = Vec::new();
        let errors = child.stderr.take();
        let ending = async {
            if let Some(errors) = errors {
                errors.take(REASON_BYTES).read_to_end(&mut reason).await?;
            }
            child.wait().await
        };
        let status = tokio::time::timeout(self.limit, ending).await;
        let status = match status {
            Ok(status) => status.map_err(Uncompiled::Host)?,
            Err(_) => {
                child.kill().await.map_err(Uncompiled::Host)?;
                return Err(Uncompiled::Stopped(format!("it took longer than {} s", self.limit.as_secs())));
            }
        };
        judge(status, &reason)?;
        let to = to.to_owned();
        let kept = tokio::task::spawn_blocking(move || {
            // Whole after a power failure too: what is loaded is not checked again.
            draft.as_file().sync_all()?;
            draft.persist(&to).map_err(|error| error.error).map(drop)
        });
        kept.await.map_err(std::io::Error::other).and_then(|kept| kept).map_err(Uncompiled::Host)
    }
}

fn judge(status: ExitStatus, reason: &[u8]) -> Result<(), Uncompiled> {
    let reason = String::from_utf8_lossy(reason).trim().to_owned();
    match status.code() {
        Some(0) => Ok(()),
        Some(REFUSED) => Err(Uncompiled::Refused(reason)),
        _ if reason.is_empty() => Err(Uncompiled::Stopped(format!("it ended with {status}"))),
        _ => Err(Uncompiled::Stopped(format!("it ended with {status}: {reason}"))),
    }
}
