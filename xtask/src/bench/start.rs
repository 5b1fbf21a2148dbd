//! From the start of the process to the first answer, on an empty data directory; and what the platform weighs when it rests.

use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, median, memory};
use std::time::Duration;

/// After so long everything that a start sets off in the background has come to rest.
const REST: Duration = Duration::from_secs(2);

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..plan.samples(25, 10) {
        ours.push(Server::fogbank(&programs.fogbank, &programs.scratch)?.ready_after.as_secs_f64() * 1e3);
        bare.push(Server::hyper(&programs.hyper)?.ready_after.as_secs_f64() * 1e3);
    }
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let hyper = Server::hyper(&programs.hyper)?;
    std::thread::sleep(REST);
    let [used, beside] = [&platform, &hyper].map(|server| memory::of(&memory::tree(server.pid())));
    Ok(vec![
        Row::new("start to ready, p50", Unit::Milliseconds, median(ours), Some(median(bare)))
            .with_goal(Goal::AtMost(25.0)),
        Row::new("idle memory, PSS", Unit::Mebibytes, used.pss, Some(beside.pss)),
        Row::new("idle memory, RSS", Unit::Mebibytes, used.rss, Some(beside.rss)).with_goal(Goal::AtMost(25.0)),
    ])
}
