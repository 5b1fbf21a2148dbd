//! Lasting access keys, of users and of an account's root.

use crate::model::{AccessKey, KeyUser, quota};
use crate::tables::{ACCESS_KEYS, ROOT_KEYS, USERS, named};
use crate::{Error, Identity, ids, users};
use fogbank_model::AccountId;
use fogbank_store::{Read, Tx};

/// Makes the key `id` with `secret` for the user called `user`.
pub(crate) fn create(
    tx: &mut Tx<'_>,
    account: &AccountId,
    user: &str,
    id: &str,
    secret: &str,
) -> Result<AccessKey, Error> {
    let mut user = users::get(tx, account, user)?;
    if user.keys.len() >= quota::KEYS_PER_USER {
        return Err(Error::LimitExceeded(format!(
            "Cannot exceed quota for AccessKeysPerUser: {}",
            quota::KEYS_PER_USER
        )));
    }
    let owner = KeyUser { name: user.name.clone(), arn: user.arn.clone(), id: user.id.clone() };
    user.keys.insert(id.into());
    tx.save(USERS, &named(account, &user.name), &user)?;
    keep(tx, account, Some(owner), id, secret)
}

fn keep(
    tx: &mut Tx<'_>,
    account: &AccountId,
    user: Option<KeyUser>,
    id: &str,
    secret: &str,
) -> Result<AccessKey, Error> {
    let (id, secret, account) = (id.to_owned(), secret.to_owned(), account.clone());
    let key = AccessKey { id, secret, account, user, active: true, created: tx.now() };
    tx.save(ACCESS_KEYS, key.id.as_bytes(), &key)?;
    Ok(key)
}

/// The key `id`, if it is the user's.
fn of_user(state: &impl Read, account: &AccountId, user: &str, id: &str) -> Result<AccessKey, Error> {
    let missing = || Error::NoSuchEntity(format!("The Access Key with id {id} cannot be found."));
    let user = users::get(state, account, user)?;
    let found: Option<AccessKey> = state.load(ACCESS_KEYS, id.as_bytes())?;
    found.filter(|_| user.keys.contains(id)).ok_or_else(missing)
}

pub(crate) fn list(state: &impl Read, account: &AccountId, user: &str) -> Result<Vec<AccessKey>, Error> {
    let mut keys = Vec::new();
    for id in users::get(state, account, user)?.keys {
        keys.extend(state.load::<AccessKey>(ACCESS_KEYS, id.as_bytes())?);
    }
    Ok(keys)
}

pub(crate) fn set_active(
    tx: &mut Tx<'_>,
    account: &AccountId,
    user: &str,
    id: &str,
    active: bool,
) -> Result<(), Error> {
    let key = AccessKey { active, ..of_user(tx, account, user, id)? };
    Ok(tx.save(ACCESS_KEYS, id.as_bytes(), &key)?)
}

pub(crate) fn delete(tx: &mut Tx<'_>, account: &AccountId, user: &str, id: &str) -> Result<(), Error> {
    of_user(tx, account, user, id)?;
    let mut user = users::get(tx, account, user)?;
    user.keys.remove(id);
    tx.save(USERS, &named(account, &user.name), &user)?;
    tx.delete(ACCESS_KEYS, id.as_bytes());
    Ok(())
}

impl Identity {
    /// The access key of the root of `account`, as id and secret, made at the first call: the first key that there is where
    /// signatures are checked.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn root_key(&self, account: &AccountId) -> Result<(String, String), Error> {
        let account = account.clone();
        let (id, secret) = (ids::access_key("AKIA", self.clock.as_ref()), ids::secret(self.clock.as_ref()));
        let key = self.change(move |tx| {
            if let Some(kept) = tx.get(ROOT_KEYS, account.as_str().as_bytes())?
                && let Some(key) = tx.load::<AccessKey>(ACCESS_KEYS, &kept)?
            {
                return Ok(key);
            }
            tx.put(ROOT_KEYS, account.as_str().as_bytes(), id.as_bytes());
            keep(tx, &account, None, &id, &secret)
        });
        key.await.map(|key| (key.id, key.secret))
    }
}
