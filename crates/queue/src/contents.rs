//! What is in one queue: the indices and counters behind each message's way from arrival to removal. Every step costs the same
//! whether a thousand or a million messages wait.
//!
//! A standard queue's visible messages are in `sqs.ready` by the time since when they have been visible, so one that fails again and
//! again goes to the end and holds up nobody. In a FIFO queue groups are there instead: a group is ready when none of its messages
//! is in flight and its first one is visible.

use crate::keys::{self, Counters, Group, Phase, State};
use crate::model::{Counts, Message, Queue};
use fogbank_model::Timestamp;
use fogbank_store::{Error, Read, Table, Tx};
use std::ops::Bound;

/// The contents of a queue, within a transaction. [`Contents::close`] keeps what was counted.
pub(crate) struct Contents {
    place: u64,
    id: u64,
    fifo: bool,
    counters: Counters,
}

impl Contents {
    pub fn open(tx: &Tx<'_>, queue: &Queue) -> Result<Self, Error> {
        let counters = counters(tx, queue)?;
        Ok(Self { place: queue.place, id: queue.id, fifo: queue.attributes.fifo, counters })
    }

    /// Keeps the counters.
    pub fn close(self, tx: &mut Tx<'_>) {
        tx.put(keys::COUNTER, &keys::place(self.place), self.counters.encode());
    }

    pub fn counts(&self) -> Counts {
        let Counters { visible, in_flight, delayed, .. } = self.counters;
        Counts { visible, in_flight, delayed }
    }

    /// Adds a message. `state.at` in the future makes it wait until then.
    pub fn add(&mut self, tx: &mut Tx<'_>, message: &Message, mut state: State) -> Result<u64, Error> {
        self.counters.last += 1;
        let number = self.counters.last;
        state.phase = if state.at > tx.now() { Phase::Delayed } else { Phase::Visible };
        state.group = message.group.clone().filter(|_| self.fifo).unwrap_or_default();
        tx.put(keys::MESSAGE, &keys::message(self.place, number), message.encode()?);
        if self.fifo {
            tx.put(keys::ORDER, &keys::order(self.place, &state.group, number), []);
        }
        self.enter(tx, number, &state);
        self.settle_group(tx, &state.group)?;
        tx.wake(&keys::waker(self.id));
        Ok(number)
    }

    /// Makes visible what is due, at most `limit` messages. Returns how many there were.
    pub fn promote(&mut self, tx: &mut Tx<'_>, limit: usize) -> Result<usize, Error> {
        let due = due(tx, self.place, tx.now(), limit)?;
        for (at, number) in &due {
            match self.state(tx, *number)? {
                Some(state) => self.show(tx, *number, &state, state.at)?,
                None => {
                    // It must not be due for ever.
                    tracing::error!(number, "a timer has no message");
                    tx.delete(keys::TIMER, &keys::timed(self.place, *at, *number));
                }
            }
        }
        Ok(due.len())
    }

    /// The next messages to be received, at most `limit`, in order. They stay where they are.
    pub fn next(&self, tx: &Tx<'_>, limit: usize) -> Result<Vec<(u64, State)>, Error> {
        let ready = tx.scan_prefix(keys::READY, &keys::place(self.place), limit)?;
        let mut found = Vec::with_capacity(limit);
        for (key, group) in ready {
            if !self.fifo {
                let number = keys::number(&key).unwrap_or_default();
                found.extend(self.state(tx, number)?.map(|state| (number, state)));
                continue;
            }
            let group = String::from_utf8_lossy(&group).into_owned();
            let waiting = tx.scan_prefix(keys::ORDER, &keys::in_group(self.place, &group), limit - found.len())?;
            for number in waiting.iter().filter_map(|(key, _)| keys::number(key)) {
                let Some(state) = self.state(tx, number)? else { continue };
                if state.phase != Phase::Visible {
                    break;
                }
                found.push((number, state));
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    pub fn state(&self, tx: &Tx<'_>, number: u64) -> Result<Option<State>, Error> {
        tx.get(keys::STATE, &keys::message(self.place, number))?.map(|bytes| State::decode(&bytes)).transpose()
    }

    pub fn message(&self, tx: &Tx<'_>, number: u64) -> Result<Message, Error> {
        let bytes = tx.get(keys::MESSAGE, &keys::message(self.place, number))?;
        let missing = || Error::Damaged { table: keys::MESSAGE.0, why: "a message has a state and no contents".into() };
        Message::decode(&bytes.ok_or_else(missing)?)
    }

    /// Counts a receipt, and hides the message until `until`. Answers the state it then has.
    pub fn take(&mut self, tx: &mut Tx<'_>, number: u64, before: &State, until: Timestamp) -> Result<State, Error> {
        let now = tx.now();
        let mut state = before.clone();
        state.received += 1;
        if state.received == 1 {
            state.first_received = now;
        }
        state.last_received = now;
        self.hide(tx, number, before, state, until)
    }

    /// Hides a message that is in flight until `until`, without counting.
    pub fn hide_again(
        &mut self,
        tx: &mut Tx<'_>,
        number: u64,
        before: &State,
        until: Timestamp,
    ) -> Result<State, Error> {
        self.hide(tx, number, before, before.clone(), until)
    }

    fn hide(
        &mut self,
        tx: &mut Tx<'_>,
        number: u64,
        before: &State,
        mut state: State,
        until: Timestamp,
    ) -> Result<State, Error> {
        self.leave(tx, number, before)?;
        state.phase = Phase::InFlight;
        state.at = until;
        self.enter(tx, number, &state);
        if self.fifo {
            let mut group = self.group(tx, &state.group)?;
            group.in_flight += 1;
            self.unready(tx, &mut group);
            tx.put(keys::GROUP, &keys::group(self.place, &state.group), group.encode());
        }
        Ok(state)
    }

    /// Makes a message visible that was not, as of `since`.
    pub fn show(&mut self, tx: &mut Tx<'_>, number: u64, before: &State, since: Timestamp) -> Result<(), Error> {
        self.leave(tx, number, before)?;
        let mut state = before.clone();
        state.phase = Phase::Visible;
        state.at = since;
        self.enter(tx, number, &state);
        self.settle_group(tx, &state.group)?;
        tx.wake(&keys::waker(self.id));
        Ok(())
    }

    /// Removes a message for good.
    pub fn remove(&mut self, tx: &mut Tx<'_>, number: u64, before: &State) -> Result<(), Error> {
        self.leave(tx, number, before)?;
        let key = keys::message(self.place, number);
        tx.delete(keys::STATE, &key);
        tx.delete(keys::MESSAGE, &key);
        if self.fifo {
            tx.delete(keys::ORDER, &keys::order(self.place, &before.group, number));
            self.settle_group(tx, &before.group)?;
            // The next one of the group may be what somebody waits for.
            tx.wake(&keys::waker(self.id));
        }
        Ok(())
    }

    /// Writes a state with its index entry, and counts it.
    fn enter(&mut self, tx: &mut Tx<'_>, number: u64, state: &State) {
        tx.put(keys::STATE, &keys::message(self.place, number), state.encode());
        let timed = keys::timed(self.place, state.at, number);
        match state.phase {
            Phase::Visible => {
                self.counters.visible += 1;
                if !self.fifo {
                    tx.put(keys::READY, &timed, []);
                }
            }
            Phase::InFlight => {
                self.counters.in_flight += 1;
                tx.put(keys::TIMER, &timed, []);
            }
            Phase::Delayed => {
                self.counters.delayed += 1;
                tx.put(keys::TIMER, &timed, []);
            }
        }
    }

    /// Takes back what [`Self::enter`] did, but for the state itself.
    fn leave(&mut self, tx: &mut Tx<'_>, number: u64, state: &State) -> Result<(), Error> {
        let timed = keys::timed(self.place, state.at, number);
        match state.phase {
            Phase::Visible => {
                self.counters.visible = self.counters.visible.saturating_sub(1);
                if !self.fifo {
                    tx.delete(keys::READY, &timed);
                }
            }
            Phase::InFlight => {
                self.counters.in_flight = self.counters.in_flight.saturating_sub(1);
                tx.delete(keys::TIMER, &timed);
                if self.fifo {
                    let mut group = self.group(tx, &state.group)?;
                    group.in_flight = group.in_flight.saturating_sub(1);
                    tx.put(keys::GROUP, &keys::group(self.place, &state.group), group.encode());
                }
            }
            Phase::Delayed => {
                self.counters.delayed = self.counters.delayed.saturating_sub(1);
                tx.delete(keys::TIMER, &timed);
            }
        }
        Ok(())
    }

    fn group(&self, tx: &Tx<'_>, name: &str) -> Result<Group, Error> {
        let bytes = tx.get(keys::GROUP, &keys::group(self.place, name))?;
        Ok(bytes.map_or_else(Group::default, |bytes| Group::decode(&bytes)))
    }

    fn unready(&self, tx: &mut Tx<'_>, group: &mut Group) {
        if let Some((at, number)) = group.ready.take() {
            tx.delete(keys::READY, &keys::timed(self.place, at, number));
        }
    }

    /// Puts a group among the ready ones or takes it away, as its messages say; one without messages is forgotten.
    fn settle_group(&self, tx: &mut Tx<'_>, name: &str) -> Result<(), Error> {
        if !self.fifo {
            return Ok(());
        }
        let mut group = self.group(tx, name)?;
        let key = keys::group(self.place, name);
        let first = tx.scan_prefix(keys::ORDER, &keys::in_group(self.place, name), 1)?;
        let Some(first) = first.first().and_then(|(key, _)| keys::number(key)) else {
            self.unready(tx, &mut group);
            tx.delete(keys::GROUP, &key);
            return Ok(());
        };
        let state = self.state(tx, first)?;
        let is_ready = group.in_flight == 0 && state.as_ref().is_some_and(|state| state.phase == Phase::Visible);
        match (is_ready, group.ready, state) {
            (true, None, Some(state)) => {
                group.ready = Some((state.at, first));
                tx.put(keys::READY, &keys::timed(self.place, state.at, first), name.as_bytes());
            }
            (false, Some(_), _) => self.unready(tx, &mut group),
            _ => {}
        }
        tx.put(keys::GROUP, &key, group.encode());
        Ok(())
    }
}

/// The counters of a queue's place.
pub(crate) fn counters(read: &impl Read, queue: &Queue) -> Result<Counters, Error> {
    let bytes = read.get(keys::COUNTER, &keys::place(queue.place))?;
    Ok(bytes.map_or_else(Counters::default, |bytes| Counters::decode(&bytes)))
}

/// Messages whose delay or timeout has ended by `now`, the longest-due first.
pub(crate) fn due(read: &impl Read, place: u64, now: Timestamp, limit: usize) -> Result<Vec<(Timestamp, u64)>, Error> {
    let (from, to) = (keys::timed(place, Timestamp(0), 0), keys::timed(place, now, u64::MAX));
    let entries = read.scan(keys::TIMER, Bound::Included(&from), Bound::Included(&to), limit)?;
    Ok(entries.iter().filter_map(|(key, _)| Some((keys::time(key)?, keys::number(key)?))).collect())
}

/// When the next delay or timeout ends.
pub(crate) fn next_due(read: &impl Read, place: u64) -> Result<Option<Timestamp>, Error> {
    let first = read.scan_prefix(keys::TIMER, &keys::place(place), 1)?;
    Ok(first.first().and_then(|(key, _)| keys::time(key)))
}

/// Whether something can be received.
pub(crate) fn is_ready(read: &impl Read, place: u64) -> Result<bool, Error> {
    Ok(!read.scan_prefix(keys::READY, &keys::place(place), 1)?.is_empty())
}

/// Tables whose entries in a place are small, so that reading them to remove them is cheap.
const SMALL: [Table; 6] = [keys::READY, keys::TIMER, keys::ORDER, keys::GROUP, keys::MEMORY, keys::MEMORY_END];

/// Removes at most `limit` entries of each table in `place`. Whether the place is empty now.
pub(crate) fn clear(tx: &mut Tx<'_>, place: u64, limit: usize) -> Result<bool, Error> {
    let prefix = keys::place(place);
    let states = tx.scan_prefix(keys::STATE, &prefix, limit)?;
    let mut is_empty = states.len() < limit;
    for (key, _) in states {
        tx.delete(keys::STATE, &key);
        tx.delete(keys::MESSAGE, &key);
    }
    for table in SMALL {
        let entries = tx.scan_prefix(table, &prefix, limit)?;
        is_empty &= entries.len() < limit;
        entries.iter().for_each(|(key, _)| tx.delete(table, key));
    }
    if is_empty {
        tx.delete(keys::COUNTER, &prefix);
    }
    Ok(is_empty)
}
