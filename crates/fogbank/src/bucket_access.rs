//! Buckets as exports and imports of tables reach them.

use bytes::Bytes;
use fogbank_model::{AccountId, BoxFuture};
use fogbank_object::{Error, Objects};
use fogbank_table::{BucketError, Buckets};
use std::io::Read;
use std::sync::Arc;

/// All buckets, for tables.
pub struct TableBuckets(pub Arc<Objects>);

fn failed(error: Error) -> BucketError {
    match error {
        Error::NoBucket(_) => BucketError::NoBucket,
        Error::Denied => BucketError::Denied,
        other => BucketError::Failed(other.to_string()),
    }
}

impl Buckets for TableBuckets {
    fn put<'a>(
        &'a self,
        account: &'a AccountId,
        place: (&'a str, &'a str),
        body: Bytes,
        content_type: &'static str,
    ) -> BoxFuture<'a, Result<String, BucketError>> {
        let put = self.0.put_whole(account, "dynamodb.amazonaws.com", place, body, content_type);
        Box::pin(async move { put.await.map_err(failed) })
    }

    fn list(
        &self,
        account: &AccountId,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, BucketError> {
        self.0.keys_below(account, bucket, prefix, after, limit).map_err(failed)
    }

    fn open(&self, account: &AccountId, bucket: &str, key: &str) -> Result<Box<dyn Read + Send>, BucketError> {
        Ok(Box::new(self.0.open_object(account, bucket, key).map_err(failed)?))
    }
}
