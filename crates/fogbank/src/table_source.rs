//! The streams of DynamoDB tables as event source mappings reach them.

use fogbank_functions::sources::{Content, Page, Shard, SourceError, Start, StreamRecord, StreamSource};
use fogbank_model::{Arn, BoxFuture};
use fogbank_table::changes::{Change, Stream, StreamKey, sequence_of, sequence_text};
use fogbank_table::{Error, Tables, stream};
use std::sync::Arc;

/// The streams of tables. Each has one shard.
pub struct TableStreams(pub Arc<Tables>);

fn failed(error: Error) -> SourceError {
    match error {
        Error::NotFound(_) => SourceError::NoSource,
        other => SourceError::Failed(other.to_string()),
    }
}

/// The number after which to read.
fn number(stream: &Stream, after: Option<&str>) -> u64 {
    after.and_then(sequence_of).unwrap_or(stream.first)
}

fn record(key: &StreamKey, stream: &Stream, number: u64, change: &Change) -> StreamRecord {
    let shown = stream::event_record(key, stream, number, change);
    StreamRecord {
        sequence: sequence_text(number),
        key: shown["dynamodb"]["Keys"].to_string(),
        arrival: change.at,
        content: Content::Change(shown),
    }
}

impl TableStreams {
    fn find(&self, stream: &Arn) -> Result<(StreamKey, Stream), SourceError> {
        let key = StreamKey::of(stream.as_str()).ok_or(SourceError::NoSource)?;
        let stream = self.0.stream(&key).map_err(failed)?.ok_or(SourceError::NoSource)?;
        Ok((key, stream))
    }
}

impl StreamSource for TableStreams {
    fn check(&self, stream: &Arn) -> Result<(), SourceError> {
        self.find(stream).map(drop)
    }

    fn shards(&self, stream: &Arn) -> Result<Vec<Shard>, SourceError> {
        let (_, stream) = self.find(stream)?;
        Ok(vec![Shard { id: stream.shard_id(), parents: Vec::new(), origin: String::new() }])
    }

    fn position(&self, stream: &Arn, _: &str, start: Start) -> Result<Option<String>, SourceError> {
        let (_, stream) = self.find(stream)?;
        match start {
            Start::Latest => self.0.last_change(&stream).map(|last| Some(sequence_text(last))).map_err(failed),
            // There is no beginning at a time: such a mapping is not made.
            Start::TrimHorizon | Start::At(_) => Ok(None),
        }
    }

    fn read<'a>(
        &'a self,
        stream: &'a Arn,
        _: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, SourceError>> {
        Box::pin(async move {
            let (key, stream) = self.find(stream)?;
            let after = number(&stream, after);
            let found = self.0.changes(&stream, after, limit).map_err(failed)?;
            let last = found.last().map_or(after, |(number, _)| *number);
            let is_drained = self.0.changes(&stream, last, 1).map_err(failed)?.is_empty();
            let records = found.iter().map(|(number, change)| record(&key, &stream, *number, change)).collect();
            Ok(Page { records, is_drained, is_end: is_drained && stream.ended.is_some() })
        })
    }

    fn ready<'a>(
        &'a self,
        stream: &'a Arn,
        _: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(async move {
            let (key, stream) = self.find(stream)?;
            self.0.changed(&key, number(&stream, after)).await.map_err(failed)
        })
    }
}
