//! What can go wrong when APIs are managed, in API Gateway's words.

use fogbank_model::AccountId;

/// A refused request about APIs, or a failure of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// What was named is not there.
    #[error("{0}")]
    NotFound(String),
    /// The name or id is taken, or something still hangs on what is to go.
    #[error("{0}")]
    Conflict(String),
    /// A value that is not accepted.
    #[error("{0}")]
    BadRequest(String),
    /// Something that API Gateway knows and Fogbank does not support.
    #[error("Fogbank does not support {0}")]
    Unsupported(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] fogbank_store::Error),
}

impl Error {
    pub(crate) fn no_api(account: &AccountId, id: &str) -> Self {
        Self::NotFound(format!("Invalid API identifier specified {account}:{id}"))
    }

    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::BadRequest(text.into())
    }
}
