//! Event source mappings: what takes messages out of a queue and calls a function with them, as long as the mapping is enabled.
//!
//! A mapping is a record in the store and, while it is enabled, one task that waits for messages (`poll.rs`). The task is started from what the
//! record says and never changed: another revision of the record gets another task. What a task has received it finishes, also after it was
//! told to stop.
//!
//! `batch.rs`, `report.rs` and `call.rs` know nothing of queues: a stream's records are batched, called and reported on in the same way.

mod batch;
mod call;
mod mapping;
mod poll;
mod queue;
mod report;

pub use mapping::{Mapping, MappingChange, Wish};
pub use queue::{QueueFacts, QueueMessage, QueueSource, SourceError};

use crate::invoke::Caller;
use crate::model::{FunctionKey, Scope, check_tags};
use crate::{Error, keys};
use fogbank_model::{Arn, FunctionRef};
use fogbank_store::{Read, Store, Tx};
use poll::Polling;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// All event source mappings, and the tasks of those that are enabled.
pub struct Sources {
    store: Store,
    caller: Arc<Caller>,
    queues: Arc<dyn QueueSource>,
    /// By mapping: the revision that runs, and its task.
    polling: Mutex<HashMap<(Scope, String), (u64, Polling)>>,
}

impl Sources {
    pub(crate) fn open(store: &Store, caller: Arc<Caller>, queues: Arc<dyn QueueSource>) -> Result<Arc<Self>, Error> {
        let sources = Arc::new(Self { store: store.clone(), caller, queues, polling: Mutex::default() });
        let all = store.read(|read| read.scan_prefix(keys::SOURCE, &[], usize::MAX))?;
        for (_, bytes) in all {
            let mapping: Mapping = serde_json::from_slice(&bytes).map_err(|error| Error::Disk(error.to_string()))?;
            sources.follow(&mapping.scope, &mapping.id)?;
        }
        Ok(sources)
    }

    /// Tells every task to stop.
    pub(crate) fn close(&self) {
        self.polling.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Makes a mapping from `source` to `function`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a source or setting that cannot be, [`Error::Conflict`] if the two are mapped already.
    pub async fn create(&self, source: &Arn, function: &FunctionRef, wish: Wish) -> Result<Mapping, Error> {
        let (deployed, _) = self.caller.find(function).map_err(|_| Error::invalid("Function does not exist"))?;
        let timeout_s = deployed.version.configuration.timeout_s;
        let facts = self.facts(source)?;
        let (id, now) = (self.caller.clock.uuid(), self.caller.clock.now());
        let mapping = Mapping::new(id, source.clone(), function.clone(), now).with(wish, &facts, timeout_s, now)?;
        let create = move |tx: &mut Tx<'_>| -> Result<Mapping, Error> {
            let own = read_all(tx, &mapping.scope)?;
            let twin = own.iter().find(|other| other.source == mapping.source && other.function == mapping.function);
            if let Some(twin) = twin {
                return Err(Error::Conflict(format!(
                    "An event source mapping with SQS arn (\" {} \") and function (\" {} \") already exists. Please update or delete the existing mapping with UUID {}",
                    mapping.source, mapping.function.name, twin.id
                )));
            }
            save(tx, &mapping)?;
            Ok(mapping.clone())
        };
        let mapping = self.store.transact(create).await?;
        self.follow(&mapping.scope, &mapping.id)?;
        Ok(mapping)
    }

    /// Changes a mapping; what `change` leaves out stays.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidParameter`].
    pub async fn update(&self, scope: &Scope, id: &str, change: MappingChange) -> Result<Mapping, Error> {
        let before = self.get(scope, id)?;
        let function = change.function.unwrap_or(before.function);
        let (deployed, _) = self.caller.find(&function).map_err(|_| Error::invalid("Function does not exist"))?;
        let timeout_s = deployed.version.configuration.timeout_s;
        let (facts, now) = (self.facts(&before.source)?, self.caller.clock.now());
        let (scope_kept, id_kept) = (scope.clone(), id.to_owned());
        let update = move |tx: &mut Tx<'_>| -> Result<Mapping, Error> {
            let before = read(tx, &scope_kept, &id_kept)?;
            let before = Mapping { function: function.clone(), ..before };
            let mapping = before.with(change.wish.clone(), &facts, timeout_s, now)?;
            save(tx, &mapping)?;
            Ok(mapping)
        };
        let mapping = self.store.transact(update).await?;
        self.follow(scope, id)?;
        Ok(mapping)
    }

    /// Changes a mapping's tags. Its task goes on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidParameter`].
    pub async fn tag(
        &self,
        scope: &Scope,
        id: &str,
        change: impl Fn(&mut BTreeMap<String, String>) + Send + 'static,
    ) -> Result<(), Error> {
        let (scope, id) = (scope.clone(), id.to_owned());
        let tag = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut mapping = read(tx, &scope, &id)?;
            change(&mut mapping.tags);
            check_tags(&mapping.tags)?;
            save(tx, &mapping)
        };
        self.store.transact(tag).await
    }

    /// Removes a mapping, and returns what it was.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, scope: &Scope, id: &str) -> Result<Mapping, Error> {
        let (scope_kept, id_kept) = (scope.clone(), id.to_owned());
        let delete = move |tx: &mut Tx<'_>| -> Result<Mapping, Error> {
            let mapping = read(tx, &scope_kept, &id_kept)?;
            tx.delete(keys::SOURCE, &keys::source(&scope_kept, &id_kept));
            Ok(mapping)
        };
        let mapping = self.store.transact(delete).await?;
        self.follow(scope, id)?;
        Ok(mapping)
    }

    /// The mapping `id`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&self, scope: &Scope, id: &str) -> Result<Mapping, Error> {
        self.store.read(|snapshot| read(snapshot, scope, id))
    }

    /// All mappings of a scope, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(&self, scope: &Scope) -> Result<Vec<Mapping>, Error> {
        self.store.read(|snapshot| read_all(snapshot, scope))
    }

    /// What was wrong with the last batch of a mapping, for people.
    pub fn problem(&self, mapping: &Mapping) -> Option<String> {
        let polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        polling.get(&(mapping.scope.clone(), mapping.id.clone())).and_then(|(_, polling)| polling.problem())
    }

    /// Lets the task of a mapping be what its record says now.
    fn follow(&self, scope: &Scope, id: &str) -> Result<(), Error> {
        let mut polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that of two changes the later one is what stays.
        let mapping = self.store.read(|snapshot| match read(snapshot, scope, id) {
            Err(Error::NotFound(_)) => Ok(None),
            found => found.map(Some),
        })?;
        let key = (scope.clone(), id.to_owned());
        match mapping.filter(|mapping| mapping.enabled) {
            None => drop(polling.remove(&key)),
            Some(mapping) if polling.get(&key).is_some_and(|(revision, _)| *revision == mapping.revision) => {}
            Some(mapping) => {
                let revision = mapping.revision;
                // The one before stops first.
                polling.remove(&key);
                polling.insert(key, (revision, Polling::start(mapping, self.caller.clone(), self.queues.clone())));
            }
        }
        Ok(())
    }

    /// Whether `source` is of a kind that can be mapped.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn check_kind(source: &Arn) -> Result<(), Error> {
        if source.service() == "sqs" {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Unrecognized event source, must be sqs; others are not supported by Fogbank yet. Unsupported source {source}"
        )))
    }

    fn facts(&self, source: &Arn) -> Result<QueueFacts, Error> {
        Self::check_kind(source)?;
        match self.queues.facts(source) {
            Ok(facts) => Ok(facts),
            Err(SourceError::NoSource) => Err(Error::invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.",
            )),
            Err(SourceError::Failed(why)) => Err(Error::Disk(why)),
        }
    }
}

fn read(read: &impl Read, scope: &Scope, id: &str) -> Result<Mapping, Error> {
    let none = || Error::NotFound("The resource you requested does not exist.".into());
    read.load(keys::SOURCE, &keys::source(scope, id))?.ok_or_else(none)
}

fn read_all(read: &impl Read, scope: &Scope) -> Result<Vec<Mapping>, Error> {
    let found = read.scan_prefix(keys::SOURCE, &keys::source(scope, ""), usize::MAX)?;
    let decode = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|error| Error::Disk(error.to_string()));
    found.iter().map(|(_, bytes)| decode(bytes)).collect()
}

fn save(tx: &mut Tx<'_>, mapping: &Mapping) -> Result<(), Error> {
    Ok(tx.save(keys::SOURCE, &keys::source(&mapping.scope, &mapping.id), mapping)?)
}

/// Whether `mapping` calls `key`, whichever version of it.
pub(crate) fn calls(mapping: &Mapping, key: &FunctionKey) -> bool {
    FunctionKey::of(&mapping.function) == *key
}
