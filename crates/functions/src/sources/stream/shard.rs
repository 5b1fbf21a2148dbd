//! The task of one shard of a mapping: reads, calls, and keeps the checkpoint, as `lanes.rs` says.

use super::checkpoint::{self, Checkpoint};
use super::follow::Task;
use super::lanes::{Lanes, Lost, Outcome, Response, Rules, Step, Taken};
use super::record::{Frame, Windowed, event};
use super::{Shard, StreamRecord, failure};
use crate::sources::SourceError;
use crate::sources::batch::passes;
use crate::sources::call::{may_pass, once};
use crate::sources::report::{self, Verdict};
use fogbank_delivery::Undelivered;
use fogbank_model::{InvokeError, Timestamp};
use fogbank_store::{Error as StoreError, Tx};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

/// The wait before a commit that failed is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long progress that only filters made may stay uncommitted: nothing is lost with it but the time to filter again.
const SKIPPED: Duration = Duration::from_secs(5);

/// How a shard's task ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything of the shard is done.
    Finished,
    /// It was told to stop.
    Stopped,
}

pub(super) struct ShardTask {
    task: Arc<Task>,
    shard: String,
    /// What its checkpoint is kept under.
    place: String,
    lanes: Lanes,
    /// What the store has.
    kept: Checkpoint,
    /// Given up, and not told yet.
    lost: Vec<Lost>,
    calls: JoinSet<Outcome>,
    lane_of: HashMap<Id, usize>,
    commit_at: Option<Timestamp>,
}

impl ShardTask {
    pub fn new(task: Arc<Task>, shard: &Shard, kept: Option<Checkpoint>) -> Self {
        let settings = &task.settings;
        let rules = Rules::new(task.mapping.batch, task.mapping.window_s, settings);
        let kept = kept.unwrap_or_else(|| Checkpoint::at(None));
        let lanes = Lanes::new(rules, settings.parallel, kept.clone());
        let (lost, calls, lane_of) = (Vec::new(), JoinSet::new(), HashMap::new());
        let (shard, place) = (shard.id.clone(), shard.place());
        Self { task, shard, place, lanes, kept, lost, calls, lane_of, commit_at: None }
    }

    /// Works until the shard has ended, or until told to stop; calls under way are waited for.
    pub async fn run(mut self, mut stopped: watch::Receiver<()>) -> Result<End, SourceError> {
        let task = self.task.clone();
        let (source, clock) = (&task.mapping.source, &task.caller.clock);
        let mut end = None;
        loop {
            let wake = if end.is_none() { self.begin_calls().await? } else { None };
            self.lost.extend(self.lanes.lost());
            if !self.lost.is_empty() || self.commit_at.is_some_and(|at| at <= clock.now()) {
                self.commit().await;
            }
            if self.calls.is_empty() {
                if self.lanes.is_finished() && self.commit().await {
                    return Ok(End::Finished);
                }
                if let Some(end) = end {
                    self.commit().await;
                    return end;
                }
            }
            let wake = [wake, self.commit_at].into_iter().flatten().min();
            let after = self.lanes.read_after().map(str::to_owned);
            let reads = end.is_none() && self.lanes.wants() > 0;
            tokio::select! {
                Some(ended) = self.calls.join_next_with_id() => {
                    self.ended(ended);
                    while let Some(ended) = self.calls.try_join_next_with_id() {
                        self.ended(ended);
                    }
                    self.commit_at = Some(clock.now());
                }
                ready = task.streams.ready(source, &self.shard, after.as_deref()), if reads => {
                    let read = match ready {
                        Ok(()) => self.read().await,
                        Err(error) => Err(error),
                    };
                    // What is under way is finished first.
                    end = read.err().map(Err);
                }
                () = clock.sleep_until(wake.unwrap_or_default()), if wake.is_some() => {}
                _ = stopped.changed(), if end.is_none() => end = Some(Ok(End::Stopped)),
            }
        }
    }

    /// Begins all calls that can begin. Returns when there may be more.
    async fn begin_calls(&mut self) -> Result<Option<Timestamp>, SourceError> {
        loop {
            match self.lanes.next(self.task.caller.clock.now()) {
                Step::Call(lane) => self.call(lane),
                Step::Read => self.read().await?,
                Step::Wait(until) => return Ok(until),
            }
        }
    }

    async fn read(&mut self) -> Result<(), SourceError> {
        let (task, limit) = (self.task.clone(), self.lanes.wants());
        let now = task.caller.clock.now();
        let after = self.lanes.read_after().map(str::to_owned);
        let page = task.streams.read(&task.mapping.source, &self.shard, after.as_deref(), limit).await?;
        let role = task.role();
        let frame = Frame { source: &task.mapping.source, shard: &self.shard, role: &role };
        let shown: Vec<Option<String>> = page.records.iter().map(|record| shown(&task, record, &frame)).collect();
        if shown.iter().any(Option::is_none) && self.commit_at.is_none() {
            self.commit_at = Some(now.plus(SKIPPED));
        }
        let taken = page.records.iter().zip(shown).map(|(record, json)| Taken {
            sequence: record.sequence.clone(),
            key: &record.key,
            arrival: record.arrival,
            json,
        });
        self.lanes.take(taken, page.is_drained, page.is_end, now);
        Ok(())
    }

    fn call(&mut self, lane: usize) {
        let Some((batch, window)) = self.lanes.batch(lane) else { return };
        let role = self.task.role();
        let frame = Frame { source: &self.task.mapping.source, shard: &self.shard, role: &role };
        let windowed = window.map(|window| Windowed {
            start: window.start,
            end: window.end,
            state: &window.state,
            is_final: batch.is_final,
            is_early: batch.is_final && window.is_full,
        });
        let wants_state = window.is_some() && !batch.is_final;
        let event = event(batch.items.iter().map(|item| item.json.as_str()), &frame, windowed);
        let sequences: Vec<Arc<str>> = batch.items.iter().map(|item| item.sequence.clone()).collect();
        let task = self.task.clone();
        let call = async move {
            let (request_id, result) = once(&task.caller, &task.mapping, &event).await;
            task.outcome(request_id, result, &sequences, wants_state)
        };
        let id = self.calls.spawn(call).id();
        self.lane_of.insert(id, lane);
    }

    fn ended(&mut self, ended: Result<(Id, Outcome), JoinError>) {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            // A call that came to nothing is made again.
            Err(error) => (error.id(), Outcome::Refused),
        };
        if let Some(lane) = self.lane_of.remove(&id) {
            self.lanes.answered(lane, outcome, self.task.caller.clock.now());
        }
        self.lost.extend(self.lanes.lost());
    }

    /// Keeps how far the shard is, and tells of what was given up, together. Returns whether that is on disk.
    async fn commit(&mut self) -> bool {
        self.commit_at = None;
        let checkpoint = self.lanes.checkpoint();
        if checkpoint == self.kept && self.lost.is_empty() {
            return true;
        }
        let (task, shard, kept) = (self.task.clone(), self.shard.clone(), checkpoint.clone());
        let place = self.place.clone();
        let target = task.settings.on_failure.clone().filter(|target| task.may_tell(target));
        let (role, clock) = (task.role(), &task.caller.clock);
        let message = |target, lost| failure::message(&task.mapping, target, &shard, (lost, &role), clock.as_ref());
        let deliveries: Vec<_> =
            target.iter().flat_map(|target| self.lost.iter().map(|lost| message(target, lost))).collect();
        let (mapping, deliver) = (task.mapping.clone(), task.deliver.clone());
        let change = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            if !checkpoint::save(tx, &mapping, &place, &kept)? {
                return Ok(());
            }
            for (delivery, target) in deliveries.iter().flat_map(|delivery| Some((delivery, target.as_ref()?))) {
                if let Err(error) = Undelivered::refusal(deliver.deliver(tx, target, delivery))? {
                    tracing::error!(%target, %error, "records that were given up could not be told of");
                }
            }
            Ok(())
        };
        match self.task.store.transact(change).await {
            Ok(()) => {
                self.kept = checkpoint;
                self.lost.clear();
                true
            }
            Err(error) => {
                tracing::error!(%error, source = %self.task.mapping.source, "a checkpoint could not be kept; it is tried again");
                self.commit_at = Some(self.task.caller.clock.now().plus(AFTER_FAILURE));
                false
            }
        }
    }
}

/// The record's text for the event, if a filter wants it.
fn shown(task: &Task, record: &StreamRecord, frame: &Frame<'_>) -> Option<String> {
    let shown = record.shown(frame);
    let wanted = task.patterns.is_empty() || passes(&task.patterns, &record.for_filters(&shown));
    wanted.then(|| shown.to_string())
}

impl Task {
    /// What a call came to.
    fn outcome(
        &self,
        request_id: String,
        result: Result<crate::invoke::Called, InvokeError>,
        sequences: &[Arc<str>],
        wants_state: bool,
    ) -> Outcome {
        let answer = match result {
            // Cut off, not failed: to be called again after the next start.
            Ok(called) if called.reply.error.is_some() && self.is_ending() => return Outcome::Refused,
            Ok(called) => called.reply,
            Err(error) => {
                self.say(format!("PROBLEM: {error}"));
                if matches!(error, InvokeError::TooLarge { .. }) {
                    let response = Response { request_id, version: String::new(), error: Some("Unhandled") };
                    return Outcome::Failed(response);
                }
                if !may_pass(&error) {
                    tracing::warn!(function = %self.mapping.function.name, %error, "a batch did not reach its function");
                }
                return Outcome::Refused;
            }
        };
        let response = Response { request_id, version: answer.executed_version, error: answer.error };
        let fail = |response| {
            self.say("PROBLEM: Function call failed".into());
            Outcome::Failed(response)
        };
        if answer.error.is_some() {
            return fail(response);
        }
        let state = if wants_state { state(&answer.payload) } else { None };
        if wants_state && state.is_none() {
            return fail(response);
        }
        if !self.mapping.reports_items {
            self.say("OK".into());
            return Outcome::Done { state };
        }
        let ids: Vec<&str> = sequences.iter().map(|sequence| &**sequence).collect();
        match report::read(&answer.payload, &ids) {
            Verdict::Done => {
                self.say("OK".into());
                Outcome::Done { state }
            }
            Verdict::Failed(failed) => {
                self.say("PROBLEM: Function call failed for some records".into());
                let from = ids.iter().position(|id| failed.contains(*id)).unwrap_or_default();
                Outcome::Partly { from, state, response }
            }
            Verdict::AllFailed => fail(response),
        }
    }
}

/// The member `state` of an answer.
fn state(answer: &[u8]) -> Option<Value> {
    let mut answer: Value = serde_json::from_slice(answer).ok()?;
    answer.get_mut("state").map(Value::take)
}
