use super::*;
use crate::model::AT_ONCE;
use fogbank_delivery::{Delivery, Origin, Outbound, Signer, Undelivered};
use fogbank_model::{AccountId, Arn, Region, TestClock, Timestamp};
use fogbank_store::{Table, Tx};
use std::time::Duration;

const DELIVERED: Table = Table("test.delivered");

/// Takes everything but for what is called `gone`; `broken` fails the store.
struct Everybody;

impl Deliver for Everybody {
    fn deliver(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        match target.resource() {
            "gone" => return Err(Undelivered::NoTarget(target.to_string())),
            "broken" => return Err(StoreError::Closed.into()),
            _ => {}
        }
        let count = tx.get(DELIVERED, target.as_str().as_bytes())?.map_or(0, |bytes| bytes[0]);
        tx.put(DELIVERED, target.as_str().as_bytes(), [count + 1]);
        tx.put(Table("test.body"), target.as_str().as_bytes(), delivery.body.as_bytes());
        Ok(())
    }

    fn exists(&self, _: &Tx<'_>, _: &Arn) -> Result<bool, StoreError> {
        Ok(true)
    }
}

async fn outbound(store: &Store, clock: &Arc<TestClock>) -> Arc<Outbound> {
    Arc::new(Outbound::new(Signer::open(store, clock.clone()).await.unwrap()))
}

struct House {
    topics: Arc<Topics>,
    clock: Arc<TestClock>,
    store: Store,
    _directory: tempfile::TempDir,
}

async fn house() -> House {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::new(Timestamp(1_800_000_000_000), 5));
    let store = Store::open(directory.path(), clock.clone()).unwrap();
    let topics = Topics::open(&store, clock.clone(), Arc::new(Everybody), outbound(&store, &clock).await);
    House { topics, clock, store, _directory: directory }
}

fn key(name: &str) -> TopicKey {
    TopicKey { account: AccountId::default_account(), region: Region::default_region(), name: name.into() }
}

fn origin() -> Origin {
    Origin {
        account: AccountId::default_account(),
        region: Region::default_region(),
        service: "sns.amazonaws.com".into(),
        source: None,
        sender: "tests".into(),
        endpoint: "http://localhost:4566".into(),
        trace: None,
        hops: 0,
    }
}

fn queue(name: &str) -> Arn {
    Arn::new("sqs", &Region::default_region(), &AccountId::default_account(), name)
}

impl House {
    async fn topic(&self, name: &str) -> TopicKey {
        let fifo = name.ends_with(".fifo").then(|| ("FifoTopic".to_owned(), "true".to_owned()));
        self.topics.create(&key(name), fifo.into_iter().collect(), Texts::new(), None).await.unwrap();
        key(name)
    }

    async fn subscribe(&self, topic: &TopicKey, protocol: Protocol, endpoint: &str) -> Subscribed {
        let raw = (protocol == Protocol::Sqs).then(|| ("RawMessageDelivery".to_owned(), "true".to_owned()));
        let attributes = raw.into_iter().collect();
        let wish = Wish { protocol, endpoint: endpoint.into(), attributes, origin: origin() };
        self.topics.subscribe(topic, wish).await.unwrap()
    }

    async fn publish(&self, topic: &TopicKey, draft: Draft) -> Result<Published, Error> {
        self.topics.publish(topic, &origin(), vec![draft]).await?.pop().unwrap()
    }

    fn delivered(&self, name: &str) -> u8 {
        let found: Result<_, StoreError> =
            self.store.read(|snapshot| snapshot.get(DELIVERED, queue(name).as_str().as_bytes()));
        found.unwrap().map_or(0, |bytes| bytes[0])
    }
}

fn draft(message: &str) -> Draft {
    Draft { message: message.into(), ..Draft::default() }
}

#[tokio::test]
async fn a_deduplication_id_is_remembered_for_five_minutes() {
    let house = house().await;
    let topic = house.topic("t.fifo").await;
    let send =
        || house.publish(&topic, Draft { group: Some("g".into()), deduplication: Some("d".into()), ..draft("m") });
    let first = send().await.unwrap();
    house.clock.advance(Duration::from_secs(299));
    assert_eq!(send().await.unwrap(), first);
    house.clock.advance(Duration::from_secs(2));
    let later = send().await.unwrap();
    assert!(later.id != first.id && later.sequence > first.sequence);
}

#[tokio::test]
async fn a_token_confirms_for_two_days() {
    let house = house().await;
    let topic = house.topic("t").await;
    let (_, pending) = house.subscribe(&topic, Protocol::Email, "a@example.com").await;
    house.clock.advance(Duration::from_secs(2 * 24 * 3600 + 1));
    let late = house.topics.confirm(&topic, &pending.token, false, true).await;
    assert!(matches!(late, Err(Error::Invalid(_))), "{late:?}");
    // Asked again, it is offered anew.
    let (key, pending) = house.subscribe(&topic, Protocol::Email, "a@example.com").await;
    house.topics.confirm(&topic, &pending.token, false, true).await.unwrap();
    assert!(!house.topics.subscription(&key).unwrap().pending);
    let found = house.topics.topic(&topic).unwrap();
    assert_eq!((found.confirmed, found.pending), (1, 0));
}

#[tokio::test]
async fn a_message_reaches_everybody_or_is_not_accepted() {
    let house = house().await;
    let topic = house.topic("t").await;
    for name in ["a", "gone", "b"] {
        house.subscribe(&topic, Protocol::Sqs, queue(name).as_str()).await;
    }
    house.publish(&topic, draft("m")).await.unwrap();
    assert_eq!((house.delivered("a"), house.delivered("b")), (1, 1), "whoever is gone disturbs nobody");
    house.subscribe(&topic, Protocol::Sqs, queue("broken").as_str()).await;
    assert!(house.publish(&topic, draft("m")).await.is_err());
    assert_eq!((house.delivered("a"), house.delivered("b")), (1, 1), "nothing of a failed publishing is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_topic_is_served_in_pieces_and_each_subscription_once() {
    let house = house().await;
    let topic = house.topic("t").await;
    let names: Vec<String> = (0..AT_ONCE * 2 + 10).map(|number| format!("q{number}")).collect();
    for name in &names {
        house.subscribe(&topic, Protocol::Sqs, queue(name).as_str()).await;
    }
    house.publish(&topic, draft("m")).await.unwrap();
    let served = |house: &House| names.iter().map(|name| usize::from(house.delivered(name))).sum::<usize>();
    assert_eq!(served(&house), AT_ONCE, "the rest is left on record");
    house.topics.start();
    while served(&house) < names.len() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(names.iter().all(|name| house.delivered(name) == 1));
}

#[tokio::test]
async fn a_message_that_goes_round_in_a_loop_is_refused() {
    let house = house().await;
    let topic = house.topic("t").await;
    let (topics, arn) = (house.topics.clone(), topic.arn());
    let deliver = move |tx: &mut Tx<'_>| -> Result<Vec<bool>, StoreError> {
        let around = |hops| Delivery::new("m", Origin { hops, ..origin() });
        let given = [0, u8::MAX].map(|hops| topics.deliver_in(tx, &arn, &around(hops)));
        given.into_iter().map(|given| Ok(Undelivered::refusal(given)?.is_ok())).collect()
    };
    assert_eq!(house.store.transact(deliver).await.unwrap(), [true, false]);
}

#[tokio::test]
async fn another_accounts_queue_gets_nothing() {
    let house = house().await;
    let topic = house.topic("t").await;
    let theirs = "arn:aws:sqs:us-east-1:999999999999:theirs";
    let (key, _) = house.subscribe(&topic, Protocol::Sqs, theirs).await;
    let dead = format!(r#"{{"deadLetterTargetArn": "{}"}}"#, queue("dead"));
    house.topics.set_subscription_attribute(&key, "RedrivePolicy".into(), dead).await.unwrap();
    house.publish(&topic, draft("m")).await.unwrap();
    assert_eq!(house.delivered("dead"), 1);
    let got: Result<_, StoreError> = house.store.read(|snapshot| snapshot.get(DELIVERED, theirs.as_bytes()));
    assert_eq!(got.unwrap(), None);
}
