//! How long an idle instance is kept, and when one is started ahead, from the history of a function's idle times: the hybrid histogram
//! policy of "Serverless in the Wild" (Shahrad et al., USENIX ATC 2020). Pure: the pool tells it the times.
//!
//! An idle time lies between the end of a function's last call and the arrival of the next. A histogram of them has bins of one minute
//! over four hours. Its 5th percentile says how soon a call can be expected at all: until then no instance is needed, and just before
//! one is started (the pre-warming window). Its 99th percentile says when to stop waiting (the keep-alive window). A margin of 10 %
//! lies on both. Where the histogram says nothing, because it is young, flat, or most idle times are longer than it reaches, a fixed
//! time is used, as without history.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long an instance is kept after a call even if no other is expected soon, for those that belong together.
pub const LINGER: Duration = Duration::from_secs(10);
/// Bins of a minute each.
const BINS: usize = 240;
const BIN_S: u64 = 60;
/// Idle times that make a histogram worth reading.
const ENOUGH: u32 = 8;
/// Counts are halved here, so that what a function did long ago fades.
const FADE: u32 = 2048;
/// A histogram whose counts vary less (standard deviation over mean) is too flat to act on. The paper's threshold.
const REPRESENTATIVE: f64 = 2.0;
const HEAD_PERCENT: u64 = 5;
const TAIL_PERCENT: u64 = 99;
/// Starts that take no longer are not worth memory for longer than the fixed time.
const CHEAP_START: Duration = Duration::from_millis(50);

/// Which policy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeepAlive {
    /// Every idle instance is kept for the same time.
    Fixed,
    /// By the function's own history.
    #[default]
    Histogram,
}

/// The idle times of one function.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Counts by minute; shorter than it could be while the last ones are zero.
    bins: Vec<u32>,
    beyond: u32,
    total: u32,
}

/// What to do with a function that has no calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// After the last call's end: how long no instance is needed. Zero to keep the one that is there.
    pub prewarm: Duration,
    /// After that: how long one is kept.
    pub keep: Duration,
}

impl Windows {
    /// The same time for everyone.
    pub fn fixed(keep: Duration) -> Self {
        Self { prewarm: Duration::ZERO, keep }
    }
}

impl History {
    /// Takes note of one idle time.
    pub fn record(&mut self, idle: Duration) {
        let bin = usize::try_from(idle.as_secs() / BIN_S).unwrap_or(BINS);
        if bin >= BINS {
            self.beyond += 1;
        } else {
            if self.bins.len() <= bin {
                self.bins.resize(bin + 1, 0);
            }
            if let Some(count) = self.bins.get_mut(bin) {
                *count += 1;
            }
        }
        self.total += 1;
        if self.total >= FADE {
            self.fade();
        }
    }

    fn fade(&mut self) {
        self.bins.iter_mut().for_each(|count| *count /= 2);
        self.beyond /= 2;
        self.total = self.bins.iter().sum::<u32>() + self.beyond;
    }

    /// The windows that the history suggests, or `fixed` where it suggests none. `start` is what starting an instance takes.
    pub fn windows(&self, fixed: Duration, start: Duration) -> Windows {
        let within = self.total - self.beyond;
        if self.total < ENOUGH || within <= self.beyond || self.variation() < REPRESENTATIVE {
            return Windows::fixed(fixed);
        }
        let minutes = |bins: u64, tenths: u64| Duration::from_secs(bins * BIN_S * tenths / 10);
        let prewarm = minutes(self.percentile(HEAD_PERCENT), 9);
        let end = minutes(self.percentile(TAIL_PERCENT) + 1, 11);
        let keep = end.saturating_sub(prewarm);
        Windows { prewarm, keep: if start <= CHEAP_START { keep.min(fixed) } else { keep } }
    }

    /// How likely a call is to come while an instance is still kept, seen from `idle` after the last one. Between 0 and 1.
    pub fn likelihood(&self, idle: Duration, kept: Duration) -> f64 {
        let bin = |at: Duration| usize::try_from(at.as_secs() / BIN_S).unwrap_or(BINS);
        let later: u32 = self.bins.iter().skip(bin(idle)).sum();
        if self.total < ENOUGH || later + self.beyond == 0 {
            // Nothing known: the longer it has been quiet, the longer it will be.
            return 1.0 / (1.0 + idle.as_secs_f64() / 60.0);
        }
        let until = bin(kept).saturating_sub(bin(idle)) + 1;
        let soon: u32 = self.bins.iter().skip(bin(idle)).take(until).sum();
        f64::from(soon) / f64::from(later + self.beyond)
    }

    /// The bin below which `percent` of the idle times within the histogram lie.
    fn percentile(&self, percent: u64) -> u64 {
        let within = u64::from(self.total - self.beyond);
        let rank = (within * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let at = self.bins.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        });
        at.unwrap_or(BINS) as u64
    }

    /// The coefficient of variation of the bins' counts: 0 where all are alike, at most 15.5 where all lies in one.
    fn variation(&self) -> f64 {
        let count = BINS as f64;
        let mean = f64::from(self.total - self.beyond) / count;
        if mean == 0.0 {
            return 0.0;
        }
        let squares: f64 = self.bins.iter().map(|bin| f64::from(*bin).powi(2)).sum();
        (squares / count - mean * mean).max(0.0).sqrt() / mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXED: Duration = Duration::from_secs(600);
    const SLOW: Duration = Duration::from_secs(1);

    fn minutes(minutes: f64) -> Duration {
        Duration::from_secs_f64(minutes * 60.0)
    }

    fn history(idle_minutes: impl IntoIterator<Item = f64>) -> History {
        let mut history = History::default();
        idle_minutes.into_iter().for_each(|idle| history.record(minutes(idle)));
        history
    }

    #[test]
    fn a_timer_is_started_for_just_before_it_fires_and_kept_just_after() {
        let windows = history(std::iter::repeat_n(30.5, 20)).windows(FIXED, SLOW);
        assert_eq!(windows, Windows { prewarm: minutes(27.0), keep: minutes(34.1 - 27.0) });
    }

    #[test]
    fn a_busy_function_is_kept_as_long_as_its_longest_pauses() {
        let windows = history((0..200).map(|call| if call % 10 == 0 { 25.0 } else { 0.2 })).windows(FIXED, SLOW);
        assert_eq!(windows, Windows { prewarm: Duration::ZERO, keep: minutes(26.0 * 1.1) });
    }

    #[test]
    fn what_starts_quickly_is_kept_no_longer_than_the_fixed_time() {
        let busy = history((0..200).map(|call| if call % 10 == 0 { 25.0 } else { 0.2 }));
        assert_eq!(busy.windows(FIXED, Duration::from_millis(5)), Windows::fixed(FIXED));
    }

    #[test]
    fn a_history_that_says_nothing_leaves_the_fixed_time() {
        let young = history([5.0; 7]);
        let flat = history((0..960).map(|call| f64::from(call % 240)));
        let rare = history(std::iter::repeat_n(500.0, 20).chain([3.0; 8]));
        for (what, history) in [("young", young), ("flat", flat), ("rare", rare), ("none", History::default())] {
            assert_eq!(history.windows(FIXED, SLOW), Windows::fixed(FIXED), "{what}");
        }
    }

    #[test]
    fn the_past_fades() {
        let mut history = history(std::iter::repeat_n(100.0, 2000));
        (0..4 * FADE).for_each(|_| history.record(minutes(1.5)));
        assert!(history.total < FADE);
        assert_eq!(history.windows(FIXED, SLOW).keep, minutes(2.2 - 0.9));
    }

    #[test]
    fn a_call_is_likelier_where_idle_times_gather() {
        let timer = history([20.5; 20]);
        assert_eq!(timer.likelihood(minutes(1.0), minutes(10.0)), 0.0);
        assert_eq!(timer.likelihood(minutes(18.0), minutes(23.0)), 1.0);
        let unknown = History::default();
        assert!(unknown.likelihood(minutes(1.0), FIXED) > unknown.likelihood(minutes(9.0), FIXED));
    }

    #[test]
    fn the_longest_idle_time_does_no_harm() {
        let mut history = History::default();
        (0..10_000).for_each(|_| history.record(Duration::MAX));
        assert_eq!(history.windows(FIXED, SLOW), Windows::fixed(FIXED));
        assert!(history.likelihood(Duration::MAX, Duration::MAX) >= 0.0);
    }
}
