//! Handlers for streams.

use super::groups::{identified, named};
use super::shapes::{DescribeLogStreams, DescribeLogStreamsOutput, Empty, LogStream, StreamName};
use crate::model::{GroupKey, Stream};
use crate::streams::StreamFilter;
use crate::{Error, Logs};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Logs>;

/// Sequence tokens are not used any more; clients that still read one get always the same.
pub(super) const SEQUENCE_TOKEN: &str = "49039859634273100000000000000000000000000000000000000000";

fn shown(group: &GroupKey, name: String, stream: &Stream) -> LogStream {
    LogStream {
        arn: format!("{}:log-stream:{name}", group.arn()),
        log_stream_name: name,
        creation_time: stream.created.0,
        first_event_timestamp: stream.first_event.map(|at| at.0),
        last_event_timestamp: stream.last_event.map(|at| at.0),
        last_ingestion_time: stream.last_ingestion.map(|at| at.0),
        upload_sequence_token: stream.last_ingestion.map(|_| SEQUENCE_TOKEN.into()),
        // AWS has shown zero here since 2019.
        stored_bytes: 0,
    }
}

pub(super) async fn create(state: State, context: RequestContext, input: StreamName) -> Result<Empty, Error> {
    if input.log_stream_name.contains([':', '*']) {
        return Err(Error::invalid("A log stream's name must not hold ':' or '*'."));
    }
    state.create_stream(&named(&context, &input.log_group_name), &input.log_stream_name).await?;
    Ok(Empty {})
}

pub(super) async fn delete(state: State, context: RequestContext, input: StreamName) -> Result<Empty, Error> {
    state.delete_stream(&named(&context, &input.log_group_name), &input.log_stream_name).await?;
    Ok(Empty {})
}

pub(super) async fn describe(
    state: State,
    context: RequestContext,
    input: DescribeLogStreams,
) -> Result<DescribeLogStreamsOutput, Error> {
    let group = identified(&context, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let filter = StreamFilter {
        prefix: input.log_stream_name_prefix,
        by_last_event: input.order_by.as_deref() == Some("LastEventTime"),
        descending: input.descending,
        after: input.next_token.as_deref().map(decode).transpose()?,
        limit: input.limit,
    };
    let (streams, next) = state.streams(&group, filter).await?;
    let log_streams = streams.into_iter().map(|(name, stream)| shown(&group, name, &stream)).collect();
    Ok(DescribeLogStreamsOutput { log_streams, next_token: next.map(|(time, name)| format!("{time:016x}{name}")) })
}

fn decode(token: &str) -> Result<(u64, String), Error> {
    let parts = token.split_at_checked(16);
    let read = parts.and_then(|(time, name)| Some((u64::from_str_radix(time, 16).ok()?, name.to_owned())));
    read.ok_or_else(|| Error::invalid("The specified nextToken is invalid."))
}
