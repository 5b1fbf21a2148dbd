//! The store against a simple model: random histories, a disk that fails, a power cut that forgets what was not synced.

mod damage;
mod disk;
mod groups;
mod queues;

pub(crate) use disk::Disk;

use crate::commit::Committer;
use crate::engine::Source;
use crate::{Blobs, Error, Read, Store, Table, Tx};
use fogbank_model::{Clock, SystemClock, TestClock, Timestamp};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const T: Table = Table("test.thing");
const OTHER: Table = Table("test.thing2");

fn store_on(disk: &Disk, clock: &Arc<TestClock>, root: &std::path::Path) -> Store {
    let committer = Committer::start(Source::Disk(disk.clone()), clock.clone()).unwrap();
    Store::assemble(committer, Blobs::open(root.join("blobs")).unwrap(), clock.clone(), root, None)
}

/// A numbers generator for histories; the seed is in every assertion's message.
struct Dice(TestClock);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(TestClock::new(Timestamp(0), seed))
    }

    fn roll(&self, sides: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        u64::from_le_bytes(bytes) % sides
    }

    fn key(&self) -> Vec<u8> {
        (0..=self.roll(2)).map(|_| [0u8, 1, 0x7f, 0xff][self.roll(4) as usize]).collect()
    }
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn bounds(dice: &Dice) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let bound = || match dice.roll(3) {
        0 => Bound::Included(dice.key()),
        1 => Bound::Excluded(dice.key()),
        _ => Bound::Unbounded,
    };
    (bound(), bound())
}

fn model_scan(model: &Model, from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let after = |key: &Vec<u8>| match from {
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
        Bound::Unbounded => true,
    };
    let before = |key: &Vec<u8>| match to {
        Bound::Included(to) => key <= to,
        Bound::Excluded(to) => key < to,
        Bound::Unbounded => true,
    };
    let inside = model.iter().filter(|(key, _)| after(key) && before(key));
    inside.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn check_scan(read: &dyn DynRead, model: &Model, dice: &Dice, seed: u64) {
    let ((from, to), limit) = (bounds(dice), 1 + dice.roll(6) as usize);
    let found = read.scan_of(from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice), limit);
    assert_eq!(found, model_scan(model, &from, &to, limit), "seed {seed}, {from:?}..{to:?}");
}

/// Both readers behind one object, so that one check serves both.
trait DynRead {
    fn scan_of(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)>;
}

impl<R: Read> DynRead for R {
    fn scan_of(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.scan(T, from, to, limit).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_match_an_ordered_map_across_power_cuts_and_full_disks() {
    for seed in 0..40 {
        let (dir, mut disk) = (tempfile::tempdir().unwrap(), Disk::new());
        let clock = Arc::new(TestClock::new(Timestamp(1), seed));
        let mut store = store_on(&disk, &clock, dir.path());
        let model = Arc::new(Mutex::new(Model::new()));
        let dice = Dice::new(seed);
        for step in 0..60 {
            match dice.roll(12) {
                0 => {
                    disk = disk.after_power_cut(&dice);
                    store = store_on(&disk, &clock, dir.path());
                }
                1 => {
                    disk.set_full(true);
                    let (key, value) = (dice.key(), vec![9; 5000]);
                    let refused = store.transact(move |tx| tx.save(T, &key, &value)).await;
                    assert!(matches!(refused, Err(Error::Disk(_))), "seed {seed}: {refused:?}");
                    disk.set_full(false);
                    // The first commit after the disk has room opens the store again.
                    while store.transact(|_| Ok::<_, Error>(())).await.is_err() {}
                }
                _ => random_transactions(&store, &model, &dice, seed, step).await,
            }
            let check = |snapshot: &crate::Snapshot| {
                check_scan(snapshot, &model.lock().unwrap(), &dice, seed);
                Ok::<_, Error>(())
            };
            store.read(check).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_synced_before_a_power_cut_is_there_whole_or_not_at_all() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..60 {
        let (dir, disk, dice) = (tempfile::tempdir().unwrap(), Disk::new(), Dice::new(seed));
        let clock = Arc::new(TestClock::new(Timestamp(1), seed));
        let store = store_on(&disk, &clock, dir.path());
        let write = |value: u8, length: usize| {
            store.transact(move |tx| {
                (0..4).for_each(|key| tx.put(T, &[key], vec![value; length]));
                Ok::<_, Error>(())
            })
        };
        for value in 0..=dice.roll(20) as u8 {
            write(value, 700).await.unwrap();
        }
        write(100, 700).await.unwrap();
        disk.set_failing_to_sync();
        write(200, 1 + dice.roll(600) as usize).await.unwrap_err();
        let store = store_on(&disk.after_power_cut(&dice), &clock, dir.path());
        let found = store.read(|snapshot| snapshot.scan_prefix(T, b"", 10)).unwrap();
        let values: Vec<u8> = found.iter().map(|(_, value)| value[0]).collect();
        match values[..] {
            [100, 100, 100, 100] => lost += 1,
            [200, 200, 200, 200] => kept += 1,
            _ => panic!("seed {seed}: {values:?}"),
        }
    }
    assert!(kept > 0 && lost > 0, "{kept} kept, {lost} lost: the cuts are all alike");
}

#[tokio::test]
async fn what_is_larger_than_the_log_is_kept_too() {
    let (dir, disk, dice) = (tempfile::tempdir().unwrap(), Disk::new(), Dice::new(1));
    let clock = Arc::new(TestClock::new(Timestamp(1), 1));
    let store = store_on(&disk, &clock, dir.path());
    let put = |key: &'static [u8], length: usize| {
        store.transact(move |tx| {
            tx.put(T, key, vec![7; length]);
            Ok::<_, Error>(())
        })
    };
    put(b"before", 10).await.unwrap();
    put(b"large", 100_000).await.unwrap();
    put(b"after", 10).await.unwrap();
    let store = store_on(&disk.after_power_cut(&dice), &clock, dir.path());
    let found = store.read(|snapshot| snapshot.scan_prefix(T, b"", 10)).unwrap();
    let lengths: Vec<usize> = found.iter().map(|(_, value)| value.len()).collect();
    assert_eq!(lengths, [10, 10, 100_000]);
}

#[tokio::test]
async fn a_transaction_that_changes_nothing_needs_no_disk() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::new());
    let clock = Arc::new(TestClock::new(Timestamp(1), 1));
    let store = store_on(&disk, &clock, dir.path());
    disk.set_full(true);
    assert_eq!(store.transact(|tx| tx.load::<u64>(T, b"count")).await.unwrap(), None);
}

#[tokio::test]
async fn a_directory_from_before_the_log_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let old = redb::Database::create(dir.path().join("store.redb")).unwrap();
    let transaction = old.begin_write().unwrap();
    let key = T.key(b"key");
    transaction.open_table(crate::engine::DATA).unwrap().insert(&key[..], &b"value"[..]).unwrap();
    transaction.commit().unwrap();
    drop(old);
    std::fs::write(dir.path().join("format"), "1\n").unwrap();
    let store = Store::open(dir.path(), Arc::new(SystemClock)).unwrap();
    assert_eq!(store.read(|read| read.get(T, b"key")).unwrap().as_deref(), Some(&b"value"[..]));
    assert_eq!(std::fs::read_to_string(dir.path().join("format")).unwrap(), "2\n", "an old binary must not open it");
}

/// Asks for some transactions at once, which the store puts into groups as it likes.
async fn random_transactions(store: &Store, model: &Arc<Mutex<Model>>, dice: &Dice, seed: u64, step: u64) {
    let transaction = |number| random_transaction(store, model, dice.roll(4) == 0, (seed * 1000 + step) * 10 + number);
    tokio::join!(transaction(0), transaction(1), transaction(2), transaction(3));
}

async fn random_transaction(store: &Store, model: &Arc<Mutex<Model>>, fails: bool, seed: u64) {
    let model = model.clone();
    let change = move |tx: &mut Tx<'_>| {
        let (dice, mut model) = (Dice::new(seed), model.lock().unwrap());
        let mut now = model.clone();
        for _ in 0..dice.roll(8) {
            let key = dice.key();
            if dice.roll(3) == 0 {
                tx.delete(T, &key);
                now.remove(&key);
            } else {
                let value = vec![dice.roll(256) as u8; dice.roll(40) as usize];
                tx.put(T, &key, value.clone());
                tx.put(OTHER, &key, vec![b'n'; 400]);
                now.insert(key, value);
            }
            check_scan(tx, &now, &dice, seed);
        }
        if fails {
            return Err(Error::LeaseLost);
        }
        *model = now;
        Ok(())
    };
    let done = store.transact(change).await;
    assert!(matches!((fails, &done), (false, Ok(())) | (true, Err(Error::LeaseLost))), "seed {seed}: {done:?}");
}

#[tokio::test]
async fn a_change_that_panics_leaves_nothing_and_disturbs_nobody() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::new(Timestamp(1), 1)));
    let store = store_on(&Disk::new(), &clock, dir.path());
    let bad = store.transact::<(), Error, _>(|tx| {
        tx.put(T, b"a", b"1".to_vec());
        panic!("on purpose")
    });
    let good = store.transact(|tx| tx.save(T, b"b", &2));
    let (bad, good) = tokio::join!(bad, good);
    assert!(matches!(bad, Err(Error::Panicked(text)) if text == "on purpose"));
    good.unwrap();
    let all = store.read(|snapshot| snapshot.scan_prefix(T, b"", 10)).unwrap();
    assert_eq!(all, [(b"b".to_vec(), b"2".to_vec())]);
}

#[tokio::test]
async fn increments_from_many_tasks_are_never_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Arc::new(SystemClock)).unwrap();
    let add = |store: Store| async move {
        let added = store.transact(|tx| {
            let count: u64 = tx.load(T, b"count")?.unwrap_or(0);
            tx.save(T, b"count", &(count + 1))
        });
        added.await
    };
    let tasks: Vec<_> = (0..200).map(|_| tokio::spawn(add(store.clone()))).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.read(|snapshot| snapshot.load::<u64>(T, b"count")).unwrap(), Some(200));
}

#[test]
fn whoever_was_told_of_a_write_reads_it_whatever_others_read_meanwhile() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::new(Timestamp(1), 1)));
    let store = store_on(&Disk::new(), &clock, dir.path());
    let count = |store: &Store| store.read(|snapshot| snapshot.load::<u64>(T, b"count")).unwrap().unwrap_or(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                count(&store);
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let wrong = (1..2000).find(|number| {
            let number = *number;
            runtime.block_on(store.transact(move |tx| tx.save(T, b"count", &number))).unwrap();
            count(&store) != number
        });
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(wrong, None);
    });
}

#[tokio::test]
async fn a_secret_is_made_once_and_kept() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::new());
    let clock = Arc::new(TestClock::new(Timestamp(1), 1));
    let store = store_on(&disk, &clock, dir.path());
    let secret = store.secret(T, b"a").await.unwrap();
    assert_ne!(secret, store.secret(T, b"b").await.unwrap());
    let store = store_on(&disk.after_power_cut(&Dice::new(1)), &clock, dir.path());
    assert_eq!(store.secret(T, b"a").await.unwrap(), secret);
    store.transact(|tx| tx.save(T, b"a", "short")).await.unwrap();
    assert!(matches!(store.secret(T, b"a").await, Err(Error::Damaged { .. })));
}

#[test]
fn a_directory_serves_one_process_and_one_format() {
    let dir = tempfile::tempdir().unwrap();
    let clock = || Arc::new(SystemClock);
    let first = Store::open(dir.path(), clock()).unwrap();
    let refused = Store::open(dir.path(), clock()).err().unwrap();
    let mine = std::process::id().to_string();
    assert!(matches!(&refused, Error::InUse { pid, .. } if *pid == mine), "{refused}");
    drop(first);
    drop(Store::open(dir.path(), clock()).unwrap());
    std::fs::write(dir.path().join("format"), "99\n").unwrap();
    assert!(matches!(Store::open(dir.path(), clock()).err().unwrap(), Error::Format { found, .. } if found == "99"));
}

#[test]
fn a_blob_is_found_by_its_digest_until_nobody_wants_it() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
    let digest = blobs.put(b"content").unwrap();
    assert_eq!(blobs.put(b"content").unwrap(), digest);
    assert_eq!(blobs.get(&digest).unwrap().as_deref(), Some(&b"content"[..]));
    assert_eq!(blobs.get("../../etc/passwd").unwrap(), None);
    blobs.keep_only(|name| name != digest).unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), None);
}

#[tokio::test]
async fn a_store_whose_disk_has_room_again_is_readable_without_a_write() {
    let (home, disk, clock) = (tempfile::tempdir().unwrap(), Disk::new(), Arc::new(TestClock::new(Timestamp(0), 1)));
    let store = store_on(&disk, &clock, home.path());
    let put = |tx: &mut Tx<'_>| -> Result<(), Error> {
        tx.put(T, b"k", b"v".to_vec());
        Ok(())
    };
    store.transact(put).await.unwrap();
    disk.set_full(true);
    assert!(store.transact(put).await.is_err());
    assert!(store.read(|read| read.get(T, b"k")).is_err());
    disk.set_full(false);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while store.read(|read| read.get(T, b"k")).ok() != Some(Some(b"v".to_vec())) {
        assert!(std::time::Instant::now() < deadline, "it stays closed");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
