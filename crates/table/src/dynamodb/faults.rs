//! From errors to the wire. No wildcard: a new error does not compile until it is mapped here.

use crate::{AttributeValue, Error, Item, Reason, ValueError, create};
use fogbank_wire::{Fault, Value, Violation, to_value, violations_message};

const NO_CLASS: &str = "Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, \
     STANDARD_INFREQUENT_ACCESS].";
const SET: &str = "Member must satisfy enum value set: ";
/// Sets of values that DynamoDB lists in another order than its model.
const SETS: [&str; 10] = [
    "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
    "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
    "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]",
    "[ADD, DELETE, PUT]",
    "[OR, AND]",
    "[B, N, S]",
    "[OLD_IMAGE, KEYS_ONLY, NEW_AND_OLD_IMAGES, NEW_IMAGE]",
    "[ALL, INCLUDE, KEYS_ONLY]",
    "[THROTTLED_KEYS, ACCESSED_AND_THROTTLED_KEYS]",
    "[ZSTD, NONE, GZIP]",
];

/// What DynamoDB checks with a request's other contents, in words of its own, and not with the model's constraints.
pub(super) fn is_checked_later(violation: &Violation) -> bool {
    let is_in_tag = violation.path.starts_with("tags.") && !violation.is_missing();
    is_in_tag || matches!(violation.path.as_str(), "tagKeys" | "tableArn" | "backupArn" | "exportArn" | "importArn")
}

/// What is answered to an input that violates the model's constraints.
pub(super) fn invalid(violations: &[Violation]) -> Fault {
    if violations.iter().all(|violation| violation.path == "tableClass") && !violations.is_empty() {
        return Fault::client("ValidationException", NO_CLASS);
    }
    let (in_tags, mut violations): (Vec<Violation>, Vec<Violation>) =
        violations.iter().cloned().partition(|one| one.path.starts_with("tags."));
    if let (Some(first), true) = (in_tags.first(), violations.is_empty()) {
        let member = if first.path.ends_with(".key") { "Key" } else { "Value" };
        return Error::validation(format!("The Tag {member} provided is invalid, {member}: null")).into();
    }
    let is_name_of_table = |one: &Violation| matches!(one.path.as_str(), "globalTableName" | "targetTableName");
    if violations.iter().all(|one| is_name_of_table(one) && one.constraint.contains("length")) {
        return Error::validation(create::TABLE_NAME_LENGTH).into();
    }
    write_before_read(&mut violations);
    for violation in &mut violations {
        let listed = violation.constraint.strip_prefix(SET).map(values);
        if let Some(set) = SETS.into_iter().find(|set| listed.as_ref() == Some(&values(set))) {
            violation.constraint = format!("{SET}{set}");
        }
    }
    Fault::client("ValidationException", violations_message(&violations))
}

/// Of one structure's units, AWS names those of writes first.
fn write_before_read(violations: &mut [Violation]) {
    for at in 1..violations.len() {
        let of = |place: usize, name: &str| violations[place].path.strip_suffix(name).map(str::to_owned);
        let read = of(at - 1, ".readCapacityUnits");
        if read.is_some() && read == of(at, ".writeCapacityUnits") {
            violations.swap(at - 1, at);
        }
    }
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
