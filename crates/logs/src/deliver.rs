//! Lines that come from other services of the platform, within their transactions.

use crate::model::{GroupKey, Position, Stream};
use crate::{Logs, keys};
use fogbank_delivery::{Delivery, Undelivered};
use fogbank_model::Arn;
use fogbank_store::{Error as StoreError, Read, Tx};

impl Logs {
    /// Writes a message into the group `target` within the caller's transaction: a stream for each source, named after it, takes it.
    ///
    /// # Errors
    /// [`Undelivered::NoTarget`] if there is no such group, [`Undelivered::Store`].
    pub fn deliver_in(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let group = group_of(target).ok_or_else(|| Undelivered::NoTarget(target.to_string()))?;
        if tx.get(keys::GROUP, &keys::group(&group))?.is_none() {
            return Err(Undelivered::NoTarget(target.to_string()));
        }
        let source = delivery.origin.source.as_ref().map_or(delivery.origin.service.as_str(), Arn::resource);
        let name = source.rsplit(['/', ':']).next().unwrap_or(source);
        let (key, now) = (keys::stream(&group, name), tx.now());
        let mut stream: Stream = tx.load(keys::STREAM, &key)?.unwrap_or_else(|| Stream::new(now));
        let position = Position { time: u64::try_from(now.0).unwrap_or(0), number: self.sink.next_number() };
        tx.put(keys::EVENT, &keys::event(&group, name, position), keys::encode_event(now, &delivery.body));
        stream.note(now, now, &delivery.body);
        Ok(tx.save(keys::STREAM, &key, &stream)?)
    }

    /// Whether `target` names a group that is there.
    ///
    /// # Errors
    /// The store's.
    pub fn exists(&self, tx: &Tx<'_>, target: &Arn) -> Result<bool, StoreError> {
        match group_of(target) {
            Some(group) => Ok(tx.get(keys::GROUP, &keys::group(&group))?.is_some()),
            None => Ok(false),
        }
    }
}

/// The group of `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, with or without `:*` behind it.
fn group_of(arn: &Arn) -> Option<GroupKey> {
    let name = arn.resource().strip_prefix("log-group:").filter(|_| arn.service() == "logs")?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    Some(GroupKey { account: arn.account().parse().ok()?, region: arn.region().parse().ok()?, name: name.into() })
}
