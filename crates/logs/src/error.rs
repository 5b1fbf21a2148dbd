//! Why an operation on logs fails. Texts are AWS's where AWS has one; `cloudwatch/faults.rs` maps them to the wire.

/// A failure of an operation on logs.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no such group.
    #[error("The specified log group does not exist.")]
    NoGroup,
    /// There is no such stream.
    #[error("The specified log stream does not exist.")]
    NoStream,
    /// There is such a group already.
    #[error("The specified log group already exists")]
    GroupExists,
    /// There is such a stream already.
    #[error("The specified log stream already exists")]
    StreamExists,
    /// A parameter's value is not acceptable.
    #[error("{0}")]
    InvalidParameter(String),
    /// More tags than a group may have.
    #[error("A log group can have at most 50 tags.")]
    TooManyTags,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] fogbank_store::Error),
    /// A read on the blocking pool broke off.
    #[error("a read broke off: {0}")]
    Broken(String),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidParameter(message.into())
    }

    /// A request for something that this platform does not do.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::InvalidParameter(format!("{what} is not supported by Fogbank yet. Leave it out of the request."))
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Broken(error.to_string())
    }
}
