#![allow(clippy::unwrap_used)]

use super::*;
use crate::archive::{ArchiveSettings, Named};
use crate::put::Entry;
use crate::rules::RuleSettings;
use fogbank_delivery::{Delivery, Origin, Undelivered};
use fogbank_model::{Arn, Caller, RequestContext, RequestId, TestClock, Timestamp};
use fogbank_store::{Error as StoreError, Read, Table, Tx};
use serde_json::{Value, json};
use std::time::Duration;

const GOT: Table = Table("test.got");
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";
const MINUTE: Duration = Duration::from_secs(60);

/// Keeps what is delivered in the store, so that what was undone is not there.
struct Keep;

impl Deliver for Keep {
    fn deliver(&self, tx: &mut Tx<'_>, _: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let number = tx.scan_prefix(GOT, &[], usize::MAX)?.len() as u64;
        tx.put(GOT, &number.to_be_bytes(), delivery.body.as_bytes());
        Ok(())
    }

    fn exists(&self, _: &Tx<'_>, _: &Arn) -> Result<bool, StoreError> {
        Ok(true)
    }
}

struct House {
    clock: Arc<TestClock>,
    store: Store,
    buses: Arc<Buses>,
    _directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // 2024-01-01T00:00:00Z
        let clock = Arc::new(TestClock::new(Timestamp(1_704_067_200_000), 1));
        let store = Store::open(directory.path(), clock.clone()).unwrap();
        let buses = Buses::open(&store, clock.clone(), Arc::new(Keep));
        Self { clock, store, buses, _directory: directory }
    }

    fn got(&self) -> Vec<Value> {
        let found = self.store.read::<_, StoreError>(|snapshot| snapshot.scan_prefix(GOT, &[], usize::MAX)).unwrap();
        found.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    /// Waits for `count` deliveries in all.
    async fn wait_for(&self, count: usize) -> Vec<Value> {
        for _ in 0..500 {
            let got = self.got();
            if got.len() >= count {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} came", self.got().len());
    }

    async fn rule(&self, name: &str, settings: RuleSettings) -> RuleKey {
        let key = RuleKey { bus: BusKey::of(&context(), "default"), name: name.into() };
        let origin = Origin::of(&context(), route::SERVICE, None);
        self.buses.put_rule(&key, settings, origin).await.unwrap();
        let target = Target { id: "1".into(), arn: QUEUE.into(), ..Target::default() };
        self.buses.put_targets(&key, vec![target]).await.unwrap();
        key
    }

    async fn put(&self, source: &str) {
        let text = |text: &str| Some(text.to_owned());
        let entry = Entry { source: text(source), detail_type: text("t"), detail: text("{}"), ..Entry::default() };
        let sent = self.buses.put(&context(), vec![entry]).await.unwrap();
        assert!(sent[0].is_ok());
    }
}

fn context() -> RequestContext {
    RequestContext {
        account: fogbank_model::AccountId::default_account(),
        region: fogbank_model::Region::default_region(),
        caller: Caller::Root,
        request_id: RequestId("r".into()),
        source_ip: None,
        endpoint: "http://localhost:4566".into(),
        trace: None,
    }
}

fn scheduled(text: &str) -> RuleSettings {
    RuleSettings { schedule: Some(text.into()), ..RuleSettings::default() }
}

fn matching(source: &str) -> RuleSettings {
    RuleSettings { pattern: Some(json!({"source": [source]}).to_string()), ..RuleSettings::default() }
}

#[tokio::test]
async fn a_schedule_is_due_once_at_a_time() {
    let house = House::new();
    let key = house.rule("r", scheduled("cron(0/5 * * * ? *)")).await;
    for count in 1..=3 {
        house.clock.advance(5 * MINUTE);
        let got = house.wait_for(count).await;
        let event = &got[count - 1];
        assert_eq!(event["time"], format!("2024-01-01T00:{:02}:00Z", count * 5));
        assert_eq!(event["resources"], json!(["arn:aws:events:us-east-1:000000000000:rule/r"]));
        assert_eq!((&event["source"], &event["detail-type"]), (&json!("aws.events"), &json!("Scheduled Event")));
        assert_eq!(event["detail"], json!({}));
    }
    assert_eq!(house.got().len(), 3);
    let origin = || Origin::of(&context(), route::SERVICE, None);
    house.buses.enable(&key, false, origin()).await.unwrap();
    house.buses.enable(&key, true, origin()).await.unwrap();
    // The timer from before is there still, and does nothing.
    house.clock.advance(5 * MINUTE);
    house.wait_for(4).await;
    house.clock.advance(5 * MINUTE);
    assert_eq!(house.wait_for(5).await.len(), 5);
}

#[tokio::test]
async fn a_rule_that_is_made_again_has_one_timer() {
    let house = House::new();
    let key = house.rule("r", scheduled("rate(5 minutes)")).await;
    house.buses.remove_targets(&key, vec!["1".into()]).await.unwrap();
    house.buses.delete_rule(&key).await.unwrap();
    house.clock.advance(MINUTE);
    house.rule("r", scheduled("rate(5 minutes)")).await;
    house.clock.advance(4 * MINUTE);
    // The first rule's timer is due now, the second one's in a minute.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(house.got().len(), 0);
    house.clock.advance(MINUTE);
    house.wait_for(1).await;
    house.clock.advance(5 * MINUTE);
    assert_eq!(house.wait_for(2).await.len(), 2);
}

#[tokio::test]
async fn what_became_due_while_nobody_was_there_is_made_up_for_once() {
    let house = House::new();
    house.rule("r", scheduled("rate(1 minute)")).await;
    house.clock.advance(MINUTE);
    house.wait_for(1).await;
    let House { clock, store, buses, _directory } = house;
    drop(buses);
    clock.advance(10 * MINUTE);
    let house = House { buses: Buses::open(&store, clock.clone(), Arc::new(Keep)), clock, store, _directory };
    house.wait_for(2).await;
    house.clock.advance(MINUTE);
    assert_eq!(house.wait_for(3).await.len(), 3);
}

#[tokio::test]
async fn rules_in_memory_are_those_of_the_store() {
    let house = House::new();
    let key = house.rule("r", matching("a")).await;
    house.put("a").await;
    house.put("b").await;
    assert_eq!(house.got().len(), 1);
    let origin = || Origin::of(&context(), route::SERVICE, None);
    house.buses.put_rule(&key, matching("b"), origin()).await.unwrap();
    house.put("a").await;
    house.put("b").await;
    assert_eq!(house.got().len(), 2);
    // A change that is undone with its transaction leaves no trace in memory either.
    let (buses, undone) = (house.buses.clone(), key.clone());
    let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        let mut rule = rules::find(tx, &undone)?;
        rule.targets.clear();
        buses.save_rule(tx, &undone, &rule)?;
        buses.rules_in(tx, &undone.bus)?;
        Err(Error::invalid("undone"))
    };
    assert!(house.store.transact(change).await.is_err());
    house.put("b").await;
    assert_eq!(house.got().len(), 3);
    house.buses.remove_targets(&key, vec!["1".into()]).await.unwrap();
    house.buses.delete_rule(&key).await.unwrap();
    house.put("b").await;
    assert_eq!(house.got().len(), 3);
}

#[tokio::test]
async fn an_archive_forgets_what_is_too_old() {
    let house = House::new();
    let key = Named::of(&context(), "a");
    let settings = ArchiveSettings { retention_days: Some(1), ..ArchiveSettings::default() };
    house.buses.create_archive(&key, &BusKey::of(&context(), "default").arn(), settings).await.unwrap();
    house.put("x").await;
    assert_eq!(house.buses.archive(&key).unwrap().1.events, 1);
    house.clock.advance(25 * 60 * MINUTE);
    house.put("y").await;
    for _ in 0..500 {
        house.clock.advance(MINUTE);
        if house.buses.archive(&key).unwrap().1.events == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(house.buses.archive(&key).unwrap().1.events, 1);
}

#[tokio::test]
async fn an_event_of_another_service_may_have_a_source_of_aws() {
    let house = House::new();
    house.rule("r", matching("aws.s3")).await;
    let bus = BusKey::of(&context(), "default").arn();
    let mut delivery = Delivery::new(r#"{"bucket": "b"}"#, Origin::of(&context(), "s3.amazonaws.com", None));
    delivery.event = Some(fogbank_delivery::EventHead {
        source: "aws.s3".into(),
        detail_type: "Object Created".into(),
        resources: vec!["arn:aws:s3:::b".into()],
        forwarded: None,
    });
    let buses = house.buses.clone();
    let deliver = move |tx: &mut Tx<'_>| Undelivered::refusal(buses.deliver_in(tx, &bus, &delivery));
    house.store.transact(deliver).await.unwrap().unwrap();
    let [event] = &house.got()[..] else { panic!() };
    assert_eq!((&event["source"], &event["detail"]), (&json!("aws.s3"), &json!({"bucket": "b"})));
}
