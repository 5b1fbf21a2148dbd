//! Work queues: claims, leases, and whoever waits.

use super::{Disk, store_on};
use crate::{Claimed, Error, Store};
use fogbank_model::{SystemClock, TestClock, Timestamp};
use std::sync::Arc;
use std::time::Duration;

async fn claim(store: &Store, limit: usize) -> Vec<Claimed> {
    store.transact(move |tx| tx.claim("q", limit, Duration::from_secs(30))).await.unwrap()
}

#[tokio::test]
async fn a_claimed_message_is_hidden_comes_back_and_goes_with_its_ack() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::new(Timestamp(1_000), 1)));
    let store = store_on(&Disk::new(), &clock, dir.path());
    store
        .transact(|tx| tx.enqueue("q", Timestamp(0), b"now").and(tx.enqueue("q", Timestamp(5_000), b"later")))
        .await
        .unwrap();
    assert_eq!(store.next_due("q").unwrap(), Some(Timestamp(0)));

    let first = claim(&store, 10).await;
    assert_eq!(first.iter().map(|c| (&c.message[..], c.attempt)).collect::<Vec<_>>(), [(&b"now"[..], 1)]);
    assert!(claim(&store, 10).await.is_empty(), "hidden while it is leased, and the other is not due");

    clock.advance(Duration::from_secs(31));
    let second = claim(&store, 10).await;
    assert_eq!(
        second.iter().map(|c| (&c.message[..], c.attempt)).collect::<Vec<_>>(),
        [(&b"later"[..], 1), (b"now", 2)]
    );

    let stale = first[0].receipt.clone();
    assert!(matches!(store.transact(move |tx| tx.ack(&stale)).await, Err(Error::LeaseLost)));
    for message in second {
        store.transact(move |tx| tx.ack(&message.receipt)).await.unwrap();
    }
    assert_eq!(store.next_due("q").unwrap(), None);
}

#[tokio::test]
async fn a_released_message_is_seen_again_when_it_was_asked_to() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::new(Timestamp(1_000), 1)));
    let store = store_on(&Disk::new(), &clock, dir.path());
    store.transact(|tx| tx.enqueue("q", Timestamp(0), b"m")).await.unwrap();
    let receipt = claim(&store, 1).await.remove(0).receipt;
    store.transact(move |tx| tx.release(&receipt, Timestamp(3_000))).await.unwrap();
    assert!(claim(&store, 1).await.is_empty());
    clock.advance(Duration::from_secs(2));
    assert_eq!(claim(&store, 1).await[0].attempt, 2);
}

#[tokio::test]
async fn whoever_waits_for_a_queue_is_woken_by_the_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Arc::new(SystemClock)).unwrap();
    let arrivals = store.arrivals("q");
    let mut woken = std::pin::pin!(arrivals.notified());
    woken.as_mut().enable();
    store.transact(|tx| tx.enqueue("q", Timestamp(0), b"m")).await.unwrap();
    woken.await;
}
