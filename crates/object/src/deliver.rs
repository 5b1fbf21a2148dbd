//! Objects that other services of the platform write, within their transactions.

use crate::insert::{Body, New};
use crate::model::Draft;
use crate::notify::{Cause, Event};
use crate::{Error, Objects, bucket, insert, lookup, notify};
use fogbank_delivery::{Delivery, Undelivered};
use fogbank_model::{Arn, RequestId};
use fogbank_store::{Error as StoreError, Tx};
use md5::{Digest as _, Md5};

/// Bytes of a key.
const KEY_BYTES: usize = 1024;

/// The name of the bucket that an ARN names.
fn named(target: &Arn) -> &str {
    target.resource()
}

impl Objects {
    /// Writes `delivery` as an object of the bucket `target` within the caller's transaction. The delivery's subject is the object's key, or a
    /// random one. The body is kept in the store, so it should not be large.
    ///
    /// # Errors
    /// [`Undelivered`]: there is no such bucket, or it is another account's.
    pub fn deliver_in(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let found = bucket::lookup(tx, named(target))?;
        let bucket = found.ok_or_else(|| Undelivered::NoTarget(target.to_string()))?;
        if bucket.owner != delivery.origin.account {
            return Err(Undelivered::Refused(format!("{target} belongs to another account")));
        }
        let key = delivery.subject.clone().filter(|key| !key.is_empty()).unwrap_or_else(|| self.clock.uuid());
        if key.len() > KEY_BYTES {
            return Err(Undelivered::Refused(Error::KeyTooLong(key.len()).to_string()));
        }
        let body = delivery.body.clone().into_bytes();
        let new = New {
            draft: Draft::default(),
            owner: bucket.owner.clone(),
            size: body.len() as u64,
            etag: hex::encode(Md5::digest(&body)),
            checksum: None,
            body: Body::Inline(body),
            random: lookup::random(&*self.clock),
        };
        let version = match insert::insert(tx, &bucket, &key, new) {
            Ok(version) => version,
            Err(Error::Store(error)) => return Err(error.into()),
            Err(other) => return Err(Undelivered::Refused(other.to_string())),
        };
        // Nobody is told at the end of a loop.
        let Some(origin) = delivery.origin.onward("s3.amazonaws.com", bucket.arn()) else { return Ok(()) };
        let id = RequestId(self.clock.uuid().into());
        let cause = Cause {
            principal: delivery.origin.service.clone(),
            origin,
            source_ip: "127.0.0.1".into(),
            request_id: crate::s3::request_id(&id),
            host_id: crate::s3::host_id(&id),
        };
        let event = Event { name: "ObjectCreated:Put", key: &key, version: &version };
        Ok(notify::notify(tx, &*self.deliver, &bucket, &cause, &event)?)
    }

    /// Whether `target` names a bucket that is there.
    ///
    /// # Errors
    /// The store's.
    pub fn exists(&self, tx: &Tx<'_>, target: &Arn) -> Result<bool, StoreError> {
        Ok(bucket::lookup(tx, named(target))?.is_some())
    }
}
