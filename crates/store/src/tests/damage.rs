//! What is left of a log after a disk that was full, that lost bits, or that holds what looks like a record.

use super::{Disk, T, store_on};
use crate::log::{Log, Record, Round};
use crate::tx::Changes;
use crate::{Error, Read, Store};
use fogbank_model::{TestClock, Timestamp};
use redb::StorageBackend;
use std::sync::Arc;

const ROUND: Round = Round { settled: 0, salt: 0x5eed };

/// A record with one change, `size` bytes long or a little more.
fn record(key: &[u8], size: usize) -> Record {
    let mut record = Record::default();
    record.add(&Changes::from([(key.to_vec(), Some(vec![1; size]))]));
    record
}

/// How many records a new process finds.
fn found(disk: &Disk, round: Round) -> Result<usize, Error> {
    Log::open(Box::new(disk.log.clone()), round).map(|(_, found)| found.len())
}

fn log_of(disk: &Disk, round: Round, records: usize) -> Log {
    let (mut log, _) = Log::open(Box::new(disk.log.clone()), round).unwrap();
    (0..records).for_each(|_| log.append(record(b"key", 100)).unwrap());
    log
}

fn flip(disk: &Disk, at: u64) {
    let mut byte = [0];
    disk.log.read(at, &mut byte).unwrap();
    disk.log.write(at, &[byte[0] ^ 1]).unwrap();
}

#[test]
fn a_damaged_record_that_others_follow_is_not_taken_for_the_end() {
    let disk = Disk::new();
    log_of(&disk, ROUND, 10);
    assert_eq!(found(&disk, ROUND).unwrap(), 10);
    flip(&disk, 60);
    let refused = found(&disk, ROUND).unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
}

#[test]
fn a_torn_last_record_is_the_end() {
    let disk = Disk::new();
    log_of(&disk, ROUND, 1);
    let whole = 16 + 8 + 3 + 100;
    flip(&disk, whole - 1);
    assert_eq!(found(&disk, ROUND).unwrap(), 0);
}

#[test]
fn what_looks_like_a_record_is_none_without_the_rounds_salt() {
    let (disk, forger) = (Disk::new(), Disk::new());
    log_of(&disk, ROUND, 1);
    log_of(&forger, Round { settled: 1, salt: 0 }, 1);
    let length = 16 + 8 + 3 + 100;
    let mut forged = vec![0; length];
    forger.log.read(0, &mut forged).unwrap();
    disk.log.write(length as u64, &forged).unwrap();
    assert_eq!(found(&disk, ROUND).unwrap(), 1);
    assert_eq!(found(&disk, Round { settled: 1, ..ROUND }).unwrap(), 0, "nor is what an earlier round left");
}

#[test]
fn a_log_holds_so_many_changes_at_most() {
    let log = log_of(&Disk::new(), ROUND, 0);
    let (mut few, mut many) = (Record::default(), Record::default());
    let change = |number: usize| (number.to_be_bytes().to_vec(), None);
    few.add(&(0..500).map(change).collect());
    many.add(&(0..600).map(change).collect());
    assert!(log.has_room(&few) && !log.has_room(&many));
}

fn put(store: &Store, key: &'static [u8], size: usize) -> impl Future<Output = Result<(), Error>> {
    store.transact(move |tx| {
        tx.put(T, key, vec![7; size]);
        Ok(())
    })
}

#[tokio::test]
async fn a_store_opens_and_reads_with_a_log_and_without_room() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::new());
    let clock = Arc::new(TestClock::new(Timestamp(1), 1));
    let store = store_on(&disk, &clock, dir.path());
    put(&store, b"a", 100).await.unwrap();
    let found = disk.after_power_cut(&super::Dice::new(1));
    found.set_room_for_nothing_new();
    let store = store_on(&found, &clock, dir.path());
    let read = |store: &Store| store.read(|snapshot| snapshot.get(T, b"a")).unwrap().map(|value| value.len());
    assert_eq!(read(&store), Some(100));
    put(&store, b"b", 8 << 20).await.unwrap_err();
    put(&store, b"c", 100).await.unwrap();
    assert_eq!(read(&store), Some(100), "what did not fit leaves the store open for what does");
}
