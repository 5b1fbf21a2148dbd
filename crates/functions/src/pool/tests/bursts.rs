//! Many calls at once.

use super::*;

fn launched(decisions: &[Decision]) -> Vec<u64> {
    let of = |decision: &Decision| match decision {
        Decision::Launch(_, call) => Some(call.0),
        _ => None,
    };
    decisions.iter().filter_map(of).collect()
}

#[test]
fn functions_take_turns_for_launches() {
    let mut bench = Bench::new(1_000_000);
    bench.pool.bounds.launches = 2;
    // Ten calls of function 1, then one each of functions 2 and 3.
    (1..=10).for_each(|call| drop(bench.call(call, 1)));
    bench.call(11, 2);
    bench.call(12, 3);
    let mut order = Vec::new();
    for id in 1..=5 {
        order.extend(launched(&bench.on(started(InstanceId(id)))));
    }
    assert_eq!(order, [3, 11, 12, 4, 5], "calls 1 and 2 took the slots; then everyone in turn");
}

#[test]
fn a_slow_initialisation_stands_in_nobodys_way() {
    let mut bench = Bench::new(1_000_000);
    bench.pool.bounds.launches = 2;
    bench.call(1, 1);
    bench.call(2, 1);
    assert_eq!(bench.call(3, 2), [], "both slots are taken");
    bench.now = Timestamp(49);
    assert_eq!(bench.on(Event::Pulse), []);
    bench.now = Timestamp(50);
    assert_eq!(launched(&bench.on(Event::Pulse)), [3]);
    assert_eq!(bench.on(started(InstanceId(3))), [Decision::Run(CallId(3), InstanceId(3))]);
    bench.on(freed(InstanceId(3)));
    assert_eq!(bench.call(4, 2), [Decision::Run(CallId(4), InstanceId(3))]);
}

#[test]
fn a_call_that_a_freed_instance_took_is_not_launched_for() {
    let mut bench = Bench::new(1_000_000);
    bench.pool.bounds.launches = 1;
    bench.call(1, 1);
    bench.on(started(InstanceId(1)));
    bench.call(2, 2);
    assert_eq!(bench.call(3, 1), [], "the slot is taken");
    assert_eq!(bench.on(freed(InstanceId(1))), [Decision::Run(CallId(3), InstanceId(1))]);
    assert_eq!(bench.on(started(InstanceId(2))), [Decision::Run(CallId(2), InstanceId(2))], "and nothing for call 3");
    assert!(!bench.pool.is_waiting());
}

#[test]
fn a_burst_of_20_functions_with_10_calls_each_is_spread_evenly() {
    let mut bench = Bench::new(1_000_000);
    bench.pool.bounds.launches = 20;
    let mut of_call = HashMap::new();
    let mut order = Vec::new();
    for function in 1..=20 {
        for _ in 0..10 {
            let call = of_call.len() as u64 + 1;
            of_call.insert(call, function);
            order.extend(launched(&bench.call(call, function)));
        }
    }
    for id in 1..=200 {
        order.extend(launched(&bench.on(started(InstanceId(id)))));
    }
    assert_eq!(order.len(), 200);
    let mut after_first: Vec<u64> = order[20..40].iter().map(|call| of_call[call]).collect();
    after_first.sort_unstable();
    after_first.dedup();
    assert!(after_first.len() >= 18, "{after_first:?}");
}
