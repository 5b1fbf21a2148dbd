//! Why an operation on functions fails, in the domain's words. `lambda/faults.rs` maps them to the wire.

/// A failure of a control-plane operation. Texts are AWS's where AWS has one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no such resource.
    #[error("{0}")]
    NotFound(String),
    /// There is one already, or its state forbids the change.
    #[error("{0}")]
    Conflict(String),
    /// A parameter's value is not acceptable.
    #[error("{0}")]
    InvalidParameter(String),
    /// The caller's `RevisionId` or `CodeSha256` is not the current one.
    #[error("{0}")]
    Precondition(String),
    /// There is a version or alias, but no provisioned concurrency on it.
    #[error("No Provisioned Concurrency Config found for this function")]
    NotProvisioned,
    /// The caller may not read what the request names.
    #[error("{0}")]
    Denied(String),
    /// The package is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The policy has grown too large.
    #[error("{0}")]
    PolicyTooLarge(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] fogbank_store::Error),
    /// Code could not be unpacked for a reason that is not the package's.
    #[error("could not keep the code: {0}")]
    Disk(String),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidParameter(message.into())
    }

    /// A request for something that this platform does not do. Refused, because accepting it would be a lie.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::InvalidParameter(format!("{what} is not supported by Fogbank yet. Leave it out of the request."))
    }

    pub(crate) fn revision() -> Self {
        Self::Precondition(
            "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the \
             latest Revision Id"
                .into(),
        )
    }
}

/// A failed package operation on the blocking pool.
impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Disk(error.to_string())
    }
}
