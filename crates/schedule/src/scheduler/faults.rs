//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NoSchedule(_) | Error::NoGroup(_) => {
                Fault::client("ResourceNotFoundException", message).with_status(404)
            }
            Error::ScheduleExists(_) | Error::GroupExists(_) => {
                Fault::client("ConflictException", message).with_status(409)
            }
            Error::Invalid(_) => Fault::client("ValidationException", message),
            Error::Store(error) => {
                let mut fault = Fault::internal(error);
                fault.code = "InternalServerException".into();
                fault
            }
        }
    }
}
