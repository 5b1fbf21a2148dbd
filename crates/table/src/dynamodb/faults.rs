//! From errors to the wire. No wildcard: a new error does not compile until it is mapped here.

use crate::{AttributeValue, Error, Item, Reason, ValueError};
use fogbank_wire::{Fault, Value, Violation, to_value, violations_message};

const SET: &str = "Member must satisfy enum value set: ";
/// Sets of values that DynamoDB lists in another order than its model.
const SETS: [&str; 7] = [
    "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
    "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
    "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]",
    "[ADD, DELETE, PUT]",
    "[OR, AND]",
    "[B, N, S]",
    "[ALL, INCLUDE, KEYS_ONLY]",
];

/// What is answered to an input that violates the model's constraints.
pub(super) fn invalid(violations: &[Violation]) -> Fault {
    let mut violations = violations.to_vec();
    for violation in &mut violations {
        let listed = violation.constraint.strip_prefix(SET).map(values);
        if let Some(set) = SETS.into_iter().find(|set| listed.as_ref() == Some(&values(set))) {
            violation.constraint = format!("{SET}{set}");
        }
    }
    Fault::client("ValidationException", violations_message(&violations))
}

/// What is answered to an input that is nested deeper than is read, which is far deeper than a value may be.
pub(super) fn too_deep() -> Fault {
    Error::from(ValueError::TooDeep).into()
}

/// The values of a set, in the order of the alphabet.
fn values(set: &str) -> Vec<String> {
    let mut all: Vec<String> = set.trim_matches(['[', ']']).split(", ").map(Into::into).collect();
    all.sort();
    all
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Validation(_) => Self::client("ValidationException", message),
            Error::NotFound(_) => Self::client("ResourceNotFoundException", message),
            Error::NoTable(_) => Self::client("TableNotFoundException", message),
            Error::TableExists(_) => Self::client("TableAlreadyExistsException", message),
            Error::InUse(_) => Self::client("ResourceInUseException", message),
            Error::ConditionFailed(item) => {
                let fault = Self::client("ConditionalCheckFailedException", message);
                match item {
                    Some(item) => fault.with("Item", shown(&item)),
                    None => fault,
                }
            }
            Error::Cancelled(reasons) => {
                let reasons = Value::List(reasons.into_iter().map(cancellation).collect());
                Self::client("TransactionCanceledException", message).with("CancellationReasons", reasons)
            }
            Error::TokenMismatch => Self::client("IdempotentParameterMismatchException", message),
            Error::LimitExceeded(_) => Self::client("LimitExceededException", message),
            Error::NoBackup(_) => Self::client("BackupNotFoundException", message),
            Error::NoPolicy(_) => Self::client("PolicyNotFoundException", message),
            Error::DuplicateItem => Self::client("DuplicateItemException", message),
            Error::Trimmed(_) => Self::client("TrimmedDataAccessException", message),
            Error::ExpiredIterator(_) => Self::client("ExpiredIteratorException", message),
            Error::Other(code, _) => Self::client(code, message),
            Error::Store(why) => {
                let mut fault = Self::internal(why);
                fault.code = "InternalServerError".into();
                fault
            }
        }
    }
}

fn cancellation(reason: Reason) -> Value {
    let mut members = vec![("Code".to_owned(), Value::from(reason.code.unwrap_or("None")))];
    members.extend(reason.message.map(|message| ("Message".to_owned(), Value::from(message))));
    members.extend(reason.item.map(|item| ("Item".to_owned(), shown(&item))));
    Value::Map(members)
}

fn shown(item: &Item) -> Value {
    let entry = |(name, value): (&String, &AttributeValue)| (name.clone(), to_value(value).unwrap_or_default());
    Value::Map(item.iter().map(entry).collect())
}
