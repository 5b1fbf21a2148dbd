//! Whose a control group is. Its name tells the process that made it, so that nobody ends or removes what is another's, and whoever comes
//! later finds what the dead have left.

/// A process. When it started tells it from others that have had its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pid: u32,
    /// In the kernel's ticks since it began.
    started: u64,
}

impl Owner {
    /// This process.
    pub(super) fn own() -> Option<Self> {
        Self::running(std::process::id())
    }

    /// The process that has the id `pid` now; one that waits only to be reaped has ended.
    fn running(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it is in brackets, and may hold any others.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        if matches!(fields.next()?, "Z" | "X") {
            return None;
        }
        Some(Self { pid, started: fields.nth(18)?.parse().ok()? })
    }

    pub(super) fn is_alive(self) -> bool {
        Self::running(self.pid) == Some(self)
    }

    /// The name of its group for the platform `id`.
    pub(super) fn group(self, id: &str) -> String {
        format!("fogbank-{id}-{}-{}", self.pid, self.started)
    }

    /// The owner of the group `name`, if it is one of the platform `id`.
    pub(super) fn of(name: &str, id: &str) -> Option<Self> {
        let owner = name.strip_prefix("fogbank-")?.strip_prefix(id)?.strip_prefix('-')?;
        let (pid, started) = owner.split_once('-')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_told_from_the_dead_and_from_who_has_its_id_now() {
        let own = Owner::own().unwrap();
        assert!(own.is_alive());
        assert!(!Owner { started: own.started - 1, ..own }.is_alive());
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let owner = Owner::running(child.id()).unwrap();
        assert!(owner.is_alive() && owner != own);
        child.kill().unwrap();
        // It has ended, but nobody has asked how.
        while !std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        assert!(!owner.is_alive());
        child.wait().unwrap();
        assert!(!owner.is_alive());
    }

    #[test]
    fn a_group_names_its_platform_and_its_owner() {
        let owner = Owner { pid: 12, started: 345 };
        assert_eq!(owner.group("0a1b"), "fogbank-0a1b-12-345");
        assert_eq!(Owner::of("fogbank-0a1b-12-345", "0a1b"), Some(owner));
        for other in ["fogbank-0a1b", "fogbank-0a1b-12", "fogbank-0a1c-12-345", "fogbank-0a1b-12-345-6", "0a1b-12-345"]
        {
            assert_eq!(Owner::of(other, "0a1b"), None, "{other}");
        }
    }
}
