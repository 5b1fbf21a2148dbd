//! What follows from one call, in the cases that the guide names.

use super::*;
use serde_json::json;

const NONE: Rules =
    Rules { batch: 10, window: Duration::ZERO, retries: None, age: None, bisects: false, tumbling: None };

/// Lanes that have read records of these arrival times.
fn lanes(rules: Rules, arrivals: impl IntoIterator<Item = i64>) -> Lanes {
    let mut lanes = Lanes::new(rules, 1, Checkpoint::at(None));
    read(&mut lanes, arrivals, 0);
    lanes
}

fn read(lanes: &mut Lanes, arrivals: impl IntoIterator<Item = i64>, now: i64) {
    let first = lanes.read_after().map_or(1, |last| last.parse::<usize>().unwrap_or_default() + 1);
    let taken = arrivals.into_iter().zip(first..).map(|(arrival, number)| Taken {
        sequence: number.to_string(),
        key: "k",
        arrival: Timestamp(arrival),
        json: Some("{}".into()),
    });
    lanes.take(taken, true, false, Timestamp(now));
}

fn response() -> Response {
    Response { request_id: "id".into(), version: "7".into(), error: Some("Unhandled") }
}

fn done() -> Outcome {
    Outcome::Done { state: None }
}

fn failed() -> Outcome {
    Outcome::Failed(response())
}

/// The sequence numbers of the call that is begun at `now`.
fn called(lanes: &mut Lanes, now: i64) -> Vec<String> {
    assert_eq!(lanes.next(Timestamp(now)), Step::Call(0));
    lanes
        .batch(0)
        .map(|(batch, _)| batch.items.iter().map(|item| item.sequence.to_string()).collect())
        .unwrap_or_default()
}

fn waits(lanes: &mut Lanes, now: i64) -> Option<i64> {
    match lanes.next(Timestamp(now)) {
        Step::Wait(until) => until.map(|at| at.0),
        other => panic!("{other:?}"),
    }
}

fn after(lanes: &Lanes) -> Option<String> {
    lanes.checkpoint().points[0].after.as_deref().map(str::to_owned)
}

#[test]
fn a_batch_fills_until_its_window_ends() {
    let rules = Rules { batch: 3, window: Duration::from_secs(1), ..NONE };
    let mut lanes = lanes(rules, [0, 0]);
    assert_eq!(waits(&mut lanes, 999), Some(1000));
    assert_eq!(called(&mut lanes, 1000), ["1", "2"]);
    read(&mut lanes, [0; 4], 1100);
    assert_eq!(waits(&mut lanes, 5000), None, "one call at a time");
    lanes.answered(0, done(), Timestamp(1200));
    assert_eq!(after(&lanes).as_deref(), Some("2"));
    assert_eq!(called(&mut lanes, 1200), ["3", "4", "5"], "full");
}

#[test]
fn a_batch_is_tried_again_ever_more_slowly_and_given_up_after_its_retries() {
    let mut lanes = lanes(Rules { retries: Some(2), ..NONE }, [5, 6]);
    for (now, again) in [(0, 100), (100, 300)] {
        assert_eq!(called(&mut lanes, now), ["1", "2"]);
        lanes.answered(0, failed(), Timestamp(now));
        assert_eq!(waits(&mut lanes, now), Some(again));
    }
    called(&mut lanes, 300);
    // A call that did not reach the function is no try.
    lanes.answered(0, Outcome::Refused, Timestamp(300));
    assert_eq!((waits(&mut lanes, 300), after(&lanes)), (Some(350), None));
    called(&mut lanes, 350);
    lanes.answered(0, failed(), Timestamp(400));
    let lost = lanes.lost().pop().expect("it was given up");
    assert_eq!((lost.items.len(), lost.calls, lost.condition), (2, 3, Condition::RetriesExhausted));
    assert_eq!((lost.response, after(&lanes).as_deref()), (Some(response()), Some("2")));
}

#[test]
fn a_split_finds_the_poison_and_is_no_retry() {
    let mut lanes = lanes(Rules { retries: Some(1), bisects: true, ..NONE }, [0; 4]);
    let mut calls = Vec::new();
    let mut now = 0;
    while !matches!(lanes.next(Timestamp(now)), Step::Wait(None)) {
        let batch: Vec<String> = lanes
            .batch(0)
            .map(|(batch, _)| batch.items.iter().map(|item| item.sequence.to_string()).collect())
            .unwrap_or_default();
        let outcome = if batch.iter().any(|number| number == "3") { failed() } else { done() };
        lanes.answered(0, outcome, Timestamp(now));
        calls.push(batch.concat());
        now += 100;
    }
    assert_eq!(calls, ["1234", "12", "34", "3", "3", "4"]);
    let lost = lanes.lost();
    assert_eq!((lost.len(), lost[0].items.len(), lost[0].calls), (1, 1, 4), "each call that it was in counts");
    assert_eq!(after(&lanes).as_deref(), Some("4"));
}

#[test]
fn what_comes_before_the_reported_record_is_done() {
    let partly = |from| Outcome::Partly { from, state: None, response: Response { error: None, ..response() } };
    let mut lanes_ = lanes(Rules { retries: Some(1), ..NONE }, [0; 4]);
    called(&mut lanes_, 0);
    lanes_.answered(0, partly(2), Timestamp(0));
    assert_eq!(after(&lanes_).as_deref(), Some("2"));
    assert_eq!(waits(&mut lanes_, 0), Some(100));
    assert_eq!(called(&mut lanes_, 100), ["3", "4"]);
    lanes_.answered(0, partly(1), Timestamp(100));
    assert_eq!(called(&mut lanes_, 200), ["4"], "each rest has its own retries");
    lanes_.answered(0, partly(0), Timestamp(200));
    assert_eq!(lanes_.lost().len(), 1, "a report of the first record is a failure");
    let mut split = lanes(Rules { retries: Some(0), bisects: true, ..NONE }, [0; 4]);
    called(&mut split, 0);
    split.answered(0, partly(2), Timestamp(0));
    assert_eq!(called(&mut split, 0), ["3", "4"], "at once: a split is no try");
    split.answered(0, partly(0), Timestamp(0));
    assert_eq!(called(&mut split, 0), ["3"]);
}

#[test]
fn records_that_are_too_old_are_given_up_also_those_in_no_call_yet() {
    let rules = Rules { age: Some(Duration::from_secs(60)), batch: 2, ..NONE };
    let mut lanes = lanes(rules, [0, 30_000, 30_000]);
    assert_eq!(called(&mut lanes, 60_000), ["1", "2"]);
    lanes.answered(0, failed(), Timestamp(60_000));
    assert_eq!(called(&mut lanes, 60_100), ["2"]);
    let lost = lanes.lost().pop().expect("the first is too old");
    assert_eq!((lost.condition, lost.calls, lost.items.len()), (Condition::AgeExceeded, 1, 1));
    lanes.answered(0, failed(), Timestamp(60_100));
    assert_eq!(waits(&mut lanes, 90_001), None);
    let calls: Vec<(u32, usize)> = lanes.lost().iter().map(|lost| (lost.calls, lost.items.len())).collect();
    assert_eq!((calls, after(&lanes).as_deref()), (vec![(2, 1), (0, 1)], Some("3")));
}

#[test]
fn a_window_hands_its_state_on_and_ends_with_a_call_of_its_own() {
    let tumbling = Some(Duration::from_secs(60));
    let mut lanes = lanes(Rules { tumbling, ..NONE }, [10, 20, 70_000]);
    assert_eq!(called(&mut lanes, 70_000), ["1", "2"], "not what is of the next window");
    let state = |n| Outcome::Done { state: Some(json!({"n": n})) };
    lanes.answered(0, state(2), Timestamp(70_000));
    assert_eq!(called(&mut lanes, 70_000), [""; 0]);
    let (batch, window) = lanes.batch(0).expect("it runs");
    assert!(batch.is_final);
    assert_eq!(
        window.map(|window| (window.start.0, window.end.0, window.state.clone())),
        Some((0, 60_000, json!({"n": 2})))
    );
    lanes.answered(0, done(), Timestamp(70_000));
    assert_eq!(called(&mut lanes, 70_000), ["3"]);
    lanes.answered(0, state(1), Timestamp(70_000));
    // A crash keeps the state.
    let mut lanes = Lanes::new(Rules { tumbling, ..NONE }, 1, lanes.checkpoint());
    assert_eq!(waits(&mut lanes, 120_499), Some(120_500));
    assert_eq!(lanes.next(Timestamp(120_500)), Step::Read, "nothing may come any more before it ends");
    read(&mut lanes, [119_000], 120_500);
    assert_eq!(called(&mut lanes, 120_500), ["4"]);
    lanes.answered(0, Outcome::Done { state: Some("x".repeat(1 << 20).into()) }, Timestamp(120_500));
    assert_eq!(called(&mut lanes, 120_500), [""; 0]);
    assert!(lanes.batch(0).is_some_and(|(_, window)| window.is_some_and(|window| window.is_full)), "too large a state");
}

#[test]
fn what_is_read_stays_within_bounds() {
    let mut lanes = Lanes::new(Rules { batch: 4, ..NONE }, 3, Checkpoint::at(None));
    assert_eq!(lanes.wants(), 16);
    read(&mut lanes, [0; 15], 0);
    assert_eq!(lanes.wants(), 1);
    let mut large = Lanes::new(Rules { batch: 10_000, ..NONE }, 1, Checkpoint::at(None));
    let taken = |number: usize| Taken {
        sequence: number.to_string(),
        key: "k",
        arrival: Timestamp(0),
        json: Some("x".repeat(1 << 20)),
    };
    large.take((1..=16).map(taken), false, false, Timestamp(0));
    assert_eq!(large.wants(), 0);
    assert_eq!(called(&mut large, 0).len(), 5, "an event is no larger than a call takes");
}
