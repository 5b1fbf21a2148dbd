//! Schedules over a real store, with a clock that the tests own and a mailbox for a target.
#![allow(clippy::unwrap_used)]

use super::*;
use fogbank_delivery::{AttributeValue, Delivery, Origin, Undelivered};
use fogbank_model::{Arn, TestClock, Timestamp};
use fogbank_store::{Error as StoreError, Tx};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

/// 2026-05-04T10:20:30Z
const NOW: i64 = 1_777_890_030_000;

#[derive(Default)]
struct Mailbox(Mutex<Vec<(String, Delivery)>>);

impl Deliver for Mailbox {
    fn deliver(&self, _: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        if target.resource() == "gone" {
            return Err(Undelivered::NoTarget(target.to_string()));
        }
        self.0.lock().unwrap().push((target.resource().to_owned(), delivery.clone()));
        Ok(())
    }

    fn exists(&self, _: &Tx<'_>, _: &Arn) -> Result<bool, StoreError> {
        Ok(true)
    }
}

struct Bench {
    home: tempfile::TempDir,
    store: Store,
    clock: Arc<TestClock>,
    mail: Arc<Mailbox>,
    schedules: Arc<Schedules>,
}

impl Bench {
    fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap(), Arc::new(TestClock::new(Timestamp(NOW), 7)), Arc::default())
    }

    fn on(home: tempfile::TempDir, clock: Arc<TestClock>, mail: Arc<Mailbox>) -> Self {
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let schedules = Schedules::open(&store, clock.clone(), mail.clone());
        Self { home, store, clock, mail, schedules }
    }

    /// The platform dies and comes back after `down`.
    async fn restart(self, down: Duration) -> Self {
        let Self { home, store, clock, mail, schedules } = self;
        drop((schedules, store));
        clock.advance(down);
        let free = || Store::open(home.path(), clock.clone()).is_ok();
        until(free).await;
        Self::on(home, clock, mail)
    }

    async fn create(&self, name: &str, expression: &str, change: impl FnOnce(&mut Wish)) -> Result<(), Error> {
        let mut wish = wish(expression, "q");
        change(&mut wish);
        self.schedules.create(&key(name), wish, None, origin()).await
    }

    fn fired(&self) -> usize {
        self.mail.0.lock().unwrap().len()
    }

    async fn until_fired(&self, count: usize) {
        until(|| self.fired() >= count).await;
        // Nothing more is due.
        until(|| self.store.next_due(DUE).unwrap().is_none_or(|due| due > self.clock.now())).await;
        assert_eq!(self.fired(), count);
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "it never came true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn key(name: &str) -> ScheduleKey {
    ScheduleKey {
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        group: "default".into(),
        name: name.into(),
    }
}

fn origin() -> Origin {
    Origin {
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        service: String::new(),
        source: None,
        sender: "arn:aws:iam::123456789012:root".into(),
        endpoint: String::new(),
        trace: None,
        hops: 0,
    }
}

fn wish(expression: &str, queue: &str) -> Wish {
    let arn: Arn = format!("arn:aws:sqs:eu-west-1:123456789012:{queue}").parse().unwrap();
    let given = json!({"Arn": arn.as_str(), "Input": "due <aws.scheduler.scheduled-time>"});
    Wish {
        expression: expression.into(),
        zone: "UTC".into(),
        start: None,
        end: None,
        window_min: None,
        description: None,
        enabled: true,
        kms_key: None,
        target: Target { arn, given },
        delete_after: false,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_one_time_schedule_fires_once_and_goes_if_it_is_to_go() {
    let bench = Bench::new();
    bench.create("kept", "at(2026-05-04T10:30:00)", |_| {}).await.unwrap();
    bench
        .create("gone", "at(2026-05-04T12:30:00)", |wish| {
            wish.zone = "Europe/Berlin".into();
            wish.delete_after = true;
        })
        .await
        .unwrap();
    bench.clock.advance(9 * MINUTE);
    assert_eq!(bench.fired(), 0);
    bench.clock.advance(MINUTE);
    bench.until_fired(2).await;
    assert_eq!(bench.mail.0.lock().unwrap()[0].1.body, "due 2026-05-04T10:30:00Z");
    assert_eq!(bench.schedules.get(&key("kept")).unwrap().due, None);
    until(|| matches!(bench.schedules.get(&key("gone")), Err(Error::NoSchedule(_)))).await;
}

#[tokio::test]
async fn what_was_missed_while_the_platform_was_down_is_caught_up_once_each() {
    let bench = Bench::new();
    bench.create("often", "rate(10 minutes)", |_| {}).await.unwrap();
    bench.until_fired(1).await;
    let bench = bench.restart(35 * MINUTE).await;
    bench.until_fired(4).await;
    let bench = bench.restart(Duration::ZERO).await;
    bench.clock.advance(5 * MINUTE);
    bench.until_fired(5).await;
}

#[tokio::test]
async fn what_was_missed_for_too_long_is_dropped_and_said_to_the_dead_letter_queue() {
    let bench = Bench::new();
    let dead = "arn:aws:sqs:eu-west-1:123456789012:dead";
    bench
        .create("often", "rate(10 minutes)", |wish| {
            wish.target.given["RetryPolicy"] = json!({"MaximumEventAgeInSeconds": 900});
            wish.target.given["DeadLetterConfig"] = json!({"Arn": dead});
        })
        .await
        .unwrap();
    bench.until_fired(1).await;
    // Due at 10, 20, … 240 minutes; those of the last fifteen are young enough.
    let bench = bench.restart(245 * MINUTE).await;
    bench.until_fired(4).await;
    let mail = bench.mail.0.lock().unwrap().clone();
    assert_eq!(mail.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), ["q", "dead", "q", "q"]);
}

#[tokio::test]
async fn what_no_target_takes_goes_to_the_dead_letter_queue() {
    let bench = Bench::new();
    let dead = "arn:aws:sqs:eu-west-1:123456789012:dead";
    bench
        .create("lost", "rate(1 hour)", |wish| {
            wish.target.arn = "arn:aws:sqs:eu-west-1:123456789012:gone".parse().unwrap();
            wish.target.given["DeadLetterConfig"] = json!({"Arn": dead});
        })
        .await
        .unwrap();
    bench.until_fired(1).await;
    let (to, letter) = bench.mail.0.lock().unwrap()[0].clone();
    assert_eq!(to, "dead");
    assert!(letter.attributes.contains_key("SCHEDULE_ARN") && letter.attributes.contains_key("ERROR_CODE"));
}

#[tokio::test]
async fn a_changed_schedule_does_not_fire_as_it_was() {
    let bench = Bench::new();
    bench.create("s", "cron(25 10 * * ? *)", |_| {}).await.unwrap();
    bench.schedules.update(&key("s"), wish("cron(30 10 * * ? *)", "other")).await.unwrap();
    bench.clock.advance(6 * MINUTE);
    until(|| bench.store.next_due(DUE).unwrap().is_some_and(|due| due > bench.clock.now())).await;
    assert_eq!(bench.fired(), 0);
    bench.clock.advance(4 * MINUTE);
    bench.until_fired(1).await;
    assert_eq!(bench.mail.0.lock().unwrap()[0].0, "other");
    bench.schedules.delete(&key("s")).await.unwrap();
    bench.clock.advance(24 * 60 * MINUTE);
    until(|| bench.store.next_due(DUE).unwrap().is_none()).await;
    assert_eq!(bench.fired(), 1);
}

#[tokio::test]
async fn a_disabled_schedule_rests_and_one_with_an_end_ends() {
    let bench = Bench::new();
    bench.create("off", "rate(1 minute)", |wish| wish.enabled = false).await.unwrap();
    let end = Timestamp(NOW).plus(3 * MINUTE);
    bench.create("short", "rate(2 minutes)", |wish| wish.end = Some(end)).await.unwrap();
    bench.until_fired(1).await;
    bench.clock.advance(2 * MINUTE);
    bench.until_fired(2).await;
    bench.clock.advance(10 * MINUTE);
    bench.until_fired(2).await;
    assert_eq!(bench.store.next_due(DUE).unwrap(), None);
    bench.schedules.update(&key("off"), wish("rate(1 minute)", "q")).await.unwrap();
    bench.until_fired(3).await;
}

#[tokio::test]
async fn a_flexible_window_makes_firings_late_but_not_fewer() {
    let bench = Bench::new();
    bench.create("flexible", "cron(30 10 * * ? *)", |wish| wish.window_min = Some(20)).await.unwrap();
    let due = bench.store.next_due(DUE).unwrap().unwrap();
    let half_past = Timestamp(NOW + 570_000);
    assert!(due >= half_past && due <= half_past.plus(20 * MINUTE), "{due:?}");
    bench.clock.advance(30 * MINUTE);
    bench.until_fired(1).await;
    assert_eq!(bench.mail.0.lock().unwrap()[0].1.body, "due 2026-05-04T10:30:00Z");
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let bench = Bench::new();
    for expression in ["rate(0 minutes)", "cron(* * * * * *)", "at(tomorrow)", "every day", "rate(1 fortnight)"] {
        let refused = bench.create("s", expression, |_| {}).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("Invalid Schedule Expression {expression}."));
    }
    assert!(bench.create("s", "rate(1 day)", |wish| wish.zone = "Mars/Olympus".into()).await.is_err());
    bench.create("s", "rate(1 day)", |_| {}).await.unwrap();
    assert_eq!(bench.create("s", "rate(1 day)", |_| {}).await.unwrap_err().to_string(), "Schedule s already exists.");
}

#[tokio::test]
async fn a_firing_that_its_window_makes_late_is_not_too_old() {
    let bench = Bench::new();
    let flexible = |wish: &mut Wish| {
        wish.window_min = Some(1440);
        wish.target.given = json!({"RetryPolicy": {"MaximumEventAgeInSeconds": 60}});
    };
    for number in 0..8 {
        bench.create(&format!("s{number}"), "at(2026-05-04T10:30:00)", flexible).await.unwrap();
    }
    let is_over = |number: usize| bench.schedules.get(&key(&format!("s{number}"))).unwrap().due.is_none();
    for over in 1..=8 {
        let due = bench.store.next_due(DUE).unwrap().unwrap();
        bench.clock.advance(due.since(bench.clock.now()));
        // Not only delivered but committed: while it is claimed it is due again at the end of its lease, and a clock that goes there, and
        // on to the next firing, makes it too old.
        until(|| (0..8).filter(|number| is_over(*number)).count() == over).await;
    }
    assert_eq!(bench.fired(), 8);
}

#[tokio::test]
async fn a_schedule_whose_end_is_put_off_goes_on() {
    let bench = Bench::new();
    let end = |at: i64| move |wish: &mut Wish| wish.end = Some(Timestamp(at));
    bench.create("s", "rate(1 minutes)", end(NOW + 30_000)).await.unwrap();
    bench.until_fired(1).await;
    bench.clock.advance(Duration::from_secs(120));
    bench.until_fired(1).await;
    let mut later = wish("rate(1 minutes)", "q");
    end(NOW + 3_600_000)(&mut later);
    bench.schedules.update(&key("s"), later).await.unwrap();
    bench.clock.advance(Duration::from_secs(60));
    until(|| bench.fired() >= 2).await;
}

#[tokio::test]
async fn another_accounts_target_gets_nothing() {
    let bench = Bench::new();
    let theirs = |wish: &mut Wish| {
        wish.target.arn = "arn:aws:sqs:eu-west-1:999999999999:theirs".parse().unwrap();
        wish.target.given = json!({"DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:123456789012:dead"}});
    };
    bench.create("s", "at(2026-05-04T10:30:00)", theirs).await.unwrap();
    bench.clock.advance(Duration::from_secs(3600));
    bench.until_fired(1).await;
    let mail = bench.mail.0.lock().unwrap();
    let code = AttributeValue::Text("AccessDenied".into());
    assert_eq!((mail[0].0.as_str(), &mail[0].1.attributes["ERROR_CODE"].value), ("dead", &code));
}

#[tokio::test]
async fn what_happened_once_does_not_happen_again_when_it_is_switched_on_again() {
    let bench = Bench::new();
    bench.create("once", "at(2026-05-04T10:21:00)", |_| {}).await.unwrap();
    bench.clock.advance(MINUTE);
    bench.until_fired(1).await;
    let off = Wish { enabled: false, ..wish("at(2026-05-04T10:21:00)", "q") };
    bench.schedules.update(&key("once"), off).await.unwrap();
    bench.schedules.update(&key("once"), wish("at(2026-05-04T10:21:00)", "q")).await.unwrap();
    assert_eq!(bench.schedules.get(&key("once")).unwrap().due, None);
}
