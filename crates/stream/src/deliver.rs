//! Records that come from other services of the platform, within their transactions.

use crate::model::{Draft, StreamKey};
use crate::put::{Throttle, put_in};
use crate::{Error, Streams, lookup};
use fogbank_delivery::{Delivery, Undelivered};
use fogbank_model::Arn;
use fogbank_store::{Error as StoreError, Tx};

impl Streams {
    /// Writes `delivery` into the stream `target` within the caller's transaction. The delivery's group is the partition key. A shard's
    /// limits do not hold, because what they refuse would be lost.
    ///
    /// # Errors
    /// [`Undelivered`]: there is no such stream, or the record is too large for it.
    pub fn deliver_in(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let missing = || Undelivered::NoTarget(target.to_string());
        let key = StreamKey::of(target.as_str()).filter(|key| key.arn() == *target).ok_or_else(missing)?;
        let stream = lookup(tx, &key)?.ok_or_else(missing)?;
        let given = delivery.group.clone().filter(|group| !group.is_empty());
        let partition_key = given.unwrap_or_else(|| self.clock.uuid()).chars().take(256).collect();
        let data = delivery.body.clone().into();
        let draft = Draft { data, partition_key, hash_key: None, after: None };
        let most = stream.max_record_kib as usize * 1024;
        if draft.size() > most {
            return Err(Undelivered::Refused(format!("the record has more than {most} bytes")));
        }
        match put_in(tx, &key, &stream, &draft, Throttle::Off) {
            Ok(_) => Ok(()),
            Err(Error::Store(error)) => Err(StoreError::Disk(error).into()),
            Err(other) => Err(Undelivered::Refused(other.to_string())),
        }
    }

    /// Whether `target` names a stream that is there.
    ///
    /// # Errors
    /// The store's.
    pub fn exists(&self, tx: &Tx<'_>, target: &Arn) -> Result<bool, StoreError> {
        match StreamKey::of(target.as_str()) {
            Some(key) => Ok(lookup(tx, &key)?.is_some()),
            None => Ok(false),
        }
    }
}
