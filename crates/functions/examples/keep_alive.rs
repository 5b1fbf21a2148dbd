//! Compares keep-alive policies over a made-up trace: `cargo run --release -p fogbank-functions --example keep_alive`.
//!
//! The trace has the distribution that "Serverless in the Wild" (Shahrad et al., USENIX ATC 2020) published of Azure Functions: how
//! often applications are called, and how much their inter-arrival times vary. Like the paper's simulation it gives each application one
//! instance, takes calls to last no time and all applications to have the same memory, and counts the first call as cold.

use fogbank_functions::keep_alive::{History, LINGER, Windows};
use std::time::Duration;

const DAY_S: f64 = 86_400.0;
/// Calls of an application in a day, as logarithms to base 10, and the share of applications that have at most that: 45 % at most one an
/// hour, 81 % at most one a minute, over eight orders of magnitude.
const RATES: [(f64, f64); 4] = [(-0.8, 0.0), (1.380, 0.45), (3.158, 0.81), (7.2, 1.0)];
/// Beyond this many calls a day nothing new happens: instances never are idle for long. Only the count is scaled.
const SIMULATED_RATE: f64 = 2880.0;
/// Shares of applications by how their inter-arrival times vary: timers; steadier than chance; by chance; in bursts.
const TIMERS: f64 = 0.20;
const STEADY: f64 = 0.10;
const CHANCE: f64 = 0.30;

/// A small generator (xorshift*), so that everyone gets the same trace.
struct Random(u64);

impl Random {
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.fraction()).cos()
    }
}

/// How the times between an application's calls come about.
#[derive(Clone, Copy)]
enum Pattern {
    Timer,
    /// By chance alone: a Poisson process.
    Chance,
    /// A log-normal distribution with this coefficient of variation.
    Varying(f64),
}

struct Application {
    calls_a_day: f64,
    pattern: Pattern,
}

impl Application {
    fn draw(random: &mut Random) -> Self {
        let share = random.fraction();
        let piece = RATES.windows(2).find(|piece| share <= piece[1].1).unwrap_or(&RATES[2..]);
        let within = (share - piece[0].1) / (piece[1].1 - piece[0].1);
        let exponent = piece[0].0 + within * (piece[1].0 - piece[0].0);
        let pattern = match random.fraction() {
            share if share < TIMERS => Pattern::Timer,
            share if share < TIMERS + STEADY => Pattern::Varying(0.2 + 0.6 * random.fraction()),
            share if share < TIMERS + STEADY + CHANCE => Pattern::Chance,
            _ => Pattern::Varying(1.5 + 6.5 * random.fraction()),
        };
        Self { calls_a_day: 10f64.powf(exponent), pattern }
    }

    /// The time to the next call, in seconds.
    fn gap(&self, random: &mut Random) -> f64 {
        let mean = DAY_S / self.calls_a_day.min(SIMULATED_RATE);
        match self.pattern {
            // Schedulers are late by a second or two.
            Pattern::Timer => mean + 2.0 * random.fraction(),
            Pattern::Chance => -mean * (1.0 - random.fraction()).ln(),
            Pattern::Varying(variation) => {
                let variance = (1.0 + variation * variation).ln();
                mean * (variance.sqrt() * random.normal() - variance / 2.0).exp()
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Policy {
    Fixed(Duration),
    /// With what starting an instance takes.
    Histogram(Duration),
}

impl Policy {
    fn windows(self, history: &History) -> Windows {
        match self {
            Self::Fixed(keep) => Windows::fixed(keep),
            Self::Histogram(start) => history.windows(Duration::from_secs(600), start),
        }
    }
}

/// What one application met with.
#[derive(Default)]
struct Outcome {
    calls: u64,
    cold: u64,
    /// Seconds for which an instance was there without being needed.
    wasted_s: f64,
    /// The real calls for each simulated one.
    weight: f64,
}

fn simulate(gaps: &[f64], policy: Policy) -> Outcome {
    let mut history = History::default();
    let mut outcome = Outcome { calls: 1, cold: 1, ..Outcome::default() };
    for &gap in gaps {
        let windows = policy.windows(&history);
        let (prewarm, keep) = (windows.prewarm.as_secs_f64(), windows.keep.as_secs_f64());
        let linger = if windows.prewarm.is_zero() { 0.0 } else { LINGER.as_secs_f64() };
        let end = prewarm + keep;
        outcome.wasted_s += gap.min(linger) + (gap.min(end) - prewarm).max(0.0);
        outcome.calls += 1;
        let warm = gap < linger || (prewarm..end).contains(&gap);
        outcome.cold += u64::from(!warm);
        history.record(Duration::from_secs_f64(gap));
    }
    outcome
}

/// What all applications met with.
#[derive(Debug, Clone, Copy)]
struct Summary {
    /// Cold starts of the application at the 50th and the 75th percentile, in percent of its calls.
    median: f64,
    upper_quartile: f64,
    /// Cold starts of all calls, in percent.
    overall: f64,
    wasted_s: f64,
}

fn compare(applications: usize, days: f64, policies: &[Policy]) -> Vec<Summary> {
    let mut random = Random(0x5eed_5eed_5eed_5eed);
    let mut outcomes: Vec<Vec<Outcome>> = policies.iter().map(|_| Vec::new()).collect();
    while outcomes[0].len() < applications {
        let application = Application::draw(&mut random);
        let mut left = days * DAY_S;
        let mut gaps = Vec::new();
        // It is somewhere between two calls when the trace begins.
        left -= random.fraction() * application.gap(&mut random);
        if left < 0.0 {
            continue;
        }
        loop {
            let gap = application.gap(&mut random);
            left -= gap;
            if left < 0.0 {
                break;
            }
            gaps.push(gap);
        }
        let weight = (application.calls_a_day / SIMULATED_RATE).max(1.0);
        for (policy, outcomes) in policies.iter().zip(&mut outcomes) {
            outcomes.push(Outcome { weight, ..simulate(&gaps, *policy) });
        }
    }
    outcomes.iter().map(|outcomes| summary(outcomes)).collect()
}

fn summary(outcomes: &[Outcome]) -> Summary {
    let mut shares: Vec<f64> = outcomes.iter().map(|of| 100.0 * of.cold as f64 / of.calls as f64).collect();
    shares.sort_by(f64::total_cmp);
    let at = |percent: usize| shares[(shares.len() * percent / 100).min(shares.len() - 1)];
    let calls: f64 = outcomes.iter().map(|of| of.calls as f64 * of.weight).sum();
    let cold: f64 = outcomes.iter().map(|of| of.cold as f64).sum();
    let wasted_s = outcomes.iter().map(|of| of.wasted_s).sum();
    Summary { median: at(50), upper_quartile: at(75), overall: 100.0 * cold / calls, wasted_s }
}

fn main() {
    const MINUTE: Duration = Duration::from_secs(60);
    let policies = [
        ("fixed, 5 minutes", Policy::Fixed(5 * MINUTE)),
        ("fixed, 10 minutes", Policy::Fixed(10 * MINUTE)),
        ("fixed, 20 minutes", Policy::Fixed(20 * MINUTE)),
        ("fixed, 60 minutes", Policy::Fixed(60 * MINUTE)),
        ("fixed, 120 minutes", Policy::Fixed(120 * MINUTE)),
        ("histogram, starts of 1 s", Policy::Histogram(Duration::from_secs(1))),
        ("histogram, starts of 10 ms", Policy::Histogram(Duration::from_millis(10))),
    ];
    let (applications, days) = (4000, 14.0);
    let list: Vec<Policy> = policies.iter().map(|(_, policy)| *policy).collect();
    let summaries = compare(applications, days, &list);
    let unit = summaries[1].wasted_s;
    println!("{applications} applications, {days} days; wasted memory time relative to fixed, 10 minutes\n");
    println!("| policy | cold, median application | cold, 75th percentile | cold, all calls | wasted memory time |");
    println!("| --- | --- | --- | --- | --- |");
    for ((name, _), summary) in policies.iter().zip(&summaries) {
        let Summary { median, upper_quartile, overall, wasted_s } = summary;
        let wasted = 100.0 * wasted_s / unit;
        println!("| {name} | {median:.1} % | {upper_quartile:.1} % | {overall:.4} % | {wasted:.0} % |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_has_the_published_distribution() {
        let mut random = Random(1);
        let drawn: Vec<f64> = (0..20_000).map(|_| Application::draw(&mut random).calls_a_day).collect();
        let at_most = |rate: f64| drawn.iter().filter(|calls| **calls <= rate).count() as f64 / drawn.len() as f64;
        assert!((at_most(24.0) - 0.45).abs() < 0.02, "once an hour");
        assert!((at_most(1440.0) - 0.81).abs() < 0.02, "once a minute");
        let all: f64 = drawn.iter().sum();
        let popular: f64 = drawn.iter().filter(|calls| **calls > 1440.0).sum();
        assert!(popular / all > 0.996, "{}", popular / all);
    }

    #[test]
    fn the_histogram_has_fewer_cold_starts_than_ten_minutes_for_everyone() {
        let fixed = Policy::Fixed(Duration::from_secs(600));
        let histogram = Policy::Histogram(Duration::from_secs(1));
        let summaries = compare(300, 7.0, &[fixed, histogram]);
        let (fixed, histogram) = (summaries[0], summaries[1]);
        assert!(histogram.upper_quartile < fixed.upper_quartile, "{fixed:?} {histogram:?}");
        assert!(histogram.overall < fixed.overall, "{fixed:?} {histogram:?}");
    }
}
