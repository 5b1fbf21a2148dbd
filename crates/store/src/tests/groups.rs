//! Transactions that share a sync, when the power fails in their midst.

use super::{Dice, Disk, T, store_on};
use crate::{Error, Read, Store};
use fogbank_model::{TestClock, Timestamp};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use tokio::task::JoinSet;

#[tokio::test]
async fn what_failed_because_of_a_change_that_is_not_kept_is_told_of_the_disk() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::new());
    let store = store_on(&disk, &Arc::new(TestClock::new(Timestamp(1), 1)), dir.path());
    disk.set_failing_to_sync();
    let ((begun, has_begun), (go, may_go)) = (mpsc::channel(), mpsc::channel());
    let first = store.transact(move |_| {
        begun.send(()).unwrap();
        may_go.recv().unwrap();
        Ok::<_, Error>(())
    });
    let put = store.transact(|tx| tx.save(T, b"a", &1));
    let only_once = store.transact(|tx| match tx.load::<u64>(T, b"a")? {
        Some(_) => Err(Error::LeaseLost),
        None => Ok(()),
    });
    let goes_on = async {
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        let both = async { tokio::join!(put, only_once) };
        let go = async { go.send(()).unwrap() };
        tokio::join!(both, go).0
    };
    let (first, (put, only_once)) = tokio::join!(first, goes_on);
    first.unwrap();
    assert!(matches!(put, Err(Error::Disk(_))), "{put:?}");
    assert!(matches!(only_once, Err(Error::Disk(_))), "{only_once:?}");
}

/// Takes the next number, and notes under it who has it; every now and then it thinks better of it, or only looks.
async fn take_number(store: &Store, dice: &Dice) -> Result<Option<u64>, Error> {
    let (intent, size) = (dice.roll(8), dice.roll(700) as usize);
    let taken = store.transact(move |tx| {
        let number = tx.load::<u64>(T, b"count")?.unwrap_or(0) + 1;
        if intent == 0 {
            return Ok(None);
        }
        tx.save(T, b"count", &number)?;
        tx.put(T, &[&b"taken"[..], &number.to_be_bytes()].concat(), vec![0; size]);
        if intent == 1 { Err(Error::LeaseLost) } else { Ok(Some(number)) }
    });
    match taken.await {
        Err(Error::LeaseLost) => Ok(None),
        taken => taken,
    }
}

/// How many numbers were taken, after a look at whether there are no gaps between them.
fn taken(store: &Store, seed: u64) -> u64 {
    let look = |snapshot: &crate::Snapshot| {
        let count = snapshot.load::<u64>(T, b"count")?.unwrap_or(0);
        Ok::<_, Error>((count, snapshot.scan_prefix(T, b"taken", usize::MAX)?))
    };
    let (count, entries) = store.read(look).unwrap();
    let numbers = entries.iter().map(|(key, _)| u64::from_be_bytes(*key.last_chunk().unwrap()));
    assert!(numbers.eq(1..=count), "seed {seed}: {count} numbers were taken, and {} are there", entries.len());
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_were_told_and_what_a_reader_saw_survives_a_power_cut_in_their_midst() {
    let mut together = 0;
    for seed in 0..12 {
        let (dir, mut disk, dice) = (tempfile::tempdir().unwrap(), Disk::new(), Dice::new(seed));
        let clock = Arc::new(TestClock::new(Timestamp(1), seed));
        for cut in 0..4 {
            let store = store_on(&disk, &clock, dir.path());
            let before = taken(&store, seed);
            let (told, is_over) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
            let mut tasks = JoinSet::new();
            for task in 0..12 {
                let (store, told, is_over) = (store.clone(), told.clone(), is_over.clone());
                tasks.spawn(async move {
                    let dice = Dice::new(seed * 100 + cut * 12 + task);
                    while !is_over.load(Ordering::Relaxed) {
                        if let Some(number) = take_number(&store, &dice).await.unwrap() {
                            assert!(told.lock().unwrap().insert(number), "seed {seed}: {number} was given twice");
                        }
                    }
                });
            }
            let enough = 20 + dice.roll(80) as usize;
            while told.lock().unwrap().len() < enough {
                tokio::task::yield_now().await;
            }
            let seen = taken(&store, seed);
            let last = told.lock().unwrap().last().copied().unwrap();
            let (syncs, found) = (disk.syncs(), disk.after_power_cut(&dice));
            together += u64::from(last - before > syncs);
            is_over.store(true, Ordering::Relaxed);
            while tasks.join_next().await.transpose().unwrap().is_some() {}
            let after = taken(&store_on(&found, &clock, dir.path()), seed);
            assert!(after >= last, "seed {seed}: {last} was told of, and {after} are there");
            assert!(after >= seen, "seed {seed}: {seen} were seen, and {after} are there");
            disk = found;
        }
    }
    assert!(together > 0, "no sync was shared, so this shows nothing");
}
