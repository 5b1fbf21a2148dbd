//! Streams as event source mappings reach them: the one place that knows which service a stream belongs to.

use fogbank_functions::sources::{Page, Shard, SourceError, Start, StreamSource};
use fogbank_model::{Arn, BoxFuture};

/// The platform's streams.
pub struct StreamsOf;

impl StreamSource for StreamsOf {
    fn check(&self, _: &Arn) -> Result<(), SourceError> {
        Err(SourceError::NoSource)
    }

    fn shards(&self, _: &Arn) -> Result<Vec<Shard>, SourceError> {
        Err(SourceError::NoSource)
    }

    fn position(&self, _: &Arn, _: &str, _: Start) -> Result<Option<String>, SourceError> {
        Err(SourceError::NoSource)
    }

    fn read<'a>(
        &'a self,
        _: &'a Arn,
        _: &'a str,
        _: Option<&'a str>,
        _: usize,
    ) -> BoxFuture<'a, Result<Page, SourceError>> {
        Box::pin(std::future::ready(Err(SourceError::NoSource)))
    }

    fn ready<'a>(&'a self, _: &'a Arn, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(std::future::ready(Err(SourceError::NoSource)))
    }
}
