//! Why an operation on streams fails. Texts are AWS's where AWS has one; `kinesis/faults.rs` maps them to the wire.

/// A failure of an operation on streams.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such stream, shard or consumer.
    #[error("{0}")]
    NotFound(String),
    /// There is one of the name already, or its state does not allow the operation.
    #[error("{0}")]
    InUse(String),
    /// A parameter cannot have its value.
    #[error("{0}")]
    Invalid(String),
    /// An input that AWS checks before it looks at the stream.
    #[error("{0}")]
    Validation(String),
    /// There would be too many of them.
    #[error("{0}")]
    Limit(String),
    /// A shard has taken what it takes in a second.
    #[error("{0}")]
    Throttled(String),
    /// A shard iterator is older than five minutes.
    #[error("{0}")]
    ExpiredIterator(String),
    /// A page's token is older than five minutes.
    #[error("{0}")]
    ExpiredToken(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}

impl From<fogbank_store::Error> for Error {
    fn from(error: fogbank_store::Error) -> Self {
        Self::Store(error.to_string())
    }
}
