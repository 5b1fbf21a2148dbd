//! The keys of tables and indexes, read from what requests say of them ("KeySchemaElement" and "AttributeDefinition" in the API reference).

use crate::Error;
use crate::schema::{Index, KeyAttribute, KeyPart, KeySchema, KeyType};
use std::collections::BTreeSet;

/// Reads attribute definitions.
pub(crate) fn definitions(given: &[(String, String)]) -> Result<Vec<KeyAttribute>, Error> {
    let mut seen = BTreeSet::new();
    for (name, _) in given {
        if !seen.insert(name) {
            return Err(Error::parameter("Cannot have two attributes with the same name"));
        }
    }
    let kind = |text: &str| match text {
        "N" => KeyType::N,
        "B" => KeyType::B,
        _ => KeyType::S,
    };
    Ok(given.iter().map(|(name, text)| KeyAttribute { name: name.clone(), kind: kind(text) }).collect())
}

/// Reads a key's elements: names and roles.
pub(crate) fn key_schema(
    elements: &[(String, String)],
    attributes: &[KeyAttribute],
    given: &[(String, String)],
) -> Result<KeySchema, Error> {
    let names: Vec<&str> = elements.iter().map(|(name, _)| name.as_str()).collect();
    let Some((first, role)) = elements.first() else {
        return Err(Error::validation(
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    };
    if elements.len() > 2 {
        let shown = |(name, role): &(String, String)| format!("KeySchemaElement(attributeName={name}, keyType={role})");
        let shown: Vec<String> = elements.iter().map(shown).collect();
        return Err(Error::validation(format!(
            "1 validation error detected: Value '[{}]' at 'keySchema' failed to satisfy constraint: Member must have length less than or \
             equal to 2",
            shown.join(", ")
        )));
    }
    if role != "HASH" {
        return Err(Error::validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
    }
    if let Some((second, role)) = elements.get(1) {
        if first == second {
            return Err(Error::validation(
                "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            ));
        }
        if role != "RANGE" {
            return Err(Error::validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"));
        }
    }
    let defined = |name: &str| attributes.iter().find(|attribute| attribute.name == name).cloned();
    let missing: Vec<&str> = names.iter().copied().filter(|name| defined(name).is_none()).collect();
    if !missing.is_empty() {
        let all: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Error::parameter(format!(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
            names.join(", "),
            all.join(", ")
        )));
    }
    let part = |first: KeyAttribute| KeyPart { first, others: Vec::new() };
    let hash = part(defined(first).ok_or_else(Error::no_resource)?);
    Ok(KeySchema { hash, range: names.get(1).and_then(|name| defined(name)).map(part) })
}

/// Every definition must be part of a key.
pub(crate) fn check_used(attributes: &[KeyAttribute], keys: &KeySchema, indexes: &[Index]) -> Result<(), Error> {
    let used = |name: &str| keys.has(name) || indexes.iter().any(|index| index.keys.has(name));
    if attributes.iter().all(|attribute| used(&attribute.name)) {
        return Ok(());
    }
    if indexes.is_empty() {
        return Err(Error::parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ));
    }
    let all: Vec<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    let in_use: Vec<&str> = all.iter().copied().filter(|name| used(name)).collect();
    Err(Error::parameter(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        all.join(", "),
        in_use.join(", ")
    )))
}
