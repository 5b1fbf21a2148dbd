//! Single rules first, then random histories against what must hold at every moment.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::keep_alive::KeepAlive;
use std::time::Duration;

const MB: u64 = 100;

fn bounds(memory_mb: u64) -> Bounds {
    Bounds {
        memory_mb,
        unknown_percent: 100,
        idle: Duration::from_secs(600),
        keep_alive: KeepAlive::Fixed,
        capacity_wait: Duration::from_secs(60),
        launches: 1000,
        launch_time: Duration::from_millis(50),
    }
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

/// Starting takes long enough to matter.
fn started(id: InstanceId) -> Event {
    Event::Started(id, Duration::from_millis(200))
}

/// Nothing is known of the memory it used.
fn freed(id: InstanceId) -> Event {
    Event::Freed(id, 0)
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
    assert_eq!(bench.on(started(InstanceId(1))), [Decision::Run(CallId(1), InstanceId(1))]);
    assert_eq!(bench.on(freed(InstanceId(1))), []);
    assert_eq!(bench.call(2, 1), [Decision::Run(CallId(2), InstanceId(1))]);
}

#[test]
fn the_most_recently_used_instance_is_taken() {
    let mut bench = Bench::new(1000);
    for call in 1..=3 {
        bench.call(call, 1);
        bench.on(started(InstanceId(call)));
    }
    for id in [1, 3, 2] {
        bench.on(freed(InstanceId(id)));
    }
    assert_eq!(bench.call(4, 1), [Decision::Run(CallId(4), InstanceId(2))]);
}

#[test]
fn a_waiter_takes_a_freed_instance_before_its_launch_is_ready_and_the_launch_goes_to_the_next() {
    let mut bench = Bench::new(1000);
    bench.call(1, 1);
    bench.on(started(InstanceId(1)));
    assert_eq!(bench.call(2, 1), [Decision::Launch(InstanceId(2), CallId(2))]);
    assert_eq!(bench.on(freed(InstanceId(1))), [Decision::Run(CallId(2), InstanceId(1))]);
    assert_eq!(bench.call(3, 1), [], "the launch made for call 2 is spare");
    assert_eq!(bench.on(started(InstanceId(2))), [Decision::Run(CallId(3), InstanceId(2))]);
}

#[test]
fn a_failed_launch_fails_only_the_call_it_was_made_for() {
    let mut bench = Bench::new(1000);
    bench.call(1, 1);
    bench.call(2, 1);
    assert_eq!(bench.on(Event::StartFailed(InstanceId(2))), [Decision::Fail(CallId(2), InstanceId(2))]);
    assert_eq!(bench.on(started(InstanceId(1))), [Decision::Run(CallId(1), InstanceId(1))]);
}

#[test]
fn a_reservation_bounds_calls_in_flight_waiting_ones_included() {
    let mut bench = Bench::new(1000);
    let reserved = Target { reserved: Some(1), ..target(1) };
    bench.on(Event::Arrived(CallId(1), reserved));
    let refused = [Decision::Refuse(CallId(2), Refusal::Reserved)];
    assert_eq!(bench.on(Event::Arrived(CallId(2), reserved)), refused);
    bench.on(started(InstanceId(1)));
    bench.on(freed(InstanceId(1)));
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
        bench.on(started(InstanceId(call)));
    }
    bench.on(freed(InstanceId(1)));
    let launch = Decision::Launch(InstanceId(3), CallId(3));
    assert_eq!(bench.call(3, 3), [Decision::Stop(InstanceId(1)), launch]);
    assert_eq!(bench.call(4, 4), [], "everything is in use");
    let launch = Decision::Launch(InstanceId(4), CallId(4));
    assert_eq!(bench.on(freed(InstanceId(2))), [Decision::Stop(InstanceId(2)), launch]);
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
    bench.on(started(InstanceId(1)));
    bench.on(freed(InstanceId(1)));
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
    bench.on(started(InstanceId(1)));
    bench.on(started(InstanceId(2)));
    bench.on(freed(InstanceId(1)));
    assert_eq!(bench.on(Event::Retired(DeploymentId(1))), [Decision::Stop(InstanceId(1))]);
    assert_eq!(bench.on(freed(InstanceId(2))), [Decision::Stop(InstanceId(2))]);
    assert!(bench.pool.deployments.is_empty());
}

mod ahead;
mod bursts;
mod histories;
mod memory;
