//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let code = match error {
            Error::NotFound(_) => "ResourceNotFoundException",
            Error::Exists(_) => "ResourceAlreadyExistsException",
            Error::Invalid(_) => "ValidationException",
            Error::Pattern(_) => "InvalidEventPatternException",
            Error::Limit(_) => "LimitExceededException",
            Error::IllegalStatus(_) => "IllegalStatusException",
            Error::PolicyTooLong => "PolicyLengthExceededException",
            Error::Denied(_) => "AccessDeniedException",
            Error::Disabled(_) => "OperationDisabledException",
            Error::Store(why) => {
                let mut fault = Fault::internal(why);
                fault.code = "InternalException".into();
                return fault;
            }
        };
        Fault::client(code, message)
    }
}
