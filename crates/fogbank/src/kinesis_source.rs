//! Kinesis data streams as event source mappings reach them.

use fogbank_functions::sources::{Content, Page, Shard, SourceError, Start, StreamRecord, StreamSource};
use fogbank_model::{Arn, BoxFuture};
use fogbank_stream::{Error, Place, Sequence, Start as From, StreamKey, Streams, shard_id, shard_number};
use std::sync::Arc;

/// Kinesis data streams, and their consumers.
pub struct KinesisStreams(pub Arc<Streams>);

fn key(stream: &Arn) -> Result<StreamKey, SourceError> {
    StreamKey::of(stream.as_str()).ok_or(SourceError::NoSource)
}

fn failed(error: Error) -> SourceError {
    match error {
        Error::NotFound(_) => SourceError::NoSource,
        other => SourceError::Failed(other.to_string()),
    }
}

impl KinesisStreams {
    /// The place behind the record of the number `after`. The number of another stream, which had this one's name before,
    /// is that of a stream that is gone.
    fn place(&self, key: &StreamKey, shard: &str, after: Option<&str>) -> Result<Place, SourceError> {
        let sequence = after.and_then(Sequence::parse);
        let Some(sequence) = sequence else { return Ok(Place::default()) };
        match self.0.position(key, shard, From::AfterSequence(sequence)) {
            Ok(place) => Ok(place),
            Err(Error::Invalid(_)) => Err(SourceError::NoSource),
            Err(error) => Err(failed(error)),
        }
    }
}

impl StreamSource for KinesisStreams {
    fn check(&self, stream: &Arn) -> Result<(), SourceError> {
        let key = key(stream)?;
        let Some((_, consumer)) = stream.resource().split_once("/consumer/") else {
            return self.0.stream(&key).map(drop).map_err(failed);
        };
        let name = consumer.split(':').next().unwrap_or_default();
        let consumer = self.0.consumer(&key, name).map_err(failed)?;
        if consumer.arn(&key) == stream.as_str() { Ok(()) } else { Err(SourceError::NoSource) }
    }

    fn shards(&self, stream: &Arn) -> Result<Vec<Shard>, SourceError> {
        let key = key(stream)?;
        let shards = self.0.shards(&key).map_err(failed)?;
        let origin = self.0.stream(&key).map_err(failed)?.id.to_string();
        let shard = |shard: &fogbank_stream::Shard| Shard {
            id: shard.id(),
            parents: shard.parents().map(shard_id).collect(),
            origin: origin.clone(),
        };
        Ok(shards.iter().map(shard).collect())
    }

    fn position(&self, stream: &Arn, shard: &str, start: Start) -> Result<Option<String>, SourceError> {
        let key = key(stream)?;
        let from = match start {
            Start::TrimHorizon => return Ok(None),
            Start::Latest => From::Latest,
            Start::At(at) => From::At(at),
        };
        let place = self.0.position(&key, shard, from).map_err(failed)?.previous();
        let (stream, shard) = (self.0.stream(&key).map_err(failed)?.id % 1_000_000, shard_number(shard));
        Ok(shard.map(|shard| Sequence { place, shard, stream }.to_string()))
    }

    fn read<'a>(
        &'a self,
        stream: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, SourceError>> {
        Box::pin(async move {
            let key = key(stream)?;
            let from = self.place(&key, shard, after)?;
            let batch = self.0.read(&key, shard, from, limit).map_err(failed)?;
            let record = |record: fogbank_stream::Record| StreamRecord {
                sequence: record.sequence.to_string(),
                key: record.partition_key,
                arrival: record.arrived,
                content: Content::Data(record.data),
            };
            let is_drained = batch.behind_ms == 0;
            let records = batch.records.into_iter().map(record).collect();
            Ok(Page { records, is_drained, is_end: batch.end.is_some() })
        })
    }

    fn ready<'a>(
        &'a self,
        stream: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(async move {
            let key = key(stream)?;
            let from = self.place(&key, shard, after)?;
            self.0.ready(&key, shard, from).await.map_err(failed)
        })
    }
}
