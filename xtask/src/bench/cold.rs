//! Calls that need a new instance. Each sample changes the function's environment first, which is not measured.

use super::lambda::{EVENT, LANGUAGES, Lambda, Language};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, percentile};
use std::time::Duration;

/// The instance before goes away in the meantime; the next sample should not pay for that.
const PAUSE: Duration = Duration::from_millis(60);

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let lambda = Lambda { address: platform.address };
    for language in LANGUAGES {
        lambda.create(language, programs)?;
        lambda.target(language.name(), EVENT).call()?;
    }
    let mut colds: [Vec<f64>; LANGUAGES.len()] = Default::default();
    let mut starts = Vec::new();
    for sample in 0..plan.samples(100, 15) {
        for (language, colds) in LANGUAGES.into_iter().zip(&mut colds) {
            lambda.renew(language.name(), sample)?;
            std::thread::sleep(PAUSE);
            colds.push(lambda.target(language.name(), EVENT).call()?.as_secs_f64() * 1e3);
        }
        starts.push(Server::hyper(&programs.hyper)?.ready_after.as_secs_f64() * 1e3);
    }
    starts.sort_by(f64::total_cmp);
    let mut rows = Vec::new();
    for (language, mut colds) in LANGUAGES.into_iter().zip(colds) {
        colds.sort_by(f64::total_cmp);
        let bound = match language {
            Language::Native => 25.0,
            Language::Python => 60.0,
            Language::Node => 120.0,
        };
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let what = format!("cold start, {}, {name}", language.name());
            let row = Row::new(what, Unit::Milliseconds, percentile(&colds, share), Some(percentile(&starts, share)));
            rows.push(if name == "p50" { row.with_goal(Goal::AtMost(bound)) } else { row });
        }
    }
    Ok(rows)
}
