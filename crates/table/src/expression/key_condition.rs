//! Conditions on keys: `KeyConditionExpression`. They are read as conditions are, and must then be of a certain form.

use super::condition::{Comparator, Condition, Operand, begins_with};
use super::error::{ExpressionError, Kind, Problem};
use super::path::Path;
use super::substitution::Substitutions;
use crate::value::AttributeValue;

/// What a query asks of the attributes of a key; each attribute is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCondition {
    tests: Vec<(String, KeyTest)>,
}

/// What is asked of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTest {
    /// It compares like this with the value; never [`Comparator::NotEqual`].
    Compare(Comparator, AttributeValue),
    /// It is one of the values, or between them.
    Between(AttributeValue, AttributeValue),
    /// It begins with the value.
    BeginsWith(AttributeValue),
}

impl KeyCondition {
    /// Reads a `KeyConditionExpression`.
    ///
    /// # Errors
    /// [`ExpressionError::Invalid`], [`ExpressionError::KeyCondition`].
    pub fn parse(text: &str, substitutions: &mut Substitutions) -> Result<Self, ExpressionError> {
        let condition = Condition::parse(Kind::KeyCondition, text, substitutions)?;
        let mut tests = Vec::new();
        collect(condition, &mut tests).map_err(|problem| problem.of(Kind::KeyCondition))?;
        Ok(Self { tests })
    }

    /// A condition of these tests, whose attributes are distinct.
    pub(crate) fn of(tests: Vec<(String, KeyTest)>) -> Self {
        Self { tests }
    }

    /// What is asked of which attributes.
    pub fn tests(&self) -> &[(String, KeyTest)] {
        &self.tests
    }

    /// What is asked of the attribute `name`.
    pub fn test(&self, name: &str) -> Option<&KeyTest> {
        self.tests.iter().find(|(key, _)| key == name).map(|(_, test)| test)
    }

    /// The value that the attribute `name` must have, if it is asked for one.
    pub fn value(&self, name: &str) -> Option<&AttributeValue> {
        self.test(name).and_then(KeyTest::value)
    }

    /// Whether this is what a query can ask of a table or an index whose keys are called so: a value of each hash key, and something of
    /// range keys from the first one on without a gap, which is a value but for the last of them.
    ///
    /// # Errors
    /// [`ExpressionError::MissedKey`], [`ExpressionError::KeyConditionNotSupported`].
    pub fn check<'n>(
        &self,
        hash: impl Iterator<Item = &'n str>,
        mut range: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<(), ExpressionError> {
        let missed = |name: &str| Err(ExpressionError::MissedKey(name.into()));
        let mut left = self.tests.len();
        for name in hash {
            match self.test(name) {
                None => return missed(name),
                Some(test) if test.value().is_none() => return Err(ExpressionError::KeyConditionNotSupported),
                Some(_) => left -= 1,
            }
        }
        if left > range.clone().count() {
            return Err(ExpressionError::KeyConditionNotSupported);
        }
        while left > 0
            && let Some(name) = range.next()
        {
            left -= 1;
            match self.test(name) {
                None if range.any(|later| self.test(later).is_some()) => {
                    return Err(ExpressionError::KeyConditionNotSupported);
                }
                None => return missed(name),
                Some(test) if left > 0 && test.value().is_none() => {
                    return Err(ExpressionError::KeyConditionNotSupported);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl KeyTest {
    /// The one value that passes, if there is but one.
    pub fn value(&self) -> Option<&AttributeValue> {
        match self {
            Self::Compare(Comparator::Equal, value) => Some(value),
            _ => None,
        }
    }

    /// The values that it compares with: all must be of the key's type.
    pub fn values(&self) -> impl Iterator<Item = &AttributeValue> {
        let (first, second) = match self {
            Self::Compare(_, value) | Self::BeginsWith(value) => (value, None),
            Self::Between(low, high) => (low, Some(high)),
        };
        std::iter::once(first).chain(second)
    }

    /// Whether a key of this value passes.
    pub fn holds(&self, key: &AttributeValue) -> bool {
        let compare = |comparator: Comparator, value| comparator.holds_for(key, value);
        match self {
            Self::Compare(comparator, value) => compare(*comparator, value),
            Self::Between(low, high) => {
                compare(Comparator::GreaterOrEqual, low) && compare(Comparator::LessOrEqual, high)
            }
            Self::BeginsWith(start) => begins_with(key, start),
        }
    }
}

/// Takes a condition apart; junctions are at most as deep as an expression has operators.
fn collect(condition: Condition, tests: &mut Vec<(String, KeyTest)>) -> Result<(), Problem> {
    let (path, test) = match condition {
        Condition::And(left, right) => {
            collect(*left, tests)?;
            return collect(*right, tests);
        }
        Condition::Compare(Comparator::NotEqual, ..) => return Err(Problem::KeyOperator("<>")),
        Condition::Compare(comparator, left, right) => compare(comparator, left, right)?,
        Condition::Between(value, low, high) => {
            let (path, [low, high]) = key_and_values("BETWEEN", value, [low, high])?;
            (path, KeyTest::Between(low, high))
        }
        Condition::BeginsWith(value, start) => {
            let (path, [start]) = key_and_values("begins_with", value, [start])?;
            (path, KeyTest::BeginsWith(start))
        }
        Condition::Or(..) => return Err(Problem::KeyOperator("OR")),
        Condition::Not(_) => return Err(Problem::KeyOperator("NOT")),
        Condition::In(..) => return Err(Problem::KeyOperator("IN")),
        Condition::Exists(_) => return Err(Problem::KeyOperator("attribute_exists")),
        Condition::NotExists(_) => return Err(Problem::KeyOperator("attribute_not_exists")),
        Condition::HasType(..) => return Err(Problem::KeyOperator("attribute_type")),
        Condition::Contains(..) => return Err(Problem::KeyOperator("contains")),
    };
    if !path.steps.is_empty() {
        return Err(Problem::NestedKey);
    }
    if tests.iter().any(|(name, _)| *name == path.name) {
        return Err(Problem::RepeatedKey);
    }
    tests.push((path.name, test));
    Ok(())
}

/// A comparison of a key with a value; the key can be on either side.
fn compare(comparator: Comparator, left: Operand, right: Operand) -> Result<(Path, KeyTest), Problem> {
    let (comparator, key, value) = match left {
        Operand::Value(_) => (comparator.mirrored(), right, left),
        Operand::Path(_) | Operand::Size(_) => (comparator, left, right),
    };
    let (path, [value]) = key_and_values(comparator.symbol(), key, [value])?;
    Ok((path, KeyTest::Compare(comparator, value)))
}

fn key_and_values<const N: usize>(
    operator: &'static str,
    key: Operand,
    values: [Operand; N],
) -> Result<(Path, [AttributeValue; N]), Problem> {
    let has_path = values.iter().any(|value| value.path().is_some());
    let path = match key {
        Operand::Size(_) => return Err(Problem::KeyOperator("size")),
        Operand::Path(_) if has_path => return Err(Problem::SeveralKeys),
        Operand::Value(_) if has_path => return Err(Problem::KeyNotFirst(operator)),
        Operand::Value(_) => return Err(Problem::NoKey),
        Operand::Path(path) => path,
    };
    if values.iter().any(|value| matches!(value, Operand::Size(_))) {
        return Err(Problem::KeyOperator("size"));
    }
    let value = |operand| match operand {
        Operand::Value(value) => value,
        // There are none left.
        Operand::Path(_) | Operand::Size(_) => AttributeValue::Null,
    };
    Ok((path, values.map(value)))
}
