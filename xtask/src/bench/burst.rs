//! Many first calls at once, of functions that have no instance yet.

use super::lambda::{EVENT, Lambda, Language};
use super::load::{Target, all_at_once};
use super::peers::ministack;
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, http, median, rest};

const SLOW_INIT: &str = "import time\ntime.sleep(0.5)\n\ndef handler(event, context):\n    return event\n";
const PLAIN: &str = "def handler(event, context):\n    return event\n";

/// So many calls each of so many functions, with this code.
struct Burst {
    what: &'static str,
    functions: usize,
    calls: usize,
    code: &'static str,
}

const BURSTS: [Burst; 3] = [
    Burst { what: "64 first calls at once, 500 ms of init", functions: 1, calls: 64, code: SLOW_INIT },
    Burst { what: "200 first calls at once", functions: 1, calls: 200, code: PLAIN },
    Burst { what: "20 functions, 10 first calls each, at once", functions: 20, calls: 10, code: PLAIN },
];

/// How a burst went: until the last call was answered, in milliseconds, and how many calls failed.
#[derive(Default)]
struct Went {
    took: Vec<f64>,
    failed: usize,
    why: Option<String>,
}

impl Burst {
    fn name(&self, number: usize) -> String {
        format!("burst-{}-{}-{number}", self.functions, self.calls)
    }

    fn create(&self, lambda: &Lambda) -> Result<(), Failure> {
        let file = ("index.py", self.code.as_bytes(), 0o644);
        (0..self.functions)
            .try_for_each(|number| lambda.create_with(&self.name(number), Language::Python.runtime(), file))
    }

    /// Makes every instance there is useless.
    fn renew(&self, lambda: &Lambda, round: usize) -> Result<(), Failure> {
        (0..self.functions).try_for_each(|number| lambda.renew(&self.name(number), round))
    }

    fn targets(&self, lambda: &Lambda) -> Vec<Target> {
        let calls = 0..self.functions * self.calls;
        calls.map(|call| lambda.target(&self.name(call % self.functions), EVENT)).collect()
    }

    fn bare(&self, hyper: &Server) -> Vec<Target> {
        let request = http::request("POST", "/", hyper.address, EVENT);
        vec![Target { address: hyper.address, request, answer: EVENT.into() }; self.functions * self.calls]
    }
}

impl Went {
    fn add(&mut self, targets: &[Target]) {
        let (took, failures) = all_at_once(targets);
        self.took.push(took.as_secs_f64() * 1e3);
        self.failed += failures.len();
        self.why = self.why.take().or_else(|| failures.first().map(ToString::to_string));
    }
}

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let hyper = Server::hyper(&programs.hyper)?;
    let lambda = Lambda { address: platform.address };
    let peer = ministack::start(programs);
    let mut rows = Vec::new();
    for burst in &BURSTS {
        burst.create(&lambda)?;
        let (mut ours, mut bare, mut theirs) = (Went::default(), Went::default(), Went::default());
        for round in 0..plan.samples(5, 2) {
            burst.renew(&lambda, round)?;
            rest::until_still(&platform);
            ours.add(&burst.targets(&lambda));
            bare.add(&burst.bare(&hyper));
        }
        burst.renew(&lambda, usize::MAX)?;
        if let Ok((_, peer)) = &peer {
            match burst.create(peer) {
                Ok(()) => theirs.add(&burst.targets(peer)),
                Err(why) => rows.push(Row::skipped(format!("{}, {}", burst.what, ministack::NAME), why)),
            }
        }
        rows.extend(rows_of(burst, ours, bare, theirs));
    }
    if let Err(why) = &peer {
        rows.push(Row::skipped(format!("first calls at once, {}", ministack::NAME), why));
    }
    Ok(rows)
}

fn rows_of(burst: &Burst, ours: Went, bare: Went, theirs: Went) -> Vec<Row> {
    let failed = ours.failed as f64;
    if let Some(why) = &ours.why {
        eprintln!("{}: {why}", burst.what);
    }
    let their_name = match theirs.failed {
        0 => ministack::NAME.to_owned(),
        failed => format!("{} ({failed} failed)", ministack::NAME),
    };
    let time = Row::new(
        format!("{}, all answered", burst.what),
        Unit::Milliseconds,
        median(ours.took),
        Some(median(bare.took)),
    );
    let time = time.with_peer(their_name, theirs.took.first().copied()).with_goal(Goal::AtMost(1500.0));
    let failures = Row::new(format!("{}, failed", burst.what), Unit::Count, failed, None);
    vec![time, failures.with_goal(Goal::AtMost(0.0))]
}
