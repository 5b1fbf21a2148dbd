//! API Gateway's names for this crate's errors; both of its APIs use the same ones.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound(_) => Self::client("NotFoundException", text).with_status(404),
            Error::Conflict(_) => Self::client("ConflictException", text).with_status(409),
            Error::BadRequest(_) | Error::Unsupported(_) => Self::client("BadRequestException", text),
            Error::Store(why) => Self::internal(why),
        }
    }
}
