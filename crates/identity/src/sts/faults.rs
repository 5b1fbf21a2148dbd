//! STS's names for this crate's errors, which are not IAM's.

use crate::Error;
use fogbank_wire::Fault;

/// An error as an STS operation answers it.
pub(crate) struct StsError(pub Error);

impl From<Error> for StsError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<StsError> for Fault {
    fn from(StsError(error): StsError) -> Self {
        let text = error.to_string();
        match error {
            Error::AccessDenied(_) => Self::client("AccessDenied", text).with_status(403),
            Error::MalformedDocument(_) => Self::client("MalformedPolicyDocument", text),
            Error::InvalidInput(_)
            | Error::NoSuchEntity(_)
            | Error::AlreadyExists(_)
            | Error::DeleteConflict(_)
            | Error::LimitExceeded(_) => Self::client("ValidationError", text),
            Error::Store(why) => Self::internal(why),
        }
    }
}
