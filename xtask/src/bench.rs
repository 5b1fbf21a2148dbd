//! `cargo xtask bench`: what a start, a call and an instance cost, in one table, each figure beside a bare hyper server in the same run.
//! `docs/benchmarks.md` says what is measured and holds the last table.

mod aws;
mod burst;
mod cold;
mod density;
mod drive;
mod events;
mod gateway;
mod http;
mod lambda;
mod load;
mod machine;
mod memory;
mod objects;
mod packages;
mod peers;
mod process;
mod programs;
mod rest;
mod start;
mod table;
mod tables;
mod warm;
mod wasm;

use process::Server;
use programs::Programs;
use std::path::Path;
use table::Row;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "usage: cargo xtask bench [--quick] [--record] [NAME...]

  --quick    fewer and shorter samples, for a first look
  --record   put the tables into docs/benchmarks.md
  NAME       what to measure: start, warm, cold, density, burst, wasm, events, objects,
             tables [default: all]";

const NAMES: [&str; 9] = ["start", "warm", "cold", "density", "burst", "wasm", "events", "objects", "tables"];

/// What was asked for.
struct Plan {
    quick: bool,
    record: bool,
    names: Vec<&'static str>,
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut plan = Self { quick: false, record: false, names: Vec::new() };
        for argument in arguments {
            match (argument.as_str(), NAMES.iter().find(|name| *name == argument)) {
                ("--quick", _) => plan.quick = true,
                ("--record", _) => plan.record = true,
                (_, Some(name)) => plan.names.push(name),
                _ => return Err(USAGE.into()),
            }
        }
        if plan.names.is_empty() {
            plan.names = NAMES.to_vec();
        }
        Ok(plan)
    }

    /// `many` samples, or `few` when it has to be quick.
    fn samples(&self, many: usize, few: usize) -> usize {
        if self.quick { few } else { many }
    }
}

/// Builds, measures and prints.
///
/// # Errors
/// Wrong arguments, or something that has to be there could not be built or did not answer as it should.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let plan = Plan::parse(arguments)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the xtask crate has no parent directory")?;
    let programs = Programs::prepare(root)?;
    for name in &plan.names {
        eprintln!("measuring: {name}");
        let rows = measure(name, &plan, &programs)?;
        let text = format!("{}\n\n{}", machine::describe(), table::render(&rows));
        println!("{text}\n");
        if plan.record {
            table::record(&root.join("docs/benchmarks.md"), name, &text)?;
        }
    }
    Ok(())
}

fn measure(name: &str, plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    match name {
        "start" => start::measure(plan, programs),
        "warm" => warm::measure(plan, programs),
        "cold" => cold::measure(plan, programs),
        "density" => density::measure(plan, programs),
        "objects" => objects::measure(plan, programs),
        "events" => events::measure(plan, programs),
        "tables" => tables::measure(plan, programs),
        "wasm" => wasm::measure(plan, programs),
        _ => burst::measure(plan, programs),
    }
}

/// The middle of `values`; zero if there are none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}

/// The value below which `share` of the sorted `values` lie.
fn percentile(values: &[f64], share: f64) -> f64 {
    let at = (values.len() as f64 * share).ceil() as usize;
    values.get(at.clamp(1, values.len().max(1)) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!([0.5, 0.99, 0.999, 1.0].map(|share| percentile(&values, share)), [500.0, 990.0, 999.0, 1000.0]);
        assert_eq!((percentile(&[], 0.5), percentile(&[7.0], 0.001), median(vec![3.0, 1.0, 2.0])), (0.0, 7.0, 2.0));
    }

    #[test]
    fn unknown_names_are_refused() {
        let parse = |words: &[&str]| Plan::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert!(parse(&["warmth"]).is_err());
        let plan = parse(&["--quick", "cold"]).map(|plan| (plan.quick, plan.names));
        assert_eq!(plan.ok(), Some((true, vec!["cold"])));
    }
}
