//! The parameters from before there were expressions: `Expected`, `QueryFilter`, `ScanFilter`, `KeyConditions`, `ConditionalOperator`,
//! `AttributeUpdates` and `AttributesToGet`. They become what expressions become.

use super::condition::{Comparator, Condition, Operand, order};
use super::error::ExpressionError;
use super::key_condition::{KeyCondition, KeyTest};
use super::path::Path;
use super::projection::Projection;
use super::update::{Action, SetValue, Update};
use crate::value::AttributeValue;
use fogbank_wire::Value;
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// What is expected of one attribute: an `ExpectedAttributeValue` or a `Condition` of the wire.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Expectation {
    /// The value that it must have; in `Expected` only.
    pub value: Option<Value>,
    /// Whether it must be there; in `Expected` only.
    pub exists: Option<bool>,
    /// How it compares: `EQ`, `NOT_NULL`, ...
    pub comparison_operator: Option<String>,
    /// What it is compared with.
    pub attribute_value_list: Option<Vec<Value>>,
}

/// What becomes of one attribute.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AttributeUpdate {
    /// `PUT`, `ADD` or `DELETE`; `PUT` if absent.
    pub action: Option<String>,
    /// What is put, added or removed.
    pub value: Option<Value>,
}

/// Refuses older parameters beside expressions. Each is given with whether the request has it, in the order in which AWS names them:
/// `AttributesToGet`, `AttributeUpdates`, `QueryFilter` or `ScanFilter`, `Expected`, `ConditionalOperator`, `KeyConditions`, and
/// `ProjectionExpression`, `UpdateExpression`, `FilterExpression`, `ConditionExpression`, `KeyConditionExpression`.
///
/// # Errors
/// [`ExpressionError::MixedParameters`].
pub fn check_unmixed(older: &[(&str, bool)], expressions: &[(&str, bool)]) -> Result<(), ExpressionError> {
    let present = |all: &[(&str, bool)]| {
        let names: Vec<&str> = all.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
        names.join(", ")
    };
    let (older, expressions) = (present(older), present(expressions));
    match older.is_empty() || expressions.is_empty() {
        true => Ok(()),
        false => Err(ExpressionError::MixedParameters(older, expressions)),
    }
}

/// `Expected`, with `ConditionalOperator`: as [`condition`], and what is compared must be there in one of two members.
///
/// # Errors
/// As [`condition`].
pub fn expected(
    expectations: Option<BTreeMap<String, Expectation>>,
    conditional_operator: Option<&str>,
) -> Result<Option<Condition>, ExpressionError> {
    for (name, expectation) in expectations.iter().flatten() {
        expectation.check_compared(name)?;
    }
    condition(expectations, conditional_operator)
}

/// `QueryFilter`, `ScanFilter` or what is in `Expected`, with `ConditionalOperator`. None if nothing is expected.
///
/// # Errors
/// [`ExpressionError::InvalidParameter`], [`ExpressionError::Legacy`], [`ExpressionError::Value`].
pub fn condition(
    expectations: Option<BTreeMap<String, Expectation>>,
    conditional_operator: Option<&str>,
) -> Result<Option<Condition>, ExpressionError> {
    let expectations = expectations.unwrap_or_default();
    if conditional_operator.is_some() && expectations.len() < 2 {
        return Err(ExpressionError::Legacy(match expectations.is_empty() {
            true => "ConditionalOperator cannot be used without Filter or Expected",
            false => "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        }));
    }
    let join = if conditional_operator == Some("OR") { Condition::Or } else { Condition::And };
    let mut joined: Option<Condition> = None;
    for (name, expectation) in expectations {
        let one = expectation.condition(name)?;
        joined = Some(match joined {
            Some(before) => join(Box::new(before), Box::new(one)),
            None => one,
        });
    }
    Ok(joined)
}

/// `KeyConditions`. Whether they are too many for the key is to be asked of [`check_length`].
///
/// # Errors
/// As [`condition`].
pub fn key_condition(expectations: BTreeMap<String, Expectation>) -> Result<KeyCondition, ExpressionError> {
    check_length(expectations.len(), KEYS)?;
    let tests = expectations.into_iter().map(|(name, expectation)| {
        let test = match expectation.condition(name.clone())? {
            Condition::Compare(comparator, _, Operand::Value(value)) if comparator != Comparator::NotEqual => {
                KeyTest::Compare(comparator, value)
            }
            Condition::Between(_, Operand::Value(low), Operand::Value(high)) => KeyTest::Between(low, high),
            Condition::BeginsWith(_, Operand::Value(start)) => KeyTest::BeginsWith(start),
            _ => return Err(ExpressionError::Legacy(NOT_INDEXABLE)),
        };
        Ok((name, test))
    });
    Ok(KeyCondition::of(tests.collect::<Result<_, _>>()?))
}

/// Whether `KeyConditions` can have `length` conditions on a key of `keys` attributes.
///
/// # Errors
/// [`ExpressionError::Legacy`].
pub fn check_length(length: usize, keys: usize) -> Result<(), ExpressionError> {
    match (1..=keys.max(2)).contains(&length) {
        true => Ok(()),
        false => Err(ExpressionError::Legacy("Conditions can be of length 1 or 2 only")),
    }
}

/// The attributes of the longest key.
const KEYS: usize = 2 * crate::key_schema::ATTRIBUTES;
const NOT_INDEXABLE: &str = "Attempted conditional constraint is not an indexable operation";

impl Expectation {
    fn check_compared(&self, name: &str) -> Result<(), ExpressionError> {
        let is_bare = self.exists.is_none() && self.value.is_none() && self.attribute_value_list.is_none();
        match self.comparison_operator.as_deref() {
            Some(operator) if is_bare && !matches!(operator, "NULL" | "NOT_NULL") => Err(invalid(format!(
                "Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
            ))),
            _ => Ok(()),
        }
    }

    fn condition(self, name: String) -> Result<Condition, ExpressionError> {
        let wrong = |what: &str| Err(invalid(format!("{what} for Attribute: {name}")));
        let path = Path::of(name.clone());
        let Some(operator) = &self.comparison_operator else {
            return match (self.exists, self.value, self.attribute_value_list) {
                (_, None, Some(_)) => wrong("AttributeValueList can only be used with a ComparisonOperator"),
                (_, Some(_), Some(_)) => wrong("Value and AttributeValueList cannot be used together"),
                (Some(false), Some(_), None) => wrong("Value cannot be used when Exists is set to false"),
                (Some(false), None, None) => Ok(Condition::NotExists(path)),
                (Some(true), None, None) => wrong("Value must be provided when Exists is set to true"),
                (None, None, None) => wrong("Value must be provided when Exists is null"),
                (_, Some(value), None) => {
                    let value = Operand::Value(AttributeValue::from_wire(value)?);
                    Ok(Condition::Compare(Comparator::Equal, Operand::Path(path), value))
                }
            };
        };
        if self.value.is_some() && self.attribute_value_list.is_some() {
            return wrong("Value and AttributeValueList cannot be used together");
        }
        if self.exists.is_some() {
            return wrong("Exists and ComparisonOperator cannot be used together");
        }
        let values = self.attribute_value_list.unwrap_or_else(|| self.value.into_iter().collect());
        let values: Vec<_> = values.into_iter().map(AttributeValue::from_wire).collect::<Result<_, _>>()?;
        comparison(operator, path, values)
    }
}

fn invalid(why: impl Into<String>) -> ExpressionError {
    ExpressionError::InvalidParameter(why.into())
}

/// The condition that an operator and its values make.
fn comparison(operator: &str, path: Path, values: Vec<AttributeValue>) -> Result<Condition, ExpressionError> {
    check_types(operator, &values)?;
    let comparator = match operator {
        "EQ" => Some(Comparator::Equal),
        "NE" => Some(Comparator::NotEqual),
        "LT" => Some(Comparator::Less),
        "LE" => Some(Comparator::LessOrEqual),
        "GT" => Some(Comparator::Greater),
        "GE" => Some(Comparator::GreaterOrEqual),
        _ => None,
    };
    let given = Operand::Path(path.clone());
    let mut operands = values.into_iter().map(Operand::Value);
    let made = match (operator, operands.next(), operands.next(), operands.next()) {
        ("NULL", None, ..) => Condition::NotExists(path),
        ("NOT_NULL", None, ..) => Condition::Exists(path),
        ("BETWEEN", Some(low), Some(high), None) => between(given, low, high)?,
        ("IN", Some(first), second, third) => {
            let all = std::iter::once(first).chain(second).chain(third).chain(operands);
            Condition::In(given, all.collect())
        }
        ("BEGINS_WITH", Some(start), None, _) => Condition::BeginsWith(given, start),
        ("CONTAINS", Some(part), None, _) => Condition::Contains(given, part),
        ("NOT_CONTAINS", Some(part), None, _) => {
            let contains = Condition::Contains(given, part);
            Condition::And(Box::new(Condition::Exists(path)), Box::new(Condition::Not(Box::new(contains))))
        }
        (_, Some(value), None, _) => match comparator {
            Some(comparator) => Condition::Compare(comparator, given, value),
            None => return Err(argument_count(operator)),
        },
        _ => return Err(argument_count(operator)),
    };
    Ok(made)
}

fn argument_count(operator: &str) -> ExpressionError {
    invalid(format!("Invalid number of argument(s) for the {operator} ComparisonOperator"))
}

fn between(given: Operand, low: Operand, high: Operand) -> Result<Condition, ExpressionError> {
    if let (Operand::Value(low), Operand::Value(high)) = (&low, &high)
        && order(low, high) == Some(Ordering::Greater)
    {
        let why = "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound";
        return Err(invalid(why));
    }
    Ok(Condition::Between(given, low, high))
}

fn check_types(operator: &str, values: &[AttributeValue]) -> Result<(), ExpressionError> {
    let types: &[&str] = match operator {
        "LT" | "LE" | "GT" | "GE" | "BETWEEN" | "IN" => &["S", "N", "B"],
        "BEGINS_WITH" => &["S", "B"],
        "CONTAINS" | "NOT_CONTAINS" => &["S", "N", "B", "BOOL", "NULL"],
        _ => return Ok(()),
    };
    if let Some(value) = values.iter().find(|value| !types.contains(&value.type_name())) {
        let kind = value.type_name();
        return Err(invalid(format!("ComparisonOperator {operator} is not valid for {kind} AttributeValue type")));
    }
    let is_mixed = values.windows(2).any(|pair| pair[0].type_name() != pair[1].type_name());
    match is_mixed && matches!(operator, "BETWEEN" | "IN") {
        true => Err(invalid("AttributeValues inside AttributeValueList must all be of the same type")),
        false => Ok(()),
    }
}

/// `AttributeUpdates`.
///
/// # Errors
/// [`ExpressionError::InvalidParameter`], [`ExpressionError::Value`].
pub fn update(updates: BTreeMap<String, AttributeUpdate>) -> Result<Update, ExpressionError> {
    let actions = updates.into_iter().map(|(name, update)| update.action(Path::of(name)));
    Ok(Update::of_attributes(actions.collect::<Result<_, _>>()?))
}

impl AttributeUpdate {
    fn action(self, path: Path) -> Result<Action, ExpressionError> {
        let value = self.value.map(AttributeValue::from_wire).transpose()?;
        match (self.action.as_deref(), value) {
            (Some("DELETE"), None) => Ok(Action::Remove(path)),
            (_, None) => Err(invalid("Only DELETE action is allowed when no attribute value is specified")),
            (Some("DELETE"), Some(value)) => match value.type_name() {
                "SS" | "NS" | "BS" => Ok(Action::Delete(path, value)),
                other => Err(invalid(format!("DELETE action with value is not supported for the type {other}"))),
            },
            (Some("ADD"), Some(value)) => match value.type_name() {
                "N" | "SS" | "NS" | "BS" | "L" => Ok(Action::Add(path, value)),
                other => Err(invalid(format!("ADD action is not supported for the type {other}"))),
            },
            (_, Some(value)) => Ok(Action::Set(path, SetValue::Value(value))),
        }
    }
}

/// `AttributesToGet`.
///
/// # Errors
/// [`ExpressionError::InvalidParameter`] where a name is there twice.
pub fn projection(names: Vec<String>) -> Result<Projection, ExpressionError> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(invalid(format!("Duplicate value in attribute name: {twice}")));
    }
    Projection::of_paths(names.into_iter().map(Path::of).collect())
}
