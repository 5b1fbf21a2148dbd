//! The first process of a sandbox: starts the program, collects orphans, reports how the program ended, and by its own end takes all the rest
//! with it. It has no more rights than the program.

use crate::error::{Context, Failure, check};
use crate::spec::{ExitStatus, Kind, Report, Spec};
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Runs the program and waits for its end. Never returns but with a failure to start.
pub(crate) fn run(
    spec: &Spec,
    reply: BorrowedFd<'_>,
    output: BorrowedFd<'_>,
    control: Option<BorrowedFd<'_>>,
) -> Result<(), Failure> {
    let program = Program::prepare(spec)?;
    // SAFETY: the process has one thread, so the child may go on as ordinary code.
    let child = check(unsafe { libc::fork() }).while_doing(|| "starting the program")?;
    if child == 0 {
        let failure = program.execute(output, control);
        let _ = crate::message::send(reply, &Report::NotRun(failure.0), &[]);
        // SAFETY: ends the process without running anything of the spawner's.
        unsafe { libc::_exit(127) };
    }
    keep_only(reply);
    // Its /proc entries then belong to nobody in the sandbox: neither its memory nor the platform's path is shown.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let status = wait_for(child as libc::pid_t);
    let _ = crate::message::send(reply, &Report::Exited(status), &[]);
    if spec.kind == Kind::Zygote {
        outlive_children();
    }
    // SAFETY: as above. The kernel kills every other process of the namespace.
    unsafe { libc::_exit(0) }
}

/// Closes all descriptors but one, so that the program's pipe ends with the program.
fn keep_only(kept: BorrowedFd<'_>) {
    let kept = kept.as_raw_fd() as libc::c_uint;
    // SAFETY: nothing in this process uses any other descriptor from here on.
    unsafe {
        if kept > 0 {
            libc::syscall(libc::SYS_close_range, 0, kept - 1, 0);
        }
        libc::syscall(libc::SYS_close_range, kept + 1, libc::c_uint::MAX, 0);
    }
}

/// Waits until nothing is left that was forked from the program: all of it would end with this process.
fn outlive_children() {
    // SAFETY: no status is asked for.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } > 0
        || crate::error::last_errno() == rustix::io::Errno::INTR
    {}
}

fn wait_for(program: libc::pid_t) -> ExitStatus {
    loop {
        let mut status = 0;
        // SAFETY: `status` lives through the call.
        let ended = unsafe { libc::waitpid(-1, &raw mut status, 0) };
        if ended < 0 && crate::error::last_errno() == rustix::io::Errno::CHILD {
            return ExitStatus::Code(1);
        }
        if ended == program {
            return if libc::WIFSIGNALED(status) {
                ExitStatus::Signal(libc::WTERMSIG(status))
            } else {
                ExitStatus::Code(libc::WEXITSTATUS(status))
            };
        }
    }
}

/// A command in the form that the kernel takes.
struct Program {
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: CString,
}

impl Program {
    fn prepare(spec: &Spec) -> Result<Self, Failure> {
        let text = |text: &str| CString::new(text).while_doing(|| "reading the command");
        Ok(Self {
            arguments: spec.command.iter().map(|argument| text(argument)).collect::<Result<_, _>>()?,
            environment: spec
                .environment
                .iter()
                .map(|(name, value)| text(&format!("{name}={value}")))
                .collect::<Result<_, _>>()?,
            directory: text(&spec.directory)?,
        })
    }

    /// Replaces the process by the program; returns only what went wrong.
    fn execute(&self, output: BorrowedFd<'_>, control: Option<BorrowedFd<'_>>) -> Failure {
        let pointers =
            |list: &[CString]| list.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>();
        let (arguments, environment) = (pointers(&self.arguments), pointers(&self.environment));
        let Some(path) = self.arguments.first() else { return Failure::new("the command is empty") };
        // SAFETY: the pipe is first moved out of the way of the numbers it is to have; the arrays end with a null pointer and
        // what they point to lives in `self`. Rust's runtime has set SIGPIPE to be ignored, which a program must not inherit.
        unsafe {
            let aside = |fd: BorrowedFd<'_>| libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 10);
            let (output, control) = (aside(output), control.map(aside));
            let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY);
            let given = [(nothing, 0), (output, 1), (output, 2)].into_iter().chain(control.map(|control| (control, 3)));
            let mut beyond = 0;
            for (from, to) in given {
                if libc::dup2(from, to) < 0 {
                    return Failure::new("giving the program its pipe");
                }
                beyond = to as libc::c_uint + 1;
            }
            libc::syscall(libc::SYS_close_range, beyond, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            libc::umask(0o022);
            if libc::chdir(self.directory.as_ptr()) == 0 {
                libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr());
            }
        }
        Failure::new(format!("running {}: {}", path.to_string_lossy(), crate::error::last_errno()))
    }
}
