//! Stopping another process at the moment when it forks, and making its child issue system calls. `fork.rs` makes a sandbox out of a fork that way:
//! whatever code is in the process, its child runs none of it before everything that it must not have is taken from it.
//!
//! The registers are those of x86-64; elsewhere nothing can be forked, and every instance is started anew.

use crate::error::{Context, Failure, check};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// What a caught child has of its own from its first moment. Control groups come later: the namespace must show the new group.
pub(crate) const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS;

const FOLLOW: libc::c_int =
    libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK | libc::PTRACE_O_TRACECLONE;
const SUSPEND_SECCOMP: libc::c_int = 1 << 21;
const GET_SYSCALL_INFO: libc::c_uint = 0x420e;
const SYSCALL_STOP: libc::c_int = libc::SIGTRAP | 0x80;
const EVENT_STOP: libc::c_int = 128;
/// A zygote that does other things than to fork is given up after so many system calls.
const PATIENCE: usize = 2000;
/// `syscall`
const INSTRUCTION: [u8; 2] = [0x0f, 0x05];

/// A process that is traced and stopped. It goes on when this is dropped; a caught child dies instead, see [`Child::release`].
#[derive(Debug)]
pub(crate) struct Tracee {
    pid: libc::pid_t,
}

/// A child caught at its first instruction. It is killed if its tracer ends or drops it before [`Child::release`].
#[derive(Debug)]
pub(crate) struct Child {
    pid: libc::pid_t,
    /// Its registers as they are to be when it goes on.
    registers: libc::user_regs_struct,
    memory: File,
    released: bool,
}

fn request(what: libc::c_uint, pid: libc::pid_t, address: usize, data: usize) -> Result<i64, Failure> {
    // SAFETY: each caller passes what `ptrace(2)` wants for its request: numbers, or the address of a live value of the right size.
    check(unsafe { libc::ptrace(what, pid, address, data) }).while_doing(|| format!("tracing (request {what:#x})"))
}

/// Waits for the next stop of `pid` and returns its status.
fn wait(pid: libc::pid_t) -> Result<libc::c_int, Failure> {
    let mut status = 0;
    // SAFETY: `status` lives through the call.
    check(unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) })
        .while_doing(|| "waiting for a traced process")?;
    if libc::WIFSTOPPED(status) { Ok(status) } else { Err(Failure::new("a traced process has ended")) }
}

fn registers(pid: libc::pid_t) -> Result<libc::user_regs_struct, Failure> {
    // SAFETY: all fields are integers, for which zero is a value.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    request(libc::PTRACE_GETREGS, pid, 0, &raw mut registers as usize)?;
    Ok(registers)
}

fn set_registers(pid: libc::pid_t, registers: &libc::user_regs_struct) -> Result<(), Failure> {
    request(libc::PTRACE_SETREGS, pid, 0, std::ptr::from_ref(registers) as usize).map(drop)
}

impl Tracee {
    /// Stops `pid`, whatever it does.
    pub(crate) fn seize(pid: libc::pid_t) -> Result<Self, Failure> {
        request(libc::PTRACE_SEIZE, pid, 0, FOLLOW as usize)?;
        let tracee = Self { pid };
        request(libc::PTRACE_INTERRUPT, pid, 0, 0)?;
        wait(pid)?;
        Ok(tracee)
    }

    /// Lets the process go on until it forks, gives the child namespaces of its own, and lets go of the parent. Nothing but this one
    /// call passes the parent's seccomp filter unseen, and its arguments are ours.
    pub(crate) fn catch_child(self) -> Result<Child, Failure> {
        let mut signal = 0;
        for _ in 0..PATIENCE {
            request(libc::PTRACE_SYSCALL, self.pid, 0, signal)?;
            let status = wait(self.pid)?;
            let stop = libc::WSTOPSIG(status);
            signal = 0;
            if stop != SYSCALL_STOP {
                // A signal on its way is passed on; other stops are only notices.
                signal = if status >> 16 == 0 { stop as usize } else { 0 };
                continue;
            }
            let now = registers(self.pid)?;
            if now.orig_rax as libc::c_long == libc::SYS_clone && self.enters_call()? {
                return self.catch_at(now);
            }
        }
        Err(Failure::new("the zygote does not fork"))
    }

    fn enters_call(&self) -> Result<bool, Failure> {
        let mut info = [0u64; 11];
        request(GET_SYSCALL_INFO, self.pid, size_of_val(&info), info.as_mut_ptr() as usize)?;
        // `op`, the first byte: 1 on entry.
        Ok(info[0] & 0xff == 1)
    }

    fn catch_at(self, entered: libc::user_regs_struct) -> Result<Child, Failure> {
        let kept = libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID;
        let mut ours = entered;
        ours.rdi = (entered.rdi & kept as u64) | (NAMESPACES | libc::SIGCHLD) as u64;
        // No stack and no thread area of its own: a plain fork.
        (ours.rsi, ours.r8) = (0, 0);
        set_registers(self.pid, &ours)?;
        let options = FOLLOW | SUSPEND_SECCOMP | libc::PTRACE_O_EXITKILL;
        request(libc::PTRACE_SETOPTIONS, self.pid, 0, options as usize)?;
        request(libc::PTRACE_SYSCALL, self.pid, 0, 0)?;
        let status = wait(self.pid)?;
        request(libc::PTRACE_SETOPTIONS, self.pid, 0, FOLLOW as usize)?;
        let mut after = registers(self.pid)?;
        (after.rdi, after.rsi, after.r8) = (entered.rdi, entered.rsi, entered.r8);
        set_registers(self.pid, &after)?;
        if status >> 16 == 0 || status >> 16 == EVENT_STOP {
            let errno = rustix::io::Errno::from_raw_os_error(-(after.rax as i64) as i32);
            return Err(Failure::new(format!("forking into new namespaces: {errno}")));
        }
        let mut pid: libc::c_ulong = 0;
        request(libc::PTRACE_GETEVENTMSG, self.pid, 0, &raw mut pid as usize)?;
        drop(self);
        Child::catch(pid as libc::pid_t, &entered)
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        let _ = request(libc::PTRACE_DETACH, self.pid, 0, 0);
    }
}

impl Child {
    fn catch(pid: libc::pid_t, parent: &libc::user_regs_struct) -> Result<Self, Failure> {
        wait(pid)?;
        let mut registers = registers(pid)?;
        (registers.rdi, registers.rsi, registers.r8) = (parent.rdi, parent.rsi, parent.r8);
        let memory = File::options().read(true).write(true).open(format!("/proc/{pid}/mem"));
        let memory = memory.while_doing(|| "opening a child's memory")?;
        let child = Self { pid, registers, memory, released: false };
        let mut instruction = [0; 2];
        child.memory.read_exact_at(&mut instruction, registers.rip - 2).while_doing(|| "reading a child's memory")?;
        if instruction != INSTRUCTION {
            return Err(Failure::new("a child did not come from a system call"));
        }
        Ok(child)
    }

    /// Its id in the caller's namespace.
    pub(crate) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Makes it issue a system call. Fails if the call does.
    pub(crate) fn call(&self, number: libc::c_long, arguments: &[u64]) -> Result<u64, Failure> {
        let mut at = [0u64; 6];
        at[..arguments.len()].copy_from_slice(arguments);
        let mut ours = self.registers;
        (ours.rax, ours.orig_rax) = (number as u64, u64::MAX);
        (ours.rdi, ours.rsi, ours.rdx, ours.r10, ours.r8, ours.r9) = (at[0], at[1], at[2], at[3], at[4], at[5]);
        ours.rip -= INSTRUCTION.len() as u64;
        set_registers(self.pid, &ours)?;
        for _entry_and_exit in 0..2 {
            request(libc::PTRACE_SYSCALL, self.pid, 0, 0)?;
            let status = wait(self.pid)?;
            if libc::WSTOPSIG(status) != SYSCALL_STOP {
                return Err(Failure::new("a caught child stopped for another reason than its call"));
            }
        }
        let result = registers(self.pid)?.rax;
        match result as i64 {
            errno @ -4095..0 => {
                let errno = rustix::io::Errno::from_raw_os_error(-errno as i32);
                Err(Failure::new(format!("system call {number} for a child: {errno}")))
            }
            _ => Ok(result),
        }
    }

    /// Puts `data` where the child may be pointed to it: below its stack, beyond what its own code may still use there. One piece at a time.
    pub(crate) fn lend(&self, data: &[u8]) -> Result<u64, Failure> {
        let place = (self.registers.rsp - 4096) & !15;
        self.memory.write_all_at(data, place).while_doing(|| "writing to a child's memory")?;
        Ok(place)
    }

    /// Lets it go on.
    pub(crate) fn release(mut self) -> Result<(), Failure> {
        set_registers(self.pid, &self.registers)?;
        request(libc::PTRACE_DETACH, self.pid, 0, 0)?;
        self.released = true;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.released {
            // SAFETY: the process is stopped under our eyes, so the number is still its own.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
        }
    }
}

/// The program of the sandbox whose first process is `init`: that process's oldest child.
pub(crate) fn program_of(init: libc::pid_t) -> Result<libc::pid_t, Failure> {
    let children = std::fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
    let children = children.while_doing(|| "looking for a zygote's program")?;
    let first = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
    first.ok_or_else(|| Failure::new("the zygote's program has ended"))
}

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
