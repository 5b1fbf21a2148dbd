//! The log before the map: each commit is one record, written behind the last one and synced. The file keeps its length, and its blocks
//! are written before they are needed, so that a sync has no metadata to carry: measured, that is 130 µs in the place of 190.
//!
//! A record is a checksum, the length of its body, its number, and the body. Numbers go on by one and never begin anew, and checksums begin with a salt
//! that is drawn for each round, so neither what an earlier round left behind the last record nor a value that looks like one is taken for the next. The log
//! ends where the next record is not whole: that one was never acknowledged.

use crate::Error;
use crate::tx::Changes;
use redb::StorageBackend;

/// How much the log holds, in bytes. What does not fit goes into the map directly, so this bounds how much is repeated after a crash. Tests get round it
/// often.
const CAPACITY: u64 = if cfg!(test) { 16 << 10 } else { 8 << 20 };

/// How many changes it holds. Each may be on a page of its own, so this bounds how long a settlement takes.
const CHANGES: usize = if cfg!(test) { 1 << 9 } else { 1 << 15 };

/// By how much the file grows, in bytes, until it has all of its capacity.
const PIECE: u64 = CAPACITY / 32;

const HEAD: usize = 16;

/// In the place of a value's length: the key was removed.
const REMOVED: u32 = u32::MAX;

/// One time through the log, from one settlement to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// The number of the last record before it.
    pub settled: u64,
    /// What its checksums begin with.
    pub salt: u32,
}

/// The changes of one commit, as they are logged.
#[derive(Default)]
pub(crate) struct Record {
    /// Room for the head, then the changes one after another.
    bytes: Vec<u8>,
    changes: usize,
    is_too_long: bool,
}

impl Record {
    /// Appends what one transaction changes.
    pub(crate) fn add(&mut self, changes: &Changes) {
        for (key, value) in changes {
            let length = HEAD + 8 + key.len() + value.as_ref().map_or(0, Vec::len);
            if self.is_too_long || (self.bytes.len() + length) as u64 > CAPACITY {
                // It will not be logged, so there is no use in holding all of it twice.
                *self = Self { is_too_long: true, ..Self::default() };
                return;
            }
            self.bytes.resize(self.bytes.len().max(HEAD), 0);
            self.bytes.extend((key.len() as u32).to_le_bytes());
            self.bytes.extend(value.as_ref().map_or(REMOVED, |value| value.len() as u32).to_le_bytes());
            self.bytes.extend(key);
            self.bytes.extend(value.as_deref().unwrap_or_default());
            self.changes += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.is_too_long
    }
}

/// The log of one open store.
pub(crate) struct Log {
    file: Box<dyn StorageBackend>,
    /// The file's length. It is not asked for before each record: whoever asks for a file's length asks for its times too, and a kernel that was asked
    /// (since 6.13) gives the next write a time of its own, which is one more write to the disk for each sync.
    length: u64,
    /// Where the next record goes.
    end: u64,
    /// The number of the last record, in this round or before it.
    last: u64,
    /// How many changes this round has.
    changes: usize,
    salt: u32,
}

impl Log {
    /// The log in `file`, and what the records of its `round` changed.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Damaged`] if a record that was acknowledged cannot be read.
    pub(crate) fn open(file: Box<dyn StorageBackend>, round: Round) -> Result<(Self, Vec<Changes>), Error> {
        let length = file.len().map_err(Error::disk)?;
        let mut log = Self { file, length, end: 0, last: round.settled, changes: 0, salt: round.salt };
        let (mut found, mut begin) = (Vec::new(), 0);
        while let Some(body) = log.record_at(log.end, log.last + 1)? {
            let changes = decode(&body).ok_or_else(|| damaged("a record is whole, and is not made of changes"))?;
            log.changes += changes.len();
            found.push(changes);
            (begin, log.end, log.last) = (log.end, log.end + (HEAD + body.len()) as u64, log.last + 1);
        }
        log.check_end()?;
        log.write_again(begin)?;
        Ok((log, found))
    }

    /// Whether the log really ends where it cannot be read on: if there is another record behind that place, this one was acknowledged.
    fn check_end(&self) -> Result<(), Error> {
        let Some((_, length, number)) = self.head_at(self.end)? else { return Ok(()) };
        let beyond = self.end + HEAD as u64 + u64::from(length);
        match number == self.last + 1 && self.record_at(beyond, number + 1)?.is_some() {
            true => Err(damaged("a record cannot be read, and the one behind it can")),
            false => Ok(()),
        }
    }

    /// Writes what is from `begin` to the end once more. If its sync failed, it may be in the kernel's memory alone, which takes it for written.
    fn write_again(&self, begin: u64) -> Result<(), Error> {
        if begin == self.end {
            return Ok(());
        }
        let mut last = vec![0; (self.end - begin) as usize];
        self.file.read(begin, &mut last).map_err(Error::disk)?;
        self.file.write(begin, &last).map_err(Error::disk)?;
        self.file.sync_data().map_err(Error::disk)
    }

    /// The number of the last record.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Whether nothing was logged since the last settlement.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == 0
    }

    pub(crate) fn has_room(&self, record: &Record) -> bool {
        let is_short = !record.is_too_long && self.end + record.bytes.len() as u64 <= CAPACITY;
        is_short && self.changes + record.changes <= CHANGES
    }

    /// Writes `record` and waits until it is on disk.
    ///
    /// # Errors
    /// [`Error::Disk`]; whether the record is on disk is then not known until the log is opened again.
    pub(crate) fn append(&mut self, mut record: Record) -> Result<(), Error> {
        let number = self.last + 1;
        let length = (record.bytes.len() - HEAD) as u32;
        record.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        record.bytes[8..HEAD].copy_from_slice(&number.to_le_bytes());
        let sum = self.sum(&[&record.bytes[4..]]);
        record.bytes[..4].copy_from_slice(&sum.to_le_bytes());
        let end = self.end + record.bytes.len() as u64;
        self.grow_to(end).map_err(Error::disk)?;
        self.file.write(self.end, &record.bytes).map_err(Error::disk)?;
        self.file.sync_data().map_err(Error::disk)?;
        (self.end, self.last) = (end, number);
        self.changes += record.changes;
        Ok(())
    }

    /// Begins a new round: all that was logged is in the map, durably.
    pub(crate) fn restart(&mut self, salt: u32) {
        (self.end, self.changes, self.salt) = (0, 0, salt);
    }

    fn grow_to(&mut self, end: u64) -> std::io::Result<()> {
        if end <= self.length {
            return Ok(());
        }
        let grown = end.next_multiple_of(PIECE);
        self.file.set_len(grown)?;
        let written = self.file.write(self.length, &vec![0; (grown - self.length) as usize]);
        // A piece that is there in name only would be filled by slow syncs for ever.
        written.or_else(|error| self.file.set_len(self.length).and(Err(error)))?;
        self.length = grown;
        Ok(())
    }

    fn sum(&self, parts: &[&[u8]]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.salt);
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finalize()
    }

    /// Checksum, length of the body, and number of what may be a record at `at`.
    fn head_at(&self, at: u64) -> Result<Option<(u32, u32, u64)>, Error> {
        if at + HEAD as u64 > self.length {
            return Ok(None);
        }
        let mut head = [0; HEAD];
        self.file.read(at, &mut head).map_err(Error::disk)?;
        let mut rest = &head[..];
        Ok(number(&mut rest).zip(number(&mut rest)).and_then(|(sum, length)| {
            let (number, _) = rest.split_first_chunk()?;
            Some((sum, length, u64::from_le_bytes(*number)))
        }))
    }

    /// The body of the record at `at`, if a whole one with this number is there.
    fn record_at(&self, at: u64, wanted: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some((sum, length, number)) = self.head_at(at)? else { return Ok(None) };
        let begin = at + HEAD as u64;
        if number != wanted || begin + u64::from(length) > self.length {
            return Ok(None);
        }
        let mut body = vec![0; length as usize];
        self.file.read(begin, &mut body).map_err(Error::disk)?;
        let is_whole = self.sum(&[&length.to_le_bytes(), &number.to_le_bytes(), &body]) == sum;
        Ok(is_whole.then_some(body))
    }
}

fn decode(mut body: &[u8]) -> Option<Changes> {
    let mut changes = Changes::new();
    while !body.is_empty() {
        let key_length = number(&mut body)? as usize;
        let value_length = number(&mut body)?;
        let (key, rest) = body.split_at_checked(key_length)?;
        let (value, rest) = match value_length {
            REMOVED => (None, rest),
            length => rest.split_at_checked(length as usize).map(|(value, rest)| (Some(value.to_vec()), rest))?,
        };
        changes.insert(key.to_vec(), value);
        body = rest;
    }
    Some(changes)
}

fn number(body: &mut &[u8]) -> Option<u32> {
    let (number, rest) = body.split_first_chunk()?;
    *body = rest;
    Some(u32::from_le_bytes(*number))
}

fn damaged(why: &str) -> Error {
    Error::Damaged { table: "the store's log", why: why.into() }
}
