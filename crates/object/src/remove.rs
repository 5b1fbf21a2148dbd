//! Deleting objects and versions.

use crate::insert::{erase, insert_marker};
use crate::model::{Bucket, Summary, Version, Versioning};
use crate::{Error, keys, lock, lookup};
use fogbank_model::AccountId;
use fogbank_store::{Error as StoreError, Read as _, Tx};

/// What a deletion did.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Removed {
    /// There was nothing.
    Nothing,
    /// The object is gone, or its version.
    Version(Version),
    /// A delete marker stands in its place.
    Marked(Version),
}

/// Who deletes.
#[derive(Debug, Clone)]
pub(crate) struct Remover {
    pub owner: AccountId,
    /// Whether a lock in governance mode does not count.
    pub bypass: bool,
    /// For a delete marker's id.
    pub random: [u8; 16],
}

/// Deletes an object, or for good the version that `id` names.
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    id: Option<&str>,
    by: &Remover,
) -> Result<Removed, Error> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return remove_current(tx, bucket, key, by) };
    let version = match lookup::version(tx, bucket, key, id) {
        Err(Error::NoVersion { .. }) => return Ok(Removed::Nothing),
        other => other?,
    };
    lock::check(tx, bucket, &version, by.bypass)?;
    erase(tx, bucket, key, &version)?;
    show_newest(tx, bucket, key)?;
    Ok(Removed::Version(version))
}

fn remove_current(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, by: &Remover) -> Result<Removed, Error> {
    if bucket.versioning != Versioning::Never {
        return Ok(Removed::Marked(insert_marker(tx, bucket, key, &by.owner, &by.random)?));
    }
    let Some(version) = lookup::newest(tx, bucket, key)? else { return Ok(Removed::Nothing) };
    erase(tx, bucket, key, &version)?;
    tx.delete(keys::OBJECT, &keys::in_bucket(bucket, key));
    Ok(Removed::Version(version))
}

/// Makes listings show what is the newest version now.
fn show_newest(tx: &mut Tx<'_>, bucket: &Bucket, key: &str) -> Result<(), StoreError> {
    let place = keys::in_bucket(bucket, key);
    match lookup::newest(tx, bucket, key)?.filter(|newest| !newest.marker) {
        Some(newest) => tx.save(keys::OBJECT, &place, &Summary::of(&newest)),
        None => {
            if tx.get(keys::OBJECT, &place)?.is_some() {
                tx.delete(keys::OBJECT, &place);
            }
            Ok(())
        }
    }
}
