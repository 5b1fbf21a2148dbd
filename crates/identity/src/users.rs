//! Users.

use crate::Error;
use crate::model::User;
use crate::page::{Page, Part};
use crate::tables::{USERS, all_of, named};
use fogbank_model::{AccountId, Arn};
use fogbank_store::{Read, Tx};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn create(
    tx: &mut Tx<'_>,
    account: &AccountId,
    id: &str,
    name: &str,
    path: &str,
    tags: BTreeMap<String, String>,
) -> Result<User, Error> {
    crate::roles::check_tags(&tags)?;
    let key = named(account, name);
    if tx.get(USERS, &key)?.is_some() {
        return Err(Error::AlreadyExists(format!("User with name {name} already exists.")));
    }
    let user = User {
        id: id.into(),
        name: name.into(),
        path: path.into(),
        arn: Arn::global("iam", account, &format!("user{path}{name}")),
        created: tx.now(),
        tags,
        keys: BTreeSet::new(),
    };
    tx.save(USERS, &key, &user)?;
    Ok(user)
}

pub(crate) fn get(state: &impl Read, account: &AccountId, name: &str) -> Result<User, Error> {
    state.load(USERS, &named(account, name))?.ok_or_else(|| Error::no_user(name))
}

/// All users whose path begins with `prefix`.
pub(crate) fn list(state: &impl Read, account: &AccountId, prefix: &str, page: &Page) -> Result<Part<User>, Error> {
    let users = state.load_prefix::<User>(USERS, &all_of(account))?.into_iter().map(|(_, user)| user);
    page.of(users.filter(|user| user.path.starts_with(prefix)), |user| user.name.to_lowercase())
}

pub(crate) fn delete(tx: &mut Tx<'_>, account: &AccountId, name: &str) -> Result<(), Error> {
    let user = get(tx, account, name)?;
    if !user.keys.is_empty() {
        return Err(Error::DeleteConflict("Cannot delete entity, must delete access keys first.".into()));
    }
    tx.delete(USERS, &named(account, name));
    Ok(())
}
