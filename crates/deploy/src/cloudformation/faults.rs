//! What goes wrong with a deployment, in CloudFormation's words.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Template(_) => Self::client("ValidationError", format!("Template error: {error}")),
            Error::Failed { .. } | Error::Protected(_) | Error::Name(_) | Error::NotFound(_) => {
                Self::client("ValidationError", error.to_string())
            }
            Error::Busy(name) => Self::client(
                "ValidationError",
                format!("Stack:{name} is in a state that can not be updated: it is being changed."),
            ),
            Error::Store(error) => Self::internal(error),
        }
    }
}

/// The answer where a required choice is missing.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}

/// The answer where something is asked for that does not exist yet here.
pub(super) fn unsupported(what: &str, instead: &str) -> Fault {
    Fault::client("ValidationError", format!("{what} is not supported by Fogbank yet: {instead}."))
}
