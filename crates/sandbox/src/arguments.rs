//! The words that this process was started with, as `/proc/PID/cmdline` shows them. A sandbox's first process is a clone of the spawner
//! and would show its words, a path of the host among them, to the function.

/// What is shown instead.
const SHOWN: &[u8] = b"sandbox";

/// Where the kernel reads the words from: in this process's own memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments {
    start: usize,
    end: usize,
}

impl Arguments {
    /// Finds them; `None` if `/proc` does not tell. See `proc_pid_stat(5)`, fields 48 and 49.
    pub(crate) fn find() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The second field, the program's name, may hold anything; the third comes after the last parenthesis.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(48 - 3);
        let (start, end) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (start > 0 && end > start).then_some(Self { start, end })
    }

    /// Overwrites them. For a clone only: whoever reads the words of this process by the standard library afterwards gets nonsense.
    pub(crate) fn hide(self) {
        let length = self.end - self.start;
        let shown = SHOWN.len().min(length.saturating_sub(1));
        // SAFETY: the kernel laid the words out in this range of writable memory when the program began, and a clone has a copy of its own.
        // Nothing in the clone refers to them: the standard library reads them only when it is asked for arguments.
        unsafe {
            std::ptr::write_bytes(self.start as *mut u8, 0, length);
            std::ptr::copy_nonoverlapping(SHOWN.as_ptr(), self.start as *mut u8, shown);
        }
    }
}
