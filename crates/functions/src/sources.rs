//! Event source mappings: what takes messages out of a queue, or reads the records of a stream, and calls a function with them, as long as the
//! mapping is enabled.
//!
//! A mapping is a record in the store and, while it is enabled, one task that waits for messages (`poll.rs`) or records (`stream.rs`). The task is started from what the
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
mod running;
mod stream;

pub use mapping::{Mapping, MappingChange, Wish};
pub use queue::{QueueFacts, QueueMessage, QueueSource};
pub use stream::{Content, Page, Shard, Start, StreamKind, StreamRecord, StreamSettings, StreamSource, StreamWish};

use crate::invoke::Caller;
use crate::model::{FunctionKey, Scope};
use crate::tag::check_tags;
use crate::{Error, keys};
use fogbank_delivery::Deliver;
use fogbank_model::{Arn, FunctionRef};
use fogbank_store::{Read, Store, Tx};
use running::{Running, With};
use std::collections::BTreeMap;
use std::sync::Arc;
use stream::Checkpoint;

/// Why a source gives nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// There is no such queue or stream.
    #[error("the source does not exist")]
    NoSource,
    /// It failed; it may do better later.
    #[error("{0}")]
    Failed(String),
}

/// What a source is, as far as the settings of its mappings depend on it.
#[derive(Debug, Clone, Copy)]
enum Facts {
    Queue(QueueFacts),
    Stream,
}

/// All event source mappings, and the tasks of those that are enabled.
pub struct Sources {
    store: Store,
    running: Running,
}

impl Sources {
    pub(crate) fn open(
        store: &Store,
        caller: Arc<Caller>,
        (queues, streams): (Arc<dyn QueueSource>, Arc<dyn StreamSource>),
        deliver: Arc<dyn Deliver>,
    ) -> Result<Arc<Self>, Error> {
        let running =
            Running::new(With { store: store.clone(), caller, queues, streams, deliver, ending: Arc::default() });
        let sources = Arc::new(Self { store: store.clone(), running });
        let all = store.read(|read| read.scan_prefix(keys::SOURCE, &[], usize::MAX))?;
        for (_, bytes) in all {
            let mapping: Mapping = serde_json::from_slice(&bytes).map_err(|error| Error::Disk(error.to_string()))?;
            sources.follow(&mapping.scope, &mapping.id)?;
        }
        Ok(sources)
    }

    /// Tells every task to stop.
    pub(crate) fn close(&self) {
        self.running.close();
    }

    /// Makes a mapping from `source` to `function`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a source or setting that cannot be, [`Error::Conflict`] if the two are mapped already.
    pub async fn create(&self, source: &Arn, function: &FunctionRef, wish: Wish) -> Result<Mapping, Error> {
        let (caller, timeout_s) = (&self.running.with.caller, self.timeout_s(function)?);
        let facts = self.facts(source)?;
        let stream = match (facts, wish.stream.start) {
            (Facts::Queue(_), _) => None,
            (Facts::Stream, Some(start)) => Some(StreamSettings::new(start)),
            (Facts::Stream, None) => return Err(Error::invalid(NO_START)),
        };
        let (id, now) = (caller.clock.uuid(), caller.clock.now());
        let mapping = Mapping::new(id, source.clone(), function.clone(), stream, now);
        let mapping = mapping.with(wish, &facts, timeout_s, now)?;
        let begins = self.begins(&mapping)?;
        let create = move |tx: &mut Tx<'_>| -> Result<Mapping, Error> {
            let own = read_all(tx, &mapping.scope)?;
            let twin = own.iter().find(|other| other.source == mapping.source && other.function == mapping.function);
            if let Some(twin) = twin {
                return Err(Error::Conflict(conflict(&mapping, &twin.id)));
            }
            save(tx, &mapping)?;
            stream::save_start(tx, &mapping, &begins)?;
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
        let timeout_s = self.timeout_s(&function)?;
        // The mapping of a stream that is gone can still be changed, if only to disable it.
        let facts = if before.stream.is_some() { Facts::Stream } else { self.facts(&before.source)? };
        let now = self.running.with.caller.clock.now();
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
            stream::forget(tx, &scope_kept, &id_kept)?;
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

    /// What came of the last batch of a mapping, for people; of a queue's only what was wrong.
    pub fn result(&self, mapping: &Mapping) -> Option<String> {
        self.running.result(mapping)
    }

    /// Lets the task of a mapping be what its record says now.
    fn follow(&self, scope: &Scope, id: &str) -> Result<(), Error> {
        self.running.follow(scope, id, || {
            self.store.read(|snapshot| match read(snapshot, scope, id) {
                Err(Error::NotFound(_)) => Ok(None),
                found => found.map(Some),
            })
        })
    }

    /// Whether `source` is of a kind that can be mapped.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn check_kind(source: &Arn) -> Result<(), Error> {
        if source.service() == "sqs" || StreamKind::of(source).is_some() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported source {source}"
        )))
    }

    fn timeout_s(&self, function: &FunctionRef) -> Result<u32, Error> {
        let found = self.running.with.caller.find(function);
        let (deployed, _) = found.map_err(|_| Error::invalid("Function does not exist"))?;
        Ok(deployed.version.configuration.timeout_s)
    }

    fn facts(&self, source: &Arn) -> Result<Facts, Error> {
        Self::check_kind(source)?;
        if StreamKind::of(source).is_some() {
            let there = self.running.with.streams.check(source).map(|()| Facts::Stream);
            return there.map_err(|error| no_stream(source, error));
        }
        match self.running.with.queues.facts(source) {
            Ok(facts) => Ok(Facts::Queue(facts)),
            Err(SourceError::NoSource) => Err(Error::invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.",
            )),
            Err(SourceError::Failed(why)) => Err(Error::Disk(why)),
        }
    }

    /// Where a stream's mapping begins in each shard that is there now. What is not named begins at its beginning.
    fn begins(&self, mapping: &Mapping) -> Result<Vec<(String, Checkpoint)>, Error> {
        let streams = &self.running.with.streams;
        let start = match mapping.stream.as_ref().map(|stream| stream.start) {
            None | Some(Start::TrimHorizon) => return Ok(Vec::new()),
            Some(start) => start,
        };
        let position = |shard: Shard| {
            let after = streams.position(&mapping.source, &shard.id, start)?;
            Ok((shard.place(), Checkpoint::at(after)))
        };
        let shards = streams.shards(&mapping.source).and_then(|shards| shards.into_iter().map(position).collect());
        shards.map_err(|error| no_stream(&mapping.source, error))
    }
}

/// AWS's answer to a stream without a starting position.
const NO_START: &str = "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.";

fn no_stream(stream: &Arn, error: SourceError) -> Error {
    match error {
        SourceError::NoSource => Error::invalid(format!("Stream not found: {stream}")),
        SourceError::Failed(why) => Error::Disk(why),
    }
}

fn conflict(mapping: &Mapping, twin: &str) -> String {
    let (source, function) = (&mapping.source, &mapping.function.name);
    match mapping.stream {
        None => format!(
            "An event source mapping with SQS arn (\" {source} \") and function (\" {function} \") already exists. Please update or delete the existing mapping with UUID {twin}"
        ),
        Some(_) => format!(
            "The event source arn (\" {source} \") and function (\" {function} \") provided mapping already exists. Please update or delete the existing mapping with UUID {twin}"
        ),
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
