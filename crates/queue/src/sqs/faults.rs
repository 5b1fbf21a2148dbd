//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here. The codes are the
//! shapes' names; the wire knows what each is called in the query protocol.

use crate::Error;
use fogbank_wire::{Fault, Violation, violations_message};

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let code = match error {
            Error::NoQueue => "QueueDoesNotExist",
            Error::QueueExists(_) => "QueueNameExists",
            Error::DeletedRecently => "QueueDeletedRecently",
            Error::InvalidAddress(_) => "InvalidAddress",
            Error::Denied(_) | Error::NotListed { .. } => {
                return Fault::client("AccessDenied", message).with_status(403);
            }
            Error::UnknownAttribute(_) => "InvalidAttributeName",
            Error::InvalidAttributeValue(_) => "InvalidAttributeValue",
            Error::InvalidParameter(_) => "InvalidParameterValue",
            Error::Missing(_) => "MissingParameter",
            Error::InvalidContents => "InvalidMessageContents",
            Error::BadReceipt(_) => "ReceiptHandleIsInvalid",
            Error::EmptyBatch(_) => "EmptyBatchRequest",
            Error::TooManyEntries(_) => "TooManyEntriesInBatchRequest",
            Error::NotDistinct(_) => "BatchEntryIdsNotDistinct",
            Error::BadEntryId => "InvalidBatchEntryId",
            Error::BatchTooLong(_) => "BatchRequestTooLong",
            Error::OverLimit(_) => "OverLimit",
            Error::PurgeInProgress(_) => "PurgeQueueInProgress",
            Error::NotFound(_) => "ResourceNotFoundException",
            Error::Unsupported(_) => "UnsupportedOperation",
            Error::Store(why) => {
                let mut fault = Fault::internal(why).with_status(503);
                fault.code = "ServiceUnavailable".into();
                return fault;
            }
        };
        Fault::client(code, message)
    }
}

/// An input that its shapes do not allow. Only missing members come here.
pub(super) fn invalid(violations: &[Violation]) -> Fault {
    match violations.first() {
        Some(violation) if violation.is_missing() => Error::Missing(parameter(&violation.path)).into(),
        _ => Fault::client("InvalidParameterValue", violations_message(violations)),
    }
}

/// `Entries.1.MessageBody` for `entries.1.member.messageBody`.
fn parameter(path: &str) -> String {
    let capital = |part: &str| {
        let mut chars = part.chars();
        chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<String>()
    };
    let parts: Vec<String> = path.split('.').filter(|part| *part != "member").map(capital).collect();
    parts.join(".")
}
