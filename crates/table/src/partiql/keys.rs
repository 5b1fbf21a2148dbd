//! Takes what a condition says of keys out of it.

use super::parser::Result;
use crate::expression::{Comparator, Condition, ExpressionError, KeyTest, Operand};
use crate::value::{AttributeValue, Item};

/// How to get at the items that a `SELECT` wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The values that each hash key may have, distinct. If there are none, everything must be scanned.
    pub hashes: Vec<Vec<AttributeValue>>,
    /// What the query asks of range keys, from the first one on: values but for the last of them.
    pub ranges: Vec<KeyTest>,
    /// What must hold besides.
    pub filter: Option<Condition>,
}

impl Access {
    /// For a table or index whose keys are called so.
    pub fn of<'n>(
        condition: Option<Condition>,
        hash: impl Iterator<Item = &'n str>,
        range: impl Iterator<Item = &'n str>,
    ) -> Self {
        let mut parts = Vec::new();
        conjuncts(condition.clone(), &mut parts);
        let mut values_of = |name| take_first(&mut parts, |part| hash_values(part, name));
        let Some(hashes) = hash.map(&mut values_of).collect() else {
            return Self { hashes: Vec::new(), ranges: Vec::new(), filter: condition };
        };
        let mut ranges = Vec::new();
        for name in range {
            let Some(test) = take_first(&mut parts, |part| key_test(part, name)) else { break };
            let is_value = test.value().is_some();
            ranges.push(test);
            if !is_value {
                break;
            }
        }
        Self { hashes, ranges, filter: joined(parts) }
    }

    /// How many partitions must be queried.
    pub fn count(&self) -> usize {
        let counts = self.hashes.iter().map(Vec::len);
        if self.hashes.is_empty() { 0 } else { counts.fold(1, usize::saturating_mul) }
    }

    /// The partitions to query, each as the values of all hash keys, in the values' order.
    pub fn partitions(&self) -> Vec<Vec<AttributeValue>> {
        let Some((first, others)) = self.hashes.split_first() else { return Vec::new() };
        let mut partitions: Vec<Vec<AttributeValue>> = first.iter().map(|value| vec![value.clone()]).collect();
        for values in others {
            let longer = |partition: Vec<AttributeValue>| {
                let with = move |value: &AttributeValue| [partition.as_slice(), std::slice::from_ref(value)].concat();
                values.iter().map(with)
            };
            partitions = partitions.into_iter().flat_map(longer).collect();
        }
        partitions
    }
}

/// The key of the one item that a change is for, by the names of the key's attributes, and what must hold for it besides.
///
/// # Errors
/// Where the condition does not say what the key is.
pub fn key_of<'n>(condition: Condition, names: impl IntoIterator<Item = &'n str>) -> Result<(Item, Option<Condition>)> {
    let mut parts = Vec::new();
    conjuncts(Some(condition), &mut parts);
    let mut key = Item::new();
    for name in names {
        let value = take_first(&mut parts, |part| equal_to(part, name).cloned()).ok_or_else(no_key)?;
        key.insert(name.into(), value);
    }
    Ok((key, joined(parts)))
}

pub(super) fn no_key() -> ExpressionError {
    ExpressionError::Unsupported("Where clause does not contain a mandatory equality on all key attributes".into())
}

/// Takes a condition apart where all of the parts must hold.
fn conjuncts(condition: Option<Condition>, parts: &mut Vec<Condition>) {
    match condition {
        Some(Condition::And(left, right)) => {
            conjuncts(Some(*left), parts);
            conjuncts(Some(*right), parts);
        }
        other => parts.extend(other),
    }
}

fn joined(parts: Vec<Condition>) -> Option<Condition> {
    parts.into_iter().reduce(|left, right| Condition::And(Box::new(left), Box::new(right)))
}

/// What `find` finds in the first part where it finds something; that part is taken out.
fn take_first<T>(parts: &mut Vec<Condition>, find: impl Fn(&Condition) -> Option<T>) -> Option<T> {
    let (at, found) = parts.iter().enumerate().find_map(|(at, part)| Some((at, find(part)?)))?;
    parts.remove(at);
    Some(found)
}

fn is_attribute(operand: &Operand, name: &str) -> bool {
    matches!(operand, Operand::Path(path) if path.name == name && path.steps.is_empty())
}

/// A comparison of the attribute with a value, whichever stands first.
fn comparison<'c>(part: &'c Condition, name: &str) -> Option<(Comparator, &'c AttributeValue)> {
    match part {
        Condition::Compare(comparator, key, Operand::Value(value)) if is_attribute(key, name) => {
            Some((*comparator, value))
        }
        Condition::Compare(comparator, Operand::Value(value), key) if is_attribute(key, name) => {
            Some((comparator.mirrored(), value))
        }
        _ => None,
    }
}

fn equal_to<'c>(part: &'c Condition, name: &str) -> Option<&'c AttributeValue> {
    comparison(part, name).filter(|(comparator, _)| *comparator == Comparator::Equal).map(|(_, value)| value)
}

/// The values that the hash key has if the part holds, if it says so.
fn hash_values(part: &Condition, name: &str) -> Option<Vec<AttributeValue>> {
    let mut values = match part {
        Condition::Or(left, right) => [hash_values(left, name)?, hash_values(right, name)?].concat(),
        Condition::In(key, all) if is_attribute(key, name) => {
            let value = |operand: &Operand| match operand {
                Operand::Value(value) => Some(value.clone()),
                Operand::Path(_) | Operand::Size(_) => None,
            };
            all.iter().map(value).collect::<Option<_>>()?
        }
        other => vec![equal_to(other, name)?.clone()],
    };
    values.sort();
    values.dedup();
    // No partition is not the same as any: what asks for none is a filter that nothing passes.
    (!values.is_empty()).then_some(values)
}

fn key_test(part: &Condition, name: &str) -> Option<KeyTest> {
    match part {
        Condition::Between(key, Operand::Value(low), Operand::Value(high)) if is_attribute(key, name) => {
            Some(KeyTest::Between(low.clone(), high.clone()))
        }
        Condition::BeginsWith(key, Operand::Value(start)) if is_attribute(key, name) => {
            Some(KeyTest::BeginsWith(start.clone()))
        }
        other => match comparison(other, name)? {
            (Comparator::NotEqual, _) => None,
            (comparator, value) => Some(KeyTest::Compare(comparator, value.clone())),
        },
    }
}
