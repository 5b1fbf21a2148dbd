//! Reads what requests have in common: keys and items, conditions, projections, and the placeholders in them.

use super::shapes::items::Names;
use crate::Error;
use crate::expression::{Condition, Kind, Projection, Substitutions};
use crate::value::{Item, item_from_wire};
use fogbank_wire::Value;

/// An item or a key.
pub(super) fn item(value: Value) -> Result<Item, Error> {
    Ok(item_from_wire(value)?)
}

/// The placeholders of a request; `has_expression` says whether there is anything that could use them, `missing` what there is not.
pub(super) fn placeholders(
    names: Names,
    values: Option<Value>,
    has_expression: bool,
    missing: &'static str,
) -> Result<Substitutions, Error> {
    let values = values.filter(|values| *values != Value::Null);
    if !has_expression {
        Substitutions::check_absent(names.is_some(), values.is_some(), missing)?;
    }
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
