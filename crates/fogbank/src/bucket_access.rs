//! Buckets as other services reach them: exports and imports of tables, and whoever reads code or a template.

use bytes::Bytes;
use fogbank_model::{AccountId, BoxFuture, ObjectError, ObjectName, ReadObject};
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
        Ok(Box::new(self.0.open_object(account, bucket, key, None).map_err(failed)?))
    }
}

/// All buckets, for those who read one object.
pub struct ReadBuckets(pub Arc<Objects>);

impl ReadObject for ReadBuckets {
    fn open(&self, account: &AccountId, object: &ObjectName) -> Result<Box<dyn Read + Send>, ObjectError> {
        let ObjectName { bucket, key, version } = object;
        let opened = self.0.open_object(account, bucket, key, version.as_deref());
        opened.map(|reader| Box::new(reader) as _).map_err(unreadable)
    }
}

fn unreadable(error: Error) -> ObjectError {
    let code = match error {
        Error::NoBucket(_) => "NoSuchBucket",
        Error::NoKey { .. } => "NoSuchKey",
        Error::NoVersion { .. } => "NoSuchVersion",
        Error::InvalidVersion(_) => "InvalidArgument",
        Error::IsMarker { .. } => "MethodNotAllowed",
        Error::Denied => "AccessDenied",
        _ => "InternalError",
    };
    ObjectError { code, message: error.to_string() }
}
