#![allow(clippy::unwrap_used)]

use super::*;
use crate::changes::Author;
use crate::schema::TableKey;
use crate::tests::Nobody;
use crate::{AttributeValue, Draft, Tables};
use fogbank_model::{Clock, TestClock};
use fogbank_store::{Store, Tx};
use std::sync::Arc;
use std::time::Duration;

const START: Timestamp = Timestamp(1_777_890_030_000);
const STEPS: usize = 600;

/// A table whose past is kept, and what it was after each step.
struct Bench {
    store: Store,
    clock: Arc<TestClock>,
    table: Table,
    states: Vec<(Timestamp, State)>,
    home: tempfile::TempDir,
}

type State = BTreeMap<i64, Item>;

fn item(key: i64, value: usize) -> Item {
    let value = AttributeValue::S(format!("{value:060}"));
    Item::from([("k".to_owned(), AttributeValue::N(key.into())), ("v".to_owned(), value)])
}

fn key_in(item: &Item) -> i64 {
    match &item["k"] {
        AttributeValue::N(number) => number.truncated().unwrap(),
        other => panic!("{other:?}"),
    }
}

impl Bench {
    async fn new(seed: u64) -> Self {
        let (home, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::new(START, seed)));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let tables = Tables::open(&store, clock.clone(), Arc::new(Nobody));
        let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
        let of = TableKey { account, region, name: "table".into() };
        let draft = Draft {
            attributes: vec![("k".into(), "N".into())],
            keys: vec![("k".into(), "HASH".into())],
            billing: Some("PAY_PER_REQUEST".into()),
            ..Draft::default()
        };
        tables.create(of.clone(), draft).await.unwrap();
        let mut table = Table::clone(&*tables.describe(&of).unwrap());
        table.history = Some(History { place: 1 << 40, since: START, days: 35 });
        Self { store, clock, table, states: vec![(START, State::new())], home }
    }

    fn roll(&self, sides: usize) -> usize {
        (self.clock.fraction() * sides as f64) as usize
    }

    /// Puts or deletes an item, sometimes in the millisecond of the step before.
    async fn step(&mut self, number: usize) {
        self.clock.advance(Duration::from_millis(self.roll(3) as u64));
        let (key, mut state) = (self.roll(40) as i64, self.states.last().unwrap().1.clone());
        let new = (self.roll(3) > 0).then(|| item(key, number));
        let old = state.remove(&key);
        state.extend(new.clone().map(|item| (key, item)));
        let (table, now) = (self.table.clone(), self.clock.now());
        let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let at = ItemKey::of(&table.keys, &item(key, 0)).unwrap();
            contents::change(tx, &table, &at, (old.as_ref(), new.as_ref()), Author::Caller)?;
            Ok(())
        };
        self.store.transact(change).await.unwrap();
        self.states.push((now, state));
    }

    /// The last state at `at` or before.
    fn state(&self, at: Timestamp) -> &State {
        &self.states.iter().rfind(|(then, _)| *then <= at).unwrap().1
    }

    fn look<T>(&self, look: impl FnOnce(&Past<'_>) -> Result<T, Error>) -> T {
        let scratch = self.home.path().join("scratch").join("file");
        let history = self.table.history.as_ref().unwrap();
        let seen = |snapshot: &Snapshot| look(&Past { snapshot, table: &self.table, history, scratch: &scratch });
        let found = self.store.read(seen).unwrap();
        let is_clean = |folder: std::fs::ReadDir| folder.count() == 0;
        assert!(std::fs::read_dir(scratch.parent().unwrap()).map_or(true, is_clean), "nothing is left behind");
        found
    }

    fn items(&self, at: Timestamp) -> State {
        let mut found = State::new();
        self.look(|past| {
            past.items::<Error>(at, |_, bytes| {
                let item = contents::decode(bytes)?;
                assert!(found.insert(key_in(&item), item).is_none(), "each comes once");
                Ok(())
            })
        });
        found
    }

    fn changes(&self, first: Timestamp, end: Timestamp) -> BTreeMap<i64, Change> {
        let mut found = BTreeMap::new();
        self.look(|past| {
            past.changes::<Error>((first, end), |change| {
                let key = key_in(change.new.as_ref().or(change.old.as_ref()).unwrap());
                assert!(found.insert(key, change).is_none(), "each comes once");
                Ok(())
            })
        });
        found
    }

    /// What changed between two moments, step by step.
    fn steps_between(&self, first: Timestamp, end: Timestamp) -> BTreeMap<i64, Change> {
        let mut all = BTreeMap::<i64, Change>::new();
        let within = self.states.windows(2).filter(|pair| (first..end).contains(&pair[1].0));
        for pair in within {
            for key in (0..40).filter(|key| pair[0].1.get(key) != pair[1].1.get(key)) {
                let (old, new) = (pair[0].1.get(&key).cloned(), pair[1].1.get(&key).cloned());
                let change = all.entry(key).or_insert(Change { old, new: None, last: START });
                (change.new, change.last) = (new, change.last.max(pair[1].0));
            }
        }
        all.retain(|_, change| change.old.is_some() || change.new.is_some());
        all
    }
}

#[tokio::test]
async fn what_was_and_what_changed_is_what_a_model_says() {
    for seed in 0..3 {
        let mut bench = Bench::new(seed).await;
        for number in 0..STEPS {
            bench.step(number).await;
        }
        let end = bench.clock.now();
        let is_short = |at: Timestamp| bench.look(|past| past.is_short(at));
        assert!(!is_short(START) && is_short(end), "both ways are gone");
        for _ in 0..60 {
            let [one, other] =
                [(); 2].map(|()| Timestamp(START.0 + bench.roll(end.since(START).as_millis() as usize + 2) as i64));
            assert_eq!(bench.items(one), *bench.state(one), "{seed} at {one:?}");
            let (first, end) = (one.min(other), one.max(other));
            assert_eq!(bench.changes(first, end), bench.steps_between(first, end), "{seed} from {first:?} to {end:?}");
        }
    }
}

#[tokio::test]
async fn what_was_there_is_what_the_first_change_found_whatever_its_time() {
    let bench = Bench::new(7).await;
    let records = [(11, 1_u64, item(1, 1)), (10, 2, item(1, 2))];
    let keep = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        let key = ItemKey(b"kk".to_vec());
        for (at, number, old) in &records {
            let value = [&2_u32.to_be_bytes()[..], &key.0, &crate::value::encode_item(old)].concat();
            tx.put(HISTORY, &keys::timed(1 << 40, START.0 + at, &number.to_be_bytes()), value);
        }
        Ok(())
    };
    bench.store.transact(keep).await.unwrap();
    assert_eq!(bench.items(Timestamp(START.0 + 9)), State::from([(1, item(1, 1))]));
    let changed = &bench.changes(START, Timestamp(START.0 + 12))[&1];
    assert_eq!(*changed, Change { old: Some(item(1, 1)), new: None, last: Timestamp(START.0 + 11) });
}
