//! How many instances fit into a GiB: what a number of them, each of which has had a call, weigh together. Everything below and with the
//! spawner counts, for it is there for instances alone: the spawner itself, spare interpreters, the sandboxes' own first processes.

use super::lambda::{Lambda, Language};
use super::load::side_by_side;
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, memory, rest};

const SLOW: &str = "{\"sleep_ms\":3000}";

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let instances = plan.samples(64, 16);
    let hyper = Server::hyper(&programs.hyper)?;
    let beside = 1024.0 / memory::of(&[hyper.pid()]).pss;
    let mut rows = Vec::new();
    for language in [Language::Native, Language::Python, Language::Node] {
        let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
        let lambda = Lambda { address: platform.address };
        lambda.create(language, programs)?;
        // Calls that overlap need an instance each.
        let mut target = lambda.target(language.name(), SLOW);
        if language == Language::Python {
            target.answer = SLOW.replace(':', ": ").into();
        }
        side_by_side(instances, || target.call())?;
        rest::until_still(&platform);
        let spawner = *memory::children(platform.pid()).first().ok_or("the platform has no spawner")?;
        let all = memory::tree(spawner);
        if all.len() <= instances {
            return Err(format!("{instances} calls made only {} processes", all.len()).into());
        }
        let each = memory::of(&all).pss / instances as f64;
        let what = format!("instances per GiB, {} ({each:.1} MiB each)", language.name());
        let row = Row::new(what, Unit::Count, 1024.0 / each, Some(beside));
        rows.push(if language == Language::Python { row.with_goal(Goal::AtLeast(120.0)) } else { row });
    }
    Ok(rows)
}
