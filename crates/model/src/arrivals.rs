//! Waiting for something to arrive, without missing what arrives while one looks.

use crate::{Clock, Timestamp};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Says that something arrived since it was last asked, or since it was made. So whoever makes it, looks, and then waits for the next arrival
/// sees everything: what arrives between the look and the wait ends the wait at once.
///
/// ```ignore
/// let mut arrivals = Arrivals::of(store.arrivals(WAKER));
/// loop {
///     let next = do_what_is_due().await;
///     arrivals.next_or_at(clock, next).await;
/// }
/// ```
#[derive(Debug)]
pub struct Arrivals {
    announced: Arc<Notify>,
    next: Pin<Box<OwnedNotified>>,
}

impl Arrivals {
    /// The arrivals that `announced` is notified of, by [`Notify::notify_waiters`].
    pub fn of(announced: Arc<Notify>) -> Self {
        let next = Box::pin(announced.clone().notified_owned());
        Self { announced, next }
    }

    /// Waits until something arrives. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) {
        self.next.as_mut().await;
        // From here on, before the caller looks again.
        self.next.set(self.announced.clone().notified_owned());
    }

    /// Waits until something arrives, or until `at` if there is such a time.
    pub async fn next_or_at(&mut self, clock: &dyn Clock, at: Option<Timestamp>) {
        match at {
            Some(at) => tokio::select! { () = self.next() => {}, () = clock.sleep_until(at) => {} },
            None => self.next().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestClock;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    fn has_come(future: impl Future<Output = ()>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        std::pin::pin!(future).poll(&mut context) == Poll::Ready(())
    }

    #[test]
    fn what_arrives_before_the_wait_is_not_missed() {
        let announced = Arc::new(Notify::new());
        announced.notify_waiters();
        let mut arrivals = Arrivals::of(announced.clone());
        assert!(!has_come(arrivals.next()), "nothing arrived since");
        announced.notify_waiters();
        assert!(has_come(arrivals.next()));
        assert!(!has_come(arrivals.next()), "that was seen");
        announced.notify_waiters();
        assert!(has_come(arrivals.next()));
    }

    #[test]
    fn a_wait_ends_at_its_time_and_not_before() {
        let (clock, announced) = (TestClock::new(Timestamp(0), 0), Arc::new(Notify::new()));
        let mut arrivals = Arrivals::of(announced.clone());
        assert!(!has_come(arrivals.next_or_at(&clock, Some(Timestamp(1)))));
        clock.advance(Duration::from_millis(1));
        assert!(has_come(arrivals.next_or_at(&clock, Some(Timestamp(1)))));
        assert!(!has_come(arrivals.next_or_at(&clock, None)));
        announced.notify_waiters();
        assert!(has_come(arrivals.next_or_at(&clock, None)));
    }
}
