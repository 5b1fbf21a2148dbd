//! Who somebody is: IAM's roles, users, policies and access keys, and STS's temporary credentials.
//!
//! Invariants:
//! - Names are unique within an account whatever their case, as in IAM. The key of a record is `ACCOUNT/lower-case name`.
//! - A policy is in no role that the role's own record does not name: attachments stand in the role alone.
//! - Temporary credentials are kept nowhere. Their session token says who they are for and until when, signed with a key of the
//!   store; their secret follows from the token's content and that key.
//!
//! Policies are kept and checked for their form. Nothing evaluates them yet: every authenticated caller may do everything in its account.

mod access_keys;
mod aws_managed;
mod document;
mod error;
mod iam;
mod ids;
mod model;
mod page;
mod policies;
mod role_policies;
mod roles;
mod session;
mod sts;
mod tables;
mod users;

pub use error::Error;
pub use session::TemporaryCredentials;

use fogbank_model::{Caller, Clock};
use fogbank_store::{Read, Store, Tx};
use fogbank_wire::{Credentials, KeyOwner, LookupError, Service};
use std::sync::Arc;

/// Everything about identities; one for the process.
pub struct Identity {
    store: Store,
    clock: Arc<dyn Clock>,
    signer: session::Signer,
}

impl Identity {
    /// Identities kept in `store`. Makes the key that signs session tokens if there is none yet.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn open(store: Store, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let secret = store.secret(tables::SECRETS, b"session").await?;
        Ok(Self { store, clock, signer: session::Signer::new(secret) })
    }

    /// Runs `change` in a transaction.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store.transact(change).await
    }

    /// Reads one committed state.
    fn look<T>(&self, look: impl FnOnce(&fogbank_store::Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        self.store.read(look)
    }
}

impl Credentials for Identity {
    fn lookup(&self, access_key_id: &str, session_token: Option<&str>) -> Result<KeyOwner, LookupError> {
        if let Some(token) = session_token {
            return self.signer.owner(access_key_id, token, self.clock.now());
        }
        // Any text can be a key where nobody checks; most are not even looked for.
        if !ids::is_lasting_key(access_key_id) {
            return Err(LookupError::Invalid);
        }
        let found =
            self.look(|state| Ok(state.load::<model::AccessKey>(tables::ACCESS_KEYS, access_key_id.as_bytes())?));
        // A store that cannot be read must not let anybody in.
        let key = found.ok().flatten().filter(|key| key.active).ok_or(LookupError::Invalid)?;
        let caller = match &key.user {
            None => Caller::Root,
            Some(user) => Caller::User { arn: user.arn.clone(), id: user.id.clone() },
        };
        Ok(KeyOwner { secret: key.secret, account: key.account, caller })
    }
}

/// What the wire serves: `iam` and `sts`.
pub fn services(identity: Arc<Identity>) -> Vec<Service> {
    vec![iam::service(&identity), sts::service(&identity)]
}

#[cfg(test)]
mod tests;
