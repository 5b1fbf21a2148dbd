//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let code = match error {
            Error::NotFound(_) => "ResourceNotFoundException",
            Error::InUse(_) => "ResourceInUseException",
            Error::Invalid(_) => "InvalidArgumentException",
            Error::Validation(_) => "ValidationException",
            Error::Limit(_) => "LimitExceededException",
            Error::Throttled(_) => THROTTLED,
            Error::ExpiredIterator(_) => "ExpiredIteratorException",
            Error::ExpiredToken(_) => "ExpiredNextTokenException",
            Error::Store(why) => {
                let mut fault = Fault::internal(why);
                fault.code = "InternalFailure".into();
                return fault;
            }
        };
        Fault::client(code, message)
    }
}

/// The code of what came too fast, also within the answer of `PutRecords`.
pub(super) const THROTTLED: &str = "ProvisionedThroughputExceededException";
