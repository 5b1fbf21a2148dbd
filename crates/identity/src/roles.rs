//! Roles and their tags.

use crate::model::{Role, quota};
use crate::page::{Page, Part};
use crate::tables::{ROLES, all_of, named};
use crate::{Error, document};
use fogbank_model::{AccountId, Arn};
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;

/// A role to be created.
#[derive(Debug, Clone)]
pub(crate) struct NewRole {
    pub id: String,
    pub name: String,
    pub path: String,
    pub trust: String,
    pub description: Option<String>,
    pub longest_session: i64,
    pub tags: BTreeMap<String, String>,
}

pub(crate) fn create(tx: &mut Tx<'_>, account: &AccountId, new: NewRole) -> Result<Role, Error> {
    check_trust(&new.trust)?;
    check_tags(&new.tags)?;
    let key = named(account, &new.name);
    if tx.get(ROLES, &key)?.is_some() {
        return Err(Error::AlreadyExists(format!("Role with name {} already exists.", new.name)));
    }
    let role = Role {
        arn: Arn::global("iam", account, &format!("role{}{}", new.path, new.name)),
        id: new.id,
        name: new.name,
        path: new.path,
        created: tx.now(),
        trust: new.trust,
        description: new.description,
        longest_session: new.longest_session,
        tags: new.tags,
        inline: BTreeMap::new(),
        attached: Default::default(),
    };
    tx.save(ROLES, &key, &role)?;
    Ok(role)
}

pub(crate) fn get(state: &impl Read, account: &AccountId, name: &str) -> Result<Role, Error> {
    state.load(ROLES, &named(account, name))?.ok_or_else(|| Error::no_role(name))
}

/// All roles whose path begins with `prefix`.
pub(crate) fn list(state: &impl Read, account: &AccountId, prefix: &str, page: &Page) -> Result<Part<Role>, Error> {
    let roles = state.load_prefix::<Role>(ROLES, &all_of(account))?.into_iter().map(|(_, role)| role);
    page.of(roles.filter(|role| role.path.starts_with(prefix)), |role| role.name.to_lowercase())
}

/// Changes the role called `name` with `change`.
pub(crate) fn update<T>(
    tx: &mut Tx<'_>,
    account: &AccountId,
    name: &str,
    change: impl FnOnce(&mut Role) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut role = get(tx, account, name)?;
    let made = change(&mut role)?;
    tx.save(ROLES, &named(account, name), &role)?;
    Ok(made)
}

pub(crate) fn delete(tx: &mut Tx<'_>, account: &AccountId, name: &str) -> Result<(), Error> {
    let role = get(tx, account, name)?;
    if !role.attached.is_empty() {
        return Err(Error::DeleteConflict("Cannot delete entity, must detach all policies first.".into()));
    }
    if !role.inline.is_empty() {
        return Err(Error::DeleteConflict("Cannot delete entity, must delete policies first.".into()));
    }
    tx.delete(ROLES, &named(account, name));
    Ok(())
}

pub(crate) fn check_trust(trust: &str) -> Result<(), Error> {
    document::check_trust(trust)?;
    if document::length(trust) > quota::TRUST_POLICY {
        return Err(Error::LimitExceeded(format!("Cannot exceed quota for ACLSizePerRole: {}", quota::TRUST_POLICY)));
    }
    Ok(())
}

pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > quota::TAGS {
        return Err(Error::LimitExceeded(format!(
            "The number of tags has reached the maximum limit of {}.",
            quota::TAGS
        )));
    }
    Ok(())
}

pub(crate) fn tag(
    tx: &mut Tx<'_>,
    account: &AccountId,
    name: &str,
    tags: BTreeMap<String, String>,
) -> Result<(), Error> {
    update(tx, account, name, |role| {
        role.tags.extend(tags);
        check_tags(&role.tags)
    })
}

pub(crate) fn untag(tx: &mut Tx<'_>, account: &AccountId, name: &str, keys: &[String]) -> Result<(), Error> {
    update(tx, account, name, |role| {
        role.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })
}
