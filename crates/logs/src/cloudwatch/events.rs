//! Handlers for events.

use super::groups::{identified, named};
use super::shapes::{
    FilterLogEvents, FilterLogEventsOutput, FilteredLogEvent, GetLogEvents, GetLogEventsOutput, OutputLogEvent,
    PutLogEvents, PutLogEventsOutput, RejectedInfo,
};
use super::streams::SEQUENCE_TOKEN;
use crate::get::{EventRange, Token};
use crate::model::Position;
use crate::put::Rejected;
use crate::{Error, Filter, LogEvent, Logs, Pattern};
use fogbank_model::{RequestContext, Timestamp};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

type State = Arc<Logs>;

pub(super) async fn put(
    state: State,
    context: RequestContext,
    input: PutLogEvents,
) -> Result<PutLogEventsOutput, Error> {
    let group = named(&context, &input.log_group_name);
    let events = input.log_events.into_iter().map(|event| (Timestamp(event.timestamp), event.message)).collect();
    let rejected = state.put(&group, &input.log_stream_name, events).await?;
    let info = RejectedInfo {
        too_new_log_event_start_index: rejected.too_new_from,
        too_old_log_event_end_index: rejected.too_old_until,
        expired_log_event_end_index: rejected.expired_until,
    };
    Ok(PutLogEventsOutput {
        next_sequence_token: SEQUENCE_TOKEN.into(),
        rejected_log_events_info: (rejected != Rejected::default()).then_some(info),
    })
}

pub(super) async fn get(
    state: State,
    context: RequestContext,
    input: GetLogEvents,
) -> Result<GetLogEventsOutput, Error> {
    let group = identified(&context, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let range = EventRange {
        start: input.start_time,
        end: input.end_time,
        token: input.next_token.as_deref().map(Token::decode).transpose()?,
        limit: input.limit,
        from_head: input.start_from_head,
    };
    let page = state.events(&group, &input.log_stream_name, range).await?;
    let events = page.events.into_iter().map(|event| OutputLogEvent {
        timestamp: event.position.time,
        message: event.message,
        ingestion_time: event.ingested.0,
    });
    Ok(GetLogEventsOutput {
        events: events.collect(),
        next_forward_token: page.forward.encode(),
        next_backward_token: page.backward.encode(),
    })
}

pub(super) async fn filter(
    state: State,
    context: RequestContext,
    input: FilterLogEvents,
) -> Result<FilterLogEventsOutput, Error> {
    if input.start_from_head == Some(false) {
        return Err(Error::unsupported("startFromHead false"));
    }
    let group = identified(&context, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let filter = Filter {
        prefix: input.log_stream_name_prefix,
        streams: input.log_stream_names,
        start: input.start_time,
        end: input.end_time,
        pattern: Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?,
        after: input.next_token.as_deref().map(decode).transpose()?,
        limit: input.limit,
    };
    let found = state.find(&group, filter).await?;
    let events = found.events.into_iter().map(|(stream, event)| FilteredLogEvent {
        event_id: event_id(&stream, &event),
        log_stream_name: stream,
        timestamp: event.position.time,
        message: event.message,
        ingestion_time: event.ingested.0,
    });
    Ok(FilterLogEventsOutput {
        events: events.collect(),
        searched_log_streams: Vec::new(),
        next_token: found.after.map(|(at, stream)| format!("{:016x}{:016x}{stream}", at.time, at.number)),
    })
}

fn decode(token: &str) -> Result<(Position, String), Error> {
    let number = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let read = token.split_at_checked(16).and_then(|(time, rest)| {
        let (counted, stream) = rest.split_at_checked(16)?;
        Some((Position { time: number(time)?, number: number(counted)? }, stream.to_owned()))
    });
    read.ok_or_else(|| Error::invalid("The specified nextToken is invalid."))
}

/// 56 digits that stay the same: followers tell by them what they have shown already.
fn event_id(stream: &str, event: &LogEvent) -> String {
    let mut hasher = DefaultHasher::new();
    stream.hash(&mut hasher);
    format!("{:016}{:020}{:020}", event.position.time, event.position.number, hasher.finish())
}
