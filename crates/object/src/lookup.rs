//! Finding versions of objects.

use crate::Error;
use crate::keys;
use crate::model::{Bucket, Part, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fogbank_model::Clock;
use fogbank_store::{Error as StoreError, Read};

/// A version's id: 16 random bytes, then the version's number, in 32 characters.
pub(crate) fn version_id(random: &[u8; 16], number: u64) -> String {
    BASE64.encode([&random[..], &number.to_be_bytes()].concat())
}

/// Random bytes for an id.
pub(crate) fn random(clock: &dyn Clock) -> [u8; 16] {
    let mut random = [0; 16];
    clock.random(&mut random);
    random
}

/// The newest version of an object, which may be a delete marker.
pub(crate) fn newest(read: &impl Read, bucket: &Bucket, key: &str) -> Result<Option<Version>, StoreError> {
    let found = read.scan_prefix(keys::VERSION, &keys::of_key(bucket, key), 1)?;
    found.into_iter().next().map(|(_, bytes)| decode(&bytes)).transpose()
}

/// The version that `id` names, which may be a delete marker.
pub(crate) fn version(read: &impl Read, bucket: &Bucket, key: &str, id: &str) -> Result<Version, Error> {
    let missing = || Error::NoVersion { key: key.to_owned(), version: id.to_owned() };
    if id == "null" {
        return null_version(read, bucket, key)?.ok_or_else(missing);
    }
    let bytes = BASE64.decode(id).ok().filter(|bytes| bytes.len() == 24);
    let bytes = bytes.ok_or_else(|| Error::InvalidVersion(id.to_owned()))?;
    let number = bytes.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let found: Option<Version> = read.load(keys::VERSION, &keys::version(bucket, key, number))?;
    found.filter(|found| found.id.as_deref() == Some(id)).ok_or_else(missing)
}

/// The version of an object that was written while its bucket kept none.
pub(crate) fn null_version(read: &impl Read, bucket: &Bucket, key: &str) -> Result<Option<Version>, StoreError> {
    let Some(bytes) = read.get(keys::NULL, &keys::in_bucket(bucket, key))? else { return Ok(None) };
    let number = bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    read.load(keys::VERSION, &keys::version(bucket, key, number))
}

/// The version to answer `method` with: the one that `id` names, or the newest.
///
/// # Errors
/// [`Error::NoKey`], [`Error::NoVersion`], and [`Error::IsMarker`] for a marker that was asked for by its id.
pub(crate) fn readable(
    read: &impl Read,
    bucket: &Bucket,
    key: &str,
    id: Option<&str>,
    method: &'static str,
) -> Result<Version, Error> {
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        let found = newest(read, bucket, key)?;
        let marker = found.as_ref().filter(|found| found.marker).map(|found| found.id_text().to_owned());
        return found.filter(|found| !found.marker).ok_or_else(|| Error::NoKey { key: key.to_owned(), marker });
    };
    let found = version(read, bucket, key, id)?;
    match found.marker {
        true => Err(Error::IsMarker { method, version: found.id_text().to_owned(), modified: found.modified }),
        false => Ok(found),
    }
}

/// The parts that a version was uploaded in.
pub(crate) fn parts(read: &impl Read, version: &Version) -> Result<Vec<Part>, StoreError> {
    Ok(read.load(keys::PARTS, &version.number.to_be_bytes())?.unwrap_or_default())
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Version, StoreError> {
    let damaged = |error: serde_json::Error| StoreError::Damaged { table: keys::VERSION.0, why: error.to_string() };
    serde_json::from_slice(bytes).map_err(damaged)
}
