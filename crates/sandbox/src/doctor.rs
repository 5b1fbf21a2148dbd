//! What this host lacks for full isolation, and what that weakens. For `fogbank doctor`.

use crate::cgroup::Cgroups;
use crate::scratch::Scratch;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What is weaker without it.
    pub weakens: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Looks at everything that sandboxes rely on.
pub fn doctor() -> Vec<Finding> {
    crate::cgroup::remove_left("doctor");
    let cgroups = Cgroups::prepare("doctor");
    let (memory, processes, processor) =
        (cgroups.limits_memory(), cgroups.limits_processes(), cgroups.shares_processor());
    cgroups.remove_all();
    let root = rustix::process::geteuid().is_root();
    let group_remedy = "run as root, or under systemd with Delegate=yes";
    let finding = |what, ok, weakens, remedy| Finding { what, ok, weakens, remedy };
    vec![
        finding(
            "namespaces",
            namespaces(root),
            "no sandbox can be made: functions do not run",
            "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0) or run as root",
        ),
        finding(
            "memory limits",
            memory,
            "memory is limited per process and loosely (twice the size and 256 MiB), and its peak is not known",
            group_remedy,
        ),
        finding(
            "process limits",
            processes,
            "processes are counted per user instead of per function instance",
            group_remedy,
        ),
        finding(
            "processor shares",
            processor,
            "functions share the processor evenly, whatever their memory size",
            group_remedy,
        ),
        finding(
            "own user per instance",
            root,
            "all instances run as the platform's own user on the host; namespaces alone keep them apart",
            "run as root: the platform gives each instance an unprivileged user of its own",
        ),
        finding(
            "/tmp on disk",
            root && Scratch::new(std::env::temp_dir()).has_images(),
            "what a function writes to /tmp counts against its memory limit",
            "run as root, with mkfs.ext4 (package e2fsprogs) and /dev/loop-control",
        ),
        finding(
            "Landlock",
            crate::landlock::is_available(),
            "file access is fenced by mounts and permissions only, without a second fence",
            "use a kernel with Landlock (5.13 or later, lsm=landlock,...)",
        ),
    ]
}

/// Root needs no permission for namespaces; anybody else needs user namespaces, which the kernel allows unless a limit says no.
fn namespaces(root: bool) -> bool {
    let read = |path| std::fs::read_to_string(path).ok().map(|text: String| text.trim().to_owned());
    let restricted = read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").is_some_and(|value| value == "1")
        || read("/proc/sys/kernel/unprivileged_userns_clone").is_some_and(|value| value == "0");
    let allowed = read("/proc/sys/user/max_user_namespaces").is_some_and(|value| value != "0");
    allowed && (root || !restricted)
}
