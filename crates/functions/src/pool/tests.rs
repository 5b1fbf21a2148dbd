//! Single rules first, then random histories against what must hold at every moment.
#![allow(clippy::unwrap_used)]

use super::*;
use std::collections::HashSet;
use std::time::Duration;

const MB: u64 = 100;

fn bounds(memory_mb: u64) -> Bounds {
    Bounds { memory_mb, idle: Duration::from_secs(600), capacity_wait: Duration::from_secs(60) }
}

fn target(deployment: u64) -> Target {
    Target {
        deployment: DeploymentId(deployment),
        function: FunctionId(deployment),
        scope: ScopeId(0),
        memory_mb: MB,
        reserved: None,
        unreserved: 1000,
    }
}

struct Bench {
    pool: Pool,
    now: Timestamp,
}

impl Bench {
    fn new(memory_mb: u64) -> Self {
        Self { pool: Pool::new(bounds(memory_mb)), now: Timestamp(0) }
    }

    fn on(&mut self, event: Event) -> Vec<Decision> {
        let mut decisions = Vec::new();
        self.pool.handle(event, self.now, &mut decisions);
        decisions
    }

    fn call(&mut self, call: u64, deployment: u64) -> Vec<Decision> {
        self.on(Event::Arrived(CallId(call), target(deployment)))
    }
}

#[test]
fn a_first_call_starts_an_instance_and_a_second_one_uses_it() {
    let mut bench = Bench::new(1000);
    assert_eq!(bench.call(1, 1), [Decision::Launch(InstanceId(1), CallId(1))]);
    assert_eq!(bench.on(Event::Started(InstanceId(1))), [Decision::Run(CallId(1), InstanceId(1))]);
    assert_eq!(bench.on(Event::Freed(InstanceId(1))), []);
    assert_eq!(bench.call(2, 1), [Decision::Run(CallId(2), InstanceId(1))]);
}

#[test]
fn the_most_recently_used_instance_is_taken() {
    let mut bench = Bench::new(1000);
    for call in 1..=3 {
        bench.call(call, 1);
        bench.on(Event::Started(InstanceId(call)));
    }
    for id in [1, 3, 2] {
        bench.on(Event::Freed(InstanceId(id)));
    }
    assert_eq!(bench.call(4, 1), [Decision::Run(CallId(4), InstanceId(2))]);
}

#[test]
fn a_waiter_takes_a_freed_instance_before_its_launch_is_ready_and_the_launch_goes_to_the_next() {
    let mut bench = Bench::new(1000);
    bench.call(1, 1);
    bench.on(Event::Started(InstanceId(1)));
    assert_eq!(bench.call(2, 1), [Decision::Launch(InstanceId(2), CallId(2))]);
    assert_eq!(bench.on(Event::Freed(InstanceId(1))), [Decision::Run(CallId(2), InstanceId(1))]);
    assert_eq!(bench.call(3, 1), [], "the launch made for call 2 is spare");
    assert_eq!(bench.on(Event::Started(InstanceId(2))), [Decision::Run(CallId(3), InstanceId(2))]);
}

#[test]
fn a_failed_launch_fails_only_the_call_it_was_made_for() {
    let mut bench = Bench::new(1000);
    bench.call(1, 1);
    bench.call(2, 1);
    assert_eq!(bench.on(Event::StartFailed(InstanceId(2))), [Decision::Fail(CallId(2), InstanceId(2))]);
    assert_eq!(bench.on(Event::Started(InstanceId(1))), [Decision::Run(CallId(1), InstanceId(1))]);
}

#[test]
fn a_reservation_bounds_calls_in_flight_waiting_ones_included() {
    let mut bench = Bench::new(1000);
    let reserved = Target { reserved: Some(1), ..target(1) };
    bench.on(Event::Arrived(CallId(1), reserved));
    let refused = [Decision::Refuse(CallId(2), Refusal::Reserved)];
    assert_eq!(bench.on(Event::Arrived(CallId(2), reserved)), refused);
    bench.on(Event::Started(InstanceId(1)));
    bench.on(Event::Freed(InstanceId(1)));
    assert_eq!(bench.on(Event::Arrived(CallId(3), reserved)), [Decision::Run(CallId(3), InstanceId(1))]);
    let none = Target { reserved: Some(0), ..target(2) };
    assert_eq!(bench.on(Event::Arrived(CallId(4), none)), [Decision::Refuse(CallId(4), Refusal::Reserved)]);
}

#[test]
fn functions_without_a_reservation_share_the_rest() {
    let mut bench = Bench::new(1000);
    let shared = |deployment| Target { unreserved: 2, ..target(deployment) };
    bench.on(Event::Arrived(CallId(1), shared(1)));
    bench.on(Event::Arrived(CallId(2), shared(2)));
    let refused = [Decision::Refuse(CallId(3), Refusal::Unreserved)];
    assert_eq!(bench.on(Event::Arrived(CallId(3), shared(3))), refused);
    let elsewhere = Target { scope: ScopeId(1), ..shared(4) };
    assert!(matches!(bench.on(Event::Arrived(CallId(4), elsewhere))[..], [Decision::Launch(..)]));
}

#[test]
fn memory_comes_from_the_least_recently_used_idle_instance_or_is_waited_for() {
    let mut bench = Bench::new(2 * MB);
    for (call, deployment) in [(1, 1), (2, 2)] {
        bench.call(call, deployment);
        bench.on(Event::Started(InstanceId(call)));
    }
    bench.on(Event::Freed(InstanceId(1)));
    let launch = Decision::Launch(InstanceId(3), CallId(3));
    assert_eq!(bench.call(3, 3), [Decision::Stop(InstanceId(1)), launch]);
    assert_eq!(bench.call(4, 4), [], "everything is in use");
    let launch = Decision::Launch(InstanceId(4), CallId(4));
    assert_eq!(bench.on(Event::Freed(InstanceId(2))), [Decision::Stop(InstanceId(2)), launch]);
    assert_eq!(bench.call(5, 5), []);
    bench.now = Timestamp(60_000);
    assert_eq!(bench.on(Event::Tick), [Decision::Refuse(CallId(5), Refusal::Memory)]);
    let huge = Target { memory_mb: 3 * MB, ..target(6) };
    assert_eq!(bench.on(Event::Arrived(CallId(6), huge)), [Decision::Refuse(CallId(6), Refusal::Memory)]);
}

#[test]
fn an_idle_instance_ends_after_its_time() {
    let mut bench = Bench::new(1000);
    bench.call(1, 1);
    bench.on(Event::Started(InstanceId(1)));
    bench.on(Event::Freed(InstanceId(1)));
    bench.now = Timestamp(599_999);
    assert_eq!(bench.on(Event::Tick), []);
    bench.now = Timestamp(600_000);
    assert_eq!(bench.on(Event::Tick), [Decision::Stop(InstanceId(1))]);
}

#[test]
fn a_retired_deployment_finishes_its_calls_and_then_ends() {
    let mut bench = Bench::new(1000);
    bench.call(1, 1);
    bench.call(2, 1);
    bench.on(Event::Started(InstanceId(1)));
    bench.on(Event::Started(InstanceId(2)));
    bench.on(Event::Freed(InstanceId(1)));
    assert_eq!(bench.on(Event::Retired(DeploymentId(1))), [Decision::Stop(InstanceId(1))]);
    assert_eq!(bench.on(Event::Freed(InstanceId(2))), [Decision::Stop(InstanceId(2))]);
    assert!(bench.pool.deployments.is_empty());
}

/// What a history must add up to, kept without looking into the pool.
#[derive(Default)]
struct Ledger {
    launching: HashMap<InstanceId, DeploymentId>,
    busy: HashMap<InstanceId, CallId>,
    idle: HashMap<InstanceId, DeploymentId>,
    of: HashMap<InstanceId, DeploymentId>,
    waiting: HashMap<CallId, DeploymentId>,
    answered: HashSet<CallId>,
}

impl Ledger {
    fn apply(&mut self, decision: Decision) {
        match decision {
            Decision::Run(call, id) => {
                let idle = self.idle.remove(&id).is_some();
                assert!(idle, "{id:?} was not free for {call:?}");
                let deployment = self.waiting.remove(&call).expect("a call runs once");
                assert_eq!(deployment, self.of[&id], "a call runs on its own code");
                let earlier = self.waiting.iter().any(|(other, of)| *of == deployment && *other < call);
                assert!(!earlier, "{call:?} overtook another one");
                self.busy.insert(id, call);
            }
            Decision::Launch(id, call) => {
                let deployment = self.waiting[&call];
                self.of.insert(id, deployment);
                self.launching.insert(id, deployment);
                let waiting = self.waiting.values().filter(|of| **of == deployment).count();
                let launching = self.launching.values().filter(|of| **of == deployment).count();
                assert!(launching <= waiting, "{launching} launches for {waiting} waiting calls");
            }
            Decision::Stop(id) => assert!(self.idle.remove(&id).is_some(), "only idle instances are stopped"),
            Decision::Refuse(call, _) | Decision::Fail(call, _) => {
                assert!(self.waiting.remove(&call).is_some());
                assert!(self.answered.insert(call), "a call is answered once");
            }
        }
    }

    fn instances(&self) -> usize {
        self.launching.len() + self.busy.len() + self.idle.len()
    }
}

#[test]
fn random_histories_keep_the_rules() {
    for seed in 1..=300u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let mut bench = Bench::new(MB * 5);
        let mut ledger = Ledger::default();
        let mut calls = 0;
        for step in 0..400 {
            bench.now = bench.now.plus(Duration::from_millis(next(2000) as u64));
            let pick = |map: &HashMap<InstanceId, DeploymentId>, at: usize| {
                let mut ids: Vec<_> = map.keys().copied().collect();
                ids.sort();
                (!ids.is_empty()).then(|| ids[at % ids.len()])
            };
            let at = next(1000);
            // At the end of the history nothing new comes, and all must be answered.
            let event = match if step < 300 { next(10) } else { 4 + next(3) } {
                0..=3 => {
                    calls += 1;
                    let target = Target { unreserved: 8, ..target(1 + next(3) as u64) };
                    ledger.waiting.insert(CallId(calls), target.deployment);
                    Some(Event::Arrived(CallId(calls), target))
                }
                4 => pick(&ledger.launching, at).map(|id| {
                    let deployment = ledger.launching.remove(&id).unwrap();
                    if next(5) == 0 {
                        return Event::StartFailed(id);
                    }
                    ledger.idle.insert(id, deployment);
                    Event::Started(id)
                }),
                5 | 6 => {
                    let mut busy: Vec<_> = ledger.busy.keys().copied().collect();
                    busy.sort();
                    (!busy.is_empty()).then(|| {
                        let id = busy[at % busy.len()];
                        ledger.answered.insert(ledger.busy.remove(&id).unwrap());
                        if next(6) == 0 {
                            return Event::Ended(id);
                        }
                        ledger.idle.insert(id, ledger.of[&id]);
                        Event::Freed(id)
                    })
                }
                7 => pick(&ledger.idle, at).map(|id| {
                    ledger.idle.remove(&id);
                    Event::Ended(id)
                }),
                8 => Some(Event::Tick),
                _ => (next(10) == 0).then(|| Event::Retired(DeploymentId(1 + next(3) as u64))),
            };
            let Some(event) = event else { continue };
            for decision in bench.on(event) {
                ledger.apply(decision);
            }
            assert_eq!(bench.pool.instances.len(), ledger.instances());
            assert!(bench.pool.memory_mb <= MB * 5);
            assert_eq!(bench.pool.memory_mb, MB * ledger.instances() as u64);
            assert_eq!(bench.pool.waiting.len(), ledger.waiting.len());
            let in_flight: u32 = bench.pool.in_flight.values().sum();
            assert_eq!(in_flight as usize, ledger.waiting.len() + ledger.busy.len());
            let room = ledger.instances() < 5 || !ledger.idle.is_empty();
            assert!(!room || bench.pool.without_launch.is_empty(), "calls wait for memory that is there");
        }
        while !(ledger.launching.is_empty() && ledger.busy.is_empty()) {
            let event = if let Some((&id, &deployment)) = ledger.launching.iter().next() {
                ledger.launching.remove(&id);
                ledger.idle.insert(id, deployment);
                Event::Started(id)
            } else {
                let id = *ledger.busy.keys().next().unwrap();
                ledger.answered.insert(ledger.busy.remove(&id).unwrap());
                ledger.idle.insert(id, ledger.of[&id]);
                Event::Freed(id)
            };
            bench.on(event).into_iter().for_each(|decision| ledger.apply(decision));
        }
        assert!(ledger.waiting.is_empty(), "a call was forgotten");
        assert_eq!(ledger.answered.len(), calls as usize);
    }
}
