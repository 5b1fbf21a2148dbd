//! Attribute values and items: what they are, how the wire has them, what they count. `value/stored.rs` has their form in the store.

pub(crate) mod ion;
pub(crate) mod json;
mod stored;
#[cfg(test)]
mod tests;
mod wire;

pub use stored::{decode_item, encode_item};
pub use wire::item_from_wire;

use crate::number::{Number, NumberError};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// An item, or the content of a map.
pub type Item = BTreeMap<String, AttributeValue>;

/// The bytes that an item can have, by [`item_size`].
pub const ITEM_SIZE_LIMIT: usize = 400 * 1024;

/// The levels that a value can have; a scalar is one.
pub const NESTING_LIMIT: usize = 32;

/// A value of one of DynamoDB's ten types. They compare first by type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeValue {
    /// A string.
    S(String),
    /// A number.
    N(Number),
    /// Bytes.
    B(Bytes),
    /// A truth.
    Bool(bool),
    /// The value null.
    Null,
    /// Named values.
    M(Item),
    /// Values in an order.
    L(Vec<AttributeValue>),
    /// Strings without an order; at least one.
    SS(BTreeSet<String>),
    /// Numbers without an order; at least one.
    NS(BTreeSet<Number>),
    /// Byte strings without an order; at least one.
    BS(BTreeSet<Bytes>),
}

/// Why something is no attribute value. The texts are AWS's, each a `ValidationException`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// No type is given.
    #[error("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")]
    Empty,
    /// Several types are given.
    #[error(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )]
    SeveralTypes,
    /// `NULL` is false.
    #[error("One or more parameter values were invalid: Null attribute value types must have the value of true")]
    NullIsFalse,
    /// A set of strings or numbers without elements; names the kind.
    #[error("One or more parameter values were invalid: An {0} set  may not be empty")]
    EmptySet(&'static str),
    /// A set of byte strings without elements.
    #[error("One or more parameter values were invalid: Binary sets should not be empty")]
    EmptyBinarySet,
    /// The elements of a set of strings, some of them equal.
    #[error("One or more parameter values were invalid: Input collection [{0}] contains duplicates.")]
    Duplicates(String),
    /// A set has equal numbers.
    #[error("Input collection contains duplicates")]
    DuplicateNumbers,
    /// The elements of a set of byte strings in base64, some of them equal.
    #[error("One or more parameter values were invalid: Input collection [{0}]of type BS contains duplicates.")]
    DuplicateBinaries(String),
    /// More than [`NESTING_LIMIT`] levels.
    #[error(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
    )]
    TooDeep,
    /// A name without a character.
    #[error("One or more parameter values were invalid: An attribute name may not be empty")]
    NameEmpty,
    /// A name of more than 65,535 bytes.
    #[error("1 validation error detected: Attribute name is too large, must be less than 65536 bytes")]
    NameTooLong,
    /// A number is none.
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl AttributeValue {
    /// The type as the wire names it: `S`, `BOOL`, ...
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::M(_) => "M",
            Self::L(_) => "L",
            Self::SS(_) => "SS",
            Self::NS(_) => "NS",
            Self::BS(_) => "BS",
        }
    }

    /// The bytes that it counts, by AWS's "item sizes and formats".
    pub fn size(&self) -> usize {
        // A list or map has three bytes, and one for each element.
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::M(map) => 3 + map.len() + item_size(map),
            Self::L(list) => 3 + list.iter().map(|value| value.size() + 1).sum::<usize>(),
            Self::SS(set) => set.iter().map(String::len).sum(),
            Self::NS(set) => set.iter().map(Number::size).sum(),
            Self::BS(set) => set.iter().map(Bytes::len).sum(),
        }
    }

    /// How many levels it has: one more than what it holds.
    pub fn depth(&self) -> usize {
        1 + match self {
            Self::M(map) => map.values().map(Self::depth).max().unwrap_or(0),
            Self::L(list) => list.iter().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// The bytes that an item counts: its names in UTF-8, and its values.
pub fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::S(text.into())
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self::S(text)
    }
}

impl From<i64> for AttributeValue {
    fn from(number: i64) -> Self {
        Self::N(number.into())
    }
}

impl From<Number> for AttributeValue {
    fn from(number: Number) -> Self {
        Self::N(number)
    }
}
