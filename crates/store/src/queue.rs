//! Work queues over the map. A message has a time before which nobody sees it; claiming moves that time to the end of the lease,
//! so an unfinished message comes back by itself, and a timer is just a message that is not visible yet.
//!
//! Keys: `queue.due` = queue, 0, time (8 bytes), number (8 bytes) -> nothing; `queue.message` = queue, 0, number -> [`Record`].

use crate::{Error, Read, Store, Table, Tx};
use fogbank_model::Timestamp;
use std::ops::Bound;
use std::time::Duration;

const DUE: Table = Table("queue.due");
const MESSAGE: Table = Table("queue.message");
const NUMBERS: Table = Table("queue.number");

/// Proof of a claim. It is void once the lease has ended and somebody else claimed the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    queue: String,
    number: u64,
    attempt: u32,
}

/// A message in the hands of whoever claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// For [`Tx::ack`], [`Tx::extend`] and [`Tx::release`].
    pub receipt: Receipt,
    /// What was enqueued.
    pub message: Vec<u8>,
    /// 1 for the first claim.
    pub attempt: u32,
}

/// A stored message: when it is due, how often it was claimed, what it says.
struct Record {
    due: Timestamp,
    attempts: u32,
    message: Vec<u8>,
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        [&self.due.0.to_be_bytes()[..], &self.attempts.to_be_bytes(), &self.message].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || Error::Damaged { table: MESSAGE.0, why: "too short".into() };
        let (due, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (attempts, message) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (due, attempts) = (Timestamp(i64::from_be_bytes(*due)), u32::from_be_bytes(*attempts));
        Ok(Self { due, attempts, message: message.to_vec() })
    }
}

fn message_key(queue: &str, number: u64) -> Vec<u8> {
    [queue.as_bytes(), &[0], &number.to_be_bytes()].concat()
}

/// Times before 1970 sort as 1970: they are due either way.
fn due_key(queue: &str, due: Timestamp, number: u64) -> Vec<u8> {
    [queue.as_bytes(), &[0], &due.0.max(0).to_be_bytes(), &number.to_be_bytes()].concat()
}

fn number_of(due_key: &[u8]) -> Option<u64> {
    due_key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

impl Tx<'_> {
    /// Puts `message` into `queue` (a name without zero bytes), to be seen from `not_before` on.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn enqueue(&mut self, queue: &str, not_before: Timestamp, message: &[u8]) -> Result<(), Error> {
        let last = self.get(NUMBERS, &[])?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        let number = last + 1;
        self.put(NUMBERS, &[], number.to_be_bytes());
        let record = Record { due: not_before, attempts: 0, message: message.to_vec() };
        self.put(MESSAGE, &message_key(queue, number), record.encode());
        self.put(DUE, &due_key(queue, not_before, number), []);
        self.woken.push(queue.to_owned());
        Ok(())
    }

    /// Takes at most `limit` messages that are due, the longest-due first, and hides them for `lease`.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn claim(&mut self, queue: &str, limit: usize, lease: Duration) -> Result<Vec<Claimed>, Error> {
        let (from, to) = (due_key(queue, Timestamp(0), 0), due_key(queue, self.now(), u64::MAX));
        let due = self.scan(DUE, Bound::Included(&from), Bound::Included(&to), limit)?;
        let mut claimed = Vec::with_capacity(due.len());
        for number in due.iter().filter_map(|(key, _)| number_of(key)) {
            let Some(mut record) = self.record(queue, number)? else { continue };
            record.attempts += 1;
            self.reschedule(queue, number, &mut record, self.now().plus(lease));
            let receipt = Receipt { queue: queue.to_owned(), number, attempt: record.attempts };
            claimed.push(Claimed { receipt, message: record.message, attempt: record.attempts });
        }
        Ok(claimed)
    }

    /// Removes a claimed message for good.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if it is in other hands, [`Error::Disk`].
    pub fn ack(&mut self, receipt: &Receipt) -> Result<(), Error> {
        let record = self.held(receipt)?;
        self.delete(DUE, &due_key(&receipt.queue, record.due, receipt.number));
        self.delete(MESSAGE, &message_key(&receipt.queue, receipt.number));
        Ok(())
    }

    /// Keeps a claimed message hidden for `lease` from now on.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if it is in other hands, [`Error::Disk`].
    pub fn extend(&mut self, receipt: &Receipt, lease: Duration) -> Result<(), Error> {
        self.release(receipt, self.now().plus(lease))
    }

    /// Gives a claimed message back, to be seen from `not_before` on.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if it is in other hands, [`Error::Disk`].
    pub fn release(&mut self, receipt: &Receipt, not_before: Timestamp) -> Result<(), Error> {
        let mut record = self.held(receipt)?;
        self.reschedule(&receipt.queue, receipt.number, &mut record, not_before);
        self.woken.push(receipt.queue.clone());
        Ok(())
    }

    /// Makes due what is claimed and whose lease of at most `lease` has not ended, for a process that finds the claims of one that is gone.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn release_claimed(&mut self, queue: &str, lease: Duration) -> Result<(), Error> {
        let (from, to) = (due_key(queue, self.now(), 0), due_key(queue, self.now().plus(lease), u64::MAX));
        let hidden = self.scan(DUE, Bound::Included(&from), Bound::Included(&to), usize::MAX)?;
        for number in hidden.iter().filter_map(|(key, _)| number_of(key)) {
            let Some(mut record) = self.record(queue, number)?.filter(|record| record.attempts > 0) else { continue };
            self.reschedule(queue, number, &mut record, self.now());
        }
        self.woken.push(queue.to_owned());
        Ok(())
    }

    fn record(&self, queue: &str, number: u64) -> Result<Option<Record>, Error> {
        self.get(MESSAGE, &message_key(queue, number))?.map(|bytes| Record::decode(&bytes)).transpose()
    }

    fn held(&self, receipt: &Receipt) -> Result<Record, Error> {
        let record = self.record(&receipt.queue, receipt.number)?;
        record.filter(|record| record.attempts == receipt.attempt).ok_or(Error::LeaseLost)
    }

    fn reschedule(&mut self, queue: &str, number: u64, record: &mut Record, due: Timestamp) {
        self.delete(DUE, &due_key(queue, record.due, number));
        record.due = due;
        self.put(DUE, &due_key(queue, due, number), []);
        self.put(MESSAGE, &message_key(queue, number), record.encode());
    }
}

impl Store {
    /// When the earliest message of `queue` is due; `None` if the queue is empty. May be in the past.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn next_due(&self, queue: &str) -> Result<Option<Timestamp>, Error> {
        let prefix = [queue.as_bytes(), &[0]].concat();
        let first = self.read(|snapshot| snapshot.scan_prefix(DUE, &prefix, 1))?;
        let time = first.first().and_then(|(key, _)| key[prefix.len()..].first_chunk::<8>().copied());
        Ok(time.map(|bytes| Timestamp(i64::from_be_bytes(bytes))))
    }
}
