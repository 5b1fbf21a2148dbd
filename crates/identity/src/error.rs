//! What can go wrong with identities, in IAM's words.

/// A refused request about identities, or a failure of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// What was named is not there.
    #[error("{0}")]
    NoSuchEntity(String),
    /// The name is taken.
    #[error("{0}")]
    AlreadyExists(String),
    /// It cannot be deleted while something hangs on it.
    #[error("{0}")]
    DeleteConflict(String),
    /// The text is no policy document.
    #[error("{0}")]
    MalformedDocument(String),
    /// One of IAM's quotas is reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// A value that is not accepted.
    #[error("{0}")]
    InvalidInput(String),
    /// The caller may not do this.
    #[error("{0}")]
    AccessDenied(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] fogbank_store::Error),
}

impl Error {
    pub(crate) fn no_role(name: &str) -> Self {
        Self::NoSuchEntity(format!("The role with name {name} cannot be found."))
    }

    pub(crate) fn no_user(name: &str) -> Self {
        Self::NoSuchEntity(format!("The user with name {name} cannot be found."))
    }

    pub(crate) fn no_policy(arn: &str) -> Self {
        Self::NoSuchEntity(format!("Policy {arn} was not found."))
    }
}
