//! Landlock, where the kernel has it: a second fence around files that holds even if a mount were wrong. Writing is allowed below `/tmp`,
//! `/dev` and `/proc` only (whose own rules still apply).

use crate::error::{Context, Failure};
use crate::tracing::Child;
use landlock::{ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr};

/// The newest version whose rights are handled.
const NEWEST: ABI = ABI::V3;

/// Confines the calling process and all its descendants. Runs inside the new root, after no_new_privs. Does nothing on a kernel without Landlock.
pub(crate) fn confine() -> Result<(), Failure> {
    let doing = || "confining file access";
    let everything = AccessFs::from_all(NEWEST);
    let mut rules = Ruleset::default().handle_access(everything).while_doing(doing)?.create().while_doing(doing)?;
    let reading = AccessFs::from_read(NEWEST);
    for (place, access) in [("/", reading), ("/tmp", everything), ("/dev", everything), ("/proc", everything)] {
        let place = PathFd::new(place).while_doing(doing)?;
        rules = rules.add_rule(PathBeneath::new(place, access)).while_doing(doing)?;
    }
    rules.restrict_self().while_doing(doing).map(drop)
}

/// Confines a caught child in the same way.
pub(crate) fn confine_child(child: &Child) -> Result<(), Failure> {
    const RULE_PATH_BENEATH: u64 = 1;
    let known = match version() {
        ..=0 => return Ok(()),
        1 => ABI::V1,
        2 => ABI::V2,
        _ => NEWEST,
    };
    let (everything, reading) = (AccessFs::from_all(known).bits(), AccessFs::from_read(known).bits());
    let rights = child.lend(&everything.to_ne_bytes())?;
    let rules = child.call(libc::SYS_landlock_create_ruleset, &[rights, 8, 0])?;
    for (place, access) in [(c"/", reading), (c"/tmp", everything), (c"/dev", everything), (c"/proc", everything)] {
        let path = child.lend(place.to_bytes_with_nul())?;
        let flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
        let opened = child.call(libc::SYS_openat, &[libc::AT_FDCWD as u64, path, flags, 0])?;
        // `struct landlock_path_beneath_attr`, which is packed.
        let rule = [&access.to_ne_bytes()[..], &(opened as u32).to_ne_bytes()].concat();
        let rule = child.lend(&rule)?;
        child.call(libc::SYS_landlock_add_rule, &[rules, RULE_PATH_BENEATH, rule, 0])?;
        child.call(libc::SYS_close, &[opened])?;
    }
    child.call(libc::SYS_landlock_restrict_self, &[rules, 0])?;
    child.call(libc::SYS_close, &[rules]).map(drop)
}

/// Whether the kernel has Landlock and it is switched on.
pub(crate) fn is_available() -> bool {
    version() > 0
}

fn version() -> libc::c_long {
    // SAFETY: with this flag and no attributes, the call only returns the version.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, 1) }
}
