//! What is set aside, and what ends when memory is short.

use super::*;

fn overcommitting(memory_mb: u64) -> Bench {
    let mut bench = Bench::new(memory_mb);
    bench.pool.bounds.unknown_percent = 25;
    bench
}

fn limited(deployment: u64, memory_mb: u64) -> Target {
    Target { memory_mb, ..target(deployment) }
}

fn machine(available_mb: u64) -> Event {
    Event::Measured(Machine { total_mb: 2000, available_mb, stalled: false })
}

#[test]
fn two_hundred_first_calls_of_128_mb_are_admitted_on_a_machine_of_24_gb() {
    let mut bench = overcommitting(24 * 1024 / 4 * 3);
    bench.on(Event::Measured(Machine { total_mb: 24 * 1024, available_mb: 20 * 1024, stalled: false }));
    let launches = |decisions: Vec<Decision>| decisions.iter().filter(|d| matches!(d, Decision::Launch(..))).count();
    let launched: usize = (1..=200).map(|call| launches(bench.on(Event::Arrived(CallId(call), limited(1, 128))))).sum();
    assert_eq!((launched, bench.pool.memory_mb), (200, 200 * 32));
}

#[test]
fn what_instances_use_is_learned_and_a_limit_is_never_passed() {
    let mut bench = overcommitting(10_000);
    bench.on(Event::Arrived(CallId(1), limited(1, 1024)));
    assert_eq!(bench.pool.memory_mb, 256);
    bench.on(started(InstanceId(1)));
    for (used, set_aside) in [(10, 20), (40, 58), (10, 58), (2000, 1024)] {
        bench.on(Event::Freed(InstanceId(1), used));
        assert_eq!(bench.pool.memory_mb, set_aside, "{used}");
        bench.on(Event::Arrived(CallId(used), limited(1, 1024)));
    }
    bench.on(Event::Arrived(CallId(7), limited(2, 128)));
    assert_eq!(bench.pool.memory_mb, 1024 + 32, "others are not affected");
}

#[test]
fn room_that_turns_out_not_to_be_needed_goes_to_calls_that_wait() {
    let mut bench = overcommitting(2000);
    bench.on(Event::Arrived(CallId(1), limited(1, 2000)));
    bench.on(started(InstanceId(1)));
    (2..=4).for_each(|call| drop(bench.on(Event::Arrived(CallId(call), limited(1, 2000)))));
    assert_eq!(bench.on(Event::Arrived(CallId(5), limited(2, 2000))), [], "four quarters are given away");
    let decisions = bench.on(Event::Freed(InstanceId(1), 20));
    assert!(decisions.contains(&Decision::Launch(InstanceId(5), CallId(5))), "{decisions:?}");
}

#[test]
fn the_machine_itself_bounds_what_is_given_away() {
    let mut bench = Bench::new(100_000);
    bench.on(machine(350));
    bench.call(1, 1);
    bench.call(2, 2);
    assert_eq!(bench.call(3, 3), [], "of 350 MB 100 stay untouched");
    bench.on(started(InstanceId(1)));
    let launch = [Decision::Launch(InstanceId(3), CallId(3))];
    assert_eq!(bench.on(machine(300)), launch, "one launch is still due 100 MB, one is part of what was measured");
    assert_eq!(bench.call(4, 4), []);
    bench.now = Timestamp(60_000);
    assert_eq!(bench.on(Event::Tick), [Decision::Refuse(CallId(4), Refusal::Memory)]);
}

#[test]
fn under_pressure_what_is_cheapest_to_start_again_ends_first() {
    let mut bench = Bench::new(100_000);
    for (call, start_ms) in [(1, 900), (2, 5), (3, 300)] {
        bench.call(call, call);
        bench.on(Event::Started(InstanceId(call), Duration::from_millis(start_ms)));
        bench.on(freed(InstanceId(call)));
    }
    bench.pool.bounds.keep_alive = KeepAlive::Histogram;
    (1..=3).for_each(|function| bench.pool.remember(FunctionId(function), History::default()));
    assert_eq!(bench.on(machine(100)), [], "enough");
    assert_eq!(bench.on(machine(30)), [Decision::Stop(InstanceId(2))]);
    let stalled = Event::Measured(Machine { total_mb: 2000, available_mb: 1000, stalled: true });
    assert_eq!(bench.on(stalled), [Decision::Stop(InstanceId(3))], "processes wait for memory");
    assert_eq!(bench.on(machine(0)), [Decision::Stop(InstanceId(1))]);
}

#[test]
fn what_is_larger_for_the_same_start_ends_first_and_spare_ones_before_the_only_one() {
    let mut bench = Bench::new(100_000);
    bench.pool.bounds.keep_alive = KeepAlive::Histogram;
    for (call, target) in [(1, limited(1, 100)), (2, limited(2, 400)), (3, limited(1, 100))] {
        bench.on(Event::Arrived(CallId(call), target));
    }
    for id in 1..=3 {
        bench.on(started(InstanceId(id)));
    }
    for id in 1..=3 {
        bench.on(freed(InstanceId(id)));
    }
    assert_eq!(bench.on(machine(99)), [Decision::Stop(InstanceId(2))]);
    assert_eq!(bench.on(machine(99)), [Decision::Stop(InstanceId(1))], "3 was used last");
}
