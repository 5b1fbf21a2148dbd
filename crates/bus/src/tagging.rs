//! Tags of buses and rules.

use crate::model::{BusKey, RuleKey, TAGS, Tags};
use crate::{Buses, Error, buses, keys, rules};
use fogbank_model::Arn;
use fogbank_store::{Read, Tx};
use std::sync::Arc;

/// What can have tags.
enum Tagged {
    Bus(BusKey),
    Rule(RuleKey),
}

impl Tagged {
    fn named(arn: &Arn) -> Result<Self, Error> {
        let found = RuleKey::from_arn(arn).map(Self::Rule).or_else(|| BusKey::from_arn(arn).map(Self::Bus));
        found.ok_or_else(|| Error::bad_arn(arn.as_str()))
    }

    fn tags(&self, read: &impl Read) -> Result<Tags, Error> {
        match self {
            Self::Bus(key) => Ok(buses::find(read, key)?.tags),
            Self::Rule(key) => Ok(rules::find(read, key)?.tags),
        }
    }
}

impl Buses {
    /// The tags of a bus or rule.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for an ARN of something else, [`Error::Store`].
    pub fn tags(&self, arn: &Arn) -> Result<Tags, Error> {
        let tagged = Tagged::named(arn)?;
        self.store.read(|snapshot| tagged.tags(snapshot))
    }

    /// Adds tags, over those of the same keys, and removes others.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Limit`], [`Error::Store`].
    pub async fn tag(self: &Arc<Self>, arn: &Arn, added: Tags, removed: Vec<String>) -> Result<(), Error> {
        check(&added)?;
        let tagged = Tagged::named(arn)?;
        let this = self.clone();
        let tag = move |tx: &mut Tx<'_>| {
            let mut tags = tagged.tags(tx)?;
            tags.extend(added.clone());
            removed.iter().for_each(|name| drop(tags.remove(name)));
            if tags.len() > TAGS {
                return Err(Error::too_many());
            }
            match &tagged {
                Tagged::Bus(key) => {
                    let mut bus = buses::find(tx, key)?;
                    bus.tags = tags;
                    Ok(tx.save(keys::BUS, &keys::bus(key), &bus)?)
                }
                Tagged::Rule(key) => {
                    let mut rule = rules::find(tx, key)?;
                    rule.tags = tags;
                    this.save_rule(tx, key, &rule)
                }
            }
        };
        self.store.transact(tag).await
    }
}

/// Holds new tags against AWS's limits. Lengths are the wire's to check.
pub(crate) fn check(tags: &Tags) -> Result<(), Error> {
    if tags.len() > TAGS {
        return Err(Error::too_many());
    }
    match tags.keys().find(|name| name.to_ascii_lowercase().starts_with("aws:")) {
        Some(_) => Err(Error::invalid("System tags (prefixed with 'aws:') cannot be added or updated by requester")),
        None => Ok(()),
    }
}
