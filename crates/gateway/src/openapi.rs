//! What HTTP APIs and REST APIs share when they read an OpenAPI document with API Gateway's extensions.

use crate::Error;
use serde_json::Value;

/// An operation of a document.
pub(crate) struct Operation<'d> {
    pub path: &'d str,
    /// In capital letters; `ANY` for `x-amazon-apigateway-any-method`.
    pub method: String,
    pub value: &'d Value,
}

/// Extensions that ask for something that later releases bring.
const LATER: [&str; 5] = [
    "x-amazon-apigateway-policy",
    "x-amazon-apigateway-gateway-responses",
    "x-amazon-apigateway-request-validator",
    "x-amazon-apigateway-endpoint-configuration",
    "x-amazon-apigateway-minimum-compression-size",
];

/// Reads a document: JSON.
pub(crate) fn parse(text: &[u8]) -> Result<Value, Error> {
    let document: Value = serde_json::from_slice(text).map_err(|why| {
        Error::bad(format!(
            "Unable to parse the API definition as JSON: {why}. Fogbank reads OpenAPI documents in JSON only."
        ))
    })?;
    if !document.is_object() {
        return Err(Error::bad("The API definition must be a JSON object."));
    }
    for name in LATER {
        if document.get(name).is_some() {
            return Err(Error::Unsupported(format!("{name} in an API definition yet; leave it out.")));
        }
    }
    if document["security"].as_array().is_some_and(|list| !list.is_empty()) {
        return Err(Error::Unsupported("security in an API definition yet; leave it out.".into()));
    }
    Ok(document)
}

/// The document's operations, in its order.
pub(crate) fn operations(document: &Value) -> Result<Vec<Operation<'_>>, Error> {
    let mut found = Vec::new();
    let Some(paths) = document.get("paths").and_then(Value::as_object) else { return Ok(found) };
    for (path, item) in paths {
        let Some(item) = item.as_object() else {
            return Err(Error::bad(format!("paths.{path} of the API definition must be an object.")));
        };
        for (key, value) in item {
            let method = match key.as_str() {
                "x-amazon-apigateway-any-method" => "ANY".to_owned(),
                "get" | "put" | "post" | "delete" | "options" | "head" | "patch" => key.to_uppercase(),
                _ => continue,
            };
            let place = || format!("{method} {path}");
            if value["security"].as_array().is_some_and(|list| !list.is_empty()) {
                return Err(Error::Unsupported(format!("authorizers yet; remove security from {}.", place())));
            }
            for name in ["x-amazon-apigateway-request-validator", "x-amazon-apigateway-auth"] {
                if value.get(name).is_some() {
                    return Err(Error::Unsupported(format!("{name} yet; remove it from {}.", place())));
                }
            }
            found.push(Operation { path, method, value });
        }
    }
    Ok(found)
}

/// The operation's integration, with a reference followed.
pub(crate) fn integration<'d>(document: &'d Value, operation: &Operation<'d>) -> Result<Option<&'d Value>, Error> {
    let Some(integration) = operation.value.get("x-amazon-apigateway-integration") else { return Ok(None) };
    let Some(reference) = integration.get("$ref").and_then(Value::as_str) else { return Ok(Some(integration)) };
    let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    target.map(Some).ok_or_else(|| Error::bad(format!("The API definition has nothing at '{reference}'.")))
}

/// Refuses the members of `value` that nobody will look at. `fixed` are members that may only have one value (`*`: any, since it means nothing here).
pub(crate) fn refuse_others(value: &Value, known: &[&str], fixed: &[(&str, &str)], place: &str) -> Result<(), Error> {
    for (name, member) in value.as_object().into_iter().flatten() {
        let rule = fixed.iter().find(|(fixed, _)| fixed == name).map(|(_, only)| *only);
        let fine = match rule {
            Some("*") => true,
            Some(only) => member.as_str().is_some_and(|text| text.eq_ignore_ascii_case(only)),
            None => known.contains(&name.as_str()),
        };
        if !fine && !is_nothing(member) {
            return Err(Error::Unsupported(format!("{name} in {place} yet; leave it out.")));
        }
    }
    Ok(())
}

/// Whether a member says no more than its absence.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// A whole number, also one that stands in quotes.
pub(crate) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
