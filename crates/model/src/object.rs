//! Objects of buckets, as services read them that take what they need from there: code, templates.

use crate::AccountId;
use std::io::Read;

/// An object, or one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version; the newest if there is none.
    pub version: Option<String>,
}

/// Reads objects.
pub trait ReadObject: Send + Sync + 'static {
    /// Opens an object of a bucket of `account`. Called, and read from, on a thread that may block.
    ///
    /// # Errors
    /// [`ObjectError`].
    fn open(&self, account: &AccountId, object: &ObjectName) -> Result<Box<dyn Read + Send>, ObjectError>;
}

/// Why an object cannot be read: S3's code and message.
#[derive(Debug, Clone, thiserror::Error)]
#[error("S3 Error Code: {code}. S3 Error Message: {message}")]
pub struct ObjectError {
    /// Such as `NoSuchKey`.
    pub code: &'static str,
    /// Its text.
    pub message: String,
}
