//! That a table, its indexes and its stream say what the model says.

use super::*;
use crate::changes::StreamKey;
use crate::contents::{is_shown, shown_size};
use crate::expression::{Comparator, KeyCondition, KeyTest};
use crate::query::{Reach, Search};
use crate::schema::KeyAttribute;
use crate::value::item_size;
use fogbank_store::Read as _;

/// Queries of each index that a check makes.
const QUERIES: usize = 4;

impl Run {
    /// All that a search finds, in pages of some size.
    fn found(&self, index: Option<&str>, reach: &Reach) -> Vec<Item> {
        let (mut found, mut after) = (Vec::new(), None);
        let limit = Some(1 + self.roll(5));
        loop {
            let (index, reach) = (index.map(str::to_owned), reach.clone());
            let search = Search { table: self.key.clone(), index, reach, after, filter: None, limit };
            let (_, page) = self.bench.tables.search(&search, |_, _| Ok(())).unwrap();
            found.extend(page.items);
            after = page.last;
            if after.is_none() {
                return found;
            }
        }
    }

    pub fn check(&mut self) {
        let table = self.table();
        let items = self.found(None, &Reach::Everything { segment: None });
        let found: BTreeMap<Item, Item> =
            items.into_iter().map(|item| (crate::write::key_of(&table.keys, &item), item)).collect();
        assert_eq!(found, self.model, "seed {}", self.seed);
        let bytes: usize = self.model.values().map(item_size).sum();
        let counted = self.bench.tables.counted(table.place).unwrap();
        assert_eq!(counted, (self.model.len() as u64, bytes as u64), "seed {}", self.seed);
        for index in table.indexes.iter().filter(|index| index.phase == Phase::Active) {
            self.check_index(&table, index);
        }
        self.check_stream(&table);
        if let Some(expiry) = table.expiry.as_ref().filter(|expiry| expiry.phase == Phase::Active) {
            let kept = self.bench.tables.store.read::<_, Error>(|snapshot| {
                Ok(snapshot.scan_prefix(keys::EXPIRY, &keys::place(expiry.place), usize::MAX)?.len())
            });
            let expected = self.model.values().filter(|item| item.contains_key("t")).count();
            assert_eq!(kept.unwrap(), expected, "seed {}: times", self.seed);
        }
    }

    fn check_index(&self, table: &Table, index: &Index) {
        let name = index.name.as_str();
        let is_in = |item: &&Item| index.keys.attributes().all(|one| item.contains_key(&one.name));
        let expected: Vec<&Item> = self.model.values().filter(is_in).collect();
        let shown = |item: &Item| -> Item {
            let is_shown = |(name, _): &(&String, &AttributeValue)| is_shown(table, index, name);
            item.iter().filter(is_shown).map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let all: BTreeSet<Item> =
            self.found(Some(name), &Reach::Everything { segment: None }).iter().map(shown).collect();
        assert_eq!(all, expected.iter().map(|item| shown(item)).collect(), "seed {}: {name}", self.seed);
        let bytes: usize = expected.iter().map(|item| shown_size(table, index, item)).sum();
        let counted = self.bench.tables.counted(index.place).unwrap();
        assert_eq!(counted, (expected.len() as u64, bytes as u64), "seed {}: {name}", self.seed);
        for _ in 0..QUERIES.min(expected.len()) {
            self.check_query(index, expected[self.roll(expected.len())], &expected);
        }
    }

    /// Queries the partition that `like` is in, for a sort key that begins as its does.
    fn check_query(&self, index: &Index, like: &Item, all: &[&Item]) {
        let values = |part: &mut dyn Iterator<Item = &KeyAttribute>, item: &Item| -> Vec<AttributeValue> {
            part.map(|attribute| item[&attribute.name].clone()).collect()
        };
        let equal = |attribute: &KeyAttribute| KeyTest::Compare(Comparator::Equal, like[&attribute.name].clone());
        let ranges: Vec<&KeyAttribute> = index.keys.ranges().collect();
        let asked: Vec<&KeyAttribute> = ranges[..self.roll(ranges.len() + 1)].to_vec();
        let hashes = index.keys.hash.attributes().map(|one| (one.name.clone(), equal(one)));
        let mut tests: Vec<_> = hashes.chain(asked.iter().map(|one| (one.name.clone(), equal(one)))).collect();
        if let (Some((_, test)), true) = (tests.last_mut().filter(|_| !asked.is_empty()), self.roll(2) == 0) {
            let comparator =
                [Comparator::Less, Comparator::LessOrEqual, Comparator::Greater, Comparator::GreaterOrEqual];
            let value = test.value().unwrap().clone();
            *test = KeyTest::Compare(comparator[self.roll(4)], value);
        }
        let is_forward = self.roll(2) == 0;
        let holds = |item: &&&Item| tests.iter().all(|(name, test)| test.holds(&item[name]));
        let mut sorted: Vec<_> = all.iter().filter(holds).map(|item| values(&mut index.keys.ranges(), item)).collect();
        sorted.sort();
        if !is_forward {
            sorted.reverse();
        }
        let reach = Reach::Partition { condition: KeyCondition::of(tests.clone()), is_forward };
        let found = self.found(Some(&index.name), &reach);
        let found: Vec<_> = found.iter().map(|item| values(&mut index.keys.ranges(), item)).collect();
        assert_eq!(found, sorted, "seed {}: {} of {tests:?}", self.seed, index.name);
    }

    fn check_stream(&mut self, table: &Table) {
        let key = StreamKey { table: self.key.clone(), label: table.last_stream.clone().unwrap() };
        let stream = self.bench.tables.stream(&key).unwrap().unwrap();
        loop {
            let changes = self.bench.tables.changes(&stream, self.read_to, 7).unwrap();
            if changes.is_empty() {
                break;
            }
            for (number, change) in changes {
                self.read_to = number;
                assert_eq!(self.replica.get(&change.keys), change.old.as_ref(), "seed {}", self.seed);
                match change.new {
                    Some(item) => drop(self.replica.insert(change.keys, item)),
                    None => drop(self.replica.remove(&change.keys)),
                }
            }
        }
        assert_eq!(self.replica, self.model, "seed {}: the stream", self.seed);
    }
}
