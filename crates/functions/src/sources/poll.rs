//! The task of one enabled mapping: waits for messages, fills batches, and calls the function, several times at once where there is work for it.
//!
//! Costs nothing while the queue is empty: it waits to be woken. A message that is not done stays hidden until its queue's visibility timeout ends,
//! and counts towards the queue's redrive policy; so one that always fails neither spins nor holds up others.

use super::SourceError;
use super::batch::{self, Record};
use super::call::{End, call};
use super::mapping::Mapping;
use super::queue::{QueueMessage, QueueSource};
use super::report::{self, Verdict};
use crate::invoke::Caller;
use crate::limits;
use crate::pace::{Lane, Place};
use bytes::Bytes;
use fogbank_expressions::Pattern;
use fogbank_model::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Messages that one receipt takes at most.
const RECEIVE: usize = 10;
/// The longest that a queue hides a message, in seconds.
const LONGEST_HIDDEN_S: u64 = 12 * 3600;
/// The wait after the queue failed, or is not there.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// A mapping's task. Told to stop when this is dropped; it finishes what it has received.
pub(super) struct Polling {
    _running: watch::Sender<()>,
    task: Arc<Task>,
}

impl Polling {
    pub fn start(mapping: Mapping, caller: Arc<Caller>, queues: Arc<dyn QueueSource>) -> Self {
        let most = mapping.concurrency.map_or(limits::CONCURRENCY, |most| most) as usize;
        // They were checked when the mapping was made.
        let patterns = mapping.patterns().unwrap_or_default();
        let task =
            Arc::new(Task { mapping, patterns, caller, queues, lane: Lane::new(most), problem: Mutex::default() });
        let (running, stopped) = watch::channel(());
        tokio::spawn(task.clone().poll(stopped));
        Self { _running: running, task }
    }

    /// What was wrong with the last batch.
    pub fn problem(&self) -> Option<String> {
        self.task.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Task {
    mapping: Mapping,
    patterns: Vec<Pattern>,
    caller: Arc<Caller>,
    queues: Arc<dyn QueueSource>,
    lane: Arc<Lane>,
    problem: Mutex<Option<String>>,
}

impl Task {
    async fn poll(self: Arc<Self>, mut stopped: watch::Receiver<()>) {
        loop {
            let ready = async {
                // Taken again below, so that a mapping that waits for messages holds none.
                drop(self.lane.place().await);
                self.queues.ready(&self.mapping.source).await
            };
            let ready = tokio::select! {
                ready = ready => ready,
                // The sender has gone: nothing was taken yet, so nothing is lost.
                _ = stopped.changed() => return,
            };
            let error = match ready {
                Ok(()) => match self.clone().turn(&mut stopped).await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            self.failed(&error);
            tokio::select! {
                () = tokio::time::sleep(AFTER_FAILURE) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    /// Receives a batch, and sets a call on its way with it.
    async fn turn(self: Arc<Self>, stopped: &mut watch::Receiver<()>) -> Result<(), SourceError> {
        let Some(place) = self.lane.try_place() else { return Ok(()) };
        let (messages, hidden_until) = self.fill(stopped).await?;
        if !messages.is_empty() {
            tokio::spawn(self.work(messages, hidden_until, place));
        }
        Ok(())
    }

    /// Receives a batch: what is there now, or with a window what comes until it ends. Returns when its first message is visible again.
    /// A mapping that is stopped waits no longer.
    async fn fill(&self, stopped: &mut watch::Receiver<()>) -> Result<(Vec<QueueMessage>, Timestamp), SourceError> {
        let (mapping, clock) = (&self.mapping, &self.caller.clock);
        let wanted = mapping.batch as usize;
        let began = clock.now();
        let visibility_s = self.visibility_s()?;
        let window = Duration::from_secs(mapping.window_s.into());
        let closes = began.plus(window);
        // Messages that waited for the batch to fill must stay hidden for as long as those that came last.
        let hidden_s = (visibility_s + u64::from(mapping.window_s)).min(LONGEST_HIDDEN_S);
        let mut messages: Vec<QueueMessage> = Vec::new();
        let mut bytes = 0;
        while messages.len() < wanted && bytes < limits::SYNC_PAYLOAD_BYTES {
            let limit = RECEIVE.min(wanted - messages.len());
            let more = match self.queues.receive(&mapping.source, limit, hidden_s).await {
                Ok(more) => more,
                // What is received already is not left to its timeout.
                Err(_) if !messages.is_empty() => break,
                Err(error) => return Err(error),
            };
            bytes += more.iter().map(|message| message.body.len()).sum::<usize>();
            let is_drained = more.len() < limit;
            messages.extend(more);
            if mapping.window_s == 0 || clock.now() >= closes || stopped.has_changed().is_err() {
                break;
            }
            if is_drained {
                tokio::select! {
                    ready = self.queues.ready(&mapping.source) => if ready.is_err() { break },
                    () = clock.sleep_until(closes) => break,
                    _ = stopped.changed() => break,
                }
            }
        }
        Ok((messages, began.plus(Duration::from_secs(hidden_s))))
    }

    /// As long as the queue says, but never so short that a message comes again while its call runs.
    fn visibility_s(&self) -> Result<u64, SourceError> {
        let facts = self.queues.facts(&self.mapping.source)?;
        Ok(facts.visibility_s.max(self.timeout().as_secs()))
    }

    fn timeout(&self) -> Duration {
        let found = self.caller.find(&self.mapping.function);
        found.map_or(Duration::ZERO, |(deployed, _)| deployed.version.configuration.timeout())
    }

    /// Calls the function with `messages`, and deletes those that are done.
    async fn work(self: Arc<Self>, messages: Vec<QueueMessage>, hidden_until: Timestamp, place: Place) {
        let source = &self.mapping.source;
        let (wanted, unwanted): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| self.patterns.is_empty() || batch::passes(&self.patterns, &message.for_filters()));
        self.delete(unwanted.into_iter().map(|message| message.handle).collect()).await;
        let records = wanted.into_iter().map(|message| message.record(source)).collect();
        let keeps_order = source.resource().ends_with(".fifo");
        for (number, records) in batch::cut(records).into_iter().enumerate() {
            let deadline = self.deadline(hidden_until);
            // Left to come again, because that could happen while its call runs.
            if number > 0 && self.caller.clock.now() > deadline {
                break;
            }
            let done = self.run(&records, deadline).await;
            let is_whole = done.len() == records.len();
            self.delete(done).await;
            // What follows may be of the same group as what failed.
            if keeps_order && !is_whole {
                break;
            }
        }
        place.went_through();
    }

    /// When a call must begin, because beyond it the messages would be visible again while it still runs.
    fn deadline(&self, hidden_until: Timestamp) -> Timestamp {
        let timeout = i64::try_from(self.timeout().as_millis()).unwrap_or(i64::MAX);
        Timestamp(hidden_until.0.saturating_sub(timeout))
    }

    /// Runs one batch; returns the handles of what is done.
    async fn run(&self, records: &[Record], deadline: Timestamp) -> Vec<String> {
        let event = Bytes::from(batch::event(records));
        let throttled = || self.lane.was_throttled();
        let handles = |is_done: &dyn Fn(&Record) -> bool| {
            records.iter().filter(|record| is_done(record)).map(|record| record.handle.clone()).collect()
        };
        match call(&self.caller, &self.mapping, &event, deadline, throttled).await {
            End::Answered(_) if !self.mapping.reports_items => {
                self.say(None);
                handles(&|_| true)
            }
            End::Answered(answer) => {
                let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
                match report::read(&answer, &ids) {
                    Verdict::Done => {
                        self.say(None);
                        handles(&|_| true)
                    }
                    Verdict::Failed(failed) => {
                        self.say(Some("PROBLEM: Function call failed for some records".into()));
                        handles(&|record| !failed.contains(&record.id))
                    }
                    Verdict::AllFailed => {
                        self.say(Some("PROBLEM: Function call failed".into()));
                        Vec::new()
                    }
                }
            }
            End::Failed => {
                self.say(Some("PROBLEM: Function call failed".into()));
                Vec::new()
            }
            End::NotReached(error) => {
                tracing::warn!(function = %self.mapping.function.name, %error, "a batch did not reach its function");
                self.say(Some(format!("PROBLEM: {error}")));
                Vec::new()
            }
        }
    }

    async fn delete(&self, handles: Vec<String>) {
        if handles.is_empty() {
            return;
        }
        for attempt in 1..=3 {
            match self.queues.delete(&self.mapping.source, handles.clone()).await {
                Ok(()) | Err(SourceError::NoSource) => return,
                Err(error) => {
                    tracing::error!(%error, source = %self.mapping.source, attempt, "messages that are done could not be deleted");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    fn say(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn failed(&self, error: &SourceError) {
        match error {
            SourceError::NoSource => self.say(Some("PROBLEM: The queue does not exist".into())),
            SourceError::Failed(why) => {
                tracing::error!(%why, source = %self.mapping.source, "a queue could not be read");
                self.say(Some("PROBLEM: The queue could not be read".into()));
            }
        }
    }
}
