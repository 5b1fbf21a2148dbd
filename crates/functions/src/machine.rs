//! What memory the machine really has, so that the pool sets aside no more than is there.

use crate::pool::Machine;

/// Processes that wait for memory for more than this share of the last ten seconds, in percent, mean that it is short.
const STALLED_PERCENT: f64 = 10.0;

/// Measures memory. A trait, so that tests own the machine.
pub trait Memory: Send + Sync + 'static {
    /// What there is now; `None` if that cannot be known, and then only the platform's own bound holds.
    fn measure(&self) -> Option<Machine>;
}

/// The machine that this runs on, by `/proc/meminfo` and, where the kernel has it, `/proc/pressure/memory`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

impl Memory for ThisMachine {
    fn measure(&self) -> Option<Machine> {
        let pressure = std::fs::read_to_string("/proc/pressure/memory").unwrap_or_default();
        read(&std::fs::read_to_string("/proc/meminfo").ok()?, &pressure)
    }
}

fn read(meminfo: &str, pressure: &str) -> Option<Machine> {
    let mb = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
    };
    // "some avg10=0.00 avg60=0.00 avg300=0.00 total=0": the share of time in which at least one process waited.
    let some = pressure.lines().find_map(|line| line.strip_prefix("some avg10="));
    let share = some.and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0);
    Some(Machine { total_mb: mb("MemTotal")?, available_mb: mb("MemAvailable")?, stalled: share > STALLED_PERCENT })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       24576000 kB\nMemFree:          100 kB\nMemAvailable:   10240000 kB\n";

    #[test]
    fn the_kernels_figures_are_read() {
        let calm = "some avg10=0.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        let expected = Machine { total_mb: 24_000, available_mb: 10_000, stalled: false };
        assert_eq!(read(MEMINFO, calm), Some(expected));
        assert_eq!(read(MEMINFO, ""), Some(expected), "a kernel without pressure information");
        let stalled = Machine { stalled: true, ..expected };
        assert_eq!(read(MEMINFO, "some avg10=12.00 avg60=1.00 avg300=0.00 total=9\n"), Some(stalled));
        assert_eq!(read("", ""), None);
    }
}
