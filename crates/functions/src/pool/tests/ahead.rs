//! Provisioned instances, and those that are started for a call that is expected.

use super::*;

fn provision(deployment: u64, count: u32) -> Event {
    let (deployment, function) = (DeploymentId(deployment), FunctionId(deployment));
    Event::Provision(Provision { deployment, function, memory_mb: MB, count })
}

fn prepared(id: u64, deployment: u64, ahead: Ahead) -> Decision {
    Decision::Prepare(InstanceId(id), DeploymentId(deployment), ahead)
}

fn ready(bench: &Bench, deployment: u64) -> u32 {
    bench.pool.provisioned(DeploymentId(deployment), bench.now).ready
}

#[test]
fn provisioned_instances_start_at_once_count_first_and_never_grow_old() {
    let mut bench = Bench::new(1000);
    let both = [prepared(1, 1, Ahead::Provisioned), prepared(2, 1, Ahead::Provisioned)];
    assert_eq!(bench.on(provision(1, 2)), both);
    assert_eq!(ready(&bench, 1), 0);
    bench.on(started(InstanceId(1)));
    bench.on(started(InstanceId(2)));
    assert_eq!(ready(&bench, 1), 2);
    bench.now = Timestamp(3_600_000);
    assert_eq!(bench.on(Event::Tick), []);
    assert_eq!(bench.call(1, 1), [Decision::Run(CallId(1), InstanceId(2))]);
    assert_eq!(bench.call(2, 1), [Decision::Run(CallId(2), InstanceId(1))]);
    assert_eq!(bench.call(3, 1), [Decision::Launch(InstanceId(3), CallId(3))], "what is beyond starts on demand");
    bench.on(started(InstanceId(3)));
    (1..=3).for_each(|id| drop(bench.on(freed(InstanceId(id)))));
    assert_eq!(bench.call(4, 1), [Decision::Run(CallId(4), InstanceId(2))], "though 3 was used last");
    bench.now = Timestamp(7_200_000);
    assert_eq!(bench.on(Event::Tick), [Decision::Stop(InstanceId(3))], "which grows old");
}

#[test]
fn calls_on_provisioned_instances_do_not_count_against_the_others() {
    let mut bench = Bench::new(1000);
    bench.on(provision(1, 1));
    bench.on(started(InstanceId(1)));
    let shared = |deployment| Target { unreserved: 1, ..target(deployment) };
    let run = [Decision::Run(CallId(1), InstanceId(1))];
    assert_eq!(bench.on(Event::Arrived(CallId(1), shared(1))), run);
    let launch = [Decision::Launch(InstanceId(2), CallId(2))];
    assert_eq!(bench.on(Event::Arrived(CallId(2), shared(1))), launch, "the one that spills over counts");
    let refused = [Decision::Refuse(CallId(3), Refusal::Unreserved)];
    assert_eq!(bench.on(Event::Arrived(CallId(3), shared(2))), refused);
    bench.on(freed(InstanceId(1)));
    bench.on(Event::Ended(InstanceId(2)));
    assert_eq!((bench.pool.in_flight.len(), bench.pool.unreserved.len()), (1, 0), "call 2 got the provisioned one");
}

#[test]
fn a_provisioned_instance_that_dies_is_replaced_and_one_that_cannot_start_is_tried_again() {
    let mut bench = Bench::new(1000);
    bench.on(provision(1, 1));
    bench.on(started(InstanceId(1)));
    bench.now = Timestamp(10_000);
    assert_eq!(bench.on(Event::Ended(InstanceId(1))), [prepared(2, 1, Ahead::Provisioned)]);
    assert_eq!(bench.on(Event::StartFailed(InstanceId(2))), []);
    assert!(bench.pool.provisioned(DeploymentId(1), bench.now).failed);
    bench.now = Timestamp(69_999);
    assert_eq!(bench.on(Event::Tick), []);
    bench.now = Timestamp(70_000);
    assert_eq!(bench.on(Event::Tick), [prepared(3, 1, Ahead::Provisioned)]);
    bench.on(started(InstanceId(3)));
    assert_eq!(
        bench.pool.provisioned(DeploymentId(1), bench.now),
        Provisioned { ready: 1, failed: false, short: false }
    );
}

#[test]
fn a_provisioned_instance_that_ends_at_once_is_not_started_over_and_over() {
    let mut bench = Bench::new(1000);
    bench.on(provision(1, 1));
    bench.on(started(InstanceId(1)));
    bench.now = Timestamp(9_999);
    assert_eq!(bench.on(Event::Ended(InstanceId(1))), []);
    assert!(bench.pool.provisioned(DeploymentId(1), bench.now).failed);
}

#[test]
fn a_lower_count_ends_idle_ones_and_leaves_busy_ones_to_grow_old() {
    let mut bench = Bench::new(1000);
    bench.on(provision(1, 3));
    (1..=2).for_each(|id| drop(bench.on(started(InstanceId(id)))));
    bench.call(1, 1);
    assert_eq!(bench.on(provision(1, 0)), [Decision::Stop(InstanceId(1))]);
    assert_eq!(bench.on(freed(InstanceId(2))), []);
    assert_eq!(bench.call(2, 1), [Decision::Run(CallId(2), InstanceId(2))]);
    assert_eq!(bench.call(3, 1), [], "the launch that was under way is there for it");
    assert_eq!(bench.on(started(InstanceId(3))), [Decision::Run(CallId(3), InstanceId(3))]);
}

#[test]
fn memory_is_taken_from_idle_instances_but_never_from_provisioned_ones() {
    let mut bench = Bench::new(4 * MB);
    for (call, deployment) in [(1, 2), (2, 3)] {
        bench.call(call, deployment);
        bench.on(started(InstanceId(call)));
        bench.on(freed(InstanceId(call)));
    }
    let ahead = |id| prepared(id, 1, Ahead::Provisioned);
    assert_eq!(bench.on(provision(1, 3)), [ahead(3), ahead(4), Decision::Stop(InstanceId(1)), ahead(5)]);
    (3..=5).for_each(|id| drop(bench.on(started(InstanceId(id)))));
    bench.call(3, 3);
    assert_eq!(bench.call(4, 2), [], "three are provisioned, one is busy");
    let room = [Decision::Stop(InstanceId(3)), Decision::Launch(InstanceId(6), CallId(4))];
    assert_eq!(bench.on(provision(1, 2)), room);
}

#[test]
fn a_quarter_of_the_memory_is_left_to_calls() {
    let mut bench = Bench::new(4 * MB);
    assert_eq!(bench.on(provision(1, 4)).len(), 3);
    let short = |bench: &Bench| bench.pool.provisioned(DeploymentId(1), bench.now).short;
    bench.now = Timestamp(59_999);
    assert!(!short(&bench));
    bench.now = Timestamp(60_000);
    assert!(short(&bench));
    assert_eq!(bench.on(provision(1, 3)), []);
    assert!(!short(&bench));
}

const MINUTE: i64 = 60_000;

/// A function that is called every 30 minutes, and has been for a while; the last call ended at minute 0.
fn timer() -> Bench {
    let mut bench = Bench::new(10 * MB);
    bench.pool.bounds.keep_alive = KeepAlive::Histogram;
    let mut history = History::default();
    (0..20).for_each(|_| history.record(Duration::from_secs(30 * 60 + 5)));
    bench.pool.remember(FunctionId(1), history);
    bench.call(1, 1);
    bench.on(started(InstanceId(1)));
    bench.on(freed(InstanceId(1)));
    bench
}

/// The same, and its instance has ended.
fn timer_at_rest() -> Bench {
    let mut bench = timer();
    bench.now = Timestamp(10_000);
    assert_eq!(bench.on(Event::Tick), [Decision::Stop(InstanceId(1))]);
    bench
}

#[test]
fn an_instance_whose_next_call_is_far_away_ends_and_another_is_there_in_time() {
    let mut bench = timer();
    bench.now = Timestamp(9_999);
    assert_eq!(bench.on(Event::Tick), [], "calls that belong together find it");
    bench.now = Timestamp(10_000);
    assert_eq!(bench.on(Event::Tick), [Decision::Stop(InstanceId(1))]);
    bench.now = Timestamp(27 * MINUTE - 1);
    assert_eq!(bench.on(Event::Tick), []);
    bench.now = Timestamp(27 * MINUTE);
    assert_eq!(bench.on(Event::Tick), [prepared(2, 1, Ahead::Expected)]);
    bench.on(started(InstanceId(2)));
    bench.now = Timestamp(30 * MINUTE);
    assert_eq!(bench.on(Event::Tick), []);
    assert_eq!(bench.call(2, 1), [Decision::Run(CallId(2), InstanceId(2))]);
}

#[test]
fn an_expected_call_that_does_not_come_is_waited_for_once() {
    let mut bench = timer_at_rest();
    bench.now = Timestamp(27 * MINUTE);
    bench.on(Event::Tick);
    bench.on(Event::Tick);
    bench.on(started(InstanceId(2)));
    bench.now = Timestamp(34 * MINUTE);
    assert_eq!(bench.on(Event::Tick), []);
    bench.now = Timestamp(35 * MINUTE);
    assert_eq!(bench.on(Event::Tick), [Decision::Stop(InstanceId(2))]);
    assert_eq!(bench.on(Event::Tick), []);
}

#[test]
fn a_call_that_comes_while_its_instance_is_prepared_waits_for_that() {
    let mut bench = timer_at_rest();
    bench.now = Timestamp(28 * MINUTE);
    bench.on(Event::Tick);
    assert_eq!(bench.call(2, 1), []);
    assert_eq!(bench.on(started(InstanceId(2))), [Decision::Run(CallId(2), InstanceId(2))]);
}

#[test]
fn nothing_is_stopped_for_a_call_that_is_only_expected() {
    let mut bench = timer_at_rest();
    bench.pool.bounds.memory_mb = MB;
    bench.now = Timestamp(26 * MINUTE);
    bench.on(Event::Tick);
    bench.call(2, 2);
    bench.now = Timestamp(28 * MINUTE);
    assert_eq!(bench.on(Event::Tick), []);
}
