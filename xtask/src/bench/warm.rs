//! Calls of functions whose instances are there. The contenders take turns, round by round, so that whatever else the machine does
//! falls on all of them; a figure is the median of the rounds.

use super::lambda::{EVENT, LANGUAGES, Lambda, Language};
use super::load::{Load, Target};
use super::peers::{cargo_lambda, functions_framework, ministack, serverless_offline, workerd};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, gateway, http, median};
use std::time::Duration;

const CONNECTIONS: [usize; 3] = [1, 8, 16];
/// Makes the instances that the connections need, and warms them.
const WARM_UP: Duration = Duration::from_millis(500);

/// Somebody who is called, and how the calls went: by number of connections, round by round.
struct Contender {
    name: String,
    /// For peers: beside which of the platform's figures it stands.
    beside: &'static str,
    target: Target,
    /// Why a peer no longer takes part.
    failed: Option<String>,
    loads: [Vec<Load>; CONNECTIONS.len()],
}

impl Contender {
    fn new(name: impl Into<String>, target: Target) -> Self {
        Self { name: name.into(), beside: "", target, failed: None, loads: Default::default() }
    }

    /// Loads it for `time`. The platform must not fail; a peer that does drops out.
    fn load(&mut self, connections: usize, time: Duration) -> Result<Option<Load>, Failure> {
        if self.failed.is_some() {
            return Ok(None);
        }
        match self.target.load(connections, time) {
            Ok(load) => Ok(Some(load)),
            Err(why) if self.beside.is_empty() => Err(format!("{}: {why}", self.name).into()),
            Err(why) => {
                self.failed = Some(why.to_string());
                Ok(None)
            }
        }
    }

    fn beside(self, beside: &'static str) -> Self {
        Self { beside, ..self }
    }

    /// The median of the rounds of `figure` at `CONNECTIONS[at]`.
    fn median(&self, at: usize, figure: fn(&Load) -> f64) -> f64 {
        median(self.loads[at].iter().map(figure).collect())
    }
}

/// The peers that run, and why others do not.
#[derive(Default)]
struct Peers {
    contenders: Vec<Contender>,
    skipped: Vec<Row>,
    /// End with this.
    servers: Vec<Server>,
    cargo_lambda: Option<cargo_lambda::CargoLambda>,
}

const NATIVE: &str = "AWS API, native";
const PYTHON: &str = "AWS API, python";
const NODE: &str = "AWS API, node";

impl Peers {
    /// Starts all of them. The first beside native is cargo lambda watch, which its targets speak of.
    fn start(programs: &Programs) -> Self {
        let mut peers = Self::default();
        match cargo_lambda::start(programs) {
            Ok(peer) => {
                peers.add(cargo_lambda::NAME, NATIVE, Ok(peer.echo.clone()));
                peers.cargo_lambda = Some(peer);
            }
            Err(why) => peers.add(cargo_lambda::NAME, NATIVE, Err(why)),
        }
        match ministack::start(programs) {
            Ok((server, peer)) => {
                for (language, beside) in LANGUAGES.into_iter().zip([NATIVE, PYTHON, NODE]) {
                    let made = peer.create(language, programs);
                    peers.add(ministack::NAME, beside, made.map(|()| peer.target(language.name(), EVENT)));
                }
                peers.servers.push(server);
            }
            Err(why) => peers.add(ministack::NAME, PYTHON, Err(why)),
        }
        match serverless_offline::start(programs, 1) {
            Ok((server, peer)) => {
                for (language, beside) in [(Language::Python, PYTHON), (Language::Node, NODE)] {
                    let target = peer.target(&serverless_offline::name(language, 0), EVENT);
                    peers.add(serverless_offline::NAME, beside, Ok(target));
                }
                peers.servers.push(server);
            }
            Err(why) => peers.add(serverless_offline::NAME, NODE, Err(why)),
        }
        for (language, beside) in [(Language::Python, PYTHON), (Language::Node, NODE)] {
            let started = functions_framework::start(programs, language).map(|(server, _)| server);
            peers.add(functions_framework::NAME, beside, started.as_ref().map(functions_framework::echo).map_err(text));
            peers.servers.extend(started.ok());
        }
        let started = workerd::start(programs);
        peers.add(workerd::NAME, NODE, started.as_ref().map(|(_, target)| target.clone()).map_err(text));
        peers.servers.extend(started.ok().map(|(server, _)| server));
        peers
    }

    /// Takes the peer up if it answers as it should.
    fn add(&mut self, name: &str, beside: &'static str, target: Result<Target, Failure>) {
        match target.and_then(|target| target.call().map(|_| target)) {
            Ok(target) => self.contenders.push(Contender::new(name, target).beside(beside)),
            Err(why) => self.skipped.push(Row::skipped(format!("warm, {name}, beside {beside}"), why)),
        }
    }
}

fn text(why: &Failure) -> Failure {
    why.to_string().into()
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
    let mut others = Peers::start(programs);
    skipped.append(&mut others.skipped);
    let time = Duration::from_millis(plan.samples(1500, 400) as u64);
    let mut all: Vec<&mut Contender> =
        std::iter::once(&mut bare).chain(&mut others.contenders).chain(&mut ours).collect();
    for contender in &mut all {
        contender.load(16, WARM_UP)?;
    }
    for _ in 0..plan.samples(5, 3) {
        for contender in &mut all {
            // Peers only have to show where they stand.
            let time = if contender.beside.is_empty() { time } else { time / 3 };
            for (at, connections) in CONNECTIONS.into_iter().enumerate() {
                let load = contender.load(connections, time)?;
                contender.loads[at].extend(load);
            }
        }
    }
    for peer in &others.contenders {
        let failed = peer.failed.iter();
        skipped.extend(failed.map(|why| Row::skipped(format!("warm, {}, beside {}", peer.name, peer.beside), why)));
    }
    others.contenders.retain(|peer| peer.failed.is_none());
    let rows = ours.iter().flat_map(|contender| rows(contender, &bare, &others.contenders));
    Ok(rows.chain(skipped).collect())
}

fn rows(contender: &Contender, bare: &Contender, peers: &[Contender]) -> Vec<Row> {
    type Figure = (&'static str, Unit, fn(&Load) -> f64);
    let figures: [Figure; 4] = [
        ("p50", Unit::Milliseconds, |load| load.p50),
        ("p99", Unit::Milliseconds, |load| load.p99),
        ("p99.9", Unit::Milliseconds, |load| load.p999),
        ("requests", Unit::PerSecond, |load| load.per_second),
    ];
    let mut rows = Vec::new();
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        for (name, unit, figure) in figures {
            let plural = if connections == 1 { "" } else { "s" };
            let what = format!("warm, {}, {connections} connection{plural}, {name}", contender.name);
            let row = Row::new(what, unit, contender.median(at, figure), Some(bare.median(at, figure)));
            let beside = peers.iter().filter(|peer| peer.beside == contender.name);
            let row = beside.fold(row, |row, peer| row.with_peer(&peer.name, Some(peer.median(at, figure))));
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
