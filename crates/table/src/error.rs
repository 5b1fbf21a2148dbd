//! Why an operation on tables fails. Texts are AWS's where AWS has one; `dynamodb/faults.rs` maps them to the wire.

use crate::expression::ExpressionError;
use crate::value::{Item, ValueError};

/// A failure of an operation on tables.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The request is not one that can be answered.
    #[error("{0}")]
    Validation(String),
    /// There is no such table, stream or index.
    #[error("{0}")]
    NotFound(String),
    /// There is no such table, where the API has a code of its own for that.
    #[error("{0}")]
    NoTable(String),
    /// There is a table of that name, where the API has a code of its own for that.
    #[error("Table already exists: {0}")]
    TableExists(String),
    /// What is asked for cannot be done in the state that the table is in.
    #[error("{0}")]
    InUse(String),
    /// A condition does not hold; the item, if it was asked for.
    #[error("The conditional request failed")]
    ConditionFailed(Option<Item>),
    /// A transaction was not made, for one of these reasons; as many as it has parts.
    #[error("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes(.0))]
    Cancelled(Vec<Reason>),
    /// The token belongs to another transaction.
    #[error(
        "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical"
    )]
    TokenMismatch,
    /// Too many of something.
    #[error("{0}")]
    LimitExceeded(String),
    /// There is no such backup.
    #[error("{0}")]
    NoBackup(String),
    /// There is no such policy.
    #[error("{0}")]
    NoPolicy(String),
    /// The item that a statement inserts is there.
    #[error("Duplicate primary key exists in table")]
    DuplicateItem,
    /// An iterator points at records that are no longer kept.
    #[error("{0}")]
    Trimmed(String),
    /// An iterator is too old.
    #[error("{0}")]
    ExpiredIterator(String),
    /// Another error of the API, by its code.
    #[error("{1}")]
    Other(&'static str, String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

/// Why one part of a transaction did not stand in its way, or did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reason {
    /// Such as `ConditionalCheckFailed`; `None` if it was not this part.
    pub code: Option<&'static str>,
    /// In words.
    pub message: Option<String>,
    /// The item, if it was asked for.
    pub item: Option<Item>,
}

fn codes(reasons: &[Reason]) -> String {
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.unwrap_or("None")).collect();
    codes.join(", ")
}

impl Error {
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::Validation(message.into())
    }

    /// AWS's most frequent beginning.
    pub(crate) fn parameter(what: impl std::fmt::Display) -> Self {
        Self::Validation(format!("One or more parameter values were invalid: {what}"))
    }

    /// What is wrong with a request as a whole: AWS's texts about backups, exports and the like begin alike.
    pub(crate) fn request(why: impl std::fmt::Display) -> Self {
        Self::validation(format!("Invalid Request: {why}"))
    }

    /// What operations on items say of a table that is not there.
    pub(crate) fn no_resource() -> Self {
        Self::NotFound("Requested resource not found".into())
    }

    /// What is said of a table that is being filled before anybody can use it.
    pub(crate) fn being_made(name: &str) -> Self {
        Self::InUse(format!("Attempt to change a resource which is still in use: Table is being created: {name}"))
    }

    /// What operations on tables say of one that is not there.
    pub(crate) fn no_table(name: &str) -> Self {
        Self::NotFound(format!("Requested resource not found: Table: {name} not found"))
    }
}

impl From<ExpressionError> for Error {
    fn from(error: ExpressionError) -> Self {
        Self::Validation(error.to_string())
    }
}

impl From<ValueError> for Error {
    fn from(error: ValueError) -> Self {
        Self::Validation(error.to_string())
    }
}

impl From<fogbank_store::Error> for Error {
    fn from(error: fogbank_store::Error) -> Self {
        Self::Store(error.to_string())
    }
}
