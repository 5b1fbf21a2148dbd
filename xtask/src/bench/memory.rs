//! Processes and their memory, as `/proc` tells.

use std::collections::BTreeMap;
use std::path::Path;

/// Memory in MiB. `pss` counts a page that several processes share in parts, so that sums are true.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub rss: f64,
    pub pss: f64,
}

/// `pid` and all that descend from it; `pid` comes first.
pub fn tree(pid: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = stat(child).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(child);
        }
    }
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(parent) = all.get(at) {
        all.extend(children.get(parent).cloned().unwrap_or_default());
        at += 1;
    }
    all
}

/// The children of `pid`.
pub fn children(pid: u32) -> Vec<u32> {
    let is_child = |child: &u32| stat(*child).and_then(|fields| fields.get(1)?.parse().ok()) == Some(pid);
    tree(pid).into_iter().filter(is_child).collect()
}

/// Whether the process runs (one that has ended and waits to be noticed does not).
pub fn is_alive(pid: u32) -> bool {
    stat(pid).and_then(|fields| fields.first().cloned()).is_some_and(|state| state != "Z")
}

/// The fields of `/proc/PID/stat` behind the name: state, parent, ….
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// The memory of all of `pids` together.
pub fn of(pids: &[u32]) -> Memory {
    let mut sum = Memory::default();
    for pid in pids {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let mib = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
        };
        sum.rss += mib("Rss:").unwrap_or_default();
        sum.pss += mib("Pss:").unwrap_or_default();
    }
    sum
}
