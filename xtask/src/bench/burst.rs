//! Sixty-four calls at once of a Python function that has no instance yet and sleeps half a second while it initialises.

use super::lambda::{EVENT, Lambda, Language};
use super::load::{Target, side_by_side};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, http, median};
use std::time::Instant;

const CALLS: usize = 64;
const SLOW_INIT: &str = "import time\ntime.sleep(0.5)\n\ndef handler(event, context):\n    return event\n";

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let hyper = Server::hyper(&programs.hyper)?;
    let lambda = Lambda { address: platform.address };
    lambda.create_with("slow", Language::Python.runtime(), ("index.py", SLOW_INIT.as_bytes(), 0o644))?;
    let bare = Target {
        address: hyper.address,
        request: http::request("POST", "/", hyper.address, EVENT),
        answer: EVENT.into(),
    };
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for round in 0..plan.samples(5, 2) {
        lambda.renew("slow", round)?;
        ours.push(all_answered(&lambda.target("slow", EVENT))?);
        beside.push(all_answered(&bare)?);
    }
    let what = format!("{CALLS} first calls at once, 500 ms of init, all answered");
    Ok(vec![Row::new(what, Unit::Milliseconds, median(ours), Some(median(beside))).with_goal(Goal::AtMost(1500.0))])
}

fn all_answered(target: &Target) -> Result<f64, Failure> {
    let begin = Instant::now();
    side_by_side(CALLS, || target.call())?;
    Ok(begin.elapsed().as_secs_f64() * 1e3)
}
