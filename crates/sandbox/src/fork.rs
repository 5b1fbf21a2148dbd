//! Making a sandbox by a fork of a zygote's program, instead of by running a program anew. A process of its own does it for each, cloned from
//! the spawner like a sandbox that starts ahead: it catches the zygote's child at its first instruction (`tracing.rs`), and gives it what
//! every sandbox has and takes from it what none has before it lets it go on. So the zygote needs no privilege, and may have run code that
//! nobody vouches for: that is how a snapshot of an initialised function is started from.
//!
//! What differs from other sandboxes: its user namespace lies within the zygote's, whose user therefore has a say over it; and its process
//! namespace does too, so it ends with the zygote's first process (which therefore outlives the program).

use crate::cgroup::{Cgroups, Limits};
use crate::error::{Context, Failure, check};
use crate::inside;
use crate::mounts;
use crate::privileges::ForkIds;
use crate::process::{enter, has_ended, pidfd};
use crate::root::USER_ID;
use crate::running::Program;
use crate::scratch::{self, Scratch};
use crate::spec::{Fork, Report};
use crate::tracing::{Child, Tracee};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::fs::File;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// How long a zygote may take to fork, in seconds; whoever waits for it then starts something else.
const FORK_LIMIT_S: libc::c_uint = 2;
/// How long the rest may take, which does not depend on the zygote.
const LIMIT_S: libc::c_uint = 20;

/// What the spawner gives to the process that attends a fork.
pub(crate) struct Attendance<'a> {
    pub(crate) number: u64,
    pub(crate) fork: &'a Fork,
    /// The zygote's program.
    pub(crate) zygote: &'a Program,
    /// The ids of forks, where sandboxes have ids of their own.
    pub(crate) ids: Option<ForkIds>,
    pub(crate) cgroups: &'a Cgroups,
    pub(crate) scratch: &'a Scratch,
    pub(crate) ready_tmp: Option<OwnedFd>,
    /// The descriptors of [`crate::spec::Order::Fork`].
    pub(crate) reply: BorrowedFd<'a>,
    pub(crate) output: BorrowedFd<'a>,
    pub(crate) control: BorrowedFd<'a>,
    pub(crate) status: BorrowedFd<'a>,
    pub(crate) zygote_control: BorrowedFd<'a>,
    /// Where the child's pidfd goes.
    pub(crate) spawner: BorrowedFd<'a>,
}

/// Makes the sandbox and tells the spawner, or whoever ordered it what went wrong.
pub(crate) fn attend(attendance: Attendance<'_>) {
    let reply = attendance.reply;
    let report = match fork(&attendance) {
        Ok(child) => deliver(attendance, child).map_err(|failure| Report::Failed(failure.0)),
        Err(failure) => Err(Report::NotForked(failure.0)),
    };
    if let Err(report) = report {
        let _ = crate::message::send(reply, &report, &[]);
    }
}

/// Has the zygote fork, and catches the child.
fn fork(attendance: &Attendance<'_>) -> Result<Child, Failure> {
    let Program { pid, pidfd, turn } = attendance.zygote;
    let turn = take_turn(turn.as_fd())?;
    give_up_after(FORK_LIMIT_S);
    let zygote = Tracee::seize(*pid)?;
    // Alive still, so what was seized by its number was no other process.
    if has_ended(pidfd) {
        return Err(Failure::new("the zygote's program has ended"));
    }
    let theirs = [attendance.control, attendance.output, attendance.status];
    tell(attendance.zygote_control, &theirs).while_doing(|| "telling a zygote to fork")?;
    let child = zygote.catch_child()?;
    drop(turn);
    give_up_after(LIMIT_S);
    Ok(child)
}

/// Has the kernel end this process then, and with it an unfinished child.
fn give_up_after(seconds: libc::c_uint) {
    // SAFETY: a plain request; the alarm's default action ends the process.
    unsafe { libc::alarm(seconds) };
}

fn deliver(attendance: Attendance<'_>, child: Child) -> Result<(), Failure> {
    let own = pidfd(child.pid())?;
    attendance.cgroups.admit(attendance.number, child.pid())?;
    let Fork { memory_mb, max_processes, .. } = *attendance.fork;
    let limits = Limits { memory_mb, max_processes: max_processes.saturating_add(1) };
    attendance.cgroups.limit(attendance.number, limits)?;
    let (spawner, has_id) = (attendance.spawner, attendance.ids.is_some());
    furnish(attendance, &child, &own)?;
    confine(&child, has_id)?;
    crate::message::send(spawner, &(), &[own.as_fd()]).while_doing(|| "handing over a child")?;
    child.release()
}

/// Waits for the lock and holds it until the result is dropped. It is taken through an opening of its own, since locks belong to those.
fn take_turn(turn: BorrowedFd<'_>) -> Result<File, Failure> {
    let doing = || "waiting for a zygote";
    let own = File::open(format!("/proc/self/fd/{}", turn.as_raw_fd())).while_doing(doing)?;
    own.lock().while_doing(doing)?;
    Ok(own)
}

/// One byte, with descriptors, over a stream socket.
fn tell(socket: BorrowedFd<'_>, descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    beside.push(SendAncillaryMessage::ScmRights(descriptors));
    rustix::net::sendmsg(socket, &[IoSlice::new(b"f")], &mut beside, SendFlags::NOSIGNAL).map(drop)
}

/// Fills the child's namespaces, from a process that has entered them: only there can its `/proc` be made.
fn furnish(attendance: Attendance<'_>, child: &Child, own: &OwnedFd) -> Result<(), Failure> {
    enter(own, libc::CLONE_NEWPID)?;
    // SAFETY: the process has one thread, so the child may go on as ordinary code.
    let helper = check(unsafe { libc::fork() }).while_doing(|| "entering a sandbox")?;
    if helper == 0 {
        let reply = attendance.reply;
        let done = furnish_within(attendance, child.pid(), own);
        if let Err(failure) = &done {
            let _ = crate::message::send(reply, &Report::Failed(failure.0.clone()), &[]);
        }
        // SAFETY: ends the process without running anything of the spawner's.
        unsafe { libc::_exit(i32::from(done.is_err())) };
    }
    let mut status = 0;
    // SAFETY: `status` lives through the call.
    check(unsafe { libc::waitpid(helper as libc::pid_t, &raw mut status, 0) })
        .while_doing(|| "furnishing a sandbox")?;
    if status == 0 { Ok(()) } else { Err(Failure::new("furnishing a sandbox")) }
}

fn furnish_within(attendance: Attendance<'_>, child: libc::pid_t, own: &OwnedFd) -> Result<(), Failure> {
    let Attendance { fork, scratch, number, ids, .. } = attendance;
    let (within, owner) = ids.map_or((USER_ID, USER_ID), |ids| ids.of(number));
    begin_numbers_anywhere();
    // What needs the host's rights is made first, then taken along.
    let proc = mounts::fresh("proc", &[], inside::PLAIN)?;
    let tmp = match attendance.ready_tmp {
        Some(tmp) => tmp,
        None => scratch.make(fork.tmp_mb)?,
    };
    scratch::hand_over(&tmp, owner)?;
    let shared_memory = inside::shared_memory(fork.memory_mb)?;
    let peak = attendance.cgroups.peak_of(number);

    // Only from within the zygote's user namespace may that of its child be mapped.
    enter(&attendance.zygote.pidfd, libc::CLONE_NEWUSER)?;
    let map = |file: &str, text: &str| {
        std::fs::write(format!("/proc/{child}/{file}"), text).while_doing(|| "mapping a child's user")
    };
    map("setgroups", "deny")?;
    map("uid_map", &format!("{USER_ID} {within} 1"))?;
    map("gid_map", &format!("{USER_ID} {within} 1"))?;

    enter(own, libc::CLONE_NEWUSER)?;
    limit_shares();
    enter(own, libc::CLONE_NEWNS | libc::CLONE_NEWNET)?;
    let doors = crate::doors::open(&fork.doors)?;
    inside::show_proc(&proc, Path::new("/"))?;
    mounts::attach(tmp.as_fd(), Path::new("/tmp"))?;
    mounts::attach(shared_memory.as_fd(), Path::new("/dev/shm"))?;
    let mut descriptors: Vec<BorrowedFd<'_>> = doors.iter().map(AsFd::as_fd).collect();
    descriptors.extend(peak.as_ref().map(AsFd::as_fd));
    crate::message::send(attendance.reply, &Report::Ready, &descriptors).while_doing(|| "reporting")
}

/// What the kernel counts for the owner of a user namespace is counted for the zygote's user, who owns those of all its forks: none may take
/// more than a small part of it. Written from within the child's user namespace, whose limits they are.
fn limit_shares() {
    for (limit, value) in [("max_inotify_instances", "16"), ("max_inotify_watches", "8192")] {
        // A kernel without this has nothing to share.
        let _ = std::fs::write(format!("/proc/sys/user/{limit}"), value);
    }
}

/// Has the kernel go on with process ids from a random one: libraries that reseed themselves when their process id changes must see another
/// one than in the zygote.
fn begin_numbers_anywhere() {
    let mut random = [0u8; 2];
    // SAFETY: fills the two bytes.
    unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    let last = 300 + u32::from(u16::from_le_bytes(random)) / 4;
    let _ = std::fs::write("/proc/sys/kernel/ns_last_pid", last.to_string());
}

/// Gives the child its user, takes from it what it got with its user namespace, and confines it as every sandbox is. Its seccomp filter,
/// resource limits and no_new_privs are the zygote's.
fn confine(child: &Child, has_id: bool) -> Result<(), Failure> {
    child.call(libc::SYS_unshare, &[libc::CLONE_NEWCGROUP as u64])?;
    child.call(libc::SYS_setsid, &[]).ok();
    if has_id {
        let id = u64::from(USER_ID);
        child.call(libc::SYS_setresgid, &[id, id, id])?;
        child.call(libc::SYS_setresuid, &[id, id, id])?;
        // The change made its /proc entries the host root's.
        child.call(libc::SYS_prctl, &[libc::PR_SET_DUMPABLE as u64, 1])?;
    }
    for capability in 0..64 {
        // Past the kernel's last capability the call fails.
        if child.call(libc::SYS_prctl, &[libc::PR_CAPBSET_DROP as u64, capability]).is_err() {
            break;
        }
    }
    // A header of version 3 for the caller itself, then no capability in any set.
    let mut none = [0u8; 8 + 24];
    none[..4].copy_from_slice(&0x2008_0522_u32.to_ne_bytes());
    let place = child.lend(&none)?;
    child.call(libc::SYS_capset, &[place, place + 8])?;
    crate::landlock::confine_child(child)?;
    child.seal()
}
