//! Random histories against a model that is nothing but a map of items.

mod check;
mod deed;

use super::*;
use crate::schema::{Index, Phase, Table};
use crate::transact::Token;
use crate::write::{Action, Write};
use deed::{Deed, Only, What, after, write};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const HISTORIES: u64 = 12;
const STEPS: usize = 120;
/// Far enough that nothing expires before it is to.
const EXPIRES_S: i64 = NOW / 1000 + 3600;

struct Run {
    bench: Bench,
    dice: TestClock,
    seed: u64,
    key: TableKey,
    model: BTreeMap<Item, Item>,
    /// What the stream's records make of nothing.
    replica: BTreeMap<Item, Item>,
    read_to: u64,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let clock = Arc::new(TestClock::new(Timestamp(NOW), seed));
        let bench = Bench::on(tempfile::tempdir().unwrap(), clock).await;
        let parts = |all: &[(&str, &str)]| all.iter().map(|(one, two)| ((*one).into(), (*two).into())).collect();
        let index = |name: &str, keys: &[(&str, &str)], projection: &str| IndexDraft {
            name: name.into(),
            keys: parts(keys),
            projection: Some(projection.into()),
            ..IndexDraft::default()
        };
        let draft = Draft {
            attributes: parts(&[("pk", "S"), ("sk", "N"), ("l", "S"), ("g", "S"), ("n", "N")]),
            keys: parts(&[("pk", "HASH"), ("sk", "RANGE")]),
            local: Some(vec![index("own", &[("pk", "HASH"), ("l", "RANGE")], "ALL")]),
            global: Some(vec![
                index("sparse", &[("g", "HASH")], "ALL"),
                index("keys", &[("n", "HASH"), ("l", "RANGE")], "KEYS_ONLY"),
                index(
                    "several",
                    &[("g", "HASH"), ("pk", "HASH"), ("l", "RANGE"), ("n", "RANGE"), ("sk", "RANGE")],
                    "ALL",
                ),
            ]),
            billing: Some("PAY_PER_REQUEST".into()),
            stream: Some(View::NewAndOldImages),
            ..Draft::default()
        };
        let key = key("table");
        bench.tables.create(key.clone(), draft).await.unwrap();
        let dice = TestClock::new(Timestamp(0), seed + 1000);
        Self { bench, dice, seed, key, model: BTreeMap::new(), replica: BTreeMap::new(), read_to: 0 }
    }

    fn roll(&self, sides: usize) -> usize {
        (self.dice.fraction() * sides as f64) as usize
    }

    fn some_key(&self) -> Item {
        let hash = ["a", "b", "c"][self.roll(3)];
        let range = [-2, 0, 1, 10][self.roll(4)];
        Item::from([("pk".into(), hash.into()), ("sk".into(), range.into())])
    }

    fn some_value(&self, name: &str) -> AttributeValue {
        match name {
            "l" => ["x", "y", "zz"][self.roll(3)].into(),
            "g" => ["p", "q"][self.roll(2)].into(),
            "t" => (EXPIRES_S + self.roll(3) as i64).into(),
            _ => (self.roll(4) as i64).into(),
        }
    }

    fn some_item(&self, key: &Item) -> Item {
        let mut item = key.clone();
        for name in ["l", "g", "n", "v", "t"] {
            if self.roll(2) == 0 {
                item.insert(name.into(), self.some_value(name));
            }
        }
        item
    }

    fn some_deed(&self, key: Item) -> Deed {
        let what = match self.roll(8) {
            0 | 1 => What::Put(self.some_item(&key)),
            2 => What::Insert(self.some_item(&key)),
            3 => What::Delete,
            4 => What::Count,
            5 => {
                let name = ["l", "g", "n", "t"][self.roll(4)];
                What::Set(name, self.some_value(name))
            }
            6 => What::Remove(&["g", "n"]),
            _ => What::Remove(&["l", "t"]),
        };
        let only_if = match self.roll(6) {
            0 => Only::Absent,
            1 => Only::Present,
            2 => Only::Below(self.roll(4) as i64),
            _ => Only::Always,
        };
        Deed { key, what, only_if }
    }

    fn apply(&mut self, key: Item, item: Option<Item>) {
        match item {
            Some(item) => drop(self.model.insert(key, item)),
            None => drop(self.model.remove(&key)),
        }
    }

    async fn write_one(&mut self) {
        let deed = self.some_deed(self.some_key());
        let made = self.bench.tables.write(write(&self.key, &deed)).await;
        match after(&deed, self.model.get(&deed.key)) {
            Some(item) => {
                let made = made.unwrap_or_else(|error| panic!("seed {}: {deed:?}: {error}", self.seed));
                assert_eq!(made.new, item, "seed {}: {deed:?}", self.seed);
                assert_eq!(made.old.as_ref(), self.model.get(&deed.key), "seed {}: {deed:?}", self.seed);
                self.apply(deed.key, item);
            }
            None => assert!(made.is_err(), "seed {}: {deed:?}", self.seed),
        }
    }

    async fn write_some(&mut self) {
        let keys: BTreeSet<Item> = (0..=self.roll(3)).map(|_| self.some_key()).collect();
        let mut deeds: Vec<Deed> = keys.into_iter().map(|key| self.some_deed(key)).collect();
        if self.roll(3) == 0 {
            deeds[0].what = What::Check;
        }
        let writes: Vec<Write> = deeds.iter().map(|deed| write(&self.key, deed)).collect();
        let token = Token {
            account: self.key.account.clone(),
            region: self.key.region.clone(),
            token: format!("{}", self.roll(1 << 20)),
            digest: [0; 32],
        };
        let token = (self.roll(2) == 0).then_some(token);
        let made = self.bench.tables.transact(writes.clone(), token.clone()).await;
        let then: Option<Vec<_>> = deeds.iter().map(|deed| after(deed, self.model.get(&deed.key))).collect();
        let Some(then) = then else {
            let refused = matches!(&made, Err(Error::Cancelled(reasons)) if reasons.len() == deeds.len());
            assert!(refused, "seed {}: {deeds:?}: {made:?}", self.seed);
            return;
        };
        assert!(made.is_ok_and(|made| made.is_some()), "seed {}: {deeds:?}", self.seed);
        for (deed, item) in deeds.into_iter().zip(then) {
            self.apply(deed.key, item);
        }
        if token.is_some() {
            // Once more, it is known and changes nothing.
            let again = self.bench.tables.transact(writes, token).await;
            assert!(again.is_ok_and(|made| made.is_none()), "seed {}", self.seed);
        }
    }

    fn table(&self) -> Arc<Table> {
        self.bench.tables.describe(&self.key).unwrap()
    }

    async fn step(&mut self) {
        match self.roll(12) {
            0..7 => self.write_one().await,
            _ => self.write_some().await,
        }
        self.check();
    }

    /// Adds an index to what is there; it is filled beside what else is done.
    async fn add_index(&mut self) {
        let keys = [("l", "HASH"), ("pk", "HASH"), ("n", "RANGE"), ("g", "RANGE")];
        let draft = IndexDraft {
            name: "late".into(),
            keys: keys.iter().map(|(name, role)| ((*name).into(), (*role).into())).collect(),
            projection: Some("ALL".into()),
            ..IndexDraft::default()
        };
        let wish = Wish { attributes: Some(Vec::new()), indexes: vec![IndexWish::Create(draft)], ..Wish::default() };
        self.bench.tables.update(self.key.clone(), wish).await.unwrap();
    }

    async fn toggle_expiry(&mut self) {
        let is_on = self.table().expiry.is_none();
        self.bench.tables.set_expiry(self.key.clone(), "t".into(), is_on).await.unwrap();
    }

    /// Waits until the upkeep has done what it is to do.
    async fn settle(&self, is_done: impl Fn(&Table) -> bool) {
        while !is_done(&self.table()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn random_histories_match_the_model() {
    for seed in 0..HISTORIES {
        let mut run = Run::new(seed).await;
        for step in 0..STEPS {
            match step {
                40 => run.add_index().await,
                30 | 55 | 70 => run.toggle_expiry().await,
                60 | 90 => run.bench = run.bench.reopened().await,
                _ => {}
            }
            run.step().await;
        }
        run.settle(|table| {
            let is_active = |index: &Index| index.phase == Phase::Active;
            let expiry = table.expiry.as_ref();
            table.indexes.iter().all(is_active) && expiry.is_some_and(|expiry| expiry.phase == Phase::Active)
        })
        .await;
        run.check();
        // What has a time goes when that comes, and nothing else does.
        run.model.retain(|_, item| !item.contains_key("t"));
        run.bench.clock.advance(Duration::from_secs(2 * 3600));
        let left = run.model.len() as u64;
        let tables = run.bench.tables.clone();
        run.settle(|table| tables.counted(table.place).unwrap().0 == left).await;
        drop(tables);
        run.check();
    }
}

/// More items than one turn of the upkeep enters, so that writes come before, between and after its turns.
#[tokio::test]
async fn indexes_are_filled_beside_writes() {
    for seed in 0..4 {
        let mut run = Run::new(seed).await;
        let some_key =
            |run: &Run| Item::from([("pk".into(), "a".into()), ("sk".into(), (run.roll(700) as i64).into())]);
        let mut writes = Vec::new();
        for sort in 0..700i64 {
            let item = run.some_item(&Item::from([("pk".into(), "a".into()), ("sk".into(), sort.into())]));
            let of = crate::write::key_of(&run.table().keys, &item);
            run.model.insert(of, item.clone());
            let action = Action::Put(item);
            writes.push(Write { table: run.key.clone(), action, condition: None, tells_on_failure: false });
        }
        run.bench.tables.write_all(writes).await.unwrap();
        run.add_index().await;
        run.toggle_expiry().await;
        for _ in 0..60 {
            let deed = Deed { only_if: Only::Always, ..run.some_deed(some_key(&run)) };
            let made = run.bench.tables.write(write(&run.key, &deed)).await;
            match after(&deed, run.model.get(&deed.key)) {
                Some(item) => run.apply(deed.key, item),
                None => assert_eq!(made.err(), Some(Error::DuplicateItem)),
            }
        }
        run.settle(|table| {
            let expiry = table.expiry.as_ref();
            table.indexes.iter().all(|index| index.phase == Phase::Active)
                && expiry.is_some_and(|expiry| expiry.phase == Phase::Active)
        })
        .await;
        run.check();
    }
}
