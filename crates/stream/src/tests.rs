//! What holds of streams as a whole.

#![allow(clippy::unwrap_used)]

mod histories;

use crate::*;
use fogbank_model::{Arn, TestClock, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: Timestamp = Timestamp(1_777_890_030_123);
const HOUR: Duration = Duration::from_secs(3600);

/// Streams with a clock of their own.
struct Bench {
    streams: Arc<Streams>,
    store: Store,
    clock: Arc<TestClock>,
    key: StreamKey,
    _home: tempfile::TempDir,
}

impl Bench {
    /// With one stream.
    async fn with(shards: u64, mode: Mode) -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(NOW, 1));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let streams = Streams::open(&store, clock.clone()).await.unwrap();
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let bench = Self { streams, store, clock, key: StreamKey::of(arn).unwrap(), _home: home };
        bench.make(shards, mode).await;
        bench
    }

    async fn make(&self, shards: u64, mode: Mode) {
        let (tags, distribution) = (BTreeMap::new(), Distribution::UserPartitionKey);
        let make = Make { mode, shards, tags, max_record_kib: 1024, distribution, warm_mibps: None };
        self.streams.create(&self.key, make).await.unwrap();
    }

    async fn put(&self, data: &str, partition_key: &str) -> Written {
        let draft =
            Draft { data: data.to_owned().into(), partition_key: partition_key.into(), hash_key: None, after: None };
        self.streams.put(&self.key, vec![draft]).await.unwrap().remove(0).unwrap()
    }

    fn data(&self, shard: u64, from: Place) -> Vec<String> {
        let batch = self.streams.read(&self.key, &shard_id(shard), from, 10_000).unwrap();
        batch.records.iter().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect()
    }

    /// Entries of all tables but the stream's own record and what belongs to nobody.
    fn kept(&self, tables: &[fogbank_store::Table]) -> usize {
        let count = |table: &fogbank_store::Table| {
            self.store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(*table, &[], usize::MAX)?.len())).unwrap()
        };
        tables.iter().map(count).sum()
    }
}

const CONTENTS: [fogbank_store::Table; 6] =
    [keys::RECORD, keys::TAIL, keys::OPEN, keys::SHARD, keys::CONSUMER, keys::LEFT];

#[tokio::test]
async fn records_that_are_too_old_are_not_read_and_are_swept_away() {
    let bench = Bench::with(1, Mode::Provisioned).await;
    bench.put("old", "a").await;
    bench.clock.advance(HOUR);
    bench.put("young", "a").await;
    bench.clock.advance(23 * HOUR + Duration::from_millis(1));
    assert_eq!(bench.data(0, Place::default()), ["young"]);
    // Longer retention brings nothing back.
    bench.streams.retain(&bench.key, 48, true).await.unwrap();
    assert_eq!(bench.data(0, Place::default()), ["young"]);
    bench.clock.advance(24 * HOUR);
    assert_eq!(bench.data(0, Place::default()), ["young"]);
    // Shorter retention takes at once.
    bench.streams.retain(&bench.key, 24, false).await.unwrap();
    assert!(bench.data(0, Place::default()).is_empty());
    bench.streams.retain(&bench.key, 8760, true).await.unwrap();
    assert!(bench.data(0, Place::default()).is_empty());
    sweep::sweep(&bench.store, bench.clock.as_ref()).await.unwrap();
    assert_eq!(bench.kept(&[keys::RECORD]), 0);
    bench.put("new", "a").await;
    assert_eq!(bench.data(0, Place::default()), ["new"]);
}

#[tokio::test]
async fn a_closed_shard_goes_when_its_last_record_does() {
    let bench = Bench::with(1, Mode::Provisioned).await;
    bench.put("x", "a").await;
    bench.streams.split(&bench.key, &shard_id(0), HashKey(u128::MAX / 2)).await.unwrap();
    bench.clock.advance(24 * HOUR);
    assert_eq!(bench.streams.shards(&bench.key).unwrap().len(), 3);
    bench.clock.advance(Duration::from_millis(1));
    let shards = bench.streams.shards(&bench.key).unwrap();
    assert_eq!(shards.iter().map(|shard| shard.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(shards[0].parent, Some(0), "whose child it was is still said");
    sweep::sweep(&bench.store, bench.clock.as_ref()).await.unwrap();
    assert_eq!((bench.kept(&[keys::SHARD]), bench.kept(&[keys::RECORD])), (2, 0));
}

#[tokio::test]
async fn nothing_is_left_of_a_deleted_stream_and_the_next_one_of_its_name_is_another() {
    let bench = Bench::with(3, Mode::Provisioned).await;
    // More than one transaction removes.
    let draft =
        |number: u32| Draft { data: "x".into(), partition_key: number.to_string(), hash_key: None, after: None };
    let results = bench.streams.put(&bench.key, (0..1200).map(draft).collect()).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
    bench.streams.register(&bench.key, "c", BTreeMap::new()).await.unwrap();
    assert!(matches!(bench.streams.delete(&bench.key, false).await, Err(Error::InUse(_))));
    bench.streams.delete(&bench.key, true).await.unwrap();
    bench.make(1, Mode::Provisioned).await;
    bench.put("new", "a").await;
    sweep::sweep(&bench.store, bench.clock.as_ref()).await.unwrap();
    assert_eq!(bench.kept(&CONTENTS), 4, "the new stream's shard, its tail, its range and its record");
    assert_eq!(bench.data(0, Place::default()), ["new"]);
    let counts = bench.streams.counts(&bench.key.account, &bench.key.region).unwrap();
    assert_eq!(counts.provisioned_shards, 1);
}

#[tokio::test]
async fn a_reader_waits_until_there_is_something_for_it() {
    let bench = Bench::with(1, Mode::Provisioned).await;
    let latest = bench.streams.position(&bench.key, &shard_id(0), Start::Latest).unwrap();
    let wait = |from: Place| {
        let (streams, key) = (bench.streams.clone(), bench.key.clone());
        tokio::spawn(async move { streams.ready(&key, &shard_id(0), from).await })
    };
    let waiting = wait(latest);
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let written = bench.put("x", "a").await;
    waiting.await.unwrap().unwrap();
    wait(latest).await.unwrap().unwrap();
    let behind = wait(written.sequence.place.next());
    tokio::task::yield_now().await;
    assert!(!behind.is_finished());
    bench.streams.split(&bench.key, &shard_id(0), HashKey(1000)).await.unwrap();
    behind.await.unwrap().unwrap();
    let end = bench.streams.read(&bench.key, &shard_id(0), written.sequence.place.next(), 10).unwrap();
    assert_eq!(end.end.unwrap().iter().map(|shard| shard.number).collect::<Vec<_>>(), [1, 2]);
    let (streams, key) = (bench.streams.clone(), bench.key.clone());
    let gone = tokio::spawn(async move { streams.ready(&key, &shard_id(1), Place::default()).await });
    tokio::task::yield_now().await;
    bench.streams.delete(&bench.key, false).await.unwrap();
    assert!(matches!(gone.await.unwrap(), Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_reader_that_waits_goes_over_to_the_next_stream_of_the_name() {
    let bench = Bench::with(1, Mode::Provisioned).await;
    let shard = shard_id(0);
    let mut waiting = std::pin::pin!(bench.streams.ready(&bench.key, &shard, Place::default()));
    let is_waiting = async |waiting: &mut std::pin::Pin<&mut _>| {
        tokio::select! {
            biased;
            _ = waiting => false,
            () = std::future::ready(()) => true,
        }
    };
    assert!(is_waiting(&mut waiting).await);
    bench.streams.delete(&bench.key, false).await.unwrap();
    bench.make(1, Mode::Provisioned).await;
    assert!(is_waiting(&mut waiting).await);
    bench.put("x", "a").await;
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_shard_takes_its_share_and_an_on_demand_stream_everything() {
    let drafts = || {
        let draft = Draft { data: "x".into(), partition_key: "a".into(), hash_key: None, after: None };
        vec![draft; 1001]
    };
    let bench = Bench::with(1, Mode::Provisioned).await;
    let results = bench.streams.put(&bench.key, drafts()).await.unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1000);
    assert!(matches!(&results[1000], Err(Error::Throttled(text)) if text.starts_with("Rate exceeded for shard")));
    let bench = Bench::with(1, Mode::OnDemand).await;
    assert!(bench.streams.put(&bench.key, drafts()).await.unwrap().iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_number_to_follow_is_followed_also_into_a_shards_child() {
    let bench = Bench::with(1, Mode::Provisioned).await;
    let first = bench.put("x", "a").await.sequence;
    bench.streams.split(&bench.key, &shard_id(0), HashKey(1000)).await.unwrap();
    let draft = Draft { data: "y".into(), partition_key: "a".into(), hash_key: None, after: Some(first) };
    let second = bench.streams.put(&bench.key, vec![draft.clone()]).await.unwrap().remove(0).unwrap();
    assert!(second.sequence > first && second.sequence.to_string() > first.to_string());
    let place = Place { ms: first.place.ms + 1, count: 0 };
    let draft = Draft { after: Some(Sequence { place, ..first }), ..draft };
    let refused = bench.streams.put(&bench.key, vec![draft]).await.unwrap().remove(0);
    assert!(matches!(refused, Err(Error::Invalid(_))), "a number of the future: {refused:?}");
}

#[tokio::test]
async fn a_delivery_is_a_record_within_its_senders_transaction() {
    use fogbank_delivery::{Delivery, Origin, Undelivered};
    let bench = Bench::with(1, Mode::Provisioned).await;
    let origin = Origin {
        account: bench.key.account.clone(),
        region: bench.key.region.clone(),
        service: "events.amazonaws.com".into(),
        source: None,
        sender: "me".into(),
        endpoint: String::new(),
        trace: None,
        hops: 0,
    };
    let deliver = |target: Arn, body: String, group: Option<&str>| {
        let delivery = Delivery { group: group.map(str::to_owned), ..Delivery::new(body, origin.clone()) };
        let streams = bench.streams.clone();
        bench.store.transact(move |tx: &mut Tx<'_>| Undelivered::refusal(streams.deliver_in(tx, &target, &delivery)))
    };
    deliver(bench.key.arn(), "event".into(), Some("p")).await.unwrap().unwrap();
    let batch = bench.streams.read(&bench.key, &shard_id(0), Place::default(), 10).unwrap();
    assert_eq!((&batch.records[0].data[..], batch.records[0].partition_key.as_str()), (&b"event"[..], "p"));
    let none: Arn = format!("{}x", bench.key.arn()).parse().unwrap();
    assert!(matches!(deliver(none, "x".into(), None).await.unwrap(), Err(Undelivered::NoTarget(_))));
    let large = deliver(bench.key.arn(), "x".repeat(1 << 20), Some("p")).await.unwrap();
    assert!(matches!(large, Err(Undelivered::Refused(_))));
}
