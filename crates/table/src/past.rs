//! Tables as they were: their items at a moment, for restores and exports, and what changed of them between two. Made of the items as they are,
//! and of what the history says was there before.
//!
//! History is in the order of time, and items are in that of their keys. What there is much of is first parted by its keys, in files, so that a part
//! of it can be held in memory while the items of the same keys are read.

#[cfg(test)]
mod tests;

use crate::history::HISTORY;
use crate::keys::ItemKey;
use crate::load::{self, Writer};
use crate::schema::{History, Table};
use crate::value::Item;
use crate::{Error, contents, keys};
use fogbank_model::Timestamp;
use fogbank_store::{Entry, Error as StoreError, Snapshot};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

/// Bytes of history that are held as they are.
const HELD: usize = if cfg!(test) { 4 << 10 } else { 32 << 20 };
/// The parts of a longer one; a divisor of the number of hashes.
const PARTS: u64 = 64;
/// Behind all times.
const NEVER: Timestamp = Timestamp(i64::MAX);

/// A table, and what is needed to know how it was.
pub(crate) struct Past<'a> {
    pub snapshot: &'a Snapshot,
    pub table: &'a Table,
    pub history: &'a History,
    /// A path at which files without names can be made, that nobody else uses.
    pub scratch: &'a Path,
}

/// An item that has changed: what it was before the first change, and after the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub old: Option<Item>,
    pub new: Option<Item>,
    /// The time of the last change.
    pub last: Timestamp,
}

/// What the history says of one item, within some time and after it.
#[derive(Default)]
struct Story {
    within: Option<Found>,
    last: Timestamp,
    after: Option<Found>,
}

/// What the first of some changes found: an item as it is stored, or nothing.
struct Found {
    number: u64,
    item: Vec<u8>,
}

impl Found {
    /// Keeps the earlier of two: that with the smaller number, because transactions are not made in the order of their times where these are close
    /// together, or the clock was set back.
    fn keep(place: &mut Option<Self>, other: Self) {
        if place.as_ref().is_none_or(|kept| other.number < kept.number) {
            *place = Some(other);
        }
    }

    fn decode(&self) -> Result<Option<Item>, Error> {
        (!self.item.is_empty()).then(|| contents::decode(&self.item)).transpose()
    }
}

type Stories = BTreeMap<ItemKey, Story>;

impl Past<'_> {
    /// Hands over each item as it was at `at`: its key, and its stored form. They come in no order.
    pub fn items<E: From<Error>>(
        &self,
        at: Timestamp,
        mut each: impl FnMut(&ItemKey, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.parts((Timestamp(at.0.saturating_add(1)), NEVER), |segment, stories| {
            for entry in load::items(self.snapshot, self.table, segment)? {
                let (key, item) = entry?;
                if !stories.contains_key(&key) {
                    each(&key, &item)?;
                }
            }
            let found = stories.iter().filter_map(|(key, story)| Some((key, story.within.as_ref()?)));
            found.filter(|(_, found)| !found.item.is_empty()).try_for_each(|(key, found)| each(key, &found.item))
        })
    }

    /// Hands over each item that changed at `first` or later and before `end`, unless it was not there before and is not there after that.
    pub fn changes<E: From<Error>>(
        &self,
        (first, end): (Timestamp, Timestamp),
        mut each: impl FnMut(Change) -> Result<(), E>,
    ) -> Result<(), E> {
        self.parts((first, end), |_, stories| {
            for (key, story) in stories {
                let Some(within) = &story.within else { continue };
                let new = match &story.after {
                    Some(after) => after.decode()?,
                    None => contents::item(self.snapshot, self.table, key)?,
                };
                let change = Change { old: within.decode()?, new, last: story.last };
                if change.old.is_some() || change.new.is_some() {
                    each(change)?;
                }
            }
            Ok(())
        })
    }

    /// Hands over what the history says from the first of two times on, of all keys or of one segment of them after another.
    fn parts<E: From<Error>>(
        &self,
        time: (Timestamp, Timestamp),
        mut each: impl FnMut((u64, u64), &Stories) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.is_short(time.0)? {
            let mut stories = Stories::new();
            self.records(time.0)?.try_for_each(|entry| tell(&mut stories, &entry?, time.1))?;
            return each((0, 1), &stories);
        }
        let mut files = Vec::new();
        for _ in 0..PARTS {
            files.push(Writer::nameless(self.scratch)?);
        }
        for entry in self.records(time.0)? {
            let (place, record) = entry?;
            let segment = key_and_item(&record)?.0.segment(PARTS);
            if let Some(file) = files.get_mut(segment as usize) {
                file.put(&place, &record)?;
            }
        }
        for (segment, file) in (0..).zip(files) {
            let (mut stories, mut file) = (Stories::new(), file.read()?);
            while let Some(entry) = load::entry(&mut file)? {
                tell(&mut stories, &entry, time.1)?;
            }
            each((segment, PARTS), &stories)?;
        }
        Ok(())
    }

    fn is_short(&self, first: Timestamp) -> Result<bool, Error> {
        let mut bytes = 0;
        for entry in self.records(first)? {
            bytes += entry?.1.len();
            if bytes > HELD {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The history of the table from `first` on.
    fn records(&self, first: Timestamp) -> Result<impl Iterator<Item = Result<Entry, Error>>, Error> {
        let (from, to) = (keys::timed(self.history.place, first.0, &[]), keys::place(self.history.place + 1));
        let all = self.snapshot.range(HISTORY, Bound::Included(&from), Bound::Excluded(&to))?;
        Ok(all.map(|entry| Ok(entry?)))
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged { table: HISTORY.0, why: "it is too short".into() }
}

/// The key of a record's item, and what was there.
fn key_and_item(record: &[u8]) -> Result<(ItemKey, &[u8]), Error> {
    let (length, rest) = record.split_first_chunk::<4>().ok_or_else(damaged)?;
    let (key, item) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(damaged)?;
    Ok((ItemKey(key.to_vec()), item))
}

/// Adds a record to what is known of its item.
fn tell(stories: &mut Stories, (place, record): &Entry, end: Timestamp) -> Result<(), Error> {
    let (key, item) = key_and_item(record)?;
    let (at, number) = keys::time_and_number(place).ok_or_else(damaged)?;
    let (story, found) = (stories.entry(key).or_default(), Found { number, item: item.to_vec() });
    if at < end {
        // Records come in the order of time.
        story.last = at;
        Found::keep(&mut story.within, found);
    } else {
        Found::keep(&mut story.after, found);
    }
    Ok(())
}
