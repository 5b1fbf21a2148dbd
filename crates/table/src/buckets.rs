//! Buckets, as exports write to them and imports read from them. The composition root says what they are.

use bytes::Bytes;
use fogbank_model::{AccountId, BoxFuture};
use std::io::Read;

/// Buckets of the platform.
pub trait Buckets: Send + Sync + 'static {
    /// Stores an object in a bucket of `account`, and answers its entity tag.
    fn put<'a>(
        &'a self,
        account: &'a AccountId,
        place: (&'a str, &'a str),
        body: Bytes,
        content_type: &'static str,
    ) -> BoxFuture<'a, Result<String, BucketError>>;

    /// At most `limit` keys that begin with `prefix` and follow `after`, with their sizes in bytes.
    ///
    /// # Errors
    /// [`BucketError`].
    fn list(
        &self,
        account: &AccountId,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, BucketError>;

    /// Reads an object, on a thread that may block.
    ///
    /// # Errors
    /// [`BucketError`].
    fn open(&self, account: &AccountId, bucket: &str, key: &str) -> Result<Box<dyn Read + Send>, BucketError>;
}

/// Why a bucket cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BucketError {
    /// There is none of the name.
    #[error("The specified bucket does not exist")]
    NoBucket,
    /// It belongs to somebody else.
    #[error("Access Denied")]
    Denied,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}
