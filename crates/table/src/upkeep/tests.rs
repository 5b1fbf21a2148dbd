//! The upkeep, turned by hand, so that it can be stopped between any two of its steps.
#![allow(clippy::unwrap_used)]

mod deleted;

use super::*;
use crate::backup::BackupKey;
use crate::overrides::Overrides;
use crate::schema::View;
use crate::tests::Nobody;
use crate::transact::Token;
use crate::write::{Action, Write};
use crate::{AttributeValue, Draft, IndexDraft, IndexWish, Item, Tables, Wish};
use fogbank_model::TestClock;
use std::sync::Mutex;

const NOW: i64 = 1_777_890_030_000;

struct Bench {
    home: tempfile::TempDir,
    store: Store,
    clock: Arc<TestClock>,
    tables: Tables,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(Timestamp(NOW), 7));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        // Nothing works beside the test.
        let registry = Arc::new(Registry::new(Arc::new(Nobody)));
        let workers = Mutex::default();
        let tables = Tables { store: store.clone(), clock: clock.clone(), registry, workers };
        Self { home, store, clock, tables }
    }

    async fn turn(&self) {
        turn(&self.store, &self.tables.registry, self.clock.as_ref()).await.unwrap();
    }

    async fn create(&self, name: &str) -> TableKey {
        self.tables.create(key(name), draft()).await.unwrap();
        key(name)
    }

    async fn put(&self, table: &TableKey, item: Item) {
        self.tables.write(put(table, item)).await.unwrap();
    }

    fn get(&self, table: &TableKey, name: &str) -> Option<Item> {
        self.store.read(|snapshot| self.tables.get(snapshot, table, &item(name, None))).unwrap().1
    }

    async fn back_up(&self, table: &TableKey) -> BackupKey {
        self.tables.back_up(table.clone(), "b".into()).await.unwrap().0
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.home.path().join("dynamodb")).map_or(0, Iterator::count)
    }
}

fn draft() -> Draft {
    Draft {
        attributes: vec![("k".into(), "S".into())],
        keys: vec![("k".into(), "HASH".into())],
        billing: Some("PAY_PER_REQUEST".into()),
        ..Draft::default()
    }
}

fn key(name: &str) -> TableKey {
    TableKey { account: "123456789012".parse().unwrap(), region: "eu-west-1".parse().unwrap(), name: name.into() }
}

fn item(name: &str, ends: Option<i64>) -> Item {
    let mut item = Item::from([("k".to_owned(), AttributeValue::S(name.into()))]);
    item.extend(ends.map(|ends| ("ends".to_owned(), AttributeValue::N(ends.to_string().parse().unwrap()))));
    item
}

fn put(table: &TableKey, item: Item) -> Write {
    Write { table: table.clone(), action: Action::Put(item), condition: None, tells_on_failure: false }
}

#[tokio::test]
async fn a_table_that_is_deleted_while_it_is_filled_leaves_its_backup() {
    let bench = Bench::new();
    let table = bench.create("source").await;
    let items = (0..500).map(|number| put(&table, item(&number.to_string(), None)));
    bench.tables.write_all(items.collect()).await.unwrap();
    let backup = bench.back_up(&table).await;
    let target = key("target");
    bench.tables.restore_backup(&backup, target.clone(), Overrides::default()).await.unwrap();
    // The deletion comes between two parts of the file.
    let filling = load::run(&bench.store, &bench.tables.registry, &target);
    let deleting = async {
        loop {
            let table = bench.tables.describe(&target).unwrap();
            if table.loading.as_ref().is_none_or(|loading| loading.offset > 0) {
                break bench.tables.delete(target.clone()).await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    let (filled, _) = tokio::join!(filling, deleting);
    filled.unwrap();
    assert_eq!(bench.files(), 1);
    bench.tables.restore_backup(&backup, target.clone(), Overrides::default()).await.unwrap();
    bench.turn().await;
    assert!(bench.get(&target, "499").is_some());
}

#[tokio::test]
async fn files_stay_no_longer_than_somebody_refers_to_them() {
    let bench = Bench::new();
    let table = bench.create("source").await;
    bench.put(&table, item("a", None)).await;
    let backup = bench.back_up(&table).await;
    let target = key("target");
    bench.tables.restore_backup(&backup, target.clone(), Overrides::default()).await.unwrap();
    bench.tables.delete_backup(&backup).await.unwrap();
    assert_eq!(bench.files(), 1, "the table is not filled yet");
    bench.turn().await;
    assert!(bench.get(&target, "a").is_some());
    assert_eq!(bench.files(), 0);
}

#[tokio::test]
async fn a_backup_that_was_deleted_meanwhile_is_not_restored() {
    let bench = Bench::new();
    let table = bench.create("source").await;
    let backup = bench.back_up(&table).await;
    let kept = bench.tables.backup(&backup).unwrap();
    bench.tables.delete_backup(&backup).await.unwrap();
    let loading = load::Loading { file: backup.id.clone(), offset: 0, is_shared: true };
    let begun = bench.tables.begin_loading(key("target"), kept.table, Overrides::default(), loading, Some(&backup));
    assert!(matches!(begun.await, Err(Error::NoBackup(_))));
}

#[tokio::test]
async fn expiry_that_is_switched_off_between_two_parts_does_not_hold_up_the_rest() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    bench.tables.set_expiry(table.clone(), "ends".into(), true).await.unwrap();
    bench.turn().await;
    bench.put(&table, item("a", Some(NOW / 1000 - 10))).await;
    let place = bench.tables.describe(&table).unwrap().expiry.clone().unwrap().place;
    bench.tables.set_expiry(table.clone(), "ends".into(), false).await.unwrap();
    let (registry, of) = (bench.tables.registry.clone(), table.clone());
    let go_on = bench.store.transact(move |tx: &mut Tx<'_>| expire(tx, &registry, &of, place));
    assert!(!go_on.await.unwrap(), "what is at the place is not the table's any more");
    bench.turn().await;
    assert!(bench.get(&table, "a").is_some());
}

#[tokio::test]
async fn a_token_that_is_used_again_after_its_end_is_remembered_as_long_as_a_new_one() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    let make = |digest: u8| {
        let TableKey { account, region, .. } = table.clone();
        let token = Token { account, region, token: "token".into(), digest: [digest; 32] };
        bench.tables.transact(vec![put(&table, item("a", None))], Some(token))
    };
    assert!(make(1).await.unwrap().is_some());
    // After its end, and before the upkeep has looked.
    bench.clock.advance(TOKEN_KEPT + Duration::from_secs(1));
    assert!(make(2).await.unwrap().is_some());
    bench.turn().await;
    assert!(make(2).await.unwrap().is_none(), "it was made before");
    assert_eq!(make(3).await.unwrap_err(), Error::TokenMismatch);
    bench.clock.advance(TOKEN_KEPT + Duration::from_secs(1));
    bench.turn().await;
    let left = bench.store.read::<_, Error>(|snapshot| {
        Ok([keys::TOKEN, keys::TOKEN_END].map(|map| snapshot.scan_prefix(map, &[], 9).unwrap().len()))
    });
    assert_eq!(left.unwrap(), [0, 0]);
}

#[tokio::test]
async fn only_what_expires_before_the_upkeep_looks_again_wakes_it() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    bench.tables.set_expiry(table.clone(), "ends".into(), true).await.unwrap();
    bench.turn().await;
    let mut arrivals = Arrivals::of(bench.store.arrivals(WAKER));
    for (seconds, wakes) in [(3600, false), (59, true), (0, true)] {
        bench.put(&table, item("a", Some(NOW / 1000 + seconds))).await;
        let woken = tokio::select! {
            biased;
            () = arrivals.next() => true,
            () = std::future::ready(()) => false,
        };
        assert_eq!(woken, wakes, "{seconds}");
    }
}

#[tokio::test]
async fn large_items_expire_in_small_transactions() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    bench.tables.set_expiry(table.clone(), "ends".into(), true).await.unwrap();
    bench.turn().await;
    for number in 0..20 {
        let mut item = item(&number.to_string(), Some(NOW / 1000));
        item.insert("large".into(), AttributeValue::S("x".repeat(390_000)));
        bench.put(&table, item).await;
    }
    let of = bench.tables.describe(&table).unwrap();
    let place = of.expiry.clone().unwrap().place;
    let (registry, key) = (bench.tables.registry.clone(), table.clone());
    bench.store.transact(move |tx: &mut Tx<'_>| expire(tx, &registry, &key, place)).await.unwrap();
    assert_eq!(bench.tables.counted(of.place).unwrap().0, 9);
    bench.turn().await;
    assert_eq!(bench.tables.counted(of.place).unwrap().0, 0);
}

#[tokio::test]
async fn a_page_of_a_local_index_holds_no_more_than_memory_should() {
    use crate::expression::Condition;
    use crate::query::{Reach, Search};
    let bench = Bench::new();
    let attributes = ["k", "s", "l"].map(|name| (name.to_owned(), "S".to_owned()));
    let keys = |range: &str| vec![("k".to_owned(), "HASH".to_owned()), (range.to_owned(), "RANGE".to_owned())];
    let local = crate::IndexDraft {
        name: "local".into(),
        keys: keys("l"),
        projection: Some("KEYS_ONLY".into()),
        ..crate::IndexDraft::default()
    };
    let draft = Draft {
        attributes: attributes.to_vec(),
        keys: keys("s"),
        local: Some(vec![local]),
        billing: Some("PAY_PER_REQUEST".into()),
        ..Draft::default()
    };
    let table = key("table");
    bench.tables.create(table.clone(), draft).await.unwrap();
    for number in 0..50 {
        let mut item = item("a", None);
        for name in ["s", "l"] {
            item.insert(name.into(), AttributeValue::S(format!("{number:02}")));
        }
        item.insert("large".into(), AttributeValue::S("x".repeat(390_000)));
        bench.put(&table, item).await;
    }
    let (mut found, mut after, mut pages) = (0, None, 0);
    loop {
        let filter: Option<Condition> = None;
        let reach = Reach::Everything { segment: None };
        let search = Search { table: table.clone(), index: Some("local".into()), reach, after, filter, limit: None };
        let (_, page) = bench.tables.search(&search, |_, _| Ok(())).unwrap();
        (found, pages, after) = (found + page.items.len(), pages + 1, page.last);
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, pages), (50, 2));
}

#[tokio::test]
async fn large_items_of_a_deleted_table_go_in_small_transactions() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    for number in 0..50 {
        let mut item = item(&number.to_string(), None);
        item.insert("large".into(), AttributeValue::S("x".repeat(390_000)));
        bench.put(&table, item).await;
    }
    let place = keys::place(bench.tables.delete(table).await.unwrap().place);
    let left =
        || bench.store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::ITEM, &place, 99)?.len())).unwrap();
    assert!(!bench.store.transact(move |tx: &mut Tx<'_>| clear(tx, &place)).await.unwrap());
    assert_eq!(left(), 30);
    bench.turn().await;
    assert_eq!(left(), 0);
    assert!(bench.store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::LEFT, &[], 9)?)).unwrap().is_empty());
}

#[tokio::test]
async fn a_reader_is_told_that_records_were_trimmed_and_others_go_on() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    let on = Wish { stream: Some(Some(View::KeysOnly)), ..Wish::default() };
    bench.tables.update(table.clone(), on).await.unwrap();
    let (stream, _) = bench.tables.streams(&table.account, &table.region).unwrap().remove(0);
    let horizon = || bench.tables.stream(&stream).unwrap().unwrap().horizon();
    let (begin, limit) = (horizon(), 1000);
    bench.put(&table, item("first", None)).await;
    let (_, first) = bench.tables.records(&stream, begin, limit).unwrap();
    bench.clock.advance(Duration::from_secs(3600));
    bench.put(&table, item("second", None)).await;
    bench.clock.advance(KEPT - Duration::from_secs(1800));
    bench.turn().await;
    assert!(matches!(bench.tables.records(&stream, begin, limit), Err(Error::Trimmed(_))));
    let (_, rest) = bench.tables.records(&stream, first[0].0, limit).unwrap();
    assert_eq!((rest.len(), horizon()), (1, first[0].0), "who has read what was trimmed misses nothing");
    bench.clock.advance(KEPT);
    bench.turn().await;
    let kept = bench.tables.stream(&stream).unwrap().unwrap();
    assert_eq!(
        bench.tables.last_change(&kept).unwrap(),
        rest[0].0,
        "nothing is kept, and whoever begins there misses nothing"
    );
    assert_eq!(bench.tables.records(&stream, rest[0].0, limit).unwrap().1, []);
    assert!(matches!(bench.tables.records(&stream, first[0].0, limit), Err(Error::Trimmed(_))));
}

#[tokio::test]
async fn a_time_is_found_among_the_records() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    let on = Wish { stream: Some(Some(View::KeysOnly)), ..Wish::default() };
    bench.tables.update(table.clone(), on).await.unwrap();
    let (key, stream) = bench.tables.streams(&table.account, &table.region).unwrap().remove(0);
    for number in 0..20 {
        bench.put(&table, item(&number.to_string(), None)).await;
        if number % 3 == 0 {
            bench.clock.advance(Duration::from_millis(1700));
        }
    }
    let (_, all) = bench.tables.records(&key, stream.horizon(), 1000).unwrap();
    for at in (NOW - 2000..NOW + 14_000).step_by(250) {
        let before = bench.tables.before(&stream, Timestamp(at)).unwrap();
        let (_, found) = bench.tables.records(&key, before, 1000).unwrap();
        let expected: Vec<_> = all.iter().filter(|(_, change)| change.second().0 >= at).cloned().collect();
        assert_eq!(found, expected, "{at}");
    }
}

fn by(name: &str) -> IndexDraft {
    IndexDraft {
        name: name.into(),
        keys: vec![("g".into(), "HASH".into())],
        projection: Some("ALL".into()),
        ..IndexDraft::default()
    }
}

fn changed(index: IndexWish) -> Wish {
    let attributes = Some(vec![("g".into(), "S".into())]);
    Wish { attributes, indexes: vec![index], ..Wish::default() }
}

#[tokio::test]
async fn an_index_that_is_being_filled_holds_its_table_and_may_go() {
    let bench = Bench::new();
    let table = bench.create("table").await;
    let update = async |index| bench.tables.update(table.clone(), changed(index)).await;
    update(IndexWish::Create(by("first"))).await.unwrap();
    let refused = bench.tables.delete(table.clone()).await.unwrap_err();
    let why = "Attempt to change a resource which is still in use: Cannot delete table while indexes are being created, updated, or deleted.";
    assert_eq!(refused, Error::InUse(why.into()));
    assert!(matches!(update(IndexWish::Create(by("other"))).await, Err(Error::LimitExceeded(_))));
    update(IndexWish::Delete("first".into())).await.unwrap();
    update(IndexWish::Create(by("other"))).await.unwrap();
    bench.turn().await;
    bench.tables.delete(table.clone()).await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_being_made_is_not_changed() {
    let bench = Bench::new();
    let source = bench.create("source").await;
    let (backup, target) = (bench.back_up(&source).await, key("target"));
    bench.tables.restore_backup(&backup, target.clone(), Overrides::default()).await.unwrap();
    let why = "Attempt to change a resource which is still in use: Table is being created: target";
    let protected = Wish { is_protected: Some(true), ..Wish::default() };
    let refused = bench.tables.update(target.clone(), protected.clone()).await.unwrap_err();
    assert_eq!(refused, Error::InUse(why.into()));
    assert_eq!(bench.tables.create(target.clone(), draft()).await.unwrap_err(), Error::InUse(why.into()));
    bench.turn().await;
    bench.tables.update(target, protected).await.unwrap();
}
