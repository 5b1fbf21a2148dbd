//! Calls of functions whose instances are there. The contenders take turns, round by round, so that whatever else the machine does
//! falls on all of them; a figure is the median of the rounds.

use super::lambda::{EVENT, LANGUAGES, Lambda, Language};
use super::load::{Load, Target};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, gateway, http, median, peer};
use std::time::Duration;

const CONNECTIONS: [usize; 3] = [1, 8, 16];
/// Makes the instances that the connections need, and warms them.
const WARM_UP: Duration = Duration::from_millis(500);

/// Somebody who is called, and how the calls went: by number of connections, round by round.
struct Contender {
    name: String,
    target: Target,
    loads: [Vec<Load>; CONNECTIONS.len()],
}

impl Contender {
    fn new(name: impl Into<String>, target: Target) -> Self {
        Self { name: name.into(), target, loads: Default::default() }
    }

    /// The median of the rounds of `figure` at `CONNECTIONS[at]`.
    fn median(&self, at: usize, figure: fn(&Load) -> f64) -> f64 {
        median(self.loads[at].iter().map(figure).collect())
    }
}

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let hyper = Server::hyper(&programs.hyper)?;
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let lambda = Lambda { address: platform.address };
    let mut bare = Contender::new("bare hyper", Lambda { address: hyper.address }.target("echo", EVENT));
    bare.target.request = http::request("POST", "/", hyper.address, EVENT);
    let mut ours = Vec::new();
    for language in LANGUAGES {
        lambda.create(language, programs)?;
        ours.push(Contender::new(format!("AWS API, {}", language.name()), lambda.target(language.name(), EVENT)));
    }
    let mut skipped = Vec::new();
    let through_gateway = |language: Language| {
        Contender::new(format!("gateway, {}", language.name()), gateway::target(platform.address, language))
    };
    match gateway::deploy(platform.address, programs).and_then(|()| through_gateway(Language::Native).target.call()) {
        Ok(_) => ours.extend(LANGUAGES.map(through_gateway)),
        Err(why) => skipped.push(Row::skipped("warm, gateway", why)),
    }
    let started = peer::start(programs);
    let mut other = match &started {
        Ok((_, target)) => Some(Contender::new("cargo lambda watch", target.clone())),
        Err(why) => {
            skipped.push(Row::skipped("warm, cargo lambda watch", why));
            None
        }
    };
    let time = Duration::from_millis(plan.samples(1500, 400) as u64);
    let mut all: Vec<&mut Contender> = std::iter::once(&mut bare).chain(&mut other).chain(&mut ours).collect();
    for contender in &all {
        contender.target.load(16, WARM_UP).map_err(|why| format!("{}: {why}", contender.name))?;
    }
    for _ in 0..plan.samples(5, 3) {
        for contender in &mut all {
            for (at, connections) in CONNECTIONS.into_iter().enumerate() {
                let load = contender.target.load(connections, time);
                contender.loads[at].push(load.map_err(|why| format!("{}: {why}", contender.name))?);
            }
        }
    }
    let rows = ours.iter().flat_map(|contender| rows(contender, &bare, other.as_ref()));
    Ok(rows.chain(skipped).collect())
}

fn rows(contender: &Contender, bare: &Contender, peer: Option<&Contender>) -> Vec<Row> {
    type Figure = (&'static str, Unit, fn(&Load) -> f64);
    let figures: [Figure; 4] = [
        ("p50", Unit::Milliseconds, |load| load.p50),
        ("p99", Unit::Milliseconds, |load| load.p99),
        ("p99.9", Unit::Milliseconds, |load| load.p999),
        ("requests", Unit::PerSecond, |load| load.per_second),
    ];
    // The peer serves the native function alone, under the AWS API.
    let peer = peer.filter(|_| contender.name == "AWS API, native");
    let mut rows = Vec::new();
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        for (name, unit, figure) in figures {
            let plural = if connections == 1 { "" } else { "s" };
            let what = format!("warm, {}, {connections} connection{plural}, {name}", contender.name);
            let row = Row::new(what, unit, contender.median(at, figure), Some(bare.median(at, figure)));
            let row = row.with_peer(peer.map(|peer| peer.median(at, figure)));
            rows.push(match (contender.name.as_str(), connections, name) {
                ("AWS API, native", 1, "p50") => row.with_goal(Goal::Peer),
                ("AWS API, native", 8, "requests") => row.with_goal(Goal::TimesPeer(3.0)),
                ("AWS API, python", 1, "p50") => row.with_goal(Goal::AtMost(0.6)),
                _ => row,
            });
        }
    }
    rows
}
