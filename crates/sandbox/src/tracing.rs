//! Stopping another process at the moment when it forks, and making its child issue system calls. `fork.rs` makes a sandbox out of a fork that way.
//!
//! The process may be anybody's code, and its parent, which goes on meanwhile, may share memory with it. So nothing in that memory is relied on:
//! a call's number and arguments are set when the kernel has already stopped the child at the entry of one, whichever it wanted, and
//! what a call points to lies in memory that the child got under our eyes and shares with nobody.
//!
//! The registers are those of x86-64; elsewhere (`untraced.rs`) nothing can be forked, and every instance is started anew.

use crate::error::{Context, Failure, check};
use std::fs::File;
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
/// `AUDIT_ARCH_X86_64`: the calls of other architectures have other numbers.
const ARCHITECTURE: u32 = 0xc000_003e;
/// The length of the instruction `syscall`.
const INSTRUCTION: u64 = 2;
/// No capability, as `/proc` writes it.
const NOTHING: &str = "0000000000000000";
/// What is lent to a child at a time.
const LENT: u64 = 4096;

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
    /// Where it can be pointed to.
    lent: u64,
    released: bool,
}

/// Whether a process that has stopped at a system call is about to enter one of this architecture's.
fn enters_call(pid: libc::pid_t) -> Result<bool, Failure> {
    // `struct ptrace_syscall_info`: the operation, 1 on entry, then the architecture.
    let mut info = [0u32; 22];
    request(GET_SYSCALL_INFO, pid, size_of_val(&info), info.as_mut_ptr() as usize)?;
    Ok(info[0] & 0xff == 1 && info[1] == ARCHITECTURE)
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
            if now.orig_rax as libc::c_long == libc::SYS_clone && enters_call(self.pid)? {
                return self.catch_at(now);
            }
        }
        Err(Failure::new("the zygote does not fork"))
    }

    fn catch_at(self, entered: libc::user_regs_struct) -> Result<Child, Failure> {
        let kept = libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID;
        let mut ours = entered;
        ours.rdi = (entered.rdi & kept as u64) | (NAMESPACES | libc::SIGCHLD) as u64;
        // No stack and no thread area of its own: a plain fork.
        (ours.rsi, ours.r8) = (0, 0);
        let caught = self.pass_clone(&ours);
        // Whatever came of it, the parent goes on with its own registers, and does not try again by itself where nobody would see it.
        let mut after = registers(self.pid)?;
        (after.rdi, after.rsi, after.r8) = (entered.rdi, entered.rsi, entered.r8);
        if !matches!(caught, Ok(true)) {
            after.orig_rax = u64::MAX;
            after.rax = -i64::from(libc::EAGAIN) as u64;
        }
        set_registers(self.pid, &after)?;
        if !caught? {
            return Err(Failure::new("the zygote could not fork into new namespaces"));
        }
        let mut pid: libc::c_ulong = 0;
        request(libc::PTRACE_GETEVENTMSG, self.pid, 0, &raw mut pid as usize)?;
        drop(self);
        Child::catch(pid as libc::pid_t, &entered)
    }

    /// Has the kernel carry out the one call. Whether a child came of it.
    fn pass_clone(&self, ours: &libc::user_regs_struct) -> Result<bool, Failure> {
        set_registers(self.pid, ours)?;
        let options = FOLLOW | SUSPEND_SECCOMP | libc::PTRACE_O_EXITKILL;
        request(libc::PTRACE_SETOPTIONS, self.pid, 0, options as usize)?;
        request(libc::PTRACE_SYSCALL, self.pid, 0, 0)?;
        let status = wait(self.pid)?;
        request(libc::PTRACE_SETOPTIONS, self.pid, 0, FOLLOW as usize)?;
        Ok(status >> 16 != 0 && status >> 16 != EVENT_STOP)
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
        let mut child = Self { pid, registers, memory, lent: 0, released: false };
        let (protection, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        child.lent = child.call(libc::SYS_mmap, &[0, LENT, protection as u64, kind as u64, u64::MAX, 0])?;
        Ok(child)
    }

    /// Its id in the caller's namespace.
    pub(crate) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Makes it issue a system call. Fails if the call does.
    pub(crate) fn call(&self, number: libc::c_long, arguments: &[u64]) -> Result<u64, Failure> {
        let mut to_entry = self.registers;
        to_entry.orig_rax = u64::MAX;
        to_entry.rax = number as u64;
        to_entry.rip = to_entry.rip.wrapping_sub(INSTRUCTION);
        set_registers(self.pid, &to_entry)?;
        self.go_to_call()?;
        if !enters_call(self.pid)? {
            return Err(Failure::new("a caught child does not enter the call that it was led to"));
        }
        // Here the kernel looks for what is wanted, and nowhere else.
        let mut at = [0u64; 6];
        at[..arguments.len()].copy_from_slice(arguments);
        let mut ours = registers(self.pid)?;
        (ours.rax, ours.orig_rax) = (-i64::from(libc::ENOSYS) as u64, number as u64);
        (ours.rdi, ours.rsi, ours.rdx, ours.r10, ours.r8, ours.r9) = (at[0], at[1], at[2], at[3], at[4], at[5]);
        set_registers(self.pid, &ours)?;
        self.go_to_call()?;
        let after = registers(self.pid)?;
        if after.orig_rax != number as u64 || enters_call(self.pid)? {
            return Err(Failure::new("a caught child did not make the call that it was led to"));
        }
        match after.rax as i64 {
            errno @ -4095..0 => {
                let errno = rustix::io::Errno::from_raw_os_error(-errno as i32);
                Err(Failure::new(format!("system call {number} for a child: {errno}")))
            }
            _ => Ok(after.rax),
        }
    }

    /// Lets it run until it enters or leaves a system call.
    fn go_to_call(&self) -> Result<(), Failure> {
        request(libc::PTRACE_SYSCALL, self.pid, 0, 0)?;
        let status = wait(self.pid)?;
        if libc::WSTOPSIG(status) == SYSCALL_STOP {
            return Ok(());
        }
        Err(Failure::new("a caught child stopped for another reason than its call"))
    }

    /// Puts `data` where the child can be pointed to it. One piece at a time.
    pub(crate) fn lend(&self, data: &[u8]) -> Result<u64, Failure> {
        self.memory.write_all_at(data, self.lent).while_doing(|| "writing to a child's memory")?;
        Ok(self.lent)
    }

    /// Takes back what was lent, and makes sure from outside that nothing is left to the child that it must not have.
    pub(crate) fn seal(&self) -> Result<(), Failure> {
        self.call(libc::SYS_munmap, &[self.lent, LENT])?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.while_doing(|| "looking at a child")?;
        let is = |name: &str, wanted: &str| {
            status.lines().any(|line| line.strip_prefix(name).is_some_and(|value| value.trim() == wanted))
        };
        let powerless = ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"].iter().all(|name| is(name, NOTHING));
        if powerless && is("NoNewPrivs:", "1") && is("Seccomp:", "2") {
            return Ok(());
        }
        Err(Failure::new("a child has kept a privilege"))
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
