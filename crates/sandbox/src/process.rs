//! Other processes, by descriptors that name them for good.

use crate::error::{Context, Failure, check};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A descriptor of a process.
pub(crate) fn pidfd(pid: libc::pid_t) -> Result<OwnedFd, Failure> {
    // SAFETY: plain numbers; the kernel opens the descriptor for us.
    let opened = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) }).while_doing(|| "opening a process")?;
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(opened as i32) })
}

/// Enters namespaces of a process.
pub(crate) fn enter(pidfd: &OwnedFd, namespaces: libc::c_int) -> Result<(), Failure> {
    // SAFETY: plain numbers; the caller is single-threaded and uses no path that the change would confuse.
    check(unsafe { libc::setns(pidfd.as_raw_fd(), namespaces) }).while_doing(|| "entering a sandbox").map(drop)
}

/// Whether a process has ended.
pub(crate) fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut poll = [PollFd::new(pidfd, PollFlags::IN)];
    rustix::event::poll(&mut poll, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0)
}

/// The id of a process; 0 if it is gone.
pub(crate) fn pid_of(pidfd: &OwnedFd) -> libc::pid_t {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pid:"));
    line.and_then(|pid| pid.trim().parse().ok()).unwrap_or(0)
}

/// The program of the sandbox whose first process is `init`: that process's oldest child.
pub(crate) fn program_of(init: libc::pid_t) -> Result<(libc::pid_t, OwnedFd), Failure> {
    let oldest_child = || -> Result<libc::pid_t, Failure> {
        let children = std::fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
        let children = children.while_doing(|| "looking for a zygote's program")?;
        let first = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        first.ok_or_else(|| Failure::new("the zygote's program has ended"))
    };
    let pid = oldest_child()?;
    let opened = pidfd(pid)?;
    // Still there, so the number was its own when it was opened.
    if oldest_child()? == pid { Ok((pid, opened)) } else { Err(Failure::new("the zygote's program has ended")) }
}
