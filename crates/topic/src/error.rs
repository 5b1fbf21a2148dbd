//! Why an operation on topics fails. Texts are AWS's where AWS has one; `sns/faults.rs` maps them to the wire.

/// A failure of an operation on topics.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A parameter cannot have its value.
    #[error("Invalid parameter: {0}")]
    Invalid(String),
    /// A parameter cannot have its value, in a sentence of its own.
    #[error("{0}")]
    InvalidSentence(String),
    /// A message attribute is not of the form that message attributes have.
    #[error("{0}")]
    InvalidAttribute(String),
    /// There is no such topic, subscription, application or endpoint.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// There is nothing under the ARN whose tags could be listed or changed.
    #[error("Resource does not exist")]
    NoResource,
    /// It is another account's.
    #[error("User: {sender} is not authorized to perform: SNS:{operation} on resource: {arn}")]
    Denied {
        /// The caller's ARN.
        sender: String,
        /// What was asked for.
        operation: &'static str,
        /// Of what.
        arn: String,
    },
    /// Only the owner may end the subscription.
    #[error("Unsubscribing needs to be authenticated for this subscription")]
    Guarded,
    /// More tags than a topic can have.
    #[error("Could not complete request: tag quota of per resource exceeded")]
    TooManyTags,
    /// A FIFO topic has as many subscriptions as it can have.
    #[error("Subscription limit exceeded")]
    TooManySubscriptions,
    /// A batch without entries.
    #[error("The batch request doesn't contain any entries.")]
    EmptyBatch,
    /// A batch of more than ten entries.
    #[error("The batch request contains more entries than permissible.")]
    TooManyEntries,
    /// Two entries of a batch have the same id.
    #[error("Two or more batch entries in the request have the same Id.")]
    NotDistinct,
    /// An entry's id is not of the form that ids have.
    #[error("The Id of a batch entry in a batch request doesn't abide by the specification.")]
    BadEntryId,
    /// The messages of a batch are too long together.
    #[error("The length of all the batch messages put together is more than the limit.")]
    BatchTooLong,
    /// A mobile endpoint is switched off.
    #[error("Endpoint is disabled")]
    EndpointDisabled,
    /// A phone number is unknown to the SMS sandbox.
    #[error("{0}")]
    NoPhone(String),
    /// The password that was texted is another one.
    #[error("{0}")]
    NotVerified(String),
    /// What led to the message is so long a chain of deliveries that it must be a loop.
    #[error("The message has gone through too many deliveries; it seems to go round in a loop")]
    Loop,
    /// The store failed.
    #[error("{0}")]
    Store(#[from] fogbank_store::Error),
}

impl Error {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// AWS's most frequent sentence.
    pub(crate) fn because(parameter: &str, reason: impl std::fmt::Display) -> Self {
        Self::Invalid(format!("{parameter} Reason: {reason}"))
    }
}
