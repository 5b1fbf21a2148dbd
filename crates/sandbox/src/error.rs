//! What can go wrong here, and how a step's name is put before the kernel's word for it.

use rustix::io::Errno;

/// Why no sandbox could be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The spawner could not be started or has gone away.
    #[error("the sandbox spawner is not available: {0}; try again, and run `fogbank doctor` if it stays so")]
    Spawner(String),
    /// A zygote did not fork when it was told to: it is of no more use.
    #[error("the zygote did not fork: {0}")]
    NotForked(String),
    /// A step of making the sandbox failed; the text names it.
    #[error("the sandbox could not be made: {0}; `fogbank doctor` says what this host lacks")]
    Setup(String),
}

/// A step that failed, in words. Only travels inside this crate.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Names the step in which a system call failed.
pub(crate) trait Context<T> {
    fn while_doing<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, Failure>;
}

impl<T, E: std::fmt::Display> Context<T> for Result<T, E> {
    fn while_doing<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("{}: {error}", step().into())))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a raw system call's result.
pub(crate) fn check(result: impl Into<i64>) -> Result<i64, Errno> {
    let result = result.into();
    if result >= 0 { Ok(result) } else { Err(last_errno()) }
}

/// The calling thread's errno.
pub(crate) fn last_errno() -> Errno {
    Errno::from_raw_os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}
