//! Streams as event source mappings reach them: the one place that knows which service a stream belongs to.

use crate::kinesis_source::KinesisStreams;
use crate::table_source::TableStreams;
use fogbank_functions::sources::{Page, Shard, SourceError, Start, StreamKind, StreamSource};
use fogbank_model::{Arn, BoxFuture};

/// The platform's streams.
pub struct StreamsOf {
    /// `arn:aws:kinesis:…`
    pub kinesis: KinesisStreams,
    /// `arn:aws:dynamodb:…:table/…/stream/…`
    pub tables: TableStreams,
}

impl StreamsOf {
    fn of(&self, stream: &Arn) -> Result<&dyn StreamSource, SourceError> {
        match StreamKind::of(stream) {
            Some(StreamKind::Kinesis) => Ok(&self.kinesis),
            Some(StreamKind::DynamoDb) => Ok(&self.tables),
            None => Err(SourceError::NoSource),
        }
    }
}

impl StreamSource for StreamsOf {
    fn check(&self, stream: &Arn) -> Result<(), SourceError> {
        self.of(stream)?.check(stream)
    }

    fn shards(&self, stream: &Arn) -> Result<Vec<Shard>, SourceError> {
        self.of(stream)?.shards(stream)
    }

    fn position(&self, stream: &Arn, shard: &str, start: Start) -> Result<Option<String>, SourceError> {
        self.of(stream)?.position(stream, shard, start)
    }

    fn read<'a>(
        &'a self,
        stream: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, SourceError>> {
        match self.of(stream) {
            Ok(source) => source.read(stream, shard, after, limit),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn ready<'a>(
        &'a self,
        stream: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), SourceError>> {
        match self.of(stream) {
            Ok(source) => source.ready(stream, shard, after),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}
