//! How many instances fit into a GiB: what a number of them, each of which has had a call, weigh together.

use super::lambda::{Lambda, Language};
use super::load::side_by_side;
use super::table::{Row, Unit};
use super::{Failure, Plan, Programs, Server, memory};

const SLOW: &str = "{\"sleep_ms\":1500}";

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let instances = plan.samples(32, 8);
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
        let spawner = *memory::children(platform.pid()).first().ok_or("the platform has no spawner")?;
        let inside: Vec<u32> = memory::tree(spawner).into_iter().skip(1).collect();
        let found = memory::children(spawner).len();
        if found < instances {
            return Err(format!("{instances} calls made only {found} instances").into());
        }
        let each = memory::of(&inside).pss / instances as f64;
        let what = format!("instances per GiB, {} ({each:.1} MiB each)", language.name());
        rows.push(Row::new(what, Unit::Count, 1024.0 / each, Some(beside)));
    }
    Ok(rows)
}
