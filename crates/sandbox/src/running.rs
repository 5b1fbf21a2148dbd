//! What the spawner knows of a sandbox that runs, and of the program in it that others are forked from.

use crate::error::{Context, Failure};
use std::os::fd::OwnedFd;

/// A running sandbox.
pub(crate) struct Running {
    pub(crate) number: u64,
    /// The first process of it.
    pub(crate) pid: libc::pid_t,
    pub(crate) pidfd: OwnedFd,
    pub(crate) reply: OwnedFd,
    /// The program of a zygote, once something has been forked from it. Looked for once: when it has ended, what was forked from it
    /// takes its place among the children of the first process.
    pub(crate) program: Option<Program>,
}

/// A zygote's program.
pub(crate) struct Program {
    pub(crate) pid: libc::pid_t,
    pub(crate) pidfd: OwnedFd,
    /// Locked by whoever has it fork: it can only be traced by one at a time.
    pub(crate) turn: OwnedFd,
}

impl Running {
    /// The program, if it still runs.
    pub(crate) fn program(&mut self) -> Result<&Program, Failure> {
        if self.program.is_none() {
            let (pid, pidfd) = crate::process::program_of(self.pid)?;
            let flags = rustix::fs::MemfdFlags::CLOEXEC;
            let turn = rustix::fs::memfd_create("turn", flags).while_doing(|| "making a zygote's lock")?;
            self.program = Some(Program { pid, pidfd, turn });
        }
        let running = self.program.as_ref().filter(|program| !crate::process::has_ended(&program.pidfd));
        running.ok_or_else(|| Failure::new("the zygote's program has ended"))
    }
}
