//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let code = match error {
            Error::NotFound(_) => "ParameterNotFound",
            Error::NoVersion { .. } => "ParameterVersionNotFound",
            Error::Exists => "ParameterAlreadyExists",
            Error::Mismatch(_) => "ParameterPatternMismatchException",
            Error::InvalidPattern(_) => "InvalidAllowedPatternException",
            Error::InvalidResource => "InvalidResourceId",
            Error::InvalidResourceType => "InvalidResourceType",
            Error::TooManyTags => "TooManyTagsError",
            Error::InvalidFilter(_) => "InvalidFilterKey",
            Error::InvalidToken => "InvalidNextToken",
            Error::Unsupported(_) | Error::Invalid(_) => "ValidationException",
            Error::Store(error) => {
                let mut fault = Self::internal(error);
                fault.code = "InternalServerError".into();
                return fault;
            }
        };
        Self::client(code, message)
    }
}
