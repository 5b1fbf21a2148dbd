//! IAM's names for this crate's errors.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NoSuchEntity(_) => Self::client("NoSuchEntityException", text).with_status(404),
            Error::AlreadyExists(_) => Self::client("EntityAlreadyExistsException", text).with_status(409),
            Error::DeleteConflict(_) => Self::client("DeleteConflictException", text).with_status(409),
            Error::MalformedDocument(_) => Self::client("MalformedPolicyDocumentException", text),
            Error::LimitExceeded(_) => Self::client("LimitExceededException", text).with_status(409),
            Error::InvalidInput(_) => Self::client("InvalidInputException", text),
            Error::AccessDenied(_) => Self::client("AccessDenied", text).with_status(403),
            Error::Store(why) => Self::internal(why),
        }
    }
}
