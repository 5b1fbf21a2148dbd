//! How many calls of one kind run at once: more as long as there is work and calls go through, fewer as soon as there is no room for them. A hundred
//! calls at once would start a hundred instances, and on a small machine the starts would take longer than the calls one after another.
//!
//! Event source mappings have a lane each, asynchronous calls one for each function.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Calls at once at the beginning, as Lambda begins with five.
const BEGIN: usize = 5;

/// A state machine without I/O.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pace {
    limit: usize,
    running: usize,
    most: usize,
    /// Calls that went through while all places were taken, since the limit was last changed.
    earned: usize,
}

impl Pace {
    /// At most `most` calls at once.
    fn new(most: usize) -> Self {
        Self { limit: BEGIN.min(most), running: 0, most, earned: 0 }
    }

    /// Begins a call, if one more may run.
    fn begin(&mut self) -> bool {
        let may = self.running < self.limit;
        self.running += usize::from(may);
        may
    }

    /// A call that had begun has ended, or there was no message for it.
    fn take_back(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// A call has gone through and is about to end. When as many have as run at once, there is work for one more.
    fn grow(&mut self) {
        self.earned += usize::from(self.running == self.limit);
        if self.earned >= self.limit && self.limit < self.most {
            self.limit += 1;
            self.earned = 0;
        }
    }

    /// A call found no room.
    fn was_throttled(&mut self) {
        self.limit = (self.limit / 2).max(1);
        self.earned = 0;
    }
}

/// The calls of one kind.
pub(crate) struct Lane {
    pace: Mutex<Pace>,
    /// A call has ended.
    freed: Notify,
    waiting: AtomicUsize,
}

/// One of the calls that may run at once; free again when it is dropped, also where a call panics.
pub(crate) struct Place(Arc<Lane>);

/// Counts one that waits for a place.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Lane {
    /// At most `most` calls at once.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { pace: Mutex::new(Pace::new(most)), freed: Notify::new(), waiting: AtomicUsize::new(0) })
    }

    /// A place, if one is free.
    pub fn try_place(self: &Arc<Self>) -> Option<Place> {
        self.with_pace(Pace::begin).then(|| Place(self.clone()))
    }

    /// Waits for a place.
    pub async fn place(self: &Arc<Self>) -> Place {
        loop {
            // Registered before looking, so that no end is missed.
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(place) = self.try_place() {
                return place;
            }
            freed.await;
        }
    }

    /// Waits for a place, unless `most` wait already.
    pub async fn place_behind(self: &Arc<Self>, most: usize) -> Option<Place> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        if before >= most { None } else { Some(self.place().await) }
    }

    /// A call found no room.
    pub fn was_throttled(&self) {
        self.with_pace(Pace::was_throttled);
    }

    fn with_pace<T>(&self, change: impl FnOnce(&mut Pace) -> T) -> T {
        change(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    /// Its call has gone through.
    pub fn went_through(self) {
        self.0.with_pace(Pace::grow);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.with_pace(Pace::take_back);
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin_all(pace: &mut Pace) -> usize {
        std::iter::from_fn(|| pace.begin().then_some(())).count()
    }

    fn go_through(pace: &mut Pace, count: usize) {
        for _ in 0..count {
            pace.grow();
            pace.take_back();
            pace.begin();
        }
    }

    #[test]
    fn it_grows_by_one_when_as_many_went_through_as_run_and_halves_when_throttled() {
        let mut pace = Pace::new(8);
        assert_eq!(begin_all(&mut pace), 5);
        go_through(&mut pace, 4);
        assert_eq!(begin_all(&mut pace), 0);
        go_through(&mut pace, 1);
        assert_eq!(begin_all(&mut pace), 1);
        pace.was_throttled();
        pace.was_throttled();
        for _ in 0..6 {
            pace.take_back();
        }
        assert_eq!(begin_all(&mut pace), 1);
    }

    #[test]
    fn it_does_not_grow_while_places_are_free() {
        let mut pace = Pace::new(8);
        assert!(pace.begin());
        go_through(&mut pace, 100);
        assert_eq!(begin_all(&mut pace), 4);
    }

    #[test]
    fn it_never_passes_its_limit() {
        let mut pace = Pace::new(2);
        assert_eq!(begin_all(&mut pace), 2);
        go_through(&mut pace, 100);
        assert_eq!(begin_all(&mut pace), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_the_place_that_comes_free_and_too_many_do_not_wait() {
        let lane = Lane::new(1);
        let place = lane.place().await;
        let waiting = tokio::spawn({
            let lane = lane.clone();
            async move { lane.place_behind(1).await.is_some() }
        });
        while lane.waiting.load(Ordering::Acquire) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(lane.place_behind(1).await.is_none());
        drop(place);
        assert!(waiting.await.is_ok_and(|got| got));
        assert!(lane.try_place().is_some());
    }
}
