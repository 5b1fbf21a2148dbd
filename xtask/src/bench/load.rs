//! Load: connections kept open, one call after another on each, every answer checked.

use super::Failure;
use super::http::Connection;
use super::percentile;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is called, and what it has to answer.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub request: Vec<u8>,
    pub answer: Vec<u8>,
}

/// How the calls of one run went. Times in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Load {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub per_second: f64,
}

impl Target {
    /// The same call, which has to be answered with something else.
    pub fn answering(self, answer: &str) -> Self {
        Self { answer: answer.into(), ..self }
    }

    /// Calls once, over a connection of its own.
    pub fn call(&self) -> Result<Duration, Failure> {
        let mut connection = Connection::open(self.address)?;
        self.call_over(&mut connection)
    }

    fn call_over(&self, connection: &mut Connection) -> Result<Duration, Failure> {
        let begin = Instant::now();
        let answer = connection.call(&self.request)?;
        let took = begin.elapsed();
        if answer.status != 200 || answer.body != self.answer {
            return Err(format!("{} answered {}", self.address, answer.text()).into());
        }
        Ok(took)
    }

    /// Calls over each of `connections` connections for as long as `time`.
    pub fn load(&self, connections: usize, time: Duration) -> Result<Load, Failure> {
        let begin = Instant::now();
        let one = || -> Result<Vec<f64>, Failure> {
            let mut connection = Connection::open(self.address)?;
            let mut times = Vec::new();
            while begin.elapsed() < time {
                times.push(self.call_over(&mut connection)?.as_secs_f64() * 1e3);
            }
            Ok(times)
        };
        let times = side_by_side(connections, one)?;
        let seconds = begin.elapsed().as_secs_f64();
        let mut all: Vec<f64> = times.into_iter().flatten().collect();
        all.sort_by(f64::total_cmp);
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| percentile(&all, share));
        Ok(Load { p50, p99, p999, per_second: all.len() as f64 / seconds })
    }
}

/// Calls each of the targets once, all at the same time over connections of their own. Answers how long it took until the last was answered,
/// and why calls failed.
pub fn all_at_once(targets: &[Target]) -> (Duration, Vec<Failure>) {
    let begin = Instant::now();
    let failures = std::thread::scope(|scope| {
        let started: Vec<_> = targets.iter().map(|target| scope.spawn(|| target.call())).collect();
        let ended = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".into())));
        ended.filter_map(Result::err).collect()
    });
    (begin.elapsed(), failures)
}

/// Runs `work` on `threads` threads at once.
pub fn side_by_side<T: Send>(threads: usize, work: impl Fn() -> Result<T, Failure> + Sync) -> Result<Vec<T>, Failure> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        let ended = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".into())));
        ended.collect()
    })
}
