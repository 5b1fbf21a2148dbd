//! Handlers for change streams.

use super::cursor::Cursor;
use super::shapes::{
    DescribeStream, Described, Description, GetIterator, GetRecords, Identity, Iterator, ListStreams, Record, Records,
    SequenceRange, Shard, StreamList, StreamName, StreamRecord,
};
use crate::changes::{self, Numbered, Stream, StreamKey, sequence_of, sequence_text};
use crate::dynamodb::KeySchemaElement;
use crate::{Error, Tables};
use fogbank_model::{RequestContext, Timestamp};
use std::sync::Arc;

type State = Arc<Tables>;

/// Streams or shards that one page has at most.
const PAGE: usize = 100;

/// How many of something a page is to have; the model has no upper bound for it, but AWS has.
fn page_of(limit: Option<usize>, most: usize) -> Result<usize, Error> {
    match limit {
        Some(limit) if limit > most => Err(Error::validation(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value less than or \
             equal to {most}"
        ))),
        limit => Ok(limit.unwrap_or(most)),
    }
}

pub(super) async fn list(state: State, context: RequestContext, input: ListStreams) -> Result<StreamList, Error> {
    let limit = page_of(input.limit, PAGE)?;
    let all = state.streams(&context.account, &context.region)?;
    let is_asked = |key: &StreamKey| input.table_name.as_deref().is_none_or(|name| key.table.name == name);
    let after = input.exclusive_start_stream_arn.unwrap_or_default();
    let mut found: Vec<StreamName> = all
        .into_iter()
        .filter(|(key, _)| is_asked(key) && key.arn() > after)
        .map(|(key, _)| StreamName { stream_arn: key.arn(), table_name: key.table.name, stream_label: key.label })
        .collect();
    // Pages go on behind an ARN, and tables are not kept in the order of their ARNs.
    found.sort_by(|one, other| one.stream_arn.cmp(&other.stream_arn));
    let is_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| is_more).map(|stream| stream.stream_arn.clone());
    Ok(StreamList { streams: found, last_evaluated_stream_arn: last })
}

/// The stream that a request names. Other accounts' and regions' are not there for it.
fn find(state: &Tables, context: &RequestContext, arn: &str) -> Result<(StreamKey, Stream), Error> {
    let missing = || Error::NotFound(format!("Requested resource not found: Stream: {arn} not found"));
    let key = StreamKey::of(arn).ok_or_else(|| Error::validation(format!("Invalid StreamArn: {arn}")))?;
    if (&key.table.account, &key.table.region) != (&context.account, &context.region) {
        return Err(missing());
    }
    let stream = state.stream(&key)?.ok_or_else(missing)?;
    Ok((key, stream))
}

pub(super) async fn describe(state: State, context: RequestContext, input: DescribeStream) -> Result<Described, Error> {
    page_of(input.limit, PAGE)?;
    let (key, stream) = find(&state, &context, &input.stream_arn)?;
    let shard = Shard {
        shard_id: stream.shard_id(),
        sequence_number_range: SequenceRange {
            starting_sequence_number: sequence_text(stream.first),
            ending_sequence_number: stream.last.map(sequence_text),
        },
    };
    if input.shard_filter.as_ref().is_some_and(|filter| filter.kind.is_none() || filter.shard_id.is_none()) {
        return Err(Error::validation("Type and ShardId must be specified in ShardFilter"));
    }
    // A filter asks for a shard's children, and the only shard has none.
    let is_shown =
        input.shard_filter.is_none() && input.exclusive_start_shard_id.is_none_or(|after| shard.shard_id > after);
    Ok(Described {
        stream_description: Description {
            stream_arn: key.arn(),
            stream_status: if stream.ended.is_some() { "DISABLED" } else { "ENABLED" },
            stream_view_type: stream.view.as_str(),
            creation_request_date_time: stream.created.0,
            table_name: key.table.name,
            stream_label: key.label,
            key_schema: KeySchemaElement::of(&stream.keys),
            shards: if is_shown { vec![shard] } else { Vec::new() },
        },
    })
}

pub(super) async fn iterator(state: State, context: RequestContext, input: GetIterator) -> Result<Iterator, Error> {
    let (key, stream) = find(&state, &context, &input.stream_arn)?;
    if input.shard_id != stream.shard_id() {
        return Err(Error::NotFound(format!("Requested resource not found: Shard does not exist: {}", input.shard_id)));
    }
    let number = input
        .sequence_number
        .as_deref()
        .map(|text| sequence_of(text).ok_or_else(|| Error::validation(format!("Invalid SequenceNumber: {text}"))));
    let number = number.transpose()?;
    let kind = input.shard_iterator_type.as_str();
    let after = match (kind, number, input.timestamp) {
        (_, _, Some(_)) if kind != "AT_TIMESTAMP" => {
            return Err(Error::validation(format!("Timestamp cannot be specified for ShardIteratorType {kind}")));
        }
        ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", None, _) => {
            return Err(Error::validation(format!("SequenceNumber must be specified for ShardIteratorType {kind}")));
        }
        ("AT_SEQUENCE_NUMBER", Some(number), _) => stream.untrimmed(number.saturating_sub(1))?,
        ("AFTER_SEQUENCE_NUMBER", Some(number), _) => stream.untrimmed(number)?,
        (_, Some(_), _) => {
            return Err(Error::validation(format!("SequenceNumber cannot be specified for ShardIteratorType {kind}")));
        }
        ("AT_TIMESTAMP", _, None) => {
            return Err(Error::validation("Timestamp must be specified for ShardIteratorType AT_TIMESTAMP"));
        }
        ("AT_TIMESTAMP", _, Some(at)) if Timestamp(at) > state.clock.now() => {
            return Err(Error::validation("Timestamp cannot be in the future"));
        }
        ("AT_TIMESTAMP", _, Some(at)) => state.before(&stream, Timestamp(at))?,
        ("LATEST", ..) => state.last_change(&stream)?,
        _ => stream.horizon(),
    };
    Ok(Iterator { shard_iterator: Cursor { stream: key, after, made: state.clock.now() }.to_text() })
}

pub(super) async fn records(state: State, context: RequestContext, input: GetRecords) -> Result<Records, Error> {
    let limit = page_of(input.limit, changes::PAGE)?;
    let cursor = Cursor::read(&input.shard_iterator, state.clock.now())?;
    find(&state, &context, &cursor.stream.arn())?;
    let (stream, found) = state.records(&cursor.stream, cursor.after, limit)?;
    let after = found.last().map_or(cursor.after, |(number, _)| *number);
    let is_at_end = stream.last.is_some() && state.changes(&stream, after, 1)?.is_empty();
    let next = (!is_at_end).then(|| Cursor { after, made: state.clock.now(), ..cursor.clone() }.to_text());
    let records = found.into_iter().map(|one| record(&stream, cursor.stream.table.region.as_str(), one));
    Ok(Records { records: records.collect(), next_shard_iterator: next })
}

fn record(stream: &Stream, region: &str, (number, change): Numbered) -> Record {
    let identity = Identity { principal_id: "dynamodb.amazonaws.com", kind: "Service" };
    Record {
        event_id: changes::event_id(number),
        event_name: change.event.as_str(),
        event_version: "1.1",
        event_source: "aws:dynamodb",
        aws_region: region.to_owned(),
        user_identity: change.by_expiry.then_some(identity),
        dynamodb: StreamRecord {
            approximate_creation_date_time: change.second().0,
            size_bytes: change.size(),
            keys: change.keys,
            new_image: change.new,
            old_image: change.old,
            sequence_number: sequence_text(number),
            stream_view_type: stream.view.as_str(),
        },
    }
}
