//! Groups: making, deleting, listing, tagging them, and how long they keep their events.

use crate::model::{Group, GroupKey, PAGE, TAGS};
use crate::{Error, Logs, keys};
use fogbank_model::{AccountId, Region};
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;

/// The retention times that CloudWatch Logs knows, in days.
const RETENTION_DAYS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/// Keys deleted in one transaction, so that others get their turn.
pub(crate) const DELETE_AT_ONCE: usize = 5000;

/// Which groups to list.
#[derive(Debug, Default, Clone)]
pub struct GroupFilter {
    /// Only names that begin with this.
    pub prefix: Option<String>,
    /// Only names that hold this.
    pub pattern: Option<String>,
    /// Only these names.
    pub names: Option<Vec<String>>,
    /// Only names after this one.
    pub after: Option<String>,
    /// The most groups wanted; 50 unless fewer.
    pub limit: Option<usize>,
}

/// Groups, and the name after which the next page begins.
pub type GroupPage = (Vec<(GroupKey, Group)>, Option<String>);

impl Logs {
    /// Makes a group.
    ///
    /// # Errors
    /// [`Error::GroupExists`], [`Error::TooManyTags`].
    pub async fn create_group(&self, key: &GroupKey, tags: BTreeMap<String, String>) -> Result<(), Error> {
        check_tags(&tags)?;
        let at = keys::group(key);
        let create = move |tx: &mut Tx<'_>| {
            if tx.get(keys::GROUP, &at)?.is_some() {
                return Err(Error::GroupExists);
            }
            let group = Group { created: tx.now(), retention_days: None, tags: tags.clone() };
            Ok(tx.save(keys::GROUP, &at, &group)?)
        };
        self.store.transact(create).await
    }

    /// Deletes a group with all its streams and events.
    ///
    /// # Errors
    /// [`Error::NoGroup`].
    pub async fn delete_group(&self, key: &GroupKey) -> Result<(), Error> {
        self.sink.flush().await?;
        self.group(key).await?;
        let (at, within) = (keys::group(key), keys::in_group(key));
        self.delete_events(within.clone()).await?;
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            for table in [keys::EVENT, keys::STREAM] {
                for (key, _) in tx.scan_prefix(table, &within, usize::MAX)? {
                    tx.delete(table, &key);
                }
            }
            tx.delete(keys::GROUP, &at);
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// Deletes the events whose keys begin with `prefix`, in several transactions.
    pub(crate) async fn delete_events(&self, prefix: Vec<u8>) -> Result<(), Error> {
        loop {
            let prefix = prefix.clone();
            let delete = move |tx: &mut Tx<'_>| -> Result<usize, Error> {
                let events = tx.scan_prefix(keys::EVENT, &prefix, DELETE_AT_ONCE)?;
                events.iter().for_each(|(key, _)| tx.delete(keys::EVENT, key));
                Ok(events.len())
            };
            if self.store.transact(delete).await? < DELETE_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// A group.
    ///
    /// # Errors
    /// [`Error::NoGroup`].
    pub async fn group(&self, key: &GroupKey) -> Result<Group, Error> {
        let key = keys::group(key);
        self.look(move |read| read.load(keys::GROUP, &key)?.ok_or(Error::NoGroup)).await
    }

    /// The groups of an account and region, by name.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for prefix and pattern together.
    pub async fn groups(&self, account: &AccountId, region: &Region, filter: GroupFilter) -> Result<GroupPage, Error> {
        if filter.prefix.is_some() && filter.pattern.is_some() {
            return Err(Error::invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
        let (account, region) = (account.clone(), region.clone());
        self.look(move |read| {
            let scope = keys::scope(&account, &region);
            let prefix = filter.prefix.unwrap_or_default();
            let limit = filter.limit.unwrap_or(PAGE).clamp(1, PAGE);
            let mut found = Vec::new();
            for (key, group) in read.load_prefix::<Group>(keys::GROUP, &[&scope, prefix.as_bytes()].concat())? {
                let name = String::from_utf8_lossy(&key[scope.len()..]).into_owned();
                let wanted = filter.pattern.as_ref().is_none_or(|pattern| name.contains(pattern.as_str()))
                    && filter.names.as_ref().is_none_or(|names| names.contains(&name))
                    && filter.after.as_ref().is_none_or(|after| name > *after);
                if wanted && found.len() == limit {
                    let last = found.last().map(|(key, _): &(GroupKey, Group)| key.name.clone());
                    return Ok((found, last));
                }
                if wanted {
                    found.push((GroupKey { account: account.clone(), region: region.clone(), name }, group));
                }
            }
            Ok((found, None))
        })
        .await
    }

    /// The bytes that were written to a group's streams.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn stored_bytes(&self, groups: Vec<GroupKey>) -> Result<Vec<u64>, Error> {
        let sum = |read: &fogbank_store::Snapshot, key: &GroupKey| -> Result<u64, Error> {
            let streams = read.load_prefix::<crate::Stream>(keys::STREAM, &keys::in_group(key))?;
            Ok(streams.iter().map(|(_, stream)| stream.bytes).sum())
        };
        self.look(move |read| groups.iter().map(|key| sum(read, key)).collect()).await
    }

    /// Sets how long events are kept; `None` is for ever.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::InvalidParameter`] for a number of days that AWS does not know.
    pub async fn set_retention(&self, key: &GroupKey, days: Option<u32>) -> Result<(), Error> {
        if let Some(days) = days.filter(|days| !RETENTION_DAYS.contains(days)) {
            return Err(Error::invalid(format!(
                "{days} is not a retention time: {RETENTION_DAYS:?} days are possible."
            )));
        }
        self.change_group(key, move |group| {
            group.retention_days = days;
            Ok(())
        })
        .await
    }

    /// Adds tags, over those of the same keys.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::TooManyTags`].
    pub async fn tag(&self, key: &GroupKey, tags: BTreeMap<String, String>) -> Result<(), Error> {
        self.change_group(key, move |group| {
            group.tags.extend(tags.clone());
            check_tags(&group.tags)
        })
        .await
    }

    /// Removes tags.
    ///
    /// # Errors
    /// [`Error::NoGroup`].
    pub async fn untag(&self, key: &GroupKey, names: Vec<String>) -> Result<(), Error> {
        self.change_group(key, move |group| {
            group.tags.retain(|name, _| !names.contains(name));
            Ok(())
        })
        .await
    }

    async fn change_group(
        &self,
        key: &GroupKey,
        mut change: impl FnMut(&mut Group) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        // A function may have written to it a moment ago.
        self.sink.flush().await?;
        let key = keys::group(key);
        let change = move |tx: &mut Tx<'_>| {
            let mut group: Group = tx.load(keys::GROUP, &key)?.ok_or(Error::NoGroup)?;
            change(&mut group)?;
            Ok(tx.save(keys::GROUP, &key, &group)?)
        };
        self.store.transact(change).await
    }
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS { Err(Error::TooManyTags) } else { Ok(()) }
}

/// Checks that a group is there, for reads that go on in it.
pub(crate) fn must_exist(read: &impl Read, key: &GroupKey) -> Result<(), Error> {
    read.get(keys::GROUP, &keys::group(key))?.map(drop).ok_or(Error::NoGroup)
}
