//! Which import or export a client's token means.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::Draft;
use crate::export::Order;
use crate::import::{Compression, Format, Source};
use crate::schema::{History, Table, TableKey};
use crate::tests::Nobody;
use fogbank_model::TestClock;

const EIGHT_HOURS: Duration = Duration::from_secs(8 * 3600);

struct Bench {
    tables: Arc<Tables>,
    clock: Arc<TestClock>,
    _home: tempfile::TempDir,
}

impl Bench {
    /// Nobody reads buckets, so nothing that is begun ends.
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(Timestamp(1_777_890_030_000), 7));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let tables = Tables::open(&store, clock.clone(), Arc::new(Nobody));
        Self { tables, clock, _home: home }
    }

    async fn import(&self, table: &str, prefix: &str) -> Result<String, Error> {
        let (bucket, prefix) = ("bucket".into(), prefix.into());
        let source = Source { bucket, owner: None, prefix, format: Format::Json, compression: Compression::None };
        let token = Some("token".to_owned());
        self.tables.begin_import(key(table), draft(), source, "{}".into(), token).await.map(|import| import.id)
    }

    async fn export(&self, table: &str, prefix: &str) -> Result<String, Error> {
        let order = Order {
            at: None,
            period: None,
            format: export::Format::Json,
            filter: None,
            token: Some("token".to_owned()),
            bucket: "bucket".into(),
            owner: None,
            prefix: Some(prefix.into()),
            encryption: None,
            encryption_key: None,
        };
        self.tables.begin_export(key(table), order).await.map(|export| export.id)
    }

    async fn create_kept(&self, name: &str) {
        self.tables.create(key(name), draft()).await.unwrap();
        let since = self.clock.now();
        let keep = move |_: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
            table.history = Some(History { place: 1 << 40, since, days: 35 });
            Ok(())
        };
        self.tables.alter(key(name), keep).await.unwrap();
    }
}

fn key(name: &str) -> TableKey {
    TableKey { account: "123456789012".parse().unwrap(), region: "eu-west-1".parse().unwrap(), name: name.into() }
}

fn draft() -> Draft {
    Draft {
        attributes: vec![("k".into(), "S".into())],
        keys: vec![("k".into(), "HASH".into())],
        billing: Some("PAY_PER_REQUEST".into()),
        ..Draft::default()
    }
}

fn conflict_of(answer: Result<String, Error>) -> &'static str {
    match answer {
        Err(Error::Other(code, _)) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_means_its_import_for_eight_hours_whatever_becomes_of_the_table() {
    let bench = Bench::new();
    let first = bench.import("table", "a").await.unwrap();
    bench.clock.advance(EIGHT_HOURS - Duration::from_millis(1));
    assert_eq!(bench.import("table", "a").await.unwrap(), first);
    assert_eq!(bench.import("table", "b").await.unwrap(), first, "what is asked otherwise does not count");
    assert_eq!(conflict_of(bench.import("other", "a").await), "ImportConflictException");
    bench.tables.delete(key("table")).await.unwrap();
    assert_eq!(bench.import("table", "a").await.unwrap(), first);
    assert!(bench.tables.describe(&key("table")).is_err(), "nothing was made again");
    bench.clock.advance(Duration::from_millis(1));
    let second = bench.import("other", "a").await.unwrap();
    assert_ne!(second, first);
    assert_eq!(bench.import("other", "a").await.unwrap(), second);
    assert_eq!(conflict_of(bench.import("table", "a").await), "ImportConflictException", "it is the second one's now");
    bench.clock.advance(EIGHT_HOURS);
    assert!(matches!(bench.import("other", "a").await, Err(Error::InUse(_))));
}

#[tokio::test]
async fn a_token_means_its_export_for_eight_hours() {
    let bench = Bench::new();
    bench.create_kept("table").await;
    let first = bench.export("table", "a").await.unwrap();
    bench.clock.advance(EIGHT_HOURS - Duration::from_millis(1));
    assert_eq!(bench.export("table", "a").await.unwrap(), first);
    assert_eq!(conflict_of(bench.export("table", "b").await), "ExportConflictException");
    bench.clock.advance(Duration::from_millis(1));
    let second = bench.export("table", "b").await.unwrap();
    assert_ne!(second, first);
    assert_eq!(bench.export("table", "b").await.unwrap(), second);
}
