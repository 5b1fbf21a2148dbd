//! Why an operation on queues fails. Texts are AWS's where AWS has one; `sqs/faults.rs` maps them to the wire.

/// A failure of an operation on queues.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such queue.
    #[error("The specified queue does not exist.")]
    NoQueue,
    /// There is a queue of the name that differs in this attribute.
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueExists(String),
    /// A queue of the name was deleted less than 60 seconds ago.
    #[error("You must wait 60 seconds after deleting a queue before you can create another with the same name.")]
    DeletedRecently,
    /// What was given is no queue's URL.
    #[error("The address {0} is not valid for this endpoint.")]
    InvalidAddress(String),
    /// The queue is another account's.
    #[error("Access to the resource {0} is denied.")]
    Denied(String),
    /// The queue takes messages from listed senders only.
    #[error("{sender} is not on the list of senders (the tag fogbank:senders) of {queue}.")]
    NotListed {
        /// The queue's ARN.
        queue: String,
        /// The sender's ARN.
        sender: String,
    },
    /// There is no attribute of this name.
    #[error("Unknown Attribute {0}.")]
    UnknownAttribute(String),
    /// An attribute of a queue cannot have the value.
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(String),
    /// A parameter cannot have its value.
    #[error("{0}")]
    InvalidParameter(String),
    /// A parameter that must be there is not.
    #[error("The request must contain the parameter {0}.")]
    Missing(String),
    /// The body has characters that XML cannot carry.
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidContents,
    /// This was never a receipt handle of the queue.
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    BadReceipt(String),
    /// A batch without entries.
    #[error("There should be at least one {0} in the request.")]
    EmptyBatch(&'static str),
    /// A batch of more than ten entries.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntries(usize),
    /// Two entries of a batch have the same id.
    #[error("Id {0} repeated.")]
    NotDistinct(String),
    /// An entry's id is not of the form that ids have.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    )]
    BadEntryId,
    /// The messages of a batch are too long together.
    #[error("Batch requests cannot be longer than 1048576 bytes. You have sent {0} bytes.")]
    BatchTooLong(usize),
    /// Too many messages are in flight, or too many actions were permitted.
    #[error("{0}")]
    OverLimit(String),
    /// The queue was purged less than 60 seconds ago.
    #[error("Only one PurgeQueue operation on {0} is allowed every 60 seconds.")]
    PurgeInProgress(String),
    /// There is no such queue or message move task.
    #[error("{0}")]
    NotFound(String),
    /// The queue's state does not allow the operation.
    #[error("{0}")]
    Unsupported(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidParameter(message.into())
    }

    /// AWS's most frequent sentence.
    pub(crate) fn value(parameter: &str, value: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::InvalidParameter(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
    }
}

impl From<fogbank_store::Error> for Error {
    fn from(error: fogbank_store::Error) -> Self {
        Self::Store(error.to_string())
    }
}
