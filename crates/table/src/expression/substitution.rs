//! The placeholders of one request: what they stand for, and which of them were used.

use super::error::{ExpressionError, Kind, Problem};
use super::token::is_name_byte;
use crate::value::AttributeValue;
use fogbank_wire::Value;
use std::collections::{BTreeMap, BTreeSet};

const NAMES: &str = "ExpressionAttributeNames";
const VALUES: &str = "ExpressionAttributeValues";
/// Bytes that a placeholder can have.
const LONGEST: usize = 255;

/// `ExpressionAttributeNames` and `ExpressionAttributeValues`. All expressions of a request are read with one of these, so that
/// [`Substitutions::check_used`] can tell in the end.
#[derive(Debug, Default)]
pub struct Substitutions {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, AttributeValue>,
    used: BTreeSet<String>,
}

impl Substitutions {
    /// Reads the two parameters, the values as the wire decoded them.
    ///
    /// # Errors
    /// Where one is empty, or a key or value is not of its form.
    pub fn new(names: Option<BTreeMap<String, String>>, values: Option<Value>) -> Result<Self, ExpressionError> {
        let names = names.map(check_names).transpose()?.unwrap_or_default();
        let values = values.map(read_values).transpose()?.unwrap_or_default();
        Ok(Self { names, values, used: BTreeSet::new() })
    }

    /// For a request that has no expression: there must be no placeholders either. `missing` says which expressions there could have
    /// been, such as `UpdateExpression and ConditionExpression are null`.
    ///
    /// # Errors
    /// [`ExpressionError::NamesWithoutExpression`], [`ExpressionError::ValuesWithoutExpression`].
    pub fn check_absent(names: bool, values: bool, missing: &'static str) -> Result<(), ExpressionError> {
        match (names, values) {
            (true, _) => Err(ExpressionError::NamesWithoutExpression),
            (_, true) => Err(ExpressionError::ValuesWithoutExpression(missing)),
            _ => Ok(()),
        }
    }

    /// To be called when all expressions are read.
    ///
    /// # Errors
    /// [`ExpressionError::Unused`].
    pub fn check_used(&self) -> Result<(), ExpressionError> {
        let unused = |parameter: &'static str, keys: Vec<&String>| {
            let left: Vec<&str> =
                keys.into_iter().filter(|key| !self.used.contains(*key)).map(String::as_str).collect();
            match left.is_empty() {
                true => Ok(()),
                false => Err(ExpressionError::Unused(parameter, left.join(", "))),
            }
        };
        unused(NAMES, self.names.keys().collect())?;
        unused(VALUES, self.values.keys().collect())
    }

    /// The name that `#key` stands for.
    pub(super) fn name(&mut self, key: &str) -> Result<String, Problem> {
        let name = self.names.get(key).ok_or_else(|| Problem::UndefinedName(key.into()))?;
        self.used.insert(key.into());
        Ok(name.clone())
    }

    /// The value that `:key` stands for.
    pub(super) fn value(&mut self, key: &str) -> Result<AttributeValue, Problem> {
        let value = self.values.get(key).ok_or_else(|| Problem::UndefinedValue(key.into()))?;
        self.used.insert(key.into());
        Ok(value.clone())
    }
}

fn check_names(names: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ExpressionError> {
    if names.is_empty() {
        return Err(ExpressionError::NoSubstitutions(NAMES));
    }
    for (key, name) in &names {
        check_placeholder(NAMES, '#', key)?;
        if name.is_empty() {
            return Err(ExpressionError::EmptyName(key.clone()));
        }
    }
    Ok(names)
}

fn read_values(values: Value) -> Result<BTreeMap<String, AttributeValue>, ExpressionError> {
    let Value::Map(entries) = values else { return Ok(BTreeMap::new()) };
    if entries.is_empty() {
        return Err(ExpressionError::NoSubstitutions(VALUES));
    }
    for (key, _) in &entries {
        check_placeholder(VALUES, ':', key)?;
    }
    let read = |(key, value): (String, Value)| match AttributeValue::from_wire(value) {
        Ok(value) => Ok((key, value)),
        Err(error) => Err(ExpressionError::InvalidValue(key, error)),
    };
    entries.into_iter().map(read).collect()
}

fn check_placeholder(parameter: &'static str, mark: char, key: &str) -> Result<(), ExpressionError> {
    if key.len() > LONGEST {
        return Err(ExpressionError::LongPlaceholder(parameter, key.into()));
    }
    let name = key.strip_prefix(mark).unwrap_or_default();
    match !name.is_empty() && name.bytes().all(is_name_byte) {
        true => Ok(()),
        false => Err(ExpressionError::InvalidPlaceholder(parameter, key.into())),
    }
}

impl Problem {
    /// The problem as that of an expression of `kind`.
    pub(super) fn of(self, kind: Kind) -> ExpressionError {
        match &self {
            Self::KeyOperator(_)
            | Self::RepeatedKey
            | Self::NestedKey
            | Self::SeveralKeys
            | Self::NoKey
            | Self::KeyNotFirst(_) => ExpressionError::KeyCondition(self),
            _ => ExpressionError::Invalid(kind, self),
        }
    }
}
