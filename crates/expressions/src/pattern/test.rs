//! What can be asked of a single value.

use super::cidr::Network;
use super::number::{self, Range};
use super::wildcard::Wildcard;
use serde_json::{Number, Value};

/// One alternative of a field.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Prefix(String),
    Suffix(String),
    /// These three are in lower case.
    EqualsIgnoreCase(String),
    PrefixIgnoreCase(String),
    SuffixIgnoreCase(String),
    Wildcard(Wildcard),
    Numeric(Range),
    Cidr(Network),
    Exists(bool),
    /// None of these.
    AnythingBut(Vec<Test>),
}

impl Test {
    /// Whether it holds for `leaf`, which is there.
    pub(super) fn holds(&self, leaf: &Value) -> bool {
        match (self, leaf) {
            (Self::Exists(wanted), _) => *wanted,
            (Self::AnythingBut(tests), _) => !tests.iter().any(|test| test.holds(leaf)),
            (Self::Null, Value::Null) => true,
            (Self::Bool(wanted), Value::Bool(value)) => wanted == value,
            (Self::Number(wanted), Value::Number(value)) => number::compare(wanted, value).is_some_and(|it| it.is_eq()),
            (Self::Numeric(range), Value::Number(value)) => range.contains(value),
            (test, Value::String(text)) => test.holds_for_text(text),
            _ => false,
        }
    }

    fn holds_for_text(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => wanted == text,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::EqualsIgnoreCase(wanted) => text.to_lowercase() == *wanted,
            Self::PrefixIgnoreCase(prefix) => text.to_lowercase().starts_with(prefix),
            Self::SuffixIgnoreCase(suffix) => text.to_lowercase().ends_with(suffix),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Cidr(network) => network.contains(text),
            _ => false,
        }
    }

    /// Whether it holds for a field that is not there.
    pub(super) fn wants_absence(&self) -> bool {
        matches!(self, Self::Exists(false))
    }

    /// The one text that it holds for.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
