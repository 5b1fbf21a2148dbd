//! Handlers for reading records.

use super::address::{Address, own};
use super::records::dry_run;
use super::shapes::{ChildShape, RecordShape};
use crate::model::{READ_RECORDS, StreamKey};
use crate::place::Sequence;
use crate::read::foreign;
use crate::token::Iterator;
use crate::{Error, Start, Streams, shard_id, shard_number};
use fogbank_model::{RequestContext, Timestamp};
use fogbank_wire::Fault;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

/// How far a client's clock may be ahead, in milliseconds.
const AHEAD_MS: i64 = 5_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetIterator {
    #[serde(flatten)]
    address: Address,
    shard_id: String,
    shard_iterator_type: String,
    starting_sequence_number: Option<String>,
    timestamp: Option<i64>,
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IteratorOutput {
    shard_iterator: String,
}

/// Where a request says that reading begins.
pub(super) fn start(
    key: &StreamKey,
    shard: &str,
    kind: &str,
    sequence: Option<&str>,
    timestamp: Option<i64>,
    now: Timestamp,
) -> Result<Start, Error> {
    let either = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or \
                  (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber.";
    let wants_number = matches!(kind, "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER");
    match (kind, sequence, timestamp) {
        (_, None, _) if wants_number => {
            Err(Error::invalid(format!("{either} Request specified {kind} and no StartingSequenceNumber.")))
        }
        (_, Some(_), _) if !wants_number => {
            Err(Error::invalid(format!("{either} Request specified {kind} and also a StartingSequenceNumber.")))
        }
        ("AT_TIMESTAMP", _, None) => Err(Error::invalid(
            "Must specify timestamp parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.",
        )),
        (_, _, Some(_)) if kind != "AT_TIMESTAMP" => Err(Error::invalid(format!(
            "Timestamp is only for iterators of type AT_TIMESTAMP. Request specified {kind} and also a timestamp."
        ))),
        ("AT_TIMESTAMP", _, Some(at)) if at > now.0.saturating_add(AHEAD_MS) => Err(Error::invalid(format!(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: {at}, \
             currentTimestampInMillis: {}",
            now.0
        ))),
        ("AT_TIMESTAMP", _, Some(at)) => Ok(Start::At(Timestamp(at))),
        ("LATEST", ..) => Ok(Start::Latest),
        (_, Some("0"), _) => Ok(Start::TrimHorizon),
        (_, Some(text), _) => {
            let sequence = Sequence::parse(text).ok_or_else(|| foreign(key, shard, text))?;
            Ok(if kind == "AT_SEQUENCE_NUMBER" { Start::AtSequence(sequence) } else { Start::AfterSequence(sequence) })
        }
        _ => Ok(Start::TrimHorizon),
    }
}

pub(super) async fn iterator(
    state: State,
    context: RequestContext,
    input: GetIterator,
) -> Result<IteratorOutput, Fault> {
    let key = input.address.key(&context)?;
    let (stream, now) = (state.stream(&key)?.id, state.clock.now());
    let (kind, sequence) = (&input.shard_iterator_type, input.starting_sequence_number.as_deref());
    let start = start(&key, &input.shard_id, kind, sequence, input.timestamp, now)?;
    let place = state.position(&key, &input.shard_id, start)?;
    dry_run(input.dry_run)?;
    let shard = shard_number(&input.shard_id).unwrap_or_default();
    let iterator = Iterator { stream, name: key.name.clone(), shard, place, made: now };
    Ok(IteratorOutput { shard_iterator: iterator.encode(&key, &state.secret) })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    shard_iterator: String,
    limit: Option<usize>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetOutput {
    records: Vec<RecordShape>,
    next_shard_iterator: Option<String>,
    millis_behind_latest: i64,
    child_shards: Option<Vec<ChildShape>>,
}

pub(super) async fn get(state: State, context: RequestContext, input: Get) -> Result<GetOutput, Fault> {
    let now = state.clock.now();
    let iterator = Iterator::decode(&input.shard_iterator, &own(&context, ""), &state.secret, now)?;
    let key = own(&context, iterator.name.clone());
    if input.stream_arn.is_some_and(|arn| arn != key.arn().as_str()) {
        return Err(Error::invalid("Invalid ShardIterator. It belongs to another stream than the StreamARN.").into());
    }
    // Of a stream that was deleted and made again, it is an iterator of nothing.
    if state.stream(&key)?.id != iterator.stream {
        return Err(Error::NotFound(format!("Stream {} under account {} not found.", key.name, key.account)).into());
    }
    dry_run(input.dry_run)?;
    let (limit, shard) = (input.limit.unwrap_or(READ_RECORDS), (iterator.stream, iterator.shard));
    let id = shard_id(iterator.shard);
    if !state.read_paces.begin(shard, now) {
        return Err(Error::Throttled(format!("Rate exceeded for Shard - {}/{}/{id}", key.account, key.name)).into());
    }
    let batch = state.read(&key, &id, iterator.place, limit)?;
    state
        .read_paces
        .gave(shard, batch.records.iter().map(|record| record.data.len() + record.partition_key.len()).sum());
    let next = Iterator { place: batch.next, made: now, ..iterator };
    Ok(GetOutput {
        records: batch.records.into_iter().map(RecordShape::from).collect(),
        next_shard_iterator: batch.end.is_none().then(|| next.encode(&key, &state.secret)),
        millis_behind_latest: batch.behind_ms,
        child_shards: batch.end.map(|children| children.iter().map(ChildShape::of).collect()),
    })
}
