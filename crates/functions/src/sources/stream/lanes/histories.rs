//! Random histories against a model that knows nothing of lanes: what was called with what, what was committed, and what a crash forgets.

use super::*;
use crate::sources::stream::checkpoint::order;
use fogbank_model::{Clock, TestClock};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

const RECORDS: usize = 60;
const KEYS: usize = 5;
const WINDOW_MS: i64 = 10_000;

struct Model {
    chance: TestClock,
    rules: Rules,
    parallel: u32,
    now: Timestamp,
    /// The shard: key, arrival, whether a filter wants it.
    records: Vec<(String, Timestamp, bool)>,
    lanes: Lanes,
    /// Lanes whose call runs, with the numbers of its records.
    running: BTreeMap<usize, Vec<usize>>,
    /// What is on disk: the checkpoint, what was told to be lost, and the windows that were closed.
    kept: Checkpoint,
    told: BTreeSet<usize>,
    /// Given up, and not on disk.
    lost: Vec<usize>,
    /// By record: how often a call with it succeeded, ever, and since the last start.
    done: Vec<u32>,
    done_now: BTreeSet<usize>,
    /// Records in windows that were closed by a call that is on disk; and by one that is not.
    aggregated: Vec<usize>,
    closing: Vec<usize>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let chance = TestClock::new(Timestamp(0), seed);
        let below = |most: usize| (chance.fraction() * most as f64) as usize;
        let some = |most: usize| if below(2) == 0 { None } else { Some(below(most)) };
        let rules = Rules {
            batch: 1 + below(8),
            window: Duration::from_millis(below(3) as u64 * 500),
            retries: some(4).map(|retries| retries as u32),
            age: some(30).map(|seconds| Duration::from_secs(2 + seconds as u64)),
            bisects: below(2) == 0,
            tumbling: some(2).map(|_| Duration::from_millis(WINDOW_MS as u64)),
        };
        let mut at = 0;
        let mut record = |_| {
            at += below(1500) as i64;
            (format!("key {}", below(KEYS)), Timestamp(at), below(5) > 0)
        };
        let records = (0..RECORDS).map(&mut record).collect();
        let parallel = 1 + below(3) as u32;
        let kept = Checkpoint::at(None);
        let lanes = Lanes::new(rules.clone(), parallel, kept.clone());
        Self {
            rules,
            parallel,
            now: Timestamp(0),
            records,
            lanes,
            running: BTreeMap::new(),
            kept,
            told: BTreeSet::new(),
            lost: Vec::new(),
            done: vec![0; RECORDS],
            done_now: BTreeSet::new(),
            aggregated: Vec::new(),
            closing: Vec::new(),
            chance,
        }
    }

    fn below(&self, most: usize) -> usize {
        (self.chance.fraction() * most as f64) as usize
    }

    /// Records have the sequence numbers 1, 2, …
    fn number(sequence: Option<&str>) -> usize {
        sequence.map_or(0, |text| text.parse().unwrap_or_default())
    }

    fn read(&mut self) {
        let begin = Self::number(self.lanes.read_after());
        let there = self.records.iter().take_while(|(_, arrival, _)| *arrival <= self.now).count();
        let limit = self.lanes.wants();
        if limit == 0 {
            return;
        }
        let end = there.max(begin).min(begin + limit);
        let taken = self.records[begin..end].iter().zip(begin + 1..).map(|((key, arrival, wanted), number)| Taken {
            sequence: number.to_string(),
            key,
            arrival: *arrival,
            json: wanted.then(|| "{}".to_owned()),
        });
        self.lanes.take(taken, end - begin < limit, end == RECORDS, self.now);
    }

    /// Begins every call that may begin.
    fn begin(&mut self) -> Option<Timestamp> {
        loop {
            let step = self.lanes.next(self.now);
            self.gather();
            match step {
                Step::Call(lane) => {
                    let (batch, window) = self.lanes.batch(lane).expect("there is a batch");
                    let numbers: Vec<usize> =
                        batch.items.iter().map(|item| Self::number(Some(&item.sequence)) - 1).collect();
                    assert!(batch.items.len() <= self.rules.batch && (batch.is_final == numbers.is_empty()));
                    assert!(numbers.is_sorted() && numbers.iter().all(|number| self.records[*number].2));
                    let keys = |numbers: &[usize]| -> BTreeSet<&str> {
                        numbers.iter().map(|number| self.records[*number].0.as_str()).collect()
                    };
                    let others = self.running.values().flat_map(|numbers| keys(numbers)).collect::<BTreeSet<_>>();
                    assert!(keys(&numbers).is_disjoint(&others), "a key is in two calls at once");
                    for number in &numbers {
                        let (key, arrival, _) = &self.records[*number];
                        let earlier = (0..*number).filter(|other| self.records[*other].0 == *key);
                        let mut settled = earlier.filter(|other| self.records[*other].2 && !numbers.contains(other));
                        assert!(
                            settled.all(|other| self.is_settled(other)),
                            "{number} overtook another one of its key"
                        );
                        assert!(self.rules.age.is_none_or(|age| self.now.since(*arrival) <= age));
                        let window = window.filter(|window| *arrival < window.start || *arrival >= window.end);
                        assert!(window.is_none(), "{number} is not in its window");
                    }
                    self.running.insert(lane, numbers);
                }
                Step::Read => self.read(),
                Step::Wait(until) => return until,
            }
        }
    }

    /// Whether a record was done or given up before now, also in a life before.
    fn is_settled(&self, number: usize) -> bool {
        self.done[number] > 0 || self.told.contains(&number) || self.lost.contains(&number)
    }

    fn gather(&mut self) {
        for lost in self.lanes.lost() {
            self.lost.extend(lost.items.iter().map(|item| Self::number(Some(&item.sequence)) - 1));
        }
    }

    fn answer(&mut self, lane: usize, numbers: &[usize]) {
        let response = || Response { request_id: String::new(), version: "1".into(), error: None };
        let (batch, window) = self.lanes.batch(lane).expect("it runs");
        let is_final = batch.is_final;
        let before: Vec<usize> = window
            .and_then(|window| window.state.get("seen"))
            .map_or_else(Vec::new, |seen| serde_json::from_value(seen.clone()).unwrap_or_default());
        let with = |more: &[usize]| -> Option<Value> {
            let seen = [&before[..], more].concat();
            Some(json!({"seen": seen}))
        };
        let outcome = match self.below(8) {
            0 => Outcome::Failed(response()),
            1 => Outcome::Refused,
            2 if !is_final => {
                let from = self.below(numbers.len());
                self.succeeded(&numbers[..from]);
                Outcome::Partly { from, state: with(&numbers[..from]), response: response() }
            }
            _ => {
                self.succeeded(numbers);
                if is_final {
                    self.closing.extend(before);
                    Outcome::Done { state: None }
                } else {
                    Outcome::Done { state: with(numbers) }
                }
            }
        };
        self.lanes.answered(lane, outcome, self.now);
        self.gather();
    }

    fn succeeded(&mut self, numbers: &[usize]) {
        for number in numbers {
            assert!(self.done_now.insert(*number), "{number} was done already, and nothing crashed");
            self.done[*number] += 1;
        }
    }

    fn commit(&mut self) {
        let checkpoint = self.lanes.checkpoint();
        for (lane, point) in checkpoint.points.iter().enumerate() {
            let before = self.kept.clone().spread(self.parallel as usize).points[lane].after.clone();
            assert_ne!(order(point.after.as_deref(), before.as_deref()), Ordering::Less, "it went back");
            for number in 0..Self::number(point.after.as_deref()) {
                let (key, _, wanted) = &self.records[number];
                let is_mine = lane_of(key, self.parallel as usize) == lane;
                assert!(!is_mine || !wanted || self.is_settled(number), "{number} was passed");
            }
        }
        self.kept = checkpoint;
        self.told.extend(self.lost.drain(..));
        self.aggregated.append(&mut self.closing);
    }

    fn crash(&mut self) {
        self.lanes = Lanes::new(self.rules.clone(), self.parallel, self.kept.clone());
        self.running.clear();
        self.lost.clear();
        self.closing.clear();
        self.done_now.clear();
    }

    fn run(&mut self) {
        for _ in 0..100_000 {
            if self.lanes.is_finished() {
                self.commit();
                return;
            }
            let wake = self.begin();
            match self.below(20) {
                0..5 => self.read(),
                5..12 => {
                    let running: Vec<usize> = self.running.keys().copied().collect();
                    if let Some(lane) = running.get(self.below(running.len())) {
                        let numbers = self.running.remove(lane).expect("it runs");
                        self.answer(*lane, &numbers);
                    }
                }
                12..15 => self.commit(),
                15 if self.below(4) == 0 => self.crash(),
                16..18 => self.now = wake.unwrap_or(self.now).max(self.now),
                _ => self.now = self.now.plus(Duration::from_millis(self.below(1000) as u64)),
            }
        }
        panic!("it never ended: {:?}", self.lanes);
    }
}

#[test]
fn every_record_is_done_or_told_of_and_none_is_passed() {
    for seed in 0..300 {
        let mut model = Model::new(seed);
        model.run();
        assert!(model.kept.is_finished);
        for (number, (_, _, wanted)) in model.records.iter().enumerate() {
            assert_eq!(model.is_settled(number), *wanted, "record {number} of history {seed}");
        }
        // Lost with retries or age only.
        assert!(model.rules.retries.is_some() || model.rules.age.is_some() || model.told.is_empty());
        if model.rules.tumbling.is_some() {
            let mut seen = model.aggregated.clone();
            seen.sort_unstable();
            let count = seen.len();
            seen.dedup();
            assert_eq!(seen.len(), count, "a window counted a record twice in history {seed}");
            let may_lose = model.rules.retries.is_some() || model.rules.age.is_some();
            let wanted = model.records.iter().filter(|(_, _, wanted)| *wanted).count();
            assert!(may_lose || count == wanted, "{count} of {wanted} in windows of history {seed}");
        }
    }
}
