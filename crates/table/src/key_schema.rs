//! The keys of tables and indexes, read from what requests say of them ("KeySchemaElement" and "AttributeDefinition" in the API reference).

use crate::schema::{KeyAttribute, KeyPart, KeySchema, KeyType};
use crate::{Draft, Error, IndexDraft};
use std::collections::BTreeSet;

const HASH: &str = "HASH";
const RANGE: &str = "RANGE";
/// Attributes of each part of a global index's key.
pub(crate) const ATTRIBUTES: usize = 4;

/// Reads attribute definitions.
pub(crate) fn definitions(given: &[(String, String)]) -> Result<Vec<KeyAttribute>, Error> {
    let mut seen = BTreeSet::new();
    if let Some((twice, _)) = given.iter().find(|(name, _)| !seen.insert(name)) {
        return Err(Error::validation(format!("Attribute Name is duplicated: {twice}")));
    }
    let kind = |text: &str| match text {
        "N" => KeyType::N,
        "B" => KeyType::B,
        _ => KeyType::S,
    };
    Ok(given.iter().map(|(name, text)| KeyAttribute { name: name.clone(), kind: kind(text) }).collect())
}

/// Reads a key's elements: names and roles. In global indexes each part of the key may have several attributes.
pub(crate) fn key_schema(
    elements: &[(String, String)],
    is_global: bool,
    attributes: &[KeyAttribute],
    given: &[(String, String)],
) -> Result<KeySchema, Error> {
    let Some((_, role)) = elements.first() else {
        return Err(Error::validation(
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    };
    if !is_global {
        check_length(elements)?;
    }
    if role != HASH {
        return Err(Error::validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
    }
    match is_global {
        true => check_parts(elements)?,
        false => check_second(elements)?,
    }
    let defined = |name: &str| attributes.iter().find(|attribute| attribute.name == name).cloned();
    let found: Option<Vec<_>> = elements.iter().map(|(name, role)| Some((defined(name)?, role == HASH))).collect();
    let not_defined = || not_defined(elements, given);
    let (hash, range) = found.ok_or_else(not_defined)?.into_iter().partition(|(_, is_hash)| *is_hash);
    Ok(KeySchema { hash: part(hash).ok_or_else(not_defined)?, range: part(range) })
}

fn not_defined(elements: &[(String, String)], given: &[(String, String)]) -> Error {
    if given.is_empty() {
        return Error::validation("Invalid KeySchema: Some index key attribute have no definition");
    }
    let names = |of: &[(String, String)]| of.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    Error::parameter(format!(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
        names(elements),
        names(given)
    ))
}

fn part(attributes: Vec<(KeyAttribute, bool)>) -> Option<KeyPart> {
    let mut attributes = attributes.into_iter().map(|(attribute, _)| attribute);
    let first = attributes.next()?;
    Some(KeyPart { first, others: attributes.collect() })
}

fn check_length(elements: &[(String, String)]) -> Result<(), Error> {
    if elements.len() <= 2 {
        return Ok(());
    }
    let shown = |(name, role): &(String, String)| format!("KeySchemaElement(attributeName={name}, keyType={role})");
    let shown: Vec<String> = elements.iter().map(shown).collect();
    Err(Error::validation(format!(
        "1 validation error detected: Value '[{}]' at 'keySchema' failed to satisfy constraint: Member must have length less than or \
         equal to 2",
        shown.join(", ")
    )))
}

/// The second element of a key that has at most two.
fn check_second(elements: &[(String, String)]) -> Result<(), Error> {
    match elements {
        [(first, _), (second, _)] if first == second => {
            Err(Error::validation("Both the Hash Key and the Range Key element in the KeySchema have the same name"))
        }
        [_, (_, role)] if role != RANGE => {
            Err(Error::validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"))
        }
        _ => Ok(()),
    }
}

/// Several hash keys, then several range keys.
fn check_parts(elements: &[(String, String)]) -> Result<(), Error> {
    let is_range = |(_, role): &(String, String)| role == RANGE;
    if !elements.is_sorted_by_key(is_range) {
        return Err(Error::parameter("All HASH key attributes must precede RANGE key attributes in the KeySchema"));
    }
    for role in [HASH, RANGE] {
        if elements.iter().filter(|(_, its)| its == role).count() > ATTRIBUTES {
            return Err(Error::parameter(format!(
                "The KeySchema exceeds the maximum allowed number of {role} key attributes"
            )));
        }
    }
    let names: BTreeSet<&String> = elements.iter().map(|(name, _)| name).collect();
    match names.len() < elements.len() {
        true => Err(Error::validation("The KeySchema contains multiple key attributes with the same name")),
        false => Ok(()),
    }
}

/// Every definition must be part of a key, and each key's attributes must be defined. AWS looks at that before anything else of indexes.
pub(crate) fn check_used(attributes: &[KeyAttribute], keys: &KeySchema, draft: &Draft) -> Result<(), Error> {
    let indexes: Vec<&IndexDraft> = draft.local.iter().chain(&draft.global).flatten().collect();
    let is_defined = |(name, _): &(String, String)| attributes.iter().any(|attribute| attribute.name == *name);
    if let Some(index) = indexes.iter().find(|index| !index.keys.iter().all(is_defined)) {
        return Err(not_defined(&index.keys, &draft.attributes));
    }
    let in_index = |name: &str| indexes.iter().any(|index| index.keys.iter().any(|(key, _)| key == name));
    let names = attributes.iter().map(|attribute| attribute.name.as_str());
    let used: Vec<&str> = names.clone().filter(|name| keys.has(name) || in_index(name)).collect();
    if used.len() == attributes.len() {
        return Ok(());
    }
    if indexes.is_empty() {
        return Err(Error::parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ));
    }
    Err(Error::parameter(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        names.collect::<Vec<_>>().join(", "),
        used.join(", ")
    )))
}
