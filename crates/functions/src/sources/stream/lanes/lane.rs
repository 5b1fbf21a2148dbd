//! One lane: records that are processed one batch after another.

use super::Rules;
use crate::limits;
use crate::sources::stream::checkpoint::{Point, Window, order};
use fogbank_model::Timestamp;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of an event beside its records and a window's state.
const FRAME_BYTES: usize = 1024;
/// Bytes of a window's state.
const STATE_BYTES: usize = 1 << 20;
/// A window is ended this long after its time, because a record is seen a little later than the time that it arrived at.
const LATE: Duration = Duration::from_millis(500);
/// The first and the longest wait before a batch whose call failed is tried again.
const AFTER_FAILURE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// The same for a call that did not reach the function.
const AFTER_REFUSAL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A record that is not done.
#[derive(Debug, Clone)]
pub(in crate::sources::stream) struct Item {
    pub sequence: Arc<str>,
    /// The sequence number of the shard's record before it, whichever lane that is in.
    pub before: Option<Arc<str>>,
    pub arrival: Timestamp,
    /// As it stands in the event.
    pub json: String,
}

/// Records of one call.
#[derive(Debug)]
pub(in crate::sources::stream) struct Batch {
    pub items: Vec<Item>,
    /// Whether this is the last call of its window.
    pub is_final: bool,
    /// Calls with these records, also of larger batches, that reached the function.
    calls: u32,
    /// Calls that count as tries.
    failures: u32,
    /// Calls in a row that did not reach the function.
    refusals: u32,
    response: Option<Response>,
}

/// What came back from a call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::stream) struct Response {
    pub request_id: String,
    /// The version that ran.
    pub version: String,
    /// `Unhandled`, unless the function reported single records.
    pub error: Option<&'static str>,
}

/// What came of a call.
#[derive(Debug)]
pub(in crate::sources::stream) enum Outcome {
    /// Everything is done. `state` is the window's new one.
    Done { state: Option<Value> },
    /// What comes before the item number `from` is done.
    Partly { from: usize, state: Option<Value>, response: Response },
    /// Nothing is done.
    Failed(Response),
    /// The function was not reached.
    Refused,
}

/// Why records were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::stream) enum Condition {
    RetriesExhausted,
    AgeExceeded,
}

/// Records that were given up, in order.
#[derive(Debug)]
pub(in crate::sources::stream) struct Lost {
    /// None where the last call of a window was given up.
    pub items: Vec<Item>,
    pub condition: Condition,
    /// Calls with them that reached the function.
    pub calls: u32,
    /// The last answer, if there was one.
    pub response: Option<Response>,
}

/// What a lane must know of its shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub is_end: bool,
    pub drained: Option<Timestamp>,
    /// Whether no more is read until something is done.
    pub is_full: bool,
}

pub(super) enum Next {
    Call,
    Read,
    Wait(Option<Timestamp>),
}

#[derive(Debug)]
pub(super) struct Lane {
    /// Everything up to here was done before the records were read.
    done: Option<Arc<str>>,
    /// Read, and not in a batch yet.
    waiting: VecDeque<Item>,
    /// When the oldest of them was read.
    since: Timestamp,
    /// Batches that are not done, the next one first: more than one only after a split.
    begun: VecDeque<Batch>,
    is_running: bool,
    /// When the next batch may be tried again.
    not_before: Option<Timestamp>,
    window: Option<Window>,
    /// Bytes of all records here.
    bytes: usize,
}

impl Lane {
    pub fn new(point: Point) -> Self {
        let (waiting, begun) = (VecDeque::new(), VecDeque::new());
        let (done, window) = (point.after, point.window);
        Self { done, waiting, since: Timestamp(0), begun, is_running: false, not_before: None, window, bytes: 0 }
    }

    /// How many records are here, and their bytes.
    pub fn held(&self) -> (usize, usize) {
        (self.waiting.len() + self.begun.iter().map(|batch| batch.items.len()).sum::<usize>(), self.bytes)
    }

    pub fn push(&mut self, item: Item, now: Timestamp) {
        // Done before a restart, when another lane was not as far.
        if order(Some(&item.sequence), self.done.as_deref()) != Ordering::Greater {
            return;
        }
        if self.waiting.is_empty() {
            self.since = now;
        }
        self.bytes += item.json.len();
        self.waiting.push_back(item);
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.begun.is_empty() && self.window.is_none()
    }

    pub fn batch(&self) -> Option<(&Batch, Option<&Window>)> {
        self.begun.front().map(|batch| (batch, self.window.as_ref()))
    }

    /// How far it is done, where the shard is read to `read_to`.
    pub fn point(&self, read_to: Option<&Arc<str>>) -> Point {
        let first = self.begun.iter().flat_map(|batch| &batch.items).chain(&self.waiting).next();
        let after = first.map_or(read_to, |item| item.before.as_ref());
        let is_later = order(after.map(|it| &**it), self.done.as_deref()) == Ordering::Greater;
        Point { after: if is_later { after.cloned() } else { self.done.clone() }, window: self.window.clone() }
    }

    pub fn next(&mut self, rules: &Rules, now: Timestamp, seen: Seen, lost: &mut Vec<Lost>) -> Next {
        if self.is_running {
            return Next::Wait(None);
        }
        self.give_up_old(rules, now, lost);
        if self.begun.is_empty() && !self.begin(rules, now, seen) {
            return self.waits_for(rules, now, seen);
        }
        match self.not_before.filter(|at| *at > now) {
            Some(at) => Next::Wait(Some(at)),
            None => {
                self.is_running = true;
                Next::Call
            }
        }
    }

    /// Gives up what has grown too old at the front.
    fn give_up_old(&mut self, rules: &Rules, now: Timestamp, lost: &mut Vec<Lost>) {
        let Some(age) = rules.age else { return };
        let is_old = |item: &Item| now.since(item.arrival) > age;
        while let Some(batch) = self.begun.front_mut() {
            let old = batch.items.iter().take_while(|item| is_old(item)).count();
            if old == 0 {
                return;
            }
            let items: Vec<Item> = batch.items.drain(..old).collect();
            self.bytes -= size(&items);
            let (calls, response) = (batch.calls, batch.response.clone());
            lost.push(Lost { items, condition: Condition::AgeExceeded, calls, response });
            if !batch.items.is_empty() {
                return;
            }
            self.begun.pop_front();
            self.not_before = None;
        }
        let old = self.waiting.iter().take_while(|item| is_old(item)).count();
        if old > 0 {
            let items: Vec<Item> = self.waiting.drain(..old).collect();
            self.bytes -= size(&items);
            lost.push(Lost { items, condition: Condition::AgeExceeded, calls: 0, response: None });
        }
    }

    /// Begins the next batch, if there is one to begin.
    fn begin(&mut self, rules: &Rules, now: Timestamp, seen: Seen) -> bool {
        if self.window.as_ref().is_some_and(|window| self.closes(window, seen)) {
            self.begun.push_back(Batch::new(Vec::new(), true));
            return true;
        }
        let Some(first) = self.waiting.front() else { return false };
        let opened = rules.tumbling.map(|length| Window::around(first.arrival, length));
        let window = self.window.as_ref().or(opened.as_ref());
        let count = self.count(rules, window);
        let is_whole = count == rules.batch || count < self.waiting.len() || seen.is_end || seen.is_full;
        let is_due = now >= self.since.plus(rules.window) || window.is_some_and(|window| now >= window.end);
        if !is_whole && !is_due {
            return false;
        }
        self.window = self.window.take().or(opened);
        let items = self.waiting.drain(..count).collect();
        self.begun.push_back(Batch::new(items, false));
        true
    }

    /// How many of the records that wait make the next batch.
    fn count(&self, rules: &Rules, window: Option<&Window>) -> usize {
        let state = window.map_or(0, |window| window.state.to_string().len());
        let mut room = limits::SYNC_PAYLOAD_BYTES.saturating_sub(FRAME_BYTES + state);
        let fits = |item: &&Item| {
            let size = item.json.len() + 1;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits && window.is_none_or(|window| item.arrival < window.end)
        };
        // One that is too large alone is a batch of its own.
        self.waiting.iter().take(rules.batch).take_while(fits).count().max(1)
    }

    /// Whether all records of the window were in calls, or its state is too large.
    fn closes(&self, window: &Window, seen: Seen) -> bool {
        let is_behind = match self.waiting.front() {
            Some(next) => next.arrival >= window.end,
            None => seen.is_end || seen.drained.is_some_and(|at| at >= window.end.plus(LATE)),
        };
        window.is_full || is_behind
    }

    fn waits_for(&self, rules: &Rules, now: Timestamp, seen: Seen) -> Next {
        if !self.waiting.is_empty() {
            let fills = self.since.plus(rules.window);
            let window = self.window.as_ref().map(|window| window.end);
            return Next::Wait(Some(window.map_or(fills, |end| end.min(fills))));
        }
        match &self.window {
            Some(window) if window.end.plus(LATE) <= now && !seen.is_end => Next::Read,
            Some(window) => Next::Wait(Some(window.end.plus(LATE))),
            None => Next::Wait(None),
        }
    }

    pub fn answered(&mut self, rules: &Rules, outcome: Outcome, now: Timestamp, lost: &mut Vec<Lost>) {
        self.is_running = false;
        let Some(mut batch) = self.begun.pop_front() else { return };
        self.not_before = None;
        match outcome {
            Outcome::Refused => {
                self.not_before = Some(now.plus(wait(AFTER_REFUSAL, batch.refusals)));
                batch.refusals += 1;
                self.begun.push_front(batch);
            }
            Outcome::Done { state } => {
                self.bytes -= size(&batch.items);
                match &mut self.window {
                    _ if batch.is_final => self.window = None,
                    Some(window) => window.keep(state),
                    None => {}
                }
            }
            Outcome::Partly { from, state, response } => {
                batch.reached(response);
                let items: Vec<Item> = batch.items.drain(..from.min(batch.items.len())).collect();
                self.bytes -= size(&items);
                if let (Some(window), Some(_)) = (&mut self.window, &state) {
                    window.keep(state);
                }
                if items.is_empty() {
                    self.failed(rules, batch, now, lost);
                } else if rules.bisects {
                    // Split where the function says; that does not count as a try.
                    self.begun.push_front(batch);
                } else {
                    // The rest is tried as often as any other batch.
                    batch.failures = 0;
                    self.failed(rules, batch, now, lost);
                }
            }
            Outcome::Failed(response) => {
                batch.reached(response);
                self.failed(rules, batch, now, lost);
            }
        }
    }

    /// Splits a batch that failed, tries it again later, or gives it up.
    fn failed(&mut self, rules: &Rules, mut batch: Batch, now: Timestamp, lost: &mut Vec<Lost>) {
        if rules.bisects && batch.items.len() > 1 {
            let second = batch.split();
            self.begun.push_front(second);
            self.begun.push_front(batch);
            return;
        }
        batch.failures += 1;
        if rules.retries.is_none_or(|retries| batch.failures <= retries) {
            self.not_before = Some(now.plus(wait(AFTER_FAILURE, batch.failures - 1)));
            self.begun.push_front(batch);
            return;
        }
        self.bytes -= size(&batch.items);
        if batch.is_final {
            self.window = None;
        }
        let Batch { items, calls, response, .. } = batch;
        lost.push(Lost { items, condition: Condition::RetriesExhausted, calls, response });
    }
}

impl Batch {
    fn new(items: Vec<Item>, is_final: bool) -> Self {
        Self { items, is_final, calls: 0, failures: 0, refusals: 0, response: None }
    }

    fn reached(&mut self, response: Response) {
        self.calls += 1;
        self.refusals = 0;
        self.response = Some(response);
    }

    /// Takes the second half away.
    fn split(&mut self) -> Self {
        let items = self.items.split_off(self.items.len() / 2);
        Self { items, response: self.response.clone(), refusals: 0, ..*self }
    }
}

impl Window {
    /// The window that a record of the time `at` is in.
    fn around(at: Timestamp, length: Duration) -> Self {
        let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
        let start = Timestamp(at.0 - at.0.rem_euclid(length));
        Self { start, end: Timestamp(start.0.saturating_add(length)), state: json!({}), is_full: false }
    }

    fn keep(&mut self, state: Option<Value>) {
        self.state = state.unwrap_or_else(|| json!({}));
        self.is_full = self.state.to_string().len() > STATE_BYTES;
    }
}

fn size(items: &[Item]) -> usize {
    items.iter().map(|item| item.json.len()).sum()
}

/// Twice as long each time.
fn wait((first, longest): (Duration, Duration), before: u32) -> Duration {
    first.saturating_mul(1 << before.min(16)).min(longest)
}
