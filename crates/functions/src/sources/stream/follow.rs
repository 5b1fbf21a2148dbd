//! The task of one enabled mapping of a stream: a task for each shard whose parents are finished.

use super::shard::{End, ShardTask};
use super::{Checkpoint, Shard, StreamSettings, StreamSource, checkpoint};
use crate::invoke::Caller;
use crate::sources::running::With;
use crate::sources::{Mapping, SourceError};
use fogbank_delivery::Deliver;
use fogbank_expressions::Pattern;
use fogbank_model::Arn;
use fogbank_store::Store;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{Id, JoinHandle, JoinSet};

/// The first and the longest wait after the stream failed, or is not there.
const AFTER_FAILURE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How often shards are looked for while there are none to read.
const CHECK: Duration = Duration::from_secs(30);
/// What is said of a mapping that has called nothing yet.
const NOTHING_YET: &str = "No records processed";

/// What the tasks of a mapping share.
pub(super) struct Task {
    pub mapping: Mapping,
    pub settings: StreamSettings,
    pub patterns: Vec<Pattern>,
    pub caller: Arc<Caller>,
    pub streams: Arc<dyn StreamSource>,
    pub deliver: Arc<dyn Deliver>,
    pub store: Store,
    ending: Arc<AtomicBool>,
    result: Mutex<String>,
}

/// A mapping's task. Told to stop when this is dropped; it finishes the calls that are under way.
pub(in crate::sources) struct Following {
    running: watch::Sender<()>,
    task: Arc<Task>,
    ends: JoinHandle<()>,
}

impl Following {
    /// Begins once `before`, the task of the mapping as it was, has ended.
    pub fn start(mapping: Mapping, settings: StreamSettings, with: &With, before: Option<JoinHandle<()>>) -> Self {
        // They were checked when the mapping was made.
        let patterns = mapping.patterns().unwrap_or_default();
        let result = Mutex::new(NOTHING_YET.to_owned());
        let task = Arc::new(Task {
            mapping,
            settings,
            patterns,
            caller: with.caller.clone(),
            streams: with.streams.clone(),
            deliver: with.deliver.clone(),
            store: with.store.clone(),
            ending: with.ending.clone(),
            result,
        });
        let (running, stopped) = watch::channel(());
        let follow = task.clone().follow(stopped);
        let ends = tokio::spawn(async move {
            if let Some(before) = before {
                drop(before.await);
            }
            follow.await;
        });
        Self { running, task, ends }
    }

    /// What came of the last call.
    pub fn result(&self) -> String {
        self.task.result.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells it to stop, and returns what tells when it has.
    pub fn stop(self) -> JoinHandle<()> {
        drop(self.running);
        self.ends
    }
}

impl Task {
    async fn follow(self: Arc<Self>, mut stopped: watch::Receiver<()>) {
        let mut shards = Shards { tasks: JoinSet::new(), running: HashMap::new() };
        let mut wait = AFTER_FAILURE.0;
        while stopped.has_changed().is_ok() {
            let again = match self.clone().begin(&mut shards, &stopped).await {
                Ok(()) if shards.tasks.is_empty() => Some(CHECK),
                Ok(()) => None,
                Err(error) => {
                    self.failed(&error);
                    Some(wait)
                }
            };
            let again = tokio::select! {
                Some(ended) = shards.tasks.join_next_with_id() => match shards.ended(ended) {
                    Ok(()) => None,
                    Err(error) => {
                        self.failed(&error);
                        Some(wait)
                    }
                },
                () = tokio::time::sleep(again.unwrap_or_default()), if again.is_some() => None,
                _ = stopped.changed() => break,
            };
            match again {
                None => wait = AFTER_FAILURE.0,
                Some(again) => {
                    tokio::select! {
                        () = tokio::time::sleep(again) => wait = (wait * 2).min(AFTER_FAILURE.1),
                        _ = stopped.changed() => break,
                    }
                }
            }
        }
        // Each was told to stop too, and ends when its calls have.
        while shards.tasks.join_next().await.is_some() {}
    }

    /// Begins the tasks of the shards that can be read now and are not.
    async fn begin(self: Arc<Self>, shards: &mut Shards, stopped: &watch::Receiver<()>) -> Result<(), SourceError> {
        let listed = self.streams.shards(&self.mapping.source)?;
        let kept = self.kept(&listed)?;
        for shard in readable(&listed, &kept) {
            if shards.running.values().any(|running| *running == shard.id) {
                continue;
            }
            let work = ShardTask::new(self.clone(), shard, kept.get(&shard.id).cloned());
            let id = shards.tasks.spawn(work.run(stopped.clone())).id();
            shards.running.insert(id, shard.id.clone());
        }
        self.forget_others(&listed).await
    }

    fn kept(&self, listed: &[Shard]) -> Result<BTreeMap<String, Checkpoint>, SourceError> {
        let load = |shard: &Shard| {
            let found = self.store.read(|read| checkpoint::load(read, &self.mapping, &shard.place()));
            found.map(|kept| kept.map(|kept| (shard.id.clone(), kept))).transpose()
        };
        let kept: Result<_, fogbank_store::Error> = listed.iter().filter_map(load).collect();
        kept.map_err(|error| SourceError::Failed(error.to_string()))
    }

    /// Removes the checkpoints of shards whose records are gone from the stream.
    async fn forget_others(&self, listed: &[Shard]) -> Result<(), SourceError> {
        let listed: Vec<String> = listed.iter().map(Shard::place).collect();
        let (scope, id) = (self.mapping.scope.clone(), self.mapping.id.clone());
        let has_others = self.store.read(|read| checkpoint::has_others(read, &scope, &id, &listed));
        let failed = |error: fogbank_store::Error| SourceError::Failed(error.to_string());
        if has_others.map_err(failed)? {
            let forget = move |tx: &mut fogbank_store::Tx<'_>| checkpoint::forget_others(tx, &scope, &id, &listed);
            self.store.transact(forget).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Whether the platform ends.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// The ARN of the function's role; empty if there is no function.
    pub fn role(&self) -> String {
        let found = self.caller.find(&self.mapping.function);
        found.map_or_else(|_| String::new(), |(deployed, _)| deployed.version.configuration.role.to_string())
    }

    /// Accounts are closed to each other.
    pub fn may_tell(&self, target: &Arn) -> bool {
        // A bucket's ARN names no account; it looks itself whose record it gets.
        let is_own = target.service() == "s3" || target.account() == self.mapping.scope.account.as_str();
        if !is_own {
            tracing::error!(%target, "another account's resource is told nothing of records that were given up");
        }
        is_own
    }

    pub fn say(&self, result: String) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = result;
    }

    fn failed(&self, error: &SourceError) {
        match error {
            SourceError::NoSource => self.say("PROBLEM: The stream does not exist".into()),
            SourceError::Failed(why) => {
                tracing::error!(%why, source = %self.mapping.source, "a stream could not be read");
                self.say("PROBLEM: The stream could not be read".into());
            }
        }
    }
}

/// The shards that have tasks.
struct Shards {
    tasks: JoinSet<Result<End, SourceError>>,
    running: HashMap<Id, String>,
}

impl Shards {
    fn ended(
        &mut self,
        ended: Result<(Id, Result<End, SourceError>), tokio::task::JoinError>,
    ) -> Result<(), SourceError> {
        let (id, end) = match ended {
            Ok((id, end)) => (id, end.map(drop)),
            Err(error) => (error.id(), Err(SourceError::Failed(error.to_string()))),
        };
        self.running.remove(&id);
        end
    }
}

/// The shards that are not finished, but whose parents are, or are not listed any more.
fn readable<'a>(
    listed: &'a [Shard],
    kept: &'a BTreeMap<String, Checkpoint>,
) -> impl Iterator<Item = &'a Shard> + use<'a> {
    let is_finished = |id: &str| kept.get(id).is_some_and(|kept| kept.is_finished);
    let left: BTreeSet<&str> = listed.iter().map(|shard| shard.id.as_str()).filter(|id| !is_finished(id)).collect();
    let is_ready = |shard: &&Shard, left: &BTreeSet<&str>| {
        left.contains(shard.id.as_str()) && !shard.parents.iter().any(|parent| left.contains(parent.as_str()))
    };
    listed.iter().filter(move |shard| is_ready(shard, &left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_once_its_parents_are_finished() {
        let shard = |id: &str, parents: &[&str]| Shard {
            id: id.into(),
            parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
            origin: String::new(),
        };
        // 0 was split into 1 and 2, which were merged into 3; 4 came from one that is gone.
        let listed =
            [shard("0", &[]), shard("1", &["0"]), shard("2", &["0"]), shard("3", &["1", "2"]), shard("4", &["x"])];
        let finished = |ids: &[&str]| -> Vec<String> {
            let done = Checkpoint { is_finished: true, ..Checkpoint::at(None) };
            let kept = ids.iter().map(|id| ((*id).to_owned(), done.clone())).collect();
            readable(&listed, &kept).map(|shard| shard.id.clone()).collect()
        };
        assert_eq!(finished(&[]), ["0", "4"]);
        assert_eq!(finished(&["0"]), ["1", "2", "4"]);
        assert_eq!(finished(&["0", "2", "4"]), ["1"]);
        assert_eq!(finished(&["0", "1", "2"]), ["3", "4"]);
    }
}
