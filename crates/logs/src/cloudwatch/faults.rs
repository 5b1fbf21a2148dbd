//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here.

use crate::Error;
use fogbank_wire::{Fault, Violation, violations_message};

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NoGroup | Error::NoStream => Fault::client("ResourceNotFoundException", message),
            Error::GroupExists | Error::StreamExists => Fault::client("ResourceAlreadyExistsException", message),
            Error::InvalidParameter(_) => Fault::client("InvalidParameterException", message),
            Error::TooManyTags => Fault::client("TooManyTagsException", message),
            Error::Store(error) => unavailable(error.to_string()),
            Error::Broken(why) => unavailable(why),
        }
    }
}

/// An input that its shapes do not allow: this service's clients know it under another name than most.
pub(super) fn invalid(violations: &[Violation]) -> Fault {
    Fault::client("InvalidParameterException", violations_message(violations))
}

fn unavailable(why: String) -> Fault {
    let mut fault = Fault::internal(why);
    fault.code = "ServiceUnavailableException".into();
    fault
}
