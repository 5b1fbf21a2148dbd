//! How a sandbox loses what its maker had: resource limits, another user in a user namespace of its own, no capabilities.

use crate::cgroup::Cgroups;
use crate::error::{Context, Failure, check};
use crate::root::USER_ID;
use crate::spec::Spec;
use rustix::process::{Resource, Rlimit};
use std::os::fd::OwnedFd;

/// AWS's limit of open files.
const OPEN_FILES: u64 = 1024;
/// What interpreters reserve without using it.
const RESERVED_MB: u64 = 256;

/// Sets the limits that hold per process, and stands in for the control groups that this host does not grant.
pub(crate) fn limit_resources(cgroups: &Cgroups, spec: &Spec) -> Result<(), Failure> {
    let limit = |resource, value| {
        let both = Rlimit { current: Some(value), maximum: Some(value) };
        rustix::process::setrlimit(resource, both).while_doing(|| "setting resource limits")
    };
    limit(Resource::Nofile, OPEN_FILES)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Memlock, 64 * 1024)?;
    limit(Resource::Msgqueue, 819_200)?;
    if !cgroups.limits_processes() {
        // Counted per user and user namespace, so per sandbox.
        limit(Resource::Nproc, u64::from(spec.max_processes))?;
    }
    if !cgroups.limits_memory() {
        // What is reserved counts here, used or not; hence the room for the stacks and heaps that interpreters reserve.
        limit(Resource::Data, (u64::from(spec.memory_mb) * 2 + RESERVED_MB) * 1024 * 1024)?;
    }
    Ok(())
}

/// The ids that forks of a zygote have on the host, and how the zygote's user namespace calls them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForkIds {
    /// The first on the host.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
}

impl ForkIds {
    /// What the zygote's user namespace calls the first.
    const WITHIN: u32 = 100_000;

    /// The id of sandbox `number`: within the zygote's user namespace, and on the host.
    pub(crate) fn of(self, number: u64) -> (u32, u32) {
        let index = (number % u64::from(self.count)) as u32;
        (Self::WITHIN + index, self.first + index)
    }
}

/// Becomes `host_id` where the platform may choose, then enters a user namespace in which that is [`USER_ID`]. The namespace comes last: it
/// owns neither the mounts nor the network nor the processes made before it, so even its root would have no say over them. That of a zygote
/// knows the ids of its forks, too.
pub(crate) fn change_user(host_id: Option<u32>, forks: Option<ForkIds>) -> Result<(), Failure> {
    let doing = || "changing the user";
    let Some(id) = host_id else { return enter_user_namespace(USER_ID) };
    // Who maps more than one id must have a say over the host's.
    let mapping = forks.map(|forks| Mapping::begin(id, forks)).transpose()?;
    // SAFETY: plain identity calls in a single-threaded process; the library's versions would synchronise threads that do not exist.
    unsafe {
        check(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>())).while_doing(doing)?;
        check(libc::syscall(libc::SYS_setresgid, id, id, id)).while_doing(doing)?;
        check(libc::syscall(libc::SYS_setresuid, id, id, id)).while_doing(doing)?;
    }
    // The change made /proc/self the host root's; the maps below are written through it.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable).while_doing(doing)?;
    match mapping {
        Some(mapping) => {
            // SAFETY: the process has one thread, as unshare of a user namespace demands.
            check(unsafe { libc::unshare(libc::CLONE_NEWUSER) }).while_doing(doing)?;
            mapping.finish()
        }
        None => enter_user_namespace(id),
    }
}

/// A child that keeps its rights until it has mapped the ids of its parent's new user namespace.
struct Mapping {
    child: libc::pid_t,
    go: OwnedFd,
}

impl Mapping {
    fn begin(id: u32, forks: ForkIds) -> Result<Self, Failure> {
        let doing = || "mapping the users of a zygote";
        let (wait, go) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).while_doing(doing)?;
        // SAFETY: the process has one thread, so the child may go on as ordinary code.
        let child = check(unsafe { libc::fork() }).while_doing(doing)? as libc::pid_t;
        if child == 0 {
            drop(go);
            // Returns when the parent closes its end, in the new namespace.
            let _ = rustix::io::read(&wait, &mut [0]);
            let map = format!("{USER_ID} {id} 1\n{} {} {}\n", ForkIds::WITHIN, forks.first, forks.count);
            // The sandbox's own /proc, whose first process is the parent.
            let written = std::fs::write("/proc/1/setgroups", "deny")
                .and_then(|()| std::fs::write("/proc/1/uid_map", &map))
                .and_then(|()| std::fs::write("/proc/1/gid_map", &map));
            // SAFETY: ends the process without running anything of the spawner's.
            unsafe { libc::_exit(i32::from(written.is_err())) };
        }
        Ok(Self { child, go })
    }

    fn finish(self) -> Result<(), Failure> {
        let Self { child, go } = self;
        drop(go);
        let mut status = 0;
        // SAFETY: `status` lives through the call.
        check(unsafe { libc::waitpid(child, &raw mut status, 0) }).while_doing(|| "mapping the users of a zygote")?;
        if status == 0 { Ok(()) } else { Err(Failure::new("mapping the users of a zygote")) }
    }
}

/// Enters a new user namespace that shows the present user and group, `outer`, as [`USER_ID`].
pub(crate) fn enter_user_namespace(outer: u32) -> Result<(), Failure> {
    let doing = || "making a user namespace";
    // SAFETY: the process has one thread, as unshare of a user namespace demands.
    check(unsafe { libc::unshare(libc::CLONE_NEWUSER) }).while_doing(doing)?;
    map_ids(outer, outer)
}

/// Maps the single user and group of a new user namespace.
pub(crate) fn map_ids(outer_user: u32, outer_group: u32) -> Result<(), Failure> {
    let doing = || "mapping the user";
    std::fs::write("/proc/self/setgroups", "deny").while_doing(doing)?;
    std::fs::write("/proc/self/uid_map", format!("{USER_ID} {outer_user} 1")).while_doing(doing)?;
    std::fs::write("/proc/self/gid_map", format!("{USER_ID} {outer_group} 1")).while_doing(doing)
}

/// Gives up every capability for good.
pub(crate) fn drop_all() -> Result<(), Failure> {
    use rustix::thread::{CapabilitySet, CapabilitySets};
    let doing = || "dropping capabilities";
    for number in 0..64 {
        // SAFETY: a plain request; it fails with EINVAL past the kernel's last capability.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) } != 0 {
            break;
        }
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .while_doing(doing)?;
    rustix::thread::set_no_new_privs(true).while_doing(doing)
}
