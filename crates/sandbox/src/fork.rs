//! Making a sandbox by a fork of a zygote's program, instead of by running a program anew. A process of its own does it for each, cloned from
//! the spawner like a sandbox that starts ahead: it catches the zygote's child at its first instruction (`tracing.rs`), and gives it what
//! every sandbox has and takes from it what none has before it lets it go on. So the zygote needs no privilege, and may have run code that
//! nobody vouches for: that is how a snapshot of an initialised function is started from.
//!
//! What differs from other sandboxes: its user namespace lies within the zygote's, so it has the zygote's user id on the host; and its
//! process namespace lies within the zygote's, so it ends with the zygote's first process (which therefore outlives the program).

use crate::cgroup::{Cgroups, Limits};
use crate::error::{Context, Failure, check};
use crate::inside;
use crate::mounts;
use crate::root::USER_ID;
use crate::scratch::{self, Scratch};
use crate::spec::{Fork, Kind, Report};
use crate::tracing::{Child, Tracee, enter, pidfd};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::fs::File;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// The longest that a fork may take, in seconds; whoever waits for it then starts something else.
const LIMIT_S: libc::c_uint = 2;

/// What the spawner gives to the process that attends a fork.
pub(crate) struct Attendance<'a> {
    pub(crate) number: u64,
    pub(crate) fork: &'a Fork,
    /// The zygote's program.
    pub(crate) zygote: libc::pid_t,
    /// Whose turn it is to have it fork.
    pub(crate) turn: BorrowedFd<'a>,
    /// The host's user id of the zygote's sandbox.
    pub(crate) owner: u32,
    pub(crate) cgroups: &'a Cgroups,
    pub(crate) scratch: &'a Scratch,
    pub(crate) ready_tmp: Option<OwnedFd>,
    /// The descriptors of [`crate::spec::Order::Fork`].
    pub(crate) reply: BorrowedFd<'a>,
    pub(crate) output: BorrowedFd<'a>,
    pub(crate) control: BorrowedFd<'a>,
    pub(crate) zygote_control: BorrowedFd<'a>,
    /// Where the child's pidfd goes.
    pub(crate) spawner: BorrowedFd<'a>,
}

/// Makes the sandbox and tells the spawner, or whoever ordered it what went wrong.
pub(crate) fn attend(attendance: Attendance<'_>) {
    let reply = attendance.reply;
    if let Err(failure) = deliver(attendance) {
        let _ = crate::message::send(reply, &Report::Failed(failure.0), &[]);
    }
}

fn deliver(attendance: Attendance<'_>) -> Result<(), Failure> {
    let turn = take_turn(attendance.turn)?;
    // SAFETY: a plain request; the default action of the alarm ends this process, and the kernel then kills an unfinished child.
    unsafe { libc::alarm(LIMIT_S) };
    let parent = pidfd(attendance.zygote)?;
    let zygote = Tracee::seize(attendance.zygote)?;
    let theirs = [attendance.control, attendance.output, attendance.reply];
    tell(attendance.zygote_control, &theirs).while_doing(|| "telling a zygote to fork")?;
    let child = zygote.catch_child()?;
    drop(turn);
    let own = pidfd(child.pid())?;
    attendance.cgroups.admit(attendance.number, child.pid())?;
    let Fork { memory_mb, max_processes, kind, .. } = *attendance.fork;
    let limits = Limits { memory_mb, max_processes: max_processes.saturating_add(1) };
    attendance.cgroups.limit(attendance.number, limits)?;
    let spawner = attendance.spawner;
    furnish(attendance, &child, &own, &parent)?;
    confine(&child, kind)?;
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
fn furnish(attendance: Attendance<'_>, child: &Child, own: &OwnedFd, parent: &OwnedFd) -> Result<(), Failure> {
    enter(own, libc::CLONE_NEWPID)?;
    // SAFETY: the process has one thread, so the child may go on as ordinary code.
    let helper = check(unsafe { libc::fork() }).while_doing(|| "entering a sandbox")?;
    if helper == 0 {
        let reply = attendance.reply;
        let done = furnish_within(attendance, child.pid(), own, parent);
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

fn furnish_within(
    attendance: Attendance<'_>,
    child: libc::pid_t,
    own: &OwnedFd,
    parent: &OwnedFd,
) -> Result<(), Failure> {
    let Attendance { fork, scratch, number, owner, .. } = attendance;
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
    enter(parent, libc::CLONE_NEWUSER)?;
    let map = |file: &str, text: &str| {
        std::fs::write(format!("/proc/{child}/{file}"), text).while_doing(|| "mapping a child's user")
    };
    map("setgroups", "deny")?;
    map("uid_map", &format!("{USER_ID} {USER_ID} 1"))?;
    map("gid_map", &format!("{USER_ID} {USER_ID} 1"))?;

    enter(own, libc::CLONE_NEWNS | libc::CLONE_NEWNET)?;
    let doors = crate::doors::open(&fork.doors)?;
    inside::show_proc(&proc, Path::new("/"))?;
    mounts::attach(tmp.as_fd(), Path::new("/tmp"))?;
    mounts::attach(shared_memory.as_fd(), Path::new("/dev/shm"))?;
    let mut descriptors: Vec<BorrowedFd<'_>> = doors.iter().map(AsFd::as_fd).collect();
    descriptors.extend(peak.as_ref().map(AsFd::as_fd));
    crate::message::send(attendance.reply, &Report::Ready, &descriptors).while_doing(|| "reporting")
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

/// Takes from the child what it got with its user namespace, and confines it as every sandbox is. Its seccomp filter, resource limits
/// and no_new_privs are the zygote's.
fn confine(child: &Child, kind: Kind) -> Result<(), Failure> {
    child.call(libc::SYS_unshare, &[libc::CLONE_NEWCGROUP as u64])?;
    child.call(libc::SYS_setsid, &[]).ok();
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
    if kind == Kind::Spare { crate::landlock::confine_child(child) } else { Ok(()) }
}
