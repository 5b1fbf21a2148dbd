//! Replays: sends what an archive keeps over its bus once more, in batches. A batch's deliveries and how far the replay has come are one transaction,
//! so a replay goes on after a restart and sends nothing twice.

use crate::archive::{self, Filter, Named};
use crate::buses::find as find_bus;
use crate::event::Event;
use crate::model::BusKey;
use crate::page::{Page, Wanted, page};
use crate::route::SERVICE;
use crate::{Buses, Error, keys};
use fogbank_delivery::{Origin, Settle, Work};
use fogbank_model::{AccountId, Arn, BoxFuture, Region, Timestamp};
use fogbank_store::{Error as StoreError, Read, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ops::Bound;
use std::sync::{Arc, Weak};

/// Events of one batch.
const BATCH: usize = 50;
/// Replays that go on at once.
const AT_ONCE: usize = 4;

/// A replay as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The archive.
    pub source: Arn,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The bus.
    pub destination: Arn,
    /// The rules that get the events; all if there are none.
    pub rules: Vec<String>,
    /// Events from this time on.
    pub from: Timestamp,
    /// Events before this time.
    pub to: Timestamp,
    /// `STARTING`, `RUNNING`, `CANCELLED`, `COMPLETED` or `FAILED`.
    pub state: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// When the last event happened that was sent.
    pub last: Option<Timestamp>,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Where the archive's events are.
    place: String,
    /// The key of the last event that was sent.
    cursor: Option<Vec<u8>>,
    origin: Origin,
}

impl Replay {
    fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "CANCELLED" | "COMPLETED" | "FAILED")
    }
}

/// What a replay is started with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The archive's ARN.
    pub source: String,
    /// See [`Replay`].
    pub description: Option<String>,
    /// The bus's ARN.
    pub destination: String,
    /// See [`Replay`].
    pub rules: Vec<String>,
    /// See [`Replay`].
    pub from: Timestamp,
    /// See [`Replay`].
    pub to: Timestamp,
}

fn wrong(parameter: &str, reason: impl std::fmt::Display) -> Error {
    Error::invalid(format!("Parameter {parameter} is not valid. Reason: {reason}"))
}

impl Buses {
    /// Begins a replay.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NotFound`] for the bus, [`Error::Invalid`], [`Error::Store`].
    pub async fn start_replay(&self, key: &Named, start: Start, origin: Origin) -> Result<Replay, Error> {
        let bus = start.destination.parse::<Arn>().ok().as_ref().and_then(BusKey::from_arn);
        let bus = bus.ok_or_else(|| wrong("Destination.Arn", "Must contain an event bus ARN."))?;
        let (destination, key) = (bus.arn(), key.clone());
        let begin = move |tx: &mut Tx<'_>| {
            find_bus(tx, &bus)?;
            let Some(name) = start.source.split_once(":archive/").map(|(_, name)| name) else {
                return Err(wrong("EventSourceArn", "Must contain an archive ARN."));
            };
            let archive = archive::find(tx, &Named { name: name.to_owned(), ..key.clone() });
            let archive = archive.map_err(|error| match error {
                Error::NotFound(why) => wrong("EventSourceArn", why),
                other => other,
            })?;
            if archive.source != destination {
                return Err(wrong("Destination.Arn", "Cross event bus replay is not permitted."));
            }
            if start.to <= start.from {
                return Err(wrong("EventEndTime", "EventStartTime must be before EventEndTime."));
            }
            if tx.get(keys::REPLAY, &key.key())?.is_some() {
                return Err(Error::Exists(format!("Replay {} already exists.", key.name)));
            }
            let replay = Replay {
                source: key_arn(&key, name),
                description: start.description.clone(),
                destination: destination.clone(),
                rules: start.rules.clone(),
                from: start.from,
                to: start.to,
                state: "STARTING".into(),
                reason: None,
                last: None,
                started: tx.now(),
                ended: None,
                place: archive.place,
                cursor: None,
                origin: origin.clone(),
            };
            tx.save(keys::REPLAY, &key.key(), &replay)?;
            enqueue(tx, &key)?;
            Ok(replay)
        };
        self.store.transact(begin).await
    }

    /// Ends a replay that goes on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IllegalStatus`], [`Error::Store`].
    pub async fn cancel_replay(&self, key: &Named) -> Result<(), Error> {
        let key = key.clone();
        let cancel = move |tx: &mut Tx<'_>| {
            let mut replay = find(tx, &key)?;
            if replay.is_over() {
                return Err(Error::IllegalStatus(format!(
                    "Replay {} is not in a valid state for this operation.",
                    key.name
                )));
            }
            replay.state = "CANCELLED".into();
            replay.ended = Some(tx.now());
            Ok(tx.save(keys::REPLAY, &key.key(), &replay)?)
        };
        self.store.transact(cancel).await
    }

    /// The replay called `key`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn replay(&self, key: &Named) -> Result<Replay, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }

    /// A page of an account's replays in a region.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than one filter and for a token that was never given, [`Error::Store`].
    pub fn list_replays(
        &self,
        account: &AccountId,
        region: &Region,
        wanted: &Wanted,
        filter: &Filter,
    ) -> Result<Page<(String, Replay)>, Error> {
        filter.check(wanted, "ListReplays")?;
        page(&self.store, keys::REPLAY, &keys::scope(account, region), wanted, |_, replay: &Replay| {
            filter.state.as_ref().is_none_or(|state| *state == replay.state)
                && filter.source.as_deref().is_none_or(|source| source == replay.source.as_str())
        })
    }

    /// Sends a replay's next batch.
    fn replay_batch(&self, tx: &mut Tx<'_>, key: &Named) -> Result<(), StoreError> {
        let found: Option<Replay> = tx.load(keys::REPLAY, &key.key())?;
        let Some(mut replay) = found.filter(|replay| !replay.is_over()) else { return Ok(()) };
        replay.state = "RUNNING".into();
        let first = keys::archived(&replay.place, replay.from, 0);
        let from = replay.cursor.as_deref().map_or(Bound::Included(first.as_slice()), Bound::Excluded);
        let end = keys::archived(&replay.place, replay.to, 0);
        let batch = tx.scan(keys::ARCHIVED, from, Bound::Excluded(&end), BATCH)?;
        let is_last = batch.len() < BATCH;
        for (event_key, text) in batch {
            if let (Ok(event), Some(bus)) = (serde_json::from_slice(&text), BusKey::from_arn(&replay.destination)) {
                self.replay_one(tx, &bus, &replay, &key.name, event)?;
            }
            replay.last = keys::time_of(&replay.place, &event_key);
            replay.cursor = Some(event_key);
        }
        if is_last {
            replay.state = "COMPLETED".into();
            replay.ended = Some(tx.now());
        } else {
            enqueue(tx, key)?;
        }
        tx.save(keys::REPLAY, &key.key(), &replay)
    }

    fn replay_one(
        &self,
        tx: &mut Tx<'_>,
        bus: &BusKey,
        replay: &Replay,
        name: &str,
        mut event: Value,
    ) -> Result<(), StoreError> {
        event["replay-name"] = name.into();
        let event = Event::of(event);
        let origin = Origin { service: SERVICE.into(), ..replay.origin.clone() };
        for rule in self.rules_in(tx, bus)?.matching(&event.value) {
            let arn = rule.key.arn();
            if replay.rules.is_empty() || replay.rules.iter().any(|wanted| wanted == arn.as_str()) {
                self.fire(tx, &rule.key, &rule.targets, &event, &origin)?;
            }
        }
        Ok(())
    }
}

fn key_arn(key: &Named, archive: &str) -> Arn {
    Named { name: archive.to_owned(), ..key.clone() }.arn("archive")
}

fn find(read: &impl Read, key: &Named) -> Result<Replay, Error> {
    let found = read.load(keys::REPLAY, &key.key())?;
    found.ok_or_else(|| Error::NotFound(format!("Replay {} does not exist.", key.name)))
}

fn enqueue(tx: &mut Tx<'_>, key: &Named) -> Result<(), StoreError> {
    let message = serde_json::to_vec(key);
    let message = message.map_err(|error| StoreError::Damaged { table: keys::REPLAYS, why: error.to_string() })?;
    tx.enqueue(keys::REPLAYS, tx.now(), &message)
}

/// Does the replaying.
pub(crate) struct Replays(pub Weak<Buses>);

impl Work for Replays {
    fn queue(&self) -> &'static str {
        keys::REPLAYS
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        let (buses, key) = (self.0.upgrade(), serde_json::from_slice::<Named>(&message));
        Box::pin(async move {
            match (buses, key) {
                (Some(buses), Ok(key)) => Settle::with(move |tx| buses.replay_batch(tx, &key)),
                (None, _) => std::future::pending().await,
                (_, Err(error)) => {
                    tracing::error!(%error, "a damaged replay is dropped");
                    Settle::done()
                }
            }
        })
    }
}
