//! Attribute values as the wire has them: structures with one member, named as the type is.

use super::{AttributeValue, Item, NESTING_LIMIT, ValueError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fogbank_wire::{Blob, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeSet;

/// The bytes that a name can have.
const NAME_LIMIT: usize = 65_535;

impl AttributeValue {
    /// Reads what the wire decoded of an `AttributeValue`. A shape's member of this type is a [`Value`], so that the operation decides
    /// when it reads it and how its error says where it was.
    ///
    /// # Errors
    /// A [`ValueError`].
    pub fn from_wire(value: Value) -> Result<Self, ValueError> {
        read(value, NESTING_LIMIT)
    }
}

/// Reads what the wire decoded of a map of attribute values.
///
/// # Errors
/// A [`ValueError`].
pub fn item_from_wire(value: Value) -> Result<Item, ValueError> {
    read_map(value, NESTING_LIMIT)
}

/// Reads a value of at most `levels` levels.
fn read(value: Value, levels: usize) -> Result<AttributeValue, ValueError> {
    let Some(below) = levels.checked_sub(1) else { return Err(ValueError::TooDeep) };
    let Value::Map(members) = value else { return Err(ValueError::Empty) };
    let mut found = None;
    for (kind, content) in members {
        let value = read_member(&kind, content, below)?;
        if found.replace(value).is_some() {
            return Err(ValueError::SeveralTypes);
        }
    }
    found.ok_or(ValueError::Empty)
}

fn read_member(kind: &str, content: Value, below: usize) -> Result<AttributeValue, ValueError> {
    match (kind, content) {
        ("S", Value::Text(text)) => Ok(AttributeValue::S(text)),
        ("N", Value::Text(text)) => Ok(AttributeValue::N(text.parse()?)),
        ("B", Value::Blob(bytes)) => Ok(AttributeValue::B(bytes)),
        ("BOOL", Value::Bool(truth)) => Ok(AttributeValue::Bool(truth)),
        ("NULL", Value::Bool(true)) => Ok(AttributeValue::Null),
        ("NULL", Value::Bool(false)) => Err(ValueError::NullIsFalse),
        ("M", content) => Ok(AttributeValue::M(read_map(content, below)?)),
        ("L", Value::List(items)) => {
            let values: Result<_, _> = items.into_iter().map(|item| read(item, below)).collect();
            values.map(AttributeValue::L)
        }
        ("SS", Value::List(items)) => strings(items.into_iter().filter_map(text).collect()),
        ("NS", Value::List(items)) => numbers(items.into_iter().filter_map(text).collect()),
        ("BS", Value::List(items)) => binaries(items.into_iter().filter_map(blob).collect()),
        _ => Err(ValueError::Empty),
    }
}

fn read_map(value: Value, levels: usize) -> Result<Item, ValueError> {
    let Value::Map(entries) = value else { return Ok(Item::new()) };
    let read_entry = |(name, value): (String, Value)| match name.len() {
        0 => Err(ValueError::NameEmpty),
        1..=NAME_LIMIT => Ok((name, read(value, levels)?)),
        _ => Err(ValueError::NameTooLong),
    };
    entries.into_iter().map(read_entry).collect()
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn blob(value: Value) -> Option<Bytes> {
    match value {
        Value::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

fn strings(texts: Vec<String>) -> Result<AttributeValue, ValueError> {
    if texts.is_empty() {
        return Err(ValueError::EmptySet("string"));
    }
    let set: BTreeSet<_> = texts.iter().cloned().collect();
    match set.len() == texts.len() {
        true => Ok(AttributeValue::SS(set)),
        false => Err(ValueError::Duplicates(texts.join(", "))),
    }
}

fn numbers(texts: Vec<String>) -> Result<AttributeValue, ValueError> {
    if texts.is_empty() {
        return Err(ValueError::EmptySet("number"));
    }
    let set: BTreeSet<_> = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    match set.len() == texts.len() {
        true => Ok(AttributeValue::NS(set)),
        false => Err(ValueError::DuplicateNumbers),
    }
}

fn binaries(all: Vec<Bytes>) -> Result<AttributeValue, ValueError> {
    if all.is_empty() {
        return Err(ValueError::EmptyBinarySet);
    }
    let set: BTreeSet<_> = all.iter().cloned().collect();
    if set.len() == all.len() {
        return Ok(AttributeValue::BS(set));
    }
    let shown: Vec<_> = all.iter().map(|bytes| BASE64.encode(bytes)).collect();
    Err(ValueError::DuplicateBinaries(shown.join(", ")))
}

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_key(self.type_name())?;
        match self {
            Self::S(text) => map.serialize_value(text),
            Self::N(number) => map.serialize_value(&number.to_string()),
            Self::B(bytes) => map.serialize_value(&Blob(bytes.clone())),
            Self::Bool(truth) => map.serialize_value(truth),
            Self::Null => map.serialize_value(&true),
            Self::M(item) => map.serialize_value(item),
            Self::L(list) => map.serialize_value(list),
            Self::SS(set) => map.serialize_value(set),
            Self::NS(set) => map.serialize_value(&set.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Self::BS(set) => map.serialize_value(&set.iter().cloned().map(Blob).collect::<Vec<_>>()),
        }?;
        map.end()
    }
}
