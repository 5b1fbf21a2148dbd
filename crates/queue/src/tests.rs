//! Queues over a real store, with a clock that the tests own.
#![allow(clippy::unwrap_used)]

mod histories;

use super::*;
use fogbank_model::{TestClock, Timestamp};
use fogbank_store::Tx;
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: i64 = 1_777_890_030_123;

fn sender(id: &str) -> Sender {
    Sender { id: id.into(), arn: "arn:aws:iam::123456789012:root".into() }
}

struct Bench {
    queues: Arc<Queues>,
    store: Store,
    clock: Arc<TestClock>,
    home: tempfile::TempDir,
}

impl Bench {
    async fn new(seed: u64) -> Self {
        Self::on(tempfile::tempdir().unwrap(), seed).await
    }

    async fn on(home: tempfile::TempDir, seed: u64) -> Self {
        let clock = Arc::new(TestClock::new(Timestamp(NOW), seed));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let queues =
            Queues::open(&store, clock.clone(), Signer::open(&store, clock.clone()).await.unwrap()).await.unwrap();
        Self { queues, store, clock, home }
    }

    async fn create(&self, name: &str, attributes: &[(&str, &str)]) -> QueueKey {
        let key = key(name);
        let given = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.queues.create(&key, given, BTreeMap::new()).await.unwrap();
        key
    }

    async fn send(&self, key: &QueueKey, draft: Draft) -> Result<Sent, Error> {
        self.queues.send(key, &sender("sender"), vec![draft]).await.unwrap().pop().unwrap()
    }

    async fn receive(&self, key: &QueueKey, limit: i64) -> Vec<Received> {
        self.queues.receive(key, &Receive { limit, ..Receive::default() }).await.unwrap()
    }

    async fn delete(&self, key: &QueueKey, handle: &str) -> Result<(), Error> {
        self.queues.delete_messages(key, vec![handle.to_owned()]).await.unwrap().pop().unwrap()
    }
}

fn key(name: &str) -> QueueKey {
    QueueKey { account: "123456789012".parse().unwrap(), region: "us-east-1".parse().unwrap(), name: name.into() }
}

fn text(body: &str) -> Draft {
    Draft { body: body.into(), ..Draft::default() }
}

fn grouped(body: &str, group: &str) -> Draft {
    Draft { group: Some(group.into()), deduplication: Some(body.into()), ..text(body) }
}

fn bodies(received: &[Received]) -> Vec<&str> {
    received.iter().map(|received| received.message.body.as_str()).collect()
}

#[tokio::test]
async fn a_long_poll_ends_with_the_message_that_it_waited_for() {
    let bench = Bench::new(1).await;
    let key = bench.create("q", &[("ReceiveMessageWaitTimeSeconds", "20")]).await;
    let waiting = tokio::spawn({
        let (queues, key) = (bench.queues.clone(), key.clone());
        async move { queues.receive(&key, &Receive { limit: 1, ..Receive::default() }).await }
    });
    tokio::task::yield_now().await;
    bench.send(&key, text("hello")).await.unwrap();
    // The clock stands still, so only the arrival can have ended the wait.
    assert_eq!(bodies(&waiting.await.unwrap().unwrap()), ["hello"]);
}

#[tokio::test]
async fn a_long_poll_ends_with_a_delay_and_without_messages_in_time() {
    let bench = Bench::new(2).await;
    let key = bench.create("q", &[("DelaySeconds", "5")]).await;
    bench.send(&key, text("late")).await.unwrap();
    let mut ends = Vec::new();
    for seconds in [5, 10] {
        let (queues, key) = (bench.queues.clone(), key.clone());
        let waiting = tokio::spawn(async move {
            queues.receive(&key, &Receive { limit: 1, wait_s: Some(10), ..Receive::default() }).await
        });
        // It waits now; time has to pass before anything happens.
        tokio::task::yield_now().await;
        bench.clock.advance(Duration::from_secs(seconds));
        ends.push(waiting.await.unwrap().unwrap().len());
    }
    assert_eq!(ends, [1, 0]);
}

#[tokio::test]
async fn handles_hold_across_a_restart_and_for_their_own_queue_only() {
    let bench = Bench::new(3).await;
    let (key, other) = (bench.create("q", &[]).await, bench.create("other", &[]).await);
    for body in ["a", "b"] {
        bench.send(&key, text(body)).await.unwrap();
    }
    bench.send(&other, text("c")).await.unwrap();
    let received = bench.receive(&key, 10).await;
    let handle = &received[0].handle;
    assert!(matches!(bench.delete(&other, handle).await, Err(Error::BadReceipt(_))));
    let Bench { queues, store, home, .. } = bench;
    drop(queues);
    drop(store);
    // The workers let go of the store once they have been told to end.
    let bench = loop {
        let clock = Arc::new(TestClock::new(Timestamp(NOW), 4));
        match Store::open(home.path(), clock.clone()) {
            Ok(store) => {
                let queues = Queues::open(&store, clock.clone(), Signer::open(&store, clock.clone()).await.unwrap())
                    .await
                    .unwrap();
                break Bench { queues, store, clock, home };
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    bench.delete(&key, handle).await.unwrap();
    let counts = bench.queues.counts(&key).await.unwrap();
    assert_eq!(counts, Counts { in_flight: 1, ..Counts::default() });
    assert!(bench.home.path().exists());
}

#[tokio::test]
async fn what_is_sent_within_a_transaction_stands_or_falls_with_it() {
    let bench = Bench::new(5).await;
    let key = bench.create("q", &[]).await;
    for fails in [true, false] {
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            Queues::send_in(tx, &key, &sender("part"), "id", &text("x"))?;
            if fails { Err(Error::NoQueue) } else { Ok(()) }
        };
        assert_eq!(bench.store.transact(change).await.is_err(), fails);
    }
    assert_eq!(bench.receive(&key, 10).await.len(), 1);
}

#[tokio::test]
async fn a_message_that_is_received_too_often_goes_to_the_dead_letter_queue_with_its_id() {
    let bench = Bench::new(6).await;
    let dead = bench.create("dead", &[]).await;
    let policy = format!("{{\"deadLetterTargetArn\": \"{}\", \"maxReceiveCount\": \"2\"}}", dead.arn());
    let key = bench.create("q", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "1")]).await;
    let sent = bench.send(&key, text("poison")).await.unwrap();
    for count in [1, 2] {
        assert_eq!(bench.receive(&key, 1).await[0].receive_count, count);
        bench.clock.advance(Duration::from_secs(1));
    }
    assert!(bench.receive(&key, 1).await.is_empty());
    let given_up = bench.receive(&dead, 1).await.remove(0);
    assert_eq!((given_up.message.id, given_up.message.source), (sent.id, Some(key.arn())));
    // And back again, as a new message.
    bench.clock.advance(Duration::from_secs(30));
    bench.queues.start_move(&dead, None, None).await.unwrap();
    let how = Receive { limit: 1, wait_s: Some(20), ..Receive::default() };
    let again = bench.queues.receive(&key, &how).await.unwrap().remove(0);
    assert_eq!((again.receive_count, again.message.body.as_str()), (1, "poison"));
}

#[tokio::test]
async fn a_message_is_not_moved_to_a_queue_that_does_not_list_its_sender() {
    let bench = Bench::new(16).await;
    let dead = bench.create("dead", &[]).await;
    let policy = format!("{{\"deadLetterTargetArn\": \"{}\", \"maxReceiveCount\": \"1\"}}", dead.arn());
    let key = bench.create("q", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "0")]).await;
    bench.send(&key, text("poison")).await.unwrap();
    bench.receive(&key, 1).await;
    assert!(bench.receive(&key, 1).await.is_empty());
    let list = [(fogbank_delivery::SENDERS.to_owned(), "arn:aws:iam::123456789012:user/other".to_owned())];
    bench.queues.tag(&key, list.into()).await.unwrap();
    bench.queues.start_move(&dead, None, None).await.unwrap();
    let task = loop {
        let task = bench.queues.moves(&dead, 1).unwrap().remove(0);
        if task.status != MoveStatus::Running {
            break task;
        }
        tokio::task::yield_now().await;
    };
    assert!(task.reason.unwrap().contains("is not on the list of senders"));
    assert_eq!(bodies(&bench.receive(&dead, 1).await), ["poison"]);
}

#[tokio::test]
async fn old_messages_and_left_places_are_swept() {
    let bench = Bench::new(7).await;
    let key = bench.create("q", &[("MessageRetentionPeriod", "60")]).await;
    for number in 0..500 {
        bench.send(&key, text(&number.to_string())).await.unwrap();
    }
    bench.clock.advance(Duration::from_secs(59));
    bench.send(&key, text("young")).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    // Without the sweep too, nothing old is received.
    assert_eq!(bodies(&bench.receive(&key, 1).await), ["young"]);
    sweep::sweep(&bench.store, bench.clock.as_ref()).await.unwrap();
    let counts = bench.queues.counts(&key).await.unwrap();
    assert_eq!(counts, Counts { in_flight: 1, ..Counts::default() });
    bench.queues.purge(&key).await.unwrap();
    assert_eq!(bench.queues.purge(&key).await, Err(Error::PurgeInProgress("q".into())));
    bench.queues.delete(&key).await.unwrap();
    assert_eq!(bench.queues.create(&key, BTreeMap::new(), BTreeMap::new()).await, Err(Error::DeletedRecently));
    sweep::sweep(&bench.store, bench.clock.as_ref()).await.unwrap();
    let tables = [keys::STATE, keys::MESSAGE, keys::READY, keys::TIMER, keys::COUNTER, keys::LEFT];
    for table in tables {
        let left = bench.store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(table, &[], 10)?)).unwrap();
        assert!(left.is_empty(), "{table:?}");
    }
    bench.clock.advance(Duration::from_secs(60));
    bench.queues.create(&key, BTreeMap::new(), BTreeMap::new()).await.unwrap();
}

#[tokio::test]
async fn a_group_waits_for_its_message_in_flight_and_others_do_not() {
    let bench = Bench::new(8).await;
    let key = bench.create("q.fifo", &[("FifoQueue", "true")]).await;
    for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        bench.send(&key, grouped(body, group)).await.unwrap();
    }
    let first = bench.receive(&key, 1).await;
    assert_eq!(bodies(&first), ["a1"]);
    assert_eq!(bodies(&bench.receive(&key, 10).await), ["b1"]);
    assert!(bench.receive(&key, 10).await.is_empty());
    bench.delete(&key, &first[0].handle).await.unwrap();
    assert_eq!(bodies(&bench.receive(&key, 10).await), ["a2"]);
    // Twice within five minutes is once.
    bench.send(&key, grouped("a1", "a")).await.unwrap();
    assert_eq!(bench.queues.counts(&key).await.unwrap(), Counts { in_flight: 2, ..Counts::default() });
}

#[tokio::test]
async fn an_attempt_made_again_gives_the_same_messages() {
    let bench = Bench::new(9).await;
    let key = bench.create("q.fifo", &[("FifoQueue", "true")]).await;
    for body in ["1", "2", "3"] {
        bench.send(&key, grouped(body, body)).await.unwrap();
    }
    let how = |id: &str| Receive { limit: 2, attempt: Some(id.into()), ..Receive::default() };
    let first = bench.queues.receive(&key, &how("x")).await.unwrap();
    bench.clock.advance(Duration::from_secs(20));
    assert_eq!(bench.queues.receive(&key, &how("x")).await.unwrap(), first);
    // Hidden anew by the second attempt.
    bench.clock.advance(Duration::from_secs(20));
    assert_eq!(bodies(&bench.queues.receive(&key, &how("y")).await.unwrap()), ["3"]);
    bench.delete(&key, &first[0].handle).await.unwrap();
    assert!(bench.queues.receive(&key, &how("x")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_poison_message_does_not_hold_up_others() {
    let bench = Bench::new(10).await;
    let key = bench.create("q", &[("VisibilityTimeout", "0")]).await;
    for body in ["poison", "good"] {
        bench.send(&key, text(body)).await.unwrap();
        bench.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(bodies(&bench.receive(&key, 1).await), ["poison"]);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bodies(&bench.receive(&key, 1).await), ["good"]);
}

#[tokio::test]
async fn so_many_messages_are_in_flight_and_no_more() {
    let bench = Bench::new(11).await;
    let (plain, fifo) = (bench.create("q", &[]).await, bench.create("q.fifo", &[("FifoQueue", "true")]).await);
    for key in [&plain, &fifo] {
        let drafts = (0..=model::IN_FLIGHT).map(|number| number.to_string());
        let drafts = drafts.map(|body| if key.is_fifo() { grouped(&body, &body) } else { text(&body) }).collect();
        bench.queues.send(key, &sender("sender"), drafts).await.unwrap();
        let mut last = Vec::new();
        for _ in 0..model::IN_FLIGHT / 10 {
            last = bench.receive(key, 10).await;
            assert_eq!(last.len(), 10);
        }
        let beyond = bench.queues.receive(key, &Receive { limit: 1, ..Receive::default() }).await;
        match key.is_fifo() {
            // As on AWS, a FIFO queue says nothing.
            true => assert_eq!(beyond, Ok(Vec::new())),
            false => assert!(matches!(beyond, Err(Error::OverLimit(_)))),
        }
        bench.delete(key, &last[0].handle).await.unwrap();
        assert_eq!(bench.receive(key, 10).await.len(), 1);
    }
}
