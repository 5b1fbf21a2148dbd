//! Reads what requests have in common: keys and items, conditions, projections, and the placeholders in them.
//!
//! Handlers read in AWS's order, so that of several faults the same one is told: whether older parameters and expressions are mixed and
//! placeholders could be used at all, the item's or key's values, what `ReturnValues` asks for, the older parameters, the placeholders,
//! the expressions.

use super::shapes::items::Names;
use crate::Error;
use crate::expression::{Condition, Kind, Projection, Substitutions};
use crate::value::{Item, item_from_wire};
use fogbank_wire::Value;

/// An item or a key.
pub(super) fn item(value: Value) -> Result<Item, Error> {
    Ok(item_from_wire(value)?)
}

/// Whether there are placeholders, names and values, although no expression could use them; `missing` says what there is not.
pub(super) fn check_placeholders(
    (names, values): (&Names, Option<&Value>),
    has_expression: bool,
    missing: &'static str,
) -> Result<(), Error> {
    match has_expression {
        true => Ok(()),
        false => Ok(Substitutions::check_absent(names.is_some(), values.is_some(), missing)?),
    }
}

/// The placeholders of a request.
pub(super) fn placeholders(names: Names, values: Option<Value>) -> Result<Substitutions, Error> {
    Ok(Substitutions::new(names, values)?)
}

pub(super) fn condition(
    kind: Kind,
    text: Option<&str>,
    placeholders: &mut Substitutions,
) -> Result<Option<Condition>, Error> {
    Ok(text.map(|text| Condition::parse(kind, text, placeholders)).transpose()?)
}

pub(super) fn projection(text: Option<&str>, placeholders: &mut Substitutions) -> Result<Option<Projection>, Error> {
    Ok(text.map(|text| Projection::parse(text, placeholders)).transpose()?)
}

/// The item, or the wanted parts of it.
pub(super) fn projected(item: Item, projection: Option<&Projection>) -> Item {
    match projection {
        Some(projection) => projection.of(&item),
        None => item,
    }
}
