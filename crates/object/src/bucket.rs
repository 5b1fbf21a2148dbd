//! Buckets: names that are everybody's, owners that are one account.

use crate::model::{Bucket, Versioning};
use crate::{Error, keys, number};
use fogbank_model::{AccountId, Region};
use fogbank_store::{Error as StoreError, Read, Tx};

/// The bucket called `name`.
pub(crate) fn find(read: &impl Read, name: &str) -> Result<Bucket, Error> {
    lookup(read, name)?.ok_or_else(|| Error::NoBucket(name.to_owned()))
}

/// The bucket called `name`, if there is one.
pub(crate) fn lookup(read: &impl Read, name: &str) -> Result<Option<Bucket>, StoreError> {
    read.load(keys::BUCKET, name.as_bytes())
}

/// A bucket to be.
#[derive(Debug, Clone)]
pub(crate) struct NewBucket {
    pub name: String,
    pub owner: AccountId,
    pub region: Region,
    pub object_lock: bool,
}

/// Makes a bucket. In `us-east-1` the owner may make it again, which changes nothing.
pub(crate) fn create(tx: &mut Tx<'_>, new: NewBucket) -> Result<Bucket, Error> {
    if let Some(found) = lookup(tx, &new.name)? {
        return match found.owner == new.owner {
            true if new.region == Region::default_region() && found.region == new.region => Ok(found),
            true => Err(Error::BucketOwned(new.name)),
            false => Err(Error::BucketTaken(new.name)),
        };
    }
    let bucket = Bucket {
        name: new.name,
        number: number(tx)?,
        owner: new.owner,
        region: new.region,
        created: tx.now(),
        versioning: if new.object_lock { Versioning::Enabled } else { Versioning::Never },
        mfa_delete: false,
        object_lock: new.object_lock,
    };
    tx.put(keys::OWNED, &keys::owned(&bucket.owner, &bucket.name), []);
    save(tx, &bucket)?;
    Ok(bucket)
}

/// Writes a bucket that has changed.
pub(crate) fn save(tx: &mut Tx<'_>, bucket: &Bucket) -> Result<(), StoreError> {
    tx.save(keys::BUCKET, bucket.name.as_bytes(), bucket)
}

/// Removes an empty bucket. Multipart uploads under way go with it.
pub(crate) fn delete(tx: &mut Tx<'_>, bucket: &Bucket) -> Result<(), Error> {
    let prefix = bucket.number.to_be_bytes();
    if !tx.scan_prefix(keys::OBJECT, &prefix, 1)?.is_empty() {
        return Err(match bucket.versioning {
            Versioning::Never => Error::BucketNotEmpty(bucket.name.clone()),
            _ => Error::BucketHasVersions(bucket.name.clone()),
        });
    }
    if !tx.scan_prefix(keys::VERSION, &prefix, 1)?.is_empty() {
        return Err(Error::BucketHasVersions(bucket.name.clone()));
    }
    for (key, _) in tx.scan_prefix(keys::UPLOAD, &prefix, usize::MAX)? {
        crate::upload::forget(tx, &key)?;
    }
    for (key, _) in tx.scan_prefix(keys::CONFIG, &prefix, usize::MAX)? {
        tx.delete(keys::CONFIG, &key);
    }
    tx.delete(keys::OWNED, &keys::owned(&bucket.owner, &bucket.name));
    tx.delete(keys::BUCKET, bucket.name.as_bytes());
    Ok(())
}

/// An account's buckets whose names begin with `prefix` and follow `after`, in order, at most `limit`.
pub(crate) fn owned(
    read: &impl Read,
    account: &AccountId,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Bucket>, Error> {
    let own = keys::owned(account, prefix);
    let from = after.map(|after| keys::owned(account, after)).filter(|after| *after >= own);
    let from = from.as_ref().map_or(std::ops::Bound::Included(own.as_slice()), |from| std::ops::Bound::Excluded(from));
    let end = [own.as_slice(), &[255]].concat();
    let found = read.scan(keys::OWNED, from, std::ops::Bound::Excluded(&end), limit)?;
    let name = |key: &[u8]| String::from_utf8_lossy(key.get(13..).unwrap_or_default()).into_owned();
    found.into_iter().map(|(key, _)| find(read, &name(&key))).collect()
}

/// Whether `name` is one that a bucket may have (Amazon S3 User Guide, "Bucket naming rules").
pub(crate) fn is_valid_name(name: &str) -> bool {
    let reserved = ["-s3alias", "--ol-s3", ".mrap", "--x-s3"].iter().any(|ending| name.ends_with(ending))
        || ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| name.starts_with(start));
    s3s::path::check_bucket_name(name) && !reserved && !name.contains(".-") && !name.contains("-.")
}
