//! Limits of memory, processes and processor through control groups, version 2 or version 1, whichever has the controllers.
//!
//! The processor is shared by weight, not by quota: a quota that fits 128 MiB (7 % of a processor) would stretch a 20 ms start to
//! 300 ms, while AWS gives a full processor during initialisation; by weight an idle machine is used fully and a busy one fairly.

mod owner;

use crate::error::{Context, Failure};
use owner::Owner;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Memory at which a sandbox is due one whole processor, as on AWS.
const MEMORY_OF_ONE_PROCESSOR_MB: u32 = 1769;

/// What the groups below a parent group limit, in version 2.
const CONTROLLERS: &str = "+memory +pids +cpu";

/// The limits of one sandbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) memory_mb: u32,
    pub(crate) max_processes: u32,
}

/// Where groups can be made on this host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cgroups {
    /// One directory with all controllers (version 2).
    unified: Option<PathBuf>,
    /// One directory per controller (version 1).
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
    cpu: Option<PathBuf>,
}

/// What the kernel counted for a sandbox that has ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    pub(crate) out_of_memory: bool,
    pub(crate) peak_bytes: Option<u64>,
}

impl Cgroups {
    /// Makes this process's parent groups, named after the platform `id`, below the group that the process is in. What cannot be made is
    /// left out.
    pub(crate) fn prepare(id: &str) -> Self {
        let mut found = Self::default();
        let Some(name) = Owner::own().map(|owner| owner.group(id)) else { return found };
        for (controllers, directory) in own_groups() {
            if controllers.is_empty() {
                found.unified = prepare_unified(&directory, &name);
                continue;
            }
            let place = directory.join(&name);
            for controller in controllers {
                let slot = match controller.as_str() {
                    "memory" => &mut found.memory,
                    "pids" => &mut found.pids,
                    "cpu" => &mut found.cpu,
                    _ => continue,
                };
                if make(&place).is_ok() && usable(&place) {
                    *slot = Some(place.clone());
                }
            }
        }
        found
    }

    /// Whether memory limits are enforced.
    pub(crate) fn limits_memory(&self) -> bool {
        self.unified.is_some() || self.memory.is_some()
    }

    /// Whether the number of processes is limited per sandbox.
    pub(crate) fn limits_processes(&self) -> bool {
        self.unified.is_some() || self.pids.is_some()
    }

    /// Whether the processor is shared by memory size.
    pub(crate) fn shares_processor(&self) -> bool {
        self.unified.is_some() || self.cpu.is_some()
    }

    /// Removes the parent groups with all that is in them; the last act of a spawner.
    pub(crate) fn remove_all(&self) {
        self.parents().for_each(|parent| remove(parent));
    }

    /// Makes the groups of sandbox `number`, without limits yet, and moves process `pid` into them (0 is the caller). That takes the kernel
    /// up to 20 ms: it waits for every processor to pass a quiet state.
    pub(crate) fn admit(&self, number: u64, pid: libc::pid_t) -> Result<(), Failure> {
        for parent in self.parents() {
            let group = parent.join(number.to_string());
            make_below(parent, &group).while_doing(|| format!("making {}", group.display()))?;
            set(&group, "cgroup.procs", &pid.to_string())?;
        }
        Ok(())
    }

    /// The file that tells the peak of memory of sandbox `number`.
    pub(crate) fn peak_of(&self, number: u64) -> Option<OwnedFd> {
        let peak_in = |parent: &Option<PathBuf>, file: &str| {
            File::open(parent.as_ref()?.join(number.to_string()).join(file)).ok().map(OwnedFd::from)
        };
        let peak = peak_in(&self.unified, "memory.peak");
        peak.or_else(|| peak_in(&self.memory, "memory.max_usage_in_bytes"))
    }

    /// Limits sandbox `number`, whose process must have entered its groups.
    pub(crate) fn limit(&self, number: u64, limits: Limits) -> Result<(), Failure> {
        let bytes = (u64::from(limits.memory_mb) * 1024 * 1024).to_string();
        let processes = limits.max_processes.to_string();
        if let Some(parent) = &self.unified {
            let group = parent.join(number.to_string());
            let weight = (limits.memory_mb * 100 / MEMORY_OF_ONE_PROCESSOR_MB).clamp(1, 10_000);
            set(&group, "memory.max", &bytes)?;
            let _ = set(&group, "memory.swap.max", "0");
            set(&group, "pids.max", &processes)?;
            let _ = set(&group, "cpu.weight", &weight.to_string());
        }
        if let Some(parent) = &self.memory {
            let group = parent.join(number.to_string());
            set(&group, "memory.limit_in_bytes", &bytes)?;
            // Absent when the kernel does not account swap; then there is the swappiness below.
            let _ = set(&group, "memory.memsw.limit_in_bytes", &bytes);
            let _ = set(&group, "memory.swappiness", "0");
        }
        if let Some(parent) = &self.pids {
            set(&parent.join(number.to_string()), "pids.max", &processes)?;
        }
        if let Some(parent) = &self.cpu {
            let shares = (limits.memory_mb * 1024 / MEMORY_OF_ONE_PROCESSOR_MB).max(2);
            set(&parent.join(number.to_string()), "cpu.shares", &shares.to_string())?;
        }
        Ok(())
    }

    /// Reads what was counted for sandbox `number` and removes its groups. All its processes must have ended.
    pub(crate) fn leave(&self, number: u64) -> Counted {
        let mut counted = Counted::default();
        if let Some(parent) = &self.unified {
            let group = parent.join(number.to_string());
            counted = count(&group.join("memory.events"), &group.join("memory.peak"));
        }
        if let Some(parent) = &self.memory {
            let group = parent.join(number.to_string());
            counted = count(&group.join("memory.oom_control"), &group.join("memory.max_usage_in_bytes"));
        }
        for parent in self.parents() {
            let group = parent.join(number.to_string());
            if std::fs::remove_dir(&group).is_err() && group.exists() {
                clear(&group);
            }
        }
        counted
    }

    fn parents(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.unified, &self.memory, &self.pids, &self.cpu].into_iter().flatten()
    }
}

/// Ends and removes what spawners of the platform `id` have left that were killed before they could do it.
pub(crate) fn remove_left(id: &str) {
    for (_, directory) in own_groups() {
        for group in groups_in(&directory) {
            let name = group.file_name().unwrap_or_default().to_string_lossy();
            if Owner::of(&name, id).is_some_and(|owner| !owner.is_alive()) {
                remove(&group);
            }
        }
    }
}

/// The controllers (none for version 2) and the directory of each group that this process is in.
fn own_groups() -> Vec<(Vec<String>, PathBuf)> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    groups_of(&mounts, &own)
}

fn groups_of(mountinfo: &str, own: &str) -> Vec<(Vec<String>, PathBuf)> {
    let mut groups = Vec::new();
    for line in mountinfo.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let before: Vec<&str> = before.split(' ').collect();
        let after: Vec<&str> = after.split(' ').collect();
        let (Some(root), Some(place), Some(kind)) = (before.get(3), before.get(4), after.first()) else { continue };
        let options: Vec<&str> = after.get(2).unwrap_or(&"").split(',').collect();
        for entry in own.lines() {
            let mut fields = entry.splitn(3, ':');
            let (Some(_), Some(names), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
            let matches = match *kind {
                "cgroup2" => names.is_empty(),
                "cgroup" => !names.is_empty() && names.split(',').all(|name| options.contains(&name)),
                _ => false,
            };
            if matches {
                let below = path.strip_prefix(root.trim_end_matches('/')).unwrap_or("");
                let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
                groups.push((names, Path::new(place).join(below.trim_start_matches('/'))));
            }
        }
    }
    groups
}

/// Version 2 allows controllers only for the children of a group that has no processes of its own, the root apart: if the platform's
/// group is in the way, its processes move to a leaf beside the sandboxes.
fn prepare_unified(own: &Path, name: &str) -> Option<PathBuf> {
    let offered = std::fs::read_to_string(own.join("cgroup.controllers")).ok()?;
    if !offered.split_whitespace().any(|controller| controller == "memory") {
        return None;
    }
    if std::fs::write(own.join("cgroup.subtree_control"), CONTROLLERS).is_err() {
        let leaf = own.join("platform");
        make(&leaf).ok()?;
        for pid in std::fs::read_to_string(own.join("cgroup.procs")).ok()?.lines() {
            let _ = std::fs::write(leaf.join("cgroup.procs"), pid);
        }
        std::fs::write(own.join("cgroup.subtree_control"), CONTROLLERS).ok()?;
    }
    let parent = own.join(name);
    make(&parent).ok()?;
    std::fs::write(parent.join("cgroup.subtree_control"), CONTROLLERS).ok()?;
    usable(&parent).then_some(parent)
}

fn make(group: &Path) -> std::io::Result<()> {
    match std::fs::create_dir(group) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Makes a sandbox's group, and its parent again if that is gone: as long as no sandbox is in it, anybody who tidies up can remove it.
fn make_below(parent: &Path, group: &Path) -> std::io::Result<()> {
    match make(group) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            make(parent)?;
            // In version 1 there is no such file; in version 2 setting limits will tell.
            let _ = std::fs::write(parent.join("cgroup.subtree_control"), CONTROLLERS);
            make(group)
        }
        made => made,
    }
}

fn usable(group: &Path) -> bool {
    rustix::fs::access(group.join("cgroup.procs"), rustix::fs::Access::WRITE_OK).is_ok()
}

fn set(group: &Path, file: &str, value: &str) -> Result<(), Failure> {
    std::fs::write(group.join(file), value).while_doing(|| format!("setting {file}"))
}

fn count(events: &Path, peak: &Path) -> Counted {
    let events = std::fs::read_to_string(events).unwrap_or_default();
    let kills = events.lines().filter_map(|line| line.strip_prefix("oom_kill ")).any(|kills| kills.trim() != "0");
    let peak = std::fs::read_to_string(peak).ok().and_then(|text| text.trim().parse().ok());
    Counted { out_of_memory: kills, peak_bytes: peak }
}

fn groups_in(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// Removes a parent group with the sandboxes' below it.
fn remove(parent: &Path) {
    groups_in(parent).iter().for_each(|group| clear(group));
    clear(parent);
}

/// Kills what is in `group` and removes it, waiting up to a second for the kernel to let go.
fn clear(group: &Path) {
    let until = Instant::now() + Duration::from_secs(1);
    while std::fs::remove_dir(group).is_err() && group.exists() && Instant::now() < until {
        for pid in std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines() {
            if let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_groups_are_found_in_both_versions() {
        let mounts = "30 24 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                      31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      32 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let own = "9:memory:/app/x\n4:cpu,cpuacct:/\n0::/user.slice\n";
        let groups = groups_of(mounts, own);
        assert_eq!(groups[0], (vec!["memory".into()], PathBuf::from("/sys/fs/cgroup/memory/app/x")));
        assert_eq!(groups[1].1, PathBuf::from("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(groups[2], (vec![], PathBuf::from("/sys/fs/cgroup/unified/user.slice")));
    }
}
