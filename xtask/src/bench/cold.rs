//! Calls that need a new instance, from the request to the answer. Whoever keeps instances is rid of the one before first, which is not
//! measured, and has time to make ready what it likes; that the instance was new, it says itself.

use super::lambda::{COUNT, EVENT, EXIT, LANGUAGES, Lambda, Language};
use super::peers::{cargo_lambda, functions_framework, ministack, serverless_offline};
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, packages, percentile, rest};
use serde_json::json;
use std::time::Duration;

/// The peer's instance before goes away in the meantime; the next sample should not pay for that.
const PAUSE: Duration = Duration::from_millis(100);
/// What the large function needs.
const LARGE: u32 = 512;

const WITH_SNAPSHOT: &str = "python with numpy and boto3, SnapStart";
const WITHOUT_SNAPSHOT: &str = "python with numpy and boto3, without SnapStart";

/// Somebody who starts an instance for a call and says how long that took, in milliseconds.
struct Contender<'a> {
    /// The peer's name; none for the platform itself.
    peer: Option<&'static str>,
    start: Box<dyn FnMut(usize) -> Result<f64, Failure> + 'a>,
    samples: usize,
    times: Vec<f64>,
    failed: Option<String>,
}

/// A kind of function, and who starts it.
struct Kind<'a> {
    name: &'static str,
    contenders: Vec<Contender<'a>>,
}

impl<'a> Kind<'a> {
    fn add(
        &mut self,
        peer: Option<&'static str>,
        samples: usize,
        start: impl FnMut(usize) -> Result<f64, Failure> + 'a,
    ) {
        let contender = Contender { peer, start: Box::new(start), samples, times: Vec::new(), failed: None };
        self.contenders.push(contender);
    }

    fn times(&self, peer: &str) -> Option<&[f64]> {
        let found = self.contenders.iter().find(|one| one.peer == Some(peer) && one.failed.is_none());
        found.map(|one| one.times.as_slice())
    }
}

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    let (many, some) = (plan.samples(100, 15), plan.samples(30, 5));
    let (ministack, offline) = (ministack::start(programs), serverless_offline::start(programs, some));
    let (mut kinds, mut skipped) = ours(&platform, programs, (many, some))?;
    match &ministack {
        Ok((_, peer)) => skipped.extend(add_ministack(&mut kinds, peer, programs, some)),
        Err(why) => skipped.push(Row::skipped(format!("cold start, {}", ministack::NAME), why)),
    }
    match &offline {
        Ok((_, peer)) => add_serverless_offline(&mut kinds, peer, some),
        Err(why) => skipped.push(Row::skipped(format!("cold start, {}", serverless_offline::NAME), why)),
    }
    add_processes(&mut kinds, programs, some, plan.samples(5, 2));
    let starts = take_turns(&mut kinds, many, programs)?;
    for kind in &kinds {
        let failed = kind.contenders.iter().filter_map(|one| Some((one.peer?, one.failed.as_ref()?)));
        skipped.extend(failed.map(|(peer, why)| Row::skipped(format!("cold start, {}, {peer}", kind.name), why)));
    }
    Ok(kinds.iter().flat_map(|kind| rows(kind, &starts)).chain(skipped).collect())
}

/// The peer that takes the same packages, the large one too. Answers what it did not take.
fn add_ministack<'a>(kinds: &mut [Kind<'a>], peer: &'a Lambda, programs: &Programs, samples: usize) -> Vec<Row> {
    let mut refused = Vec::new();
    let mut add = |kind: &mut Kind<'a>, name, samples, made: Result<(), Failure>| match made {
        Ok(()) => kind.add(Some(ministack::NAME), samples, renewed(peer, name)),
        Err(why) => refused.push(Row::skipped(format!("cold start, {}, {}", kind.name, ministack::NAME), why)),
    };
    for (kind, language) in kinds.iter_mut().zip(LANGUAGES) {
        add(kind, language.name(), samples, peer.create(language, programs));
    }
    if let Some(kind) = kinds.iter_mut().find(|kind| kind.name == WITHOUT_SNAPSHOT) {
        add(kind, "large", samples / 3, large(peer, programs).map(drop));
    }
    refused
}

/// The peer whose functions are all declared when it starts: as many as there are samples, each called once.
fn add_serverless_offline<'a>(kinds: &mut [Kind<'a>], peer: &'a Lambda, samples: usize) {
    for (kind, language) in kinds.iter_mut().zip(LANGUAGES).filter(|(_, language)| *language != Language::Native) {
        let start = move |number| cold(peer, &serverless_offline::name(language, number));
        kind.add(Some(serverless_offline::NAME), samples, start);
    }
}

/// The peers that are a process for each function.
fn add_processes<'a>(kinds: &mut [Kind<'a>], programs: &'a Programs, samples: usize, of_native: usize) {
    for (kind, language) in kinds.iter_mut().zip(LANGUAGES) {
        match language {
            Language::Native => {
                kind.add(Some(cargo_lambda::NAME), of_native, |_| Ok(cargo_lambda::start(programs)?.first_call));
            }
            _ => {
                let start = move |_| Ok(functions_framework::start(programs, language)?.1);
                kind.add(Some(functions_framework::NAME), samples, start);
            }
        }
    }
}

/// Kinds and functions that could not be made.
type Made<'a> = (Vec<Kind<'a>>, Vec<Row>);

/// What the platform starts, in the order of the languages, then the large ones; it is the first contender of each.
fn ours<'a>(platform: &'a Server, programs: &Programs, (many, some): (usize, usize)) -> Result<Made<'a>, Failure> {
    let lambda = Lambda { address: platform.address };
    let (mut kinds, mut skipped) = (Vec::new(), Vec::new());
    let mut add = |name, samples, function: String| {
        let mut kind = Kind { name, contenders: Vec::new() };
        kind.add(None, samples, again(platform, function));
        kinds.push(kind);
    };
    for language in LANGUAGES {
        lambda.create(language, programs)?;
        lambda.target(language.name(), EVENT).call()?;
        add(language.name(), many, language.name().to_owned());
    }
    match large(&lambda, programs) {
        Ok(zip) => {
            match with_snapshot(&lambda, &zip) {
                Ok(function) => add(WITH_SNAPSHOT, many, function),
                Err(why) => skipped.push(Row::skipped(format!("cold start, {WITH_SNAPSHOT}"), why)),
            }
            add(WITHOUT_SNAPSHOT, some, "large".to_owned());
        }
        Err(why) => skipped.push(Row::skipped(format!("cold start, {WITHOUT_SNAPSHOT}"), why)),
    }
    Ok((kinds, skipped))
}

/// Everybody's samples, round by round, so that whatever else the machine does falls on all. Answers the bare server's starts.
fn take_turns(kinds: &mut [Kind], rounds: usize, programs: &Programs) -> Result<Vec<f64>, Failure> {
    let mut starts = Vec::new();
    for round in 0..rounds {
        for kind in &mut *kinds {
            for one in kind.contenders.iter_mut().filter(|one| one.failed.is_none() && round < one.samples) {
                match ((one.start)(round), one.peer) {
                    (Ok(took), _) => one.times.push(took),
                    (Err(why), Some(_)) => one.failed = Some(why.to_string()),
                    (Err(why), None) => return Err(format!("{}: {why}", kind.name).into()),
                }
            }
        }
        starts.push(Server::hyper(&programs.hyper)?.ready_after.as_secs_f64() * 1e3);
    }
    starts.sort_by(f64::total_cmp);
    for one in kinds.iter_mut().flat_map(|kind| &mut kind.contenders) {
        one.times.sort_by(f64::total_cmp);
    }
    Ok(starts)
}

/// Ends the function's instance, lets the platform come to rest, and calls again.
fn again(platform: &Server, name: String) -> impl FnMut(usize) -> Result<f64, Failure> + '_ {
    let lambda = Lambda { address: platform.address };
    move |_| {
        lambda.end_instance(&lambda.target(&name, EXIT))?;
        rest::until_still(platform);
        cold(&lambda, &name)
    }
}

/// Changes the function, so that its next call needs a new instance.
fn renewed<'a>(peer: &'a Lambda, name: &'a str) -> impl FnMut(usize) -> Result<f64, Failure> + 'a {
    move |sample| {
        peer.renew(name, sample)?;
        std::thread::sleep(PAUSE);
        cold(peer, name)
    }
}

/// One call, which a new instance has to answer.
fn cold(lambda: &Lambda, name: &str) -> Result<f64, Failure> {
    let took = lambda.target(name, COUNT).answering("1").call();
    Ok(took.map_err(|why| format!("not a new instance: {why}"))?.as_secs_f64() * 1e3)
}

/// Makes the large function, for the Python that runs there; answers its package.
fn large(lambda: &Lambda, programs: &Programs) -> Result<Vec<u8>, Failure> {
    lambda.create_with("version", Language::Python.runtime(), ("index.py", packages::VERSION.as_bytes(), 0o644))?;
    let minor = lambda.answer("version", COUNT)?.as_u64().ok_or("Python's version is not a number")?;
    let zip = packages::numpy_and_boto3(&programs.scratch, minor)?;
    lambda.create_of("large", Language::Python.runtime(), &zip, &json!({"MemorySize": LARGE}))?;
    Ok(zip)
}

/// Makes the same function with SnapStart; answers the name that its version is called by.
fn with_snapshot(lambda: &Lambda, zip: &[u8]) -> Result<String, Failure> {
    let settings = json!({"MemorySize": LARGE, "SnapStart": {"ApplyOn": "PublishedVersions"}});
    lambda.create_of("snapshot", Language::Python.runtime(), zip, &settings)?;
    Ok(format!("snapshot:{}", lambda.publish("snapshot")?))
}

fn rows(kind: &Kind, starts: &[f64]) -> Vec<Row> {
    let ours = kind.contenders.iter().find(|one| one.peer.is_none()).map_or(&[][..], |one| &one.times);
    let all = [ministack::NAME, serverless_offline::NAME, cargo_lambda::NAME, functions_framework::NAME];
    let row = |(name, share): (&str, f64)| {
        let what = format!("cold start, {}, {name}", kind.name);
        let row = Row::new(what, Unit::Milliseconds, percentile(ours, share), Some(percentile(starts, share)));
        let row = all
            .iter()
            .fold(row, |row, peer| row.with_peer(*peer, kind.times(peer).map(|times| percentile(times, share))));
        match (kind.name, name) {
            ("native", "p50") | ("python", "p50") => row.with_goal(Goal::AtMost(6.0)),
            ("python", "p99") => row.with_goal(Goal::AtMost(20.0)),
            ("node", "p50") => row.with_goal(Goal::AtMost(15.0)),
            (WITH_SNAPSHOT, "p50") => row.with_goal(Goal::AtMost(10.0)),
            _ => row,
        }
    };
    [("p50", 0.5), ("p99", 0.99)].map(row).into()
}
