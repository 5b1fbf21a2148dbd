//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here. The codes are the
//! shapes' names; the wire knows what each is called in the query protocol, and its status.

use crate::Error;
use fogbank_wire::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let code = match error {
            Error::Invalid(_) | Error::InvalidSentence(_) => "InvalidParameterException",
            Error::InvalidAttribute(_) => "InvalidParameterValueException",
            Error::NotFound(_) => "NotFoundException",
            Error::NoResource | Error::NoPhone(_) => "ResourceNotFoundException",
            Error::Denied { .. } | Error::Guarded => "AuthorizationErrorException",
            Error::TooManyTags => "TagLimitExceededException",
            Error::TooManySubscriptions => "SubscriptionLimitExceededException",
            Error::EmptyBatch => "EmptyBatchRequestException",
            Error::TooManyEntries => "TooManyEntriesInBatchRequestException",
            Error::NotDistinct => "BatchEntryIdsNotDistinctException",
            Error::BadEntryId => "InvalidBatchEntryIdException",
            Error::BatchTooLong => "BatchRequestTooLongException",
            Error::EndpointDisabled => "EndpointDisabledException",
            Error::NotVerified(_) => "VerificationException",
            Error::Loop => "InvalidStateException",
            Error::Store(why) => {
                let mut fault = Self::internal(why).with_status(503);
                fault.code = "ServiceUnavailable".into();
                return fault;
            }
        };
        Self::client(code, message)
    }
}

/// A failure of one entry of a batch: what it is called on the wire, its text, and whether the client is to blame.
pub(super) fn entry(error: &Error) -> (&'static str, String, bool) {
    match error {
        Error::InvalidAttribute(_) => ("ParameterValueInvalid", error.to_string(), true),
        Error::Store(_) => ("InternalError", "The message could not be stored".into(), false),
        Error::NotFound(_) => ("NotFound", error.to_string(), true),
        _ => ("InvalidParameter", error.to_string(), true),
    }
}
