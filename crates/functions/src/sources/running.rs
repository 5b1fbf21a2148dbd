//! The tasks of the mappings that are enabled.

use super::poll::Polling;
use super::stream::{Following, StreamSource};
use super::{Mapping, QueueSource};
use crate::Error;
use crate::invoke::Caller;
use crate::model::Scope;
use fogbank_delivery::Deliver;
use fogbank_store::Store;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;

/// What tasks work with.
pub(super) struct With {
    pub store: Store,
    pub caller: Arc<Caller>,
    pub queues: Arc<dyn QueueSource>,
    pub streams: Arc<dyn StreamSource>,
    pub deliver: Arc<dyn Deliver>,
    /// Whether the platform ends: what is cut off then is no failure of its function.
    pub ending: Arc<AtomicBool>,
}

/// The tasks by mapping.
pub(super) struct Running {
    pub with: With,
    tasks: Mutex<HashMap<(Scope, String), Tasks>>,
}

/// A mapping's task, and the one before it.
#[derive(Default)]
struct Tasks {
    /// The revision that runs, and its task.
    now: Option<(u64, Task)>,
    /// Ends when a stream's task that was told to stop has.
    before: Option<JoinHandle<()>>,
}

enum Task {
    Polling(Polling),
    Following(Following),
}

impl Running {
    pub fn new(with: With) -> Self {
        Self { with, tasks: Mutex::default() }
    }

    /// Tells every task to stop, because the platform ends.
    pub fn close(&self) {
        self.with.ending.store(true, Ordering::Release);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What came of the last batch of a mapping.
    pub fn result(&self, mapping: &Mapping) -> Option<String> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tasks.get(&(mapping.scope.clone(), mapping.id.clone()))?;
        match &task.now.as_ref()?.1 {
            Task::Polling(polling) => polling.problem(),
            Task::Following(following) => Some(following.result()),
        }
    }

    /// Lets the task of a mapping be what its record, which `read` finds, says now.
    pub fn follow(
        &self,
        scope: &Scope,
        id: &str,
        read: impl FnOnce() -> Result<Option<Mapping>, Error>,
    ) -> Result<(), Error> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scope.clone(), id.to_owned());
        // Read under the lock, so that of two changes the later one is what stays.
        let Some(mapping) = read()? else {
            drop(tasks.remove(&key));
            return Ok(());
        };
        let task = tasks.entry(key).or_default();
        if mapping.enabled && task.now.as_ref().is_some_and(|(revision, _)| *revision == mapping.revision) {
            return Ok(());
        }
        // A stream's records are in order only if one task has them; messages of a queue are its own who received them.
        if let Some((_, Task::Following(following))) = task.now.take() {
            task.before = Some(following.stop());
        }
        if mapping.enabled {
            task.now = Some((mapping.revision, self.start(mapping, task.before.take())));
        }
        Ok(())
    }

    fn start(&self, mapping: Mapping, before: Option<JoinHandle<()>>) -> Task {
        let With { caller, queues, .. } = &self.with;
        match mapping.stream.clone() {
            None => Task::Polling(Polling::start(mapping, caller.clone(), queues.clone())),
            Some(settings) => Task::Following(Following::start(mapping, settings, &self.with, before)),
        }
    }
}
