//! Time and randomness as a dependency, so that a test can own both.

use crate::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time moved by `by`, saturating at the ends.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2026-05-04T10:20:30.123Z`.
    pub fn to_iso_text(self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// `2026-05-04T10:20:30.123+0000`, the form of Lambda's `LastModified`.
    pub fn to_lambda_text(self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
    }
}

/// The only way to the time of day and to randomness.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> Timestamp;
    /// Resolves at `at`, or at once if that has passed.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
    /// Fills `buffer` with random bytes fit for secrets.
    fn random(&self, buffer: &mut [u8]);

    /// A random (version 4) UUID.
    fn uuid(&self) -> String {
        let mut bytes = [0u8; 16];
        self.random(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (at, byte) in bytes.into_iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // By hand, because every call has an id: a formatter per byte takes twenty times as long.
            text.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
        }
        text
    }

    /// A random fraction in `[0, 1)`.
    fn fraction(&self) -> f64 {
        let mut bytes = [0u8; 8];
        self.random(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The machine's clock and the kernel's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        let wait = at.since(self.now());
        Box::pin(tokio::time::sleep(wait))
    }

    fn random(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the kernel has random bytes");
    }
}

/// The machine's clock without its jumps back, for everything that waits: what is to be seen again in thirty seconds must not wait for an hour
/// because the machine's clock was set back by one. After a jump back this clock is ahead, and goes at half its speed until the machine's has
/// caught up. A jump forward (the machine slept) is followed at once.
#[derive(Debug)]
pub struct SteadyClock {
    began: Instant,
    /// The machine's time less the time since `began`, when it was last looked at, in milliseconds. Changes only when the clock is set.
    drift: AtomicI64,
    /// How far ahead this clock was when it was last set back, in milliseconds.
    ahead: AtomicI64,
    /// When that was, in milliseconds since `began`.
    since: AtomicI64,
}

/// Smaller changes are the machine's clock being adjusted, not set; in milliseconds.
const JUMP_MS: i64 = 1000;

impl Default for SteadyClock {
    fn default() -> Self {
        let drift = AtomicI64::new(SystemClock.now().0);
        Self { began: Instant::now(), drift, ahead: AtomicI64::new(0), since: AtomicI64::new(0) }
    }
}

impl SteadyClock {
    /// The time, given the machine's and the milliseconds since `began`. Of two threads that see a jump only one counts it.
    fn steady(&self, machine: i64, elapsed: i64) -> i64 {
        let drift = machine.saturating_sub(elapsed);
        let before = self.drift.load(Ordering::Acquire);
        let ahead = (self.ahead.load(Ordering::Acquire) - (elapsed - self.since.load(Ordering::Acquire)) / 2).max(0);
        let back = before.saturating_sub(drift);
        if back.abs() < JUMP_MS {
            return machine + ahead;
        }
        // Forward jumps use up what this clock is ahead.
        let ahead = (ahead + back).max(0);
        if self.drift.compare_exchange(before, drift, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.ahead.store(ahead, Ordering::Release);
            self.since.store(elapsed, Ordering::Release);
        }
        machine + ahead
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.steady(SystemClock.now().0, elapsed))
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // In pieces, so that a jump forward is noticed, and what this clock loses at half its speed.
            loop {
                let wait = at.since(self.now());
                if wait.is_zero() {
                    return;
                }
                tokio::time::sleep(wait.min(LONGEST_SLEEP)).await;
            }
        })
    }

    fn random(&self, buffer: &mut [u8]) {
        SystemClock.random(buffer);
    }
}

/// How long a jump forward may go unnoticed by who sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// A clock that moves only when a test says so, with a seeded generator for randomness.
#[derive(Debug)]
pub struct TestClock {
    state: Mutex<(Timestamp, u64)>,
    moved: tokio::sync::Notify,
}

impl TestClock {
    /// A clock that stands at `now`; `seed` decides every random byte.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        Self { state: Mutex::new((now, seed)), moved: tokio::sync::Notify::new() }
    }

    /// Moves the time forward and wakes whoever waits for it.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 = state.0.plus(by);
        drop(state);
        self.moved.notify_waiters();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let mut moved = std::pin::pin!(self.moved.notified());
                moved.as_mut().enable();
                if self.now() >= at {
                    return;
                }
                moved.await;
            }
        })
    }

    /// SplitMix64: small, and good enough to look random in a test.
    fn random(&self, buffer: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in buffer.chunks_mut(8) {
            state.1 = state.1.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state.1;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (z ^ (z >> 31)).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_as_lambda_prints_it() {
        assert_eq!(Timestamp(1_700_000_000_123).to_lambda_text(), "2023-11-14T22:13:20.123+0000");
    }

    #[test]
    fn a_uuid_has_its_version_variant_and_dashes() {
        let clock = TestClock::new(Timestamp(0), 7);
        let uuid = clock.uuid();
        let parts: Vec<&str> = uuid.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{uuid}");
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
        assert!(uuid.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c)), "{uuid}");
    }

    #[test]
    fn a_steady_clock_does_not_jump_back_and_lets_the_machine_catch_up() {
        let clock = SteadyClock { drift: AtomicI64::new(1_000_000), ..SteadyClock::default() };
        assert_eq!(clock.steady(1_000_000, 0), 1_000_000);
        assert_eq!(clock.steady(1_010_000, 10_000), 1_010_000);
        // Set back by an hour: it goes on from where it was, at half its speed.
        assert_eq!(clock.steady(1_010_000 - 3_600_000, 10_000), 1_010_000);
        assert_eq!(clock.steady(1_020_000 - 3_600_000, 20_000), 1_015_000);
        let later = 10_000 + 7_200_000;
        assert_eq!(clock.steady(1_000_000 + later - 3_600_000, later), 1_000_000 + later - 3_600_000);
        assert_eq!(clock.steady(1_001_000 + later - 3_600_000, later + 1000), 1_001_000 + later - 3_600_000);
    }

    #[test]
    fn a_steady_clock_follows_forward_and_small_changes() {
        let clock = SteadyClock { drift: AtomicI64::new(0), ..SteadyClock::default() };
        assert_eq!(clock.steady(3_600_000, 0), 3_600_000);
        assert_eq!(clock.steady(3_600_500, 1000), 3_600_500);
        // Back by an hour, and forward again: nothing is left of it.
        assert_eq!(clock.steady(1000, 1000), 3_601_000);
        assert_eq!(clock.steady(3_601_000, 1000), 3_601_000);
        assert_eq!(clock.steady(3_602_000, 2000), 3_602_000);
    }

    #[tokio::test]
    async fn a_test_clock_wakes_a_sleeper_when_it_is_moved() {
        let clock = std::sync::Arc::new(TestClock::new(Timestamp(0), 1));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(Timestamp(1000)).await }
        });
        clock.advance(Duration::from_millis(999));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_millis(1));
        sleeper.await.unwrap();
    }
}
