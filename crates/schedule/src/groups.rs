//! Groups of schedules, and their tags.

use crate::model::{DEFAULT_GROUP, Group, GroupKey};
use crate::{Error, GROUP, SCHEDULE, Schedules, scope};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;

/// Tags of one group.
const TAGS: usize = 50;

impl Schedules {
    /// Makes a group. The same `token` makes it once.
    ///
    /// # Errors
    /// [`Error::GroupExists`], [`Error::Store`].
    pub async fn create_group(
        &self,
        key: &GroupKey,
        tags: BTreeMap<String, String>,
        token: Option<String>,
    ) -> Result<(), Error> {
        check_tags(&tags)?;
        let now = self.clock.now();
        let group = Group { key: key.clone(), created: now, modified: now, tags, token };
        let create = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            match find(tx, &group.key) {
                Ok(found) if group.token.is_some() && found.token == group.token => Ok(()),
                Ok(_) => Err(Error::GroupExists(group.key.name.clone())),
                Err(Error::NoGroup(_)) => Ok(tx.save(GROUP, &group.key.encode(), &group)?),
                Err(other) => Err(other),
            }
        };
        self.store.transact(create).await
    }

    /// The group `key`.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::Store`].
    pub fn group(&self, key: &GroupKey) -> Result<Group, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }

    /// Removes a group and the schedules in it.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::Invalid`] for the default group, [`Error::Store`].
    pub async fn delete_group(&self, key: &GroupKey) -> Result<(), Error> {
        if key.name == DEFAULT_GROUP {
            return Err(Error::Invalid("The default schedule group cannot be deleted.".into()));
        }
        let key = key.clone();
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            find(tx, &key)?;
            tx.delete(GROUP, &key.encode());
            let inside = [key.encode(), vec![0]].concat();
            for (schedule, _) in tx.scan_prefix(SCHEDULE, &inside, usize::MAX)? {
                tx.delete(SCHEDULE, &schedule);
            }
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// All groups of an account in a region, by name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn groups(&self, account: &AccountId, region: &Region) -> Result<Vec<Group>, Error> {
        let found = self.store.read(|read| read.scan_prefix(GROUP, &scope(account, region), usize::MAX))?;
        let mut groups: Vec<Group> = found.iter().filter_map(|(_, bytes)| serde_json::from_slice(bytes).ok()).collect();
        if !groups.iter().any(|group| group.key.name == DEFAULT_GROUP) {
            let key = GroupKey { account: account.clone(), region: region.clone(), name: DEFAULT_GROUP.into() };
            groups.push(default_group(&key));
            groups.sort_by(|a, b| a.key.name.cmp(&b.key.name));
        }
        Ok(groups)
    }

    /// Adds and removes tags of a group.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::Invalid`] for too many, [`Error::Store`].
    pub async fn tag(
        &self,
        key: &GroupKey,
        added: BTreeMap<String, String>,
        removed: Vec<String>,
    ) -> Result<(), Error> {
        let (key, now) = (key.clone(), self.clock.now());
        let tag = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut group = find(tx, &key)?;
            group.tags.extend(added.clone());
            group.tags.retain(|name, _| !removed.contains(name));
            check_tags(&group.tags)?;
            group.modified = now;
            Ok(tx.save(GROUP, &key.encode(), &group)?)
        };
        self.store.transact(tag).await
    }
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS {
        return Err(Error::Invalid(format!("A schedule group has at most {TAGS} tags.")));
    }
    Ok(())
}

/// The group that is there though nobody made it.
fn default_group(key: &GroupKey) -> Group {
    let (created, modified) = (Timestamp(0), Timestamp(0));
    Group { key: key.clone(), created, modified, tags: BTreeMap::new(), token: None }
}

pub(crate) fn find(read: &impl Read, key: &GroupKey) -> Result<Group, Error> {
    match read.load(GROUP, &key.encode())? {
        Some(group) => Ok(group),
        None if key.name == DEFAULT_GROUP => Ok(default_group(key)),
        None => Err(Error::NoGroup(key.name.clone())),
    }
}
