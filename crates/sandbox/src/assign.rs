//! Turning a sandbox that waits into one that serves a function: its code, its layers and its limits come into it from outside, by a
//! short-lived process that the spawner clones for it.

use crate::cgroup::{Cgroups, Limits};
use crate::error::Failure;
use crate::inside::layers_as_one;
use crate::mounts::{self, READ_ONLY};
use crate::root::Root;
use crate::spec::Assignment;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Carries out `assignment` for sandbox `number`, whose first process is `init`. The calling process is of no other use afterwards: it has
/// left its mount namespace.
pub(crate) fn assign(
    number: u64,
    init: &OwnedFd,
    assignment: &Assignment,
    root: &Root,
    cgroups: &Cgroups,
) -> Result<(), Failure> {
    let Assignment { code, layers, memory_mb, max_processes } = assignment;
    let limits = Limits { memory_mb: *memory_mb, max_processes: max_processes.saturating_add(1) };
    cgroups.limit(number, limits)?;
    let code = mounts::copy_of(code, READ_ONLY)?;
    let opt = match layers_as_one(layers)? {
        Some(layers) => layers,
        // The root's own empty place, over whatever a zygote shows there.
        None => mounts::copy_of(&root.within(Path::new("/opt")), READ_ONLY)?,
    };
    crate::process::enter(init, libc::CLONE_NEWNS)?;
    mounts::attach(code.as_fd(), Path::new("/var/task"))?;
    mounts::attach(opt.as_fd(), Path::new("/opt"))
}
