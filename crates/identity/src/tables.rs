//! The store's tables of this crate, and their keys.

use fogbank_model::AccountId;
use fogbank_store::Table;

/// `ACCOUNT/name` to [`crate::model::Role`].
pub(crate) const ROLES: Table = Table("identity.role");
/// `ACCOUNT/name` to [`crate::model::User`].
pub(crate) const USERS: Table = Table("identity.user");
/// `ACCOUNT/name` to [`crate::model::Policy`].
pub(crate) const POLICIES: Table = Table("identity.policy");
/// The access key id to [`crate::model::AccessKey`].
pub(crate) const ACCESS_KEYS: Table = Table("identity.access-key");
/// `ACCOUNT` to the id of its root's access key.
pub(crate) const ROOT_KEYS: Table = Table("identity.root-key");
/// `session` to the 32 bytes that session tokens are signed with.
pub(crate) const SECRETS: Table = Table("identity.secret");

/// The key of what is called `name` in `account`, whatever the case.
pub(crate) fn named(account: &AccountId, name: &str) -> Vec<u8> {
    format!("{account}/{}", name.to_lowercase()).into_bytes()
}

/// What all names of `account` begin with.
pub(crate) fn all_of(account: &AccountId) -> Vec<u8> {
    format!("{account}/").into_bytes()
}
