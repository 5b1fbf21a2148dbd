//! What happens next with a shard's records: a state machine without I/O. `shard.rs` does what it says.
//!
//! Invariants:
//! - The records of a key are in one lane, and a lane has one call at a time, with the oldest records that are not done.
//! - A record is done when a call with it succeeded, when no filter wants it, or when it was given up and is in a [`Lost`].
//! - The checkpoint says of no record that it is done before it is; a [`Lost`] has to be committed with the checkpoint that follows it.

mod lane;

use super::checkpoint::{Checkpoint, Window};
use super::settings::StreamSettings;
use fogbank_model::Timestamp;
pub(super) use lane::{Batch, Condition, Item, Lost, Outcome, Response};
use lane::{Lane, Next, Seen};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of records that a shard's task holds; more is not read.
const HELD_BYTES: usize = 16 << 20;
/// Records that one read asks for at most.
const READ: usize = 10_000;

/// What decides over batches.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Records per call at most.
    pub batch: usize,
    /// How long a batch may wait to fill.
    pub window: Duration,
    /// Retries of a batch that fails; `None` for as many as it takes.
    pub retries: Option<u32>,
    /// How old a record may be.
    pub age: Option<Duration>,
    /// Whether a batch that fails is split in two.
    pub bisects: bool,
    /// The length of a tumbling window.
    pub tumbling: Option<Duration>,
}

impl Rules {
    pub fn new(batch: u32, window_s: u32, settings: &StreamSettings) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Self {
            batch: batch as usize,
            window: seconds(window_s),
            retries: settings.retries,
            age: settings.age_s.map(seconds),
            bisects: settings.bisects,
            tumbling: Some(seconds(settings.tumbling_s)).filter(|length| !length.is_zero()),
        }
    }
}

/// A record that was read.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    pub sequence: String,
    /// What its order is kept for.
    pub key: &'a str,
    pub arrival: Timestamp,
    /// Its JSON text; `None` if no filter wants it.
    pub json: Option<String>,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Call the function with [`Lanes::batch`] of this lane, and say what came of it to [`Lanes::answered`].
    Call(usize),
    /// Read at once, because a window can only end when nothing is left to read for it.
    Read,
    /// Nothing before this time, a read or the end of a call.
    Wait(Option<Timestamp>),
}

/// A shard's records from the checkpoint to where it was read.
#[derive(Debug)]
pub(super) struct Lanes {
    rules: Rules,
    lanes: Vec<Lane>,
    read_to: Option<Arc<str>>,
    /// Whether the shard has ended there.
    is_end: bool,
    /// When a read last found no more than it took.
    drained: Option<Timestamp>,
    lost: Vec<Lost>,
}

impl Lanes {
    /// Goes on from `checkpoint`, with `parallel` lanes.
    pub fn new(rules: Rules, parallel: u32, checkpoint: Checkpoint) -> Self {
        let checkpoint = checkpoint.spread(parallel as usize);
        let read_to = checkpoint.read_after();
        let lanes = checkpoint.points.into_iter().map(Lane::new).collect();
        Self { rules, lanes, read_to, is_end: checkpoint.is_finished, drained: None, lost: Vec::new() }
    }

    /// The sequence number after which to read on.
    pub fn read_after(&self) -> Option<&str> {
        self.read_to.as_deref()
    }

    /// How many records to read now.
    pub fn wants(&self) -> usize {
        let (items, bytes) = self.lanes.iter().fold((0, 0), |(items, bytes), lane| {
            let (more, size) = lane.held();
            (items + more, bytes + size)
        });
        if self.is_end || bytes >= HELD_BYTES {
            return 0;
        }
        // A batch for each lane, and one ahead.
        (self.rules.batch * (self.lanes.len() + 1)).saturating_sub(items).min(READ)
    }

    /// Takes what a read found at `now`: everything that was there if it `is_drained`, and the last of the shard if it `is_end`.
    pub fn take<'a>(
        &mut self,
        records: impl IntoIterator<Item = Taken<'a>>,
        is_drained: bool,
        is_end: bool,
        now: Timestamp,
    ) {
        for record in records {
            let (sequence, before): (Arc<str>, _) = (record.sequence.into(), self.read_to.take());
            self.read_to = Some(sequence.clone());
            let lane = lane_of(record.key, self.lanes.len());
            if let Some(json) = record.json {
                self.lanes[lane].push(Item { sequence, before, arrival: record.arrival, json }, now);
            }
        }
        self.is_end |= is_end;
        if is_drained {
            self.drained = Some(now);
        }
    }

    /// What is to be done at `now`. A lane that is to be called counts as running from here on.
    pub fn next(&mut self, now: Timestamp) -> Step {
        let wants = self.wants() > 0;
        let seen = Seen { is_end: self.is_end, drained: self.drained, is_full: !wants };
        let mut earliest: Option<Timestamp> = None;
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            match lane.next(&self.rules, now, seen, &mut self.lost) {
                Next::Call => return Step::Call(number),
                // What is held up by the others goes on when one of their calls has ended.
                Next::Read if !wants => {}
                Next::Read => return Step::Read,
                Next::Wait(None) => {}
                Next::Wait(Some(at)) => earliest = Some(earliest.map_or(at, |earliest| earliest.min(at))),
            }
        }
        Step::Wait(earliest)
    }

    /// The batch that `lane` is called with, and its window.
    pub fn batch(&self, lane: usize) -> Option<(&Batch, Option<&Window>)> {
        self.lanes.get(lane).and_then(Lane::batch)
    }

    /// What came of the call of `lane`.
    pub fn answered(&mut self, lane: usize, outcome: Outcome, now: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.answered(&self.rules, outcome, now, &mut self.lost);
        }
    }

    /// The records that were given up since they were last asked for.
    pub fn lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.lost)
    }

    /// How far everything is done.
    pub fn checkpoint(&self) -> Checkpoint {
        let points = self.lanes.iter().map(|lane| lane.point(self.read_to.as_ref())).collect();
        Checkpoint { points, is_finished: self.is_finished() }
    }

    /// Whether the shard has ended and nothing is left to do.
    pub fn is_finished(&self) -> bool {
        self.is_end && self.lanes.iter().all(Lane::is_idle)
    }
}

/// The lane of a key: the same after a restart.
fn lane_of(key: &str, lanes: usize) -> usize {
    if lanes < 2 {
        return 0;
    }
    let digest = Sha256::digest(key);
    digest.iter().take(4).fold(0, |number, byte| number << 8 | usize::from(*byte)) % lanes
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
