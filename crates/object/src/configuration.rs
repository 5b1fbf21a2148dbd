//! What is configured of a bucket, one record a kind. The types are the wire's own, so that what is answered is what was put; they are
//! kept as the XML that they came in.

use crate::keys;
use crate::model::Bucket;
use fogbank_store::{Error as StoreError, Read, Tx};
use s3s::xml::{Deserialize, Deserializer, Serialize, Serializer};

/// The kinds of configuration. Those that a bucket has many of have ids.
pub(crate) mod kind {
    pub const ACCELERATE: &str = "accelerate";
    pub const ACL: &str = "acl";
    pub const ANALYTICS: &str = "analytics";
    pub const CORS: &str = "cors";
    pub const ENCRYPTION: &str = "encryption";
    pub const INTELLIGENT_TIERING: &str = "intelligent-tiering";
    pub const INVENTORY: &str = "inventory";
    pub const LIFECYCLE: &str = "lifecycle";
    pub const LOGGING: &str = "logging";
    pub const METRICS: &str = "metrics";
    pub const NOTIFICATION: &str = "notification";
    pub const OBJECT_LOCK: &str = "object-lock";
    pub const OWNERSHIP: &str = "ownership";
    pub const POLICY: &str = "policy";
    pub const PUBLIC_ACCESS: &str = "public-access";
    pub const REPLICATION: &str = "replication";
    pub const REQUEST_PAYMENT: &str = "request-payment";
    pub const TAGGING: &str = "tagging";
    pub const WEBSITE: &str = "website";
}

fn damaged(why: &dyn ToString) -> StoreError {
    StoreError::Damaged { table: keys::CONFIG.0, why: why.to_string() }
}

/// A document as text.
pub(crate) fn to_xml<T: Serialize>(it: &T) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::new();
    it.serialize(&mut Serializer::new(&mut text)).map_err(|error| damaged(&error))?;
    Ok(text)
}

/// A document from its text.
pub(crate) fn from_xml<T: for<'xml> Deserialize<'xml>>(text: &[u8]) -> Result<T, StoreError> {
    T::deserialize(&mut Deserializer::new(text)).map_err(|error| damaged(&error))
}

pub(crate) fn get<T>(read: &impl Read, bucket: &Bucket, kind: &str) -> Result<Option<T>, StoreError>
where
    T: for<'xml> Deserialize<'xml>,
{
    get_one(read, bucket, kind, "")
}

pub(crate) fn put<T: Serialize>(tx: &mut Tx<'_>, bucket: &Bucket, kind: &str, it: &T) -> Result<(), StoreError> {
    put_one(tx, bucket, kind, "", it)
}

/// The configuration of a kind that has ids.
pub(crate) fn get_one<T>(read: &impl Read, bucket: &Bucket, kind: &str, id: &str) -> Result<Option<T>, StoreError>
where
    T: for<'xml> Deserialize<'xml>,
{
    let text = read.get(keys::CONFIG, &keys::config(bucket, kind, id))?.filter(|text| !text.is_empty());
    text.map(|text| from_xml(&text)).transpose()
}

/// Removes a configuration that would otherwise be taken for what new buckets have.
pub(crate) fn remove_default(tx: &mut Tx<'_>, bucket: &Bucket, kind: &str) {
    tx.put(keys::CONFIG, &keys::config(bucket, kind, ""), []);
}

/// Whether [`remove_default`] was the last that was done.
pub(crate) fn is_removed(read: &impl Read, bucket: &Bucket, kind: &str) -> Result<bool, StoreError> {
    Ok(read.get(keys::CONFIG, &keys::config(bucket, kind, ""))?.is_some_and(|text| text.is_empty()))
}

pub(crate) fn put_one<T: Serialize>(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    kind: &str,
    id: &str,
    it: &T,
) -> Result<(), StoreError> {
    let text = to_xml(it)?;
    tx.put(keys::CONFIG, &keys::config(bucket, kind, id), text);
    Ok(())
}

/// All configurations of a kind that has ids, in their order.
pub(crate) fn all<T>(read: &impl Read, bucket: &Bucket, kind: &str) -> Result<Vec<T>, StoreError>
where
    T: for<'xml> Deserialize<'xml>,
{
    let found = read.scan_prefix(keys::CONFIG, &keys::config(bucket, kind, ""), usize::MAX)?;
    found.iter().map(|(_, text)| from_xml(text)).collect()
}

pub(crate) fn delete(tx: &mut Tx<'_>, bucket: &Bucket, kind: &str) {
    tx.delete(keys::CONFIG, &keys::config(bucket, kind, ""));
}
