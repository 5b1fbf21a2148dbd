//! How many calls of one mapping run at once: more as long as there is work and calls go through, fewer as soon as there is no room for them.
//! A state machine without I/O.

/// Calls at once at the beginning, as Lambda begins with five.
const BEGIN: usize = 5;

/// The pace of one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pace {
    limit: usize,
    running: usize,
    most: usize,
}

impl Pace {
    /// At most `most` calls at once.
    pub fn new(most: usize) -> Self {
        Self { limit: BEGIN.min(most), running: 0, most }
    }

    /// Begins a call, if one more may run.
    pub fn begin(&mut self) -> bool {
        let may = self.running < self.limit;
        self.running += usize::from(may);
        may
    }

    /// A call that had begun has ended, or there was no message for it.
    pub fn take_back(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// A call has gone through and is about to end. All places were taken, so there may be work for one more.
    pub fn grow(&mut self) {
        if self.running == self.limit {
            self.limit = (self.limit + 1).min(self.most);
        }
    }

    /// A call found no room.
    pub fn was_throttled(&mut self) {
        self.limit = (self.limit / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin_all(pace: &mut Pace) -> usize {
        std::iter::from_fn(|| pace.begin().then_some(())).count()
    }

    #[test]
    fn it_grows_with_work_and_halves_when_throttled() {
        let mut pace = Pace::new(8);
        assert_eq!(begin_all(&mut pace), 5);
        for _ in 0..5 {
            pace.grow();
            pace.take_back();
        }
        // Only the first of them saw all places taken.
        assert_eq!(begin_all(&mut pace), 6);
        pace.was_throttled();
        pace.was_throttled();
        for _ in 0..6 {
            pace.take_back();
        }
        assert_eq!(begin_all(&mut pace), 1);
        pace.was_throttled();
        pace.take_back();
        assert_eq!(begin_all(&mut pace), 1);
    }

    #[test]
    fn it_never_passes_its_limit() {
        let mut pace = Pace::new(2);
        for _ in 0..10 {
            assert_eq!(begin_all(&mut pace), 2);
            for _ in 0..2 {
                pace.grow();
                pace.take_back();
            }
        }
    }
}
