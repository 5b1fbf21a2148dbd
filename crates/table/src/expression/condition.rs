//! Conditions on items: `ConditionExpression`, `FilterExpression`, and what other forms of conditions become.

mod check;
mod evaluate;
mod parse;

pub(super) use evaluate::{begins_with, order};

use super::error::{ExpressionError, Kind};
use super::parser::Parser;
use super::path::Path;
use super::substitution::Substitutions;
use crate::value::AttributeValue;

/// A condition; [`Condition::holds`] for an item or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// One of them holds.
    Or(Box<Condition>, Box<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Two values compare like this.
    Compare(Comparator, Operand, Operand),
    /// The first is neither below the second nor above the third.
    Between(Operand, Operand, Operand),
    /// The value is one of those.
    In(Operand, Vec<Operand>),
    /// There is something at the path.
    Exists(Path),
    /// There is nothing at the path.
    NotExists(Path),
    /// What is at the path has the type of this name.
    HasType(Path, String),
    /// The first, a string or bytes, begins with the second.
    BeginsWith(Operand, Operand),
    /// The first, a string, bytes, a set or a list, has the second in it.
    Contains(Operand, Operand),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Something that has a value, for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// What is at the path.
    Path(Path),
    /// Always this.
    Value(AttributeValue),
    /// How many characters, bytes or elements there are.
    Size(Box<Operand>),
}

impl Condition {
    /// Reads a `ConditionExpression` or `FilterExpression`.
    ///
    /// # Errors
    /// [`ExpressionError::Invalid`].
    pub fn parse(kind: Kind, text: &str, substitutions: &mut Substitutions) -> Result<Self, ExpressionError> {
        Parser::run(kind, text, substitutions, parse::condition)
    }

    /// Both of two conditions that may be there.
    pub fn both(left: Option<Self>, right: Option<Self>) -> Option<Self> {
        match (left, right) {
            (Some(left), Some(right)) => Some(Self::And(Box::new(left), Box::new(right))),
            (left, right) => left.or(right),
        }
    }

    /// The paths that the condition looks at.
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => [left.paths(), right.paths()].concat(),
            Self::Not(inner) => inner.paths(),
            Self::Exists(path) | Self::NotExists(path) | Self::HasType(path, _) => vec![path],
            Self::Compare(_, left, right) | Self::BeginsWith(left, right) | Self::Contains(left, right) => {
                [left, right].into_iter().filter_map(Operand::path).collect()
            }
            Self::Between(value, low, high) => [value, low, high].into_iter().filter_map(Operand::path).collect(),
            Self::In(value, all) => std::iter::once(value).chain(all).filter_map(Operand::path).collect(),
        }
    }
}

impl Comparator {
    /// The comparator that is written like this.
    pub(crate) fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" => Self::Equal,
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// The comparator for the same operands the other way round.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}

impl Operand {
    /// The path that it looks at, if any.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Value(_) => None,
            Self::Size(inner) => inner.path(),
        }
    }
}
