//! The handler of `SubscribeToShard`: what a shard gets is pushed to the consumer for five minutes.

use super::address::{by_arn, consumer_of};
use super::readings::start;
use super::records::dry_run;
use super::shapes::{ChildShape, RecordShape};
use crate::place::Sequence;
use crate::read::Batch;
use crate::subscribe::Ended;
use crate::{Error, Streams, Subscription, shard_number};
use fogbank_wire::{Event, Fault, Input, Output, Value, from_value, to_value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

type State = Arc<Streams>;

/// How long a consumer hears nothing at most.
const SILENCE: Duration = Duration::from_secs(5);
/// Records of one event.
const RECORDS: usize = 1000;
/// Events that wait for a slow consumer.
const WAITING: usize = 1;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Position {
    r#type: String,
    sequence_number: Option<String>,
    timestamp: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subscribe {
    #[serde(rename = "ConsumerARN")]
    consumer: String,
    shard_id: String,
    starting_position: Position,
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShardEvent {
    records: Vec<RecordShape>,
    continuation_sequence_number: Option<String>,
    millis_behind_latest: i64,
    child_shards: Option<Vec<ChildShape>>,
}

pub(super) async fn subscribe(state: State, input: Input) -> Result<Output, Fault> {
    let context = input.context;
    let input: Subscribe = from_value(input.value).map_err(Fault::internal)?;
    let key = by_arn(&context, &input.consumer)?;
    let name = consumer_of(&input.consumer).unwrap_or_default();
    let Position { r#type, sequence_number, timestamp } = input.starting_position;
    let now = state.clock.now();
    let start = start(&key, &input.shard_id, &r#type, sequence_number.as_deref(), timestamp, now)?;
    dry_run(input.dry_run)?;
    let stream = state.stream(&key)?.id;
    let subscription = state.subscribe(&key, name, &input.consumer, &input.shard_id, start)?;
    let (events, receiver) = mpsc::channel(WAITING);
    tokio::spawn(push(state, subscription, stream, events));
    Ok(Output::Events { value: Value::Map(Vec::new()), events: receiver })
}

/// Pushes events until the subscription ends or the consumer is gone.
async fn push(state: State, mut subscription: Subscription, stream: u64, events: mpsc::Sender<Event>) {
    let mut quiet_until = None;
    loop {
        let step = step(&state, &mut subscription, stream, &events, &mut quiet_until);
        let fault = match step.await {
            Ok(true) => continue,
            Ok(false) => return,
            Err(error) => Fault::from(error),
        };
        drop(events.send(Err(fault)).await);
        return;
    }
}

/// One event, or one wait. Answers whether there is more to come.
async fn step(
    state: &Streams,
    subscription: &mut Subscription,
    stream: u64,
    events: &mpsc::Sender<Event>,
    quiet_until: &mut Option<fogbank_model::Timestamp>,
) -> Result<bool, Error> {
    let now = state.clock.now();
    if now >= subscription.until {
        return Ok(false);
    }
    let (key, shard, from) = (subscription.key.clone(), subscription.shard.clone(), subscription.next);
    let batch = state.read(&key, &shard, from, RECORDS)?;
    let is_due = quiet_until.is_none_or(|until| now >= until);
    if batch.records.is_empty() && batch.end.is_none() && !is_due {
        let until = quiet_until.unwrap_or(now).min(subscription.until);
        tokio::select! {
            ready = state.ready(&key, &shard, from) => ready?,
            () = state.clock.sleep_until(until) => {}
            () = events.closed() => return Ok(false),
            ended = subscription.ended() => return Err(early(ended, subscription)),
        }
        return Ok(true);
    }
    let is_last = batch.end.is_some();
    subscription.next = batch.next;
    *quiet_until = Some(now.plus(SILENCE));
    let number = shard_number(&shard).unwrap_or_default();
    let event = to_value(&shown(batch, stream, number)).map_err(|error| Error::Store(error.to_string()))?;
    tokio::select! {
        sent = events.send(Ok(("SubscribeToShardEvent", event))) => Ok(sent.is_ok() && !is_last),
        // A consumer that does not listen does not stay longer than one that does.
        () = state.clock.sleep_until(subscription.until) => Ok(false),
        ended = subscription.ended() => Err(early(ended, subscription)),
    }
}

fn early(ended: Ended, subscription: &Subscription) -> Error {
    match ended {
        Ended::TakenOver => Error::InUse("Another active subscription exists for this consumer.".into()),
        Ended::Deregistered => {
            let (name, account) = (&subscription.key.name, &subscription.key.account);
            Error::NotFound(format!("The consumer of stream {name} under account {account} was deregistered."))
        }
    }
}

fn shown(batch: Batch, stream: u64, shard: u64) -> ShardEvent {
    // At a shard's end there is nothing to go on with.
    let place = batch.end.is_none().then(|| batch.next.previous());
    ShardEvent {
        records: batch.records.into_iter().map(RecordShape::from).collect(),
        continuation_sequence_number: place.map(|place| Sequence::new(stream, shard, place).to_string()),
        millis_behind_latest: batch.behind_ms,
        child_shards: batch.end.map(|children| children.iter().map(ChildShape::of).collect()),
    }
}
