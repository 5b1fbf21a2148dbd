//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here.

use crate::Error;
use crate::invoke::NOT_READY;
use fogbank_model::{InvalidName, InvokeError, RequestContext};
use fogbank_wire::{Fault, Shown, Violation, violations_message};

const USER: &str = "User";
const SERVICE: &str = "Service";

fn user(code: &'static str, status: u16, message: impl Into<String>) -> Fault {
    Fault::client(code, message).with_status(status).with("Type", USER)
}

fn internal(why: impl ToString) -> Fault {
    let mut fault = Fault::internal(why);
    fault.code = "ServiceException".into();
    fault.with("Type", SERVICE)
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(message) => user("ResourceNotFoundException", 404, message),
            Error::Conflict(message) => user("ResourceConflictException", 409, message),
            Error::InvalidParameter(message) => user("InvalidParameterValueException", 400, message),
            Error::Denied(message) => user("AccessDeniedException", 403, message),
            Error::Precondition(message) => user("PreconditionFailedException", 412, message),
            error @ Error::NotProvisioned => {
                user("ProvisionedConcurrencyConfigNotFoundException", 404, error.to_string())
            }
            Error::TooLarge(message) => user("RequestEntityTooLargeException", 413, message),
            Error::PolicyTooLarge(message) => user("PolicyLengthExceededException", 400, message),
            Error::Store(error) => internal(error),
            Error::Disk(why) => internal(why),
        }
    }
}

/// A name or qualifier that is none.
pub(super) fn invalid_name(error: InvalidName) -> Fault {
    user("InvalidParameterValueException", 400, error.to_string())
}

/// A call that did not reach the function.
pub(super) fn invoke(error: InvokeError) -> Fault {
    match error {
        InvokeError::NotFound(arn) => user("ResourceNotFoundException", 404, format!("Function not found: {arn}")),
        InvokeError::Throttled { reason } => {
            user("TooManyRequestsException", 429, "Rate Exceeded.").with("Reason", reason)
        }
        InvokeError::NoCapacity(message) => {
            Fault::client("ServiceException", message).with_status(503).with("Type", SERVICE)
        }
        InvokeError::TooLarge { limit, kind: "Event", .. } => {
            let message = format!(
                "Request must be smaller than {limit} bytes for the InvokeFunction operation with the invocation type Event"
            );
            user("RequestEntityTooLargeException", 413, message)
        }
        InvokeError::TooLarge { limit, .. } => {
            let message = format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
            user("RequestEntityTooLargeException", 413, message)
        }
        InvokeError::Refused { code: "InvalidRuntimeException", message } => {
            user("InvalidRuntimeException", 502, message)
        }
        InvokeError::Refused { code: NOT_READY, message } => user(NOT_READY, 409, message),
        InvokeError::Refused { code, message } => user(code, 400, message),
        InvokeError::Internal(why) => internal(why),
    }
}

/// An input that its shapes do not allow. An unknown runtime has an answer of its own, because a runtime may also be an ARN.
pub(super) fn invalid(violations: &[Violation]) -> Fault {
    let unknown_runtime =
        |violation: &&Violation| violation.path == "runtime" && matches!(violation.value, Shown::Text(_));
    match violations.iter().find(unknown_runtime) {
        Some(Violation { value: Shown::Text(runtime), .. }) => crate::configuration::unknown_runtime(runtime).into(),
        _ => Fault::client("ValidationException", violations_message(violations)),
    }
}

/// Whether the model only lacks what this platform has beyond AWS: the runtime `wasm`.
pub(super) fn is_known(violation: &Violation) -> bool {
    violation.path == "runtime" && matches!(&violation.value, Shown::Text(text) if text == crate::runtime::WASM)
}

/// The answer to whoever names what another account owns.
pub(super) fn other_account(context: &RequestContext, resource: &str) -> Fault {
    let account = &context.account;
    let text = format!(
        "Account {account} is not authorized to perform this operation on resource: {resource} because no resource-based policy allows it"
    );
    user("AccessDeniedException", 403, text)
}
