//! What is known to be wrong with operands before there is an item.

use super::evaluate::order;
use super::{Comparator, Operand};
use crate::expression::error::Problem;
use crate::value::AttributeValue;
use std::cmp::Ordering;

/// The names of the types; `attribute_type` takes no other.
const TYPES: [&str; 10] = ["B", "BOOL", "BS", "L", "M", "N", "NS", "NULL", "S", "SS"];

/// A value given for an operand of `operator` must be of one of `types`.
fn check_type(operator: &'static str, operand: &Operand, types: &[&str]) -> Result<(), Problem> {
    match operand {
        Operand::Value(value) if !types.contains(&value.type_name()) => {
            Err(Problem::OperandType(operator, value.type_name()))
        }
        // A size is a number.
        Operand::Size(_) if !types.contains(&"N") => Err(Problem::OperandType(operator, "N")),
        _ => Ok(()),
    }
}

/// A path must not be compared with itself.
fn check_distinct(operator: &'static str, first: &Operand, rest: &[&Operand]) -> Result<(), Problem> {
    match first {
        Operand::Path(path) if rest.contains(&first) => Err(Problem::SameOperands(operator, path.clone())),
        _ => Ok(()),
    }
}

const ORDERED: &[&str] = &["S", "N", "B"];

pub(super) fn compare(comparator: Comparator, left: &Operand, right: &Operand) -> Result<(), Problem> {
    let symbol = comparator.symbol();
    check_distinct(symbol, left, &[right])?;
    match comparator {
        Comparator::Equal | Comparator::NotEqual => Ok(()),
        _ => check_type(symbol, left, ORDERED).and_then(|()| check_type(symbol, right, ORDERED)),
    }
}

pub(super) fn between(value: &Operand, low: &Operand, high: &Operand) -> Result<(), Problem> {
    check_distinct("BETWEEN", value, &[low, high])?;
    for operand in [value, low, high] {
        check_type("BETWEEN", operand, ORDERED)?;
    }
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return Ok(()) };
    match order(low, high) {
        None => Err(Problem::BoundTypes(shown(low), shown(high))),
        Some(Ordering::Greater) => Err(Problem::BoundOrder(shown(low), shown(high))),
        Some(_) => Ok(()),
    }
}

/// A key's value as AWS prints it.
fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) => format!("{{S:{text}}}"),
        AttributeValue::N(number) => format!("{{N:{number}}}"),
        AttributeValue::B(bytes) => format!("{{B:java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]}}", bytes.len()),
        other => format!("{{{}}}", other.type_name()),
    }
}

pub(super) fn is_in(value: &Operand, all: &[Operand]) -> Result<(), Problem> {
    check_distinct("IN", value, &all.iter().collect::<Vec<_>>())
}

pub(super) fn begins_with(value: &Operand, start: &Operand) -> Result<(), Problem> {
    check_distinct("begins_with", value, &[start])?;
    check_type("begins_with", value, &["S", "B"]).and_then(|()| check_type("begins_with", start, &["S", "B"]))
}

pub(super) fn contains(whole: &Operand, part: &Operand) -> Result<(), Problem> {
    check_distinct("contains", whole, &[part])?;
    check_type("contains", whole, &["S", "B", "L", "SS", "NS", "BS"])
}

pub(super) fn size(operand: &Operand) -> Result<(), Problem> {
    check_type("size", operand, &["S", "B", "L", "M", "SS", "NS", "BS"])
}

/// The type that the second operand of `attribute_type` names.
pub(super) fn named_type(operand: Operand) -> Result<String, Problem> {
    match operand {
        Operand::Value(AttributeValue::S(name)) if TYPES.contains(&name.as_str()) => Ok(name),
        Operand::Value(AttributeValue::S(name)) => Err(Problem::UnknownType(name)),
        Operand::Value(other) => Err(Problem::OperandType("attribute_type", other.type_name())),
        Operand::Path(_) | Operand::Size(_) => Err(Problem::OperandType("attribute_type", "{path}")),
    }
}
