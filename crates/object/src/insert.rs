//! A new version of an object.

use crate::configuration::{self, kind};
use crate::digest::Algorithm;
use crate::lookup::{self, version_id};
use crate::model::{Bucket, Checksum, Draft, Part, Place, Retention, Summary, Version, Versioning};
use crate::{Error, discard, keys, number, refer};
use fogbank_model::AccountId;
use fogbank_store::{Error as StoreError, Tx};
use std::time::Duration;

/// A body that is on disk, for a version to refer to.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Inline(Vec<u8>),
    File(String),
    Parts(Vec<Part>),
}

/// Everything that makes a version.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub draft: Draft,
    pub owner: AccountId,
    pub size: u64,
    pub etag: String,
    pub checksum: Option<Checksum>,
    pub body: Body,
    /// For the version's id.
    pub random: [u8; 16],
}

impl New {
    /// The checksum that a whole body has.
    pub fn full(algorithm: Algorithm, value: String) -> Option<Checksum> {
        Some(Checksum { algorithm, value, full: true })
    }
}

/// Makes the object's newest version.
pub(crate) fn insert(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, new: New) -> Result<Version, Error> {
    let number = number(tx)?;
    let (place, parts) = match &new.body {
        Body::Inline(bytes) if bytes.is_empty() => (Place::Nothing, 0),
        Body::Inline(bytes) => {
            tx.put(keys::INLINE, &number.to_be_bytes(), bytes.as_slice());
            (Place::Inline, 0)
        }
        Body::File(name) => {
            refer(tx, name);
            (Place::File(name.clone()), 0)
        }
        Body::Parts(parts) => {
            parts.iter().for_each(|part| refer(tx, &part.file));
            tx.save(keys::PARTS, &number.to_be_bytes(), parts)?;
            (Place::Parts, u32::try_from(parts.len()).unwrap_or(u32::MAX))
        }
    };
    let version = Version {
        number,
        id: (bucket.versioning == Versioning::Enabled).then(|| version_id(&new.random, number)),
        modified: tx.now(),
        owner: new.owner,
        marker: false,
        size: new.size,
        etag: new.etag,
        place,
        checksum: new.checksum,
        parts,
        retention: new.draft.retention.or(default_retention(tx, bucket)?),
        hold: new.draft.hold,
        head: new.draft.head,
        tags: new.draft.tags,
    };
    put(tx, bucket, key, &version)?;
    Ok(version)
}

/// Makes a delete marker the object's newest version.
pub(crate) fn insert_marker(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    owner: &AccountId,
    random: &[u8; 16],
) -> Result<Version, Error> {
    let number = number(tx)?;
    let marker = Version {
        number,
        id: (bucket.versioning == Versioning::Enabled).then(|| version_id(random, number)),
        modified: tx.now(),
        owner: owner.clone(),
        marker: true,
        size: 0,
        etag: String::new(),
        place: Place::Nothing,
        checksum: None,
        parts: 0,
        head: Default::default(),
        tags: Vec::new(),
        retention: None,
        hold: None,
    };
    put(tx, bucket, key, &marker)?;
    Ok(marker)
}

/// Writes a new version. The null version takes the place of the null version before.
fn put(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, version: &Version) -> Result<(), StoreError> {
    if version.id.is_none() {
        if let Some(before) = lookup::null_version(tx, bucket, key)? {
            erase(tx, bucket, key, &before)?;
        }
        tx.put(keys::NULL, &keys::in_bucket(bucket, key), version.number.to_be_bytes());
    }
    rewrite(tx, bucket, key, version)?;
    match version.marker {
        true => tx.delete(keys::OBJECT, &keys::in_bucket(bucket, key)),
        false => tx.save(keys::OBJECT, &keys::in_bucket(bucket, key), &Summary::of(version))?,
    }
    Ok(())
}

/// Writes a version whose tags, lock or ACL have changed.
pub(crate) fn rewrite(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, version: &Version) -> Result<(), StoreError> {
    tx.save(keys::VERSION, &keys::version(bucket, key, version.number), version)
}

/// Removes a version and what it refers to, but no index entry except its own.
pub(crate) fn erase(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, version: &Version) -> Result<(), StoreError> {
    tx.delete(keys::VERSION, &keys::version(bucket, key, version.number));
    if version.id.is_none() {
        tx.delete(keys::NULL, &keys::in_bucket(bucket, key));
    }
    match &version.place {
        Place::Nothing => {}
        Place::Inline => tx.delete(keys::INLINE, &version.number.to_be_bytes()),
        Place::File(name) => discard(tx, name),
        Place::Parts => {
            for part in lookup::parts(tx, version)? {
                discard(tx, &part.file);
            }
            tx.delete(keys::PARTS, &version.number.to_be_bytes());
        }
    }
    Ok(())
}

/// The retention that the bucket gives to objects that bring none.
fn default_retention(tx: &Tx<'_>, bucket: &Bucket) -> Result<Option<Retention>, StoreError> {
    if !bucket.object_lock {
        return Ok(None);
    }
    let lock: Option<s3s::dto::ObjectLockConfiguration> = configuration::get(tx, bucket, kind::OBJECT_LOCK)?;
    let rule = lock.and_then(|lock| lock.rule).and_then(|rule| rule.default_retention);
    Ok(rule.and_then(|rule| {
        let days = rule.days.or(rule.years.map(|years| years * 365))?;
        let until = tx.now().plus(Duration::from_secs(86_400 * u64::try_from(days).ok()?));
        Some(Retention { mode: rule.mode?.as_str().to_owned(), until })
    }))
}
