//! Why an operation on buses fails. Texts are AWS's where AWS has one; `events/faults.rs` maps them to the wire.

use fogbank_expressions::InvalidPattern;

/// A failure of an operation on buses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// There is one already.
    #[error("{0}")]
    Exists(String),
    /// A parameter, or what several say together, is not valid.
    #[error("{0}")]
    Invalid(String),
    /// This is not an event pattern.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// There may be no more of these.
    #[error("{0}")]
    Limit(String),
    /// The thing's state does not allow the operation.
    #[error("{0}")]
    IllegalStatus(String),
    /// A policy of more than 10 KB.
    #[error("Policy length exceeded the maximum allowed")]
    PolicyTooLong,
    /// It is another account's.
    #[error("{0}")]
    Denied(String),
    /// The platform does not do this.
    #[error("{0}")]
    Disabled(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    pub(crate) fn no_bus(name: &str) -> Self {
        Self::NotFound(format!("Event bus {name} does not exist."))
    }

    pub(crate) fn no_rule(rule: &str, bus: &str) -> Self {
        Self::NotFound(format!("Rule {rule} does not exist on EventBus {bus}."))
    }

    pub(crate) fn too_many() -> Self {
        Self::Limit("The requested resource exceeds the maximum number allowed.".into())
    }

    pub(crate) fn bad_arn(arn: &str) -> Self {
        Self::Invalid(format!("Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."))
    }
}

impl From<fogbank_store::Error> for Error {
    fn from(error: fogbank_store::Error) -> Self {
        Self::Store(error.to_string())
    }
}
