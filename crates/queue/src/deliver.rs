//! Messages that come from other services of the platform, within their transactions.

use crate::{Draft, Error, QueueKey, Queues, Sender, lookup};
use fogbank_delivery::{Delivery, Undelivered};
use fogbank_model::Arn;
use fogbank_store::{Error as StoreError, Tx};

impl Queues {
    /// Sends `delivery` to the queue `target` within the caller's transaction.
    ///
    /// # Errors
    /// [`Undelivered`]: there is no such queue, or the message is not one that it takes.
    pub fn deliver_in(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let key = QueueKey::of(target.as_str()).ok_or_else(|| Undelivered::NoTarget(target.to_string()))?;
        let draft = Draft {
            body: delivery.body.clone(),
            attributes: delivery.attributes.clone(),
            trace: delivery.origin.trace.clone(),
            deduplication: delivery.deduplication.clone(),
            group: delivery.group.clone(),
            ..Draft::default()
        };
        let arn = delivery.origin.sender.clone();
        match Self::send_in(tx, &key, &Sender { id: arn.clone(), arn }, &self.clock.uuid(), &draft) {
            Ok(_) => Ok(()),
            Err(Error::NoQueue) => Err(Undelivered::NoTarget(target.to_string())),
            Err(Error::Store(error)) => Err(StoreError::Disk(error).into()),
            Err(other) => Err(Undelivered::Refused(other.to_string())),
        }
    }

    /// Whether `target` names a queue that is there.
    ///
    /// # Errors
    /// The store's.
    pub fn exists(&self, tx: &Tx<'_>, target: &Arn) -> Result<bool, StoreError> {
        match QueueKey::of(target.as_str()) {
            Some(key) => Ok(lookup(tx, &key)?.is_some()),
            None => Ok(false),
        }
    }
}
