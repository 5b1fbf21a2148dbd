//! Landlock, where the kernel has it: a second fence around files that holds even if a mount were wrong. Writing is allowed below `/tmp`,
//! `/dev` and `/proc` only (whose own rules still apply).

use crate::error::{Context, Failure};
use landlock::{ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr};

/// Confines the calling process and all its descendants. Runs inside the new root, after no_new_privs. Does nothing on a kernel without Landlock.
pub(crate) fn confine() -> Result<(), Failure> {
    let doing = || "confining file access";
    let abi = ABI::V3;
    let everything = AccessFs::from_all(abi);
    let mut rules = Ruleset::default().handle_access(everything).while_doing(doing)?.create().while_doing(doing)?;
    let reading = AccessFs::from_read(abi);
    for (place, access) in [("/", reading), ("/tmp", everything), ("/dev", everything), ("/proc", everything)] {
        let place = PathFd::new(place).while_doing(doing)?;
        rules = rules.add_rule(PathBeneath::new(place, access)).while_doing(doing)?;
    }
    rules.restrict_self().while_doing(doing).map(drop)
}

/// Whether the kernel has Landlock and it is switched on.
pub(crate) fn is_available() -> bool {
    // SAFETY: with this flag and no attributes, the call only returns the version.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, 1) > 0 }
}
