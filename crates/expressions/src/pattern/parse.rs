//! From JSON to a pattern, with AWS's reasons for what is wrong.

use super::cidr::Network;
use super::number::Range;
use super::test::Test;
use super::wildcard::Wildcard;
use super::{Field, InvalidPattern, Level};
use serde_json::{Map, Number, Value};

/// Names that mean something to the language and therefore cannot be fields inside of `$or`.
const RESERVED: &[&str] = &[
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

fn wrong<T>(reason: impl Into<String>) -> Result<T, InvalidPattern> {
    Err(InvalidPattern(reason.into()))
}

pub(super) fn pattern(text: &str) -> Result<Level, InvalidPattern> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => level(&members, false),
        Ok(_) => wrong("Filter is not an object"),
        Err(_) if text.trim().is_empty() => wrong("Filter is not an object"),
        Err(error) => wrong(error.to_string()),
    }
}

fn level(members: &Map<String, Value>, in_or: bool) -> Result<Level, InvalidPattern> {
    if members.is_empty() {
        return wrong("Empty objects are not allowed");
    }
    let mut level_ = Level::default();
    for (name, value) in members {
        if name == "$or" {
            level_.alternatives.push(alternatives(value)?);
            continue;
        }
        if in_or && RESERVED.contains(&name.as_str()) {
            return wrong(format!("{name} is Ruler reserved fieldName which cannot be used inside $or."));
        }
        let field = match value {
            Value::Object(below) => Field::Nested(level(below, in_or)?),
            Value::Array(values) if values.is_empty() => return wrong("Empty arrays are not allowed"),
            Value::Array(values) => Field::AnyOf(values.iter().map(test).collect::<Result<_, _>>()?),
            _ => return wrong(format!("\"{name}\" must be an object or an array")),
        };
        level_.fields.push((name.clone(), field));
    }
    Ok(level_)
}

fn alternatives(value: &Value) -> Result<Vec<Level>, InvalidPattern> {
    let Value::Array(levels) = value else { return wrong("It must be an Array followed with $or.") };
    let one = |value: &Value| match value {
        Value::Object(members) => level(members, true),
        _ => wrong("Only JSON object is allowed in array of $or relationship."),
    };
    let levels: Vec<Level> = levels.iter().map(one).collect::<Result<_, _>>()?;
    if levels.len() < 2 {
        return wrong("There must have at least 2 Objects in $or relationship.");
    }
    Ok(levels)
}

fn test(value: &Value) -> Result<Test, InvalidPattern> {
    Ok(match value {
        Value::Null => Test::Null,
        Value::Bool(value) => Test::Bool(*value),
        Value::Number(number) => Test::Number(number.clone()),
        Value::String(text) => Test::Text(text.clone()),
        Value::Array(_) => return wrong("Match value must be String, number, true, false, or null"),
        Value::Object(members) => expression(members)?,
    })
}

/// The only member of a match expression.
fn only(members: &Map<String, Value>, missing: &str) -> Result<(String, Value), InvalidPattern> {
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((name, value)), None) => Ok((name.clone(), value.clone())),
        (None, _) => wrong(missing),
        _ => wrong("Only one key allowed in match expression"),
    }
}

fn expression(members: &Map<String, Value>) -> Result<Test, InvalidPattern> {
    let (name, value) = only(members, "Match expression name not found")?;
    let text = |what: &str| match value.as_str() {
        Some(text) => Ok(text),
        None => wrong(format!("{what} match pattern must be a string")),
    };
    Ok(match name.as_str() {
        "exactly" => Test::Text(text("exact")?.into()),
        "prefix" | "suffix" => affix(&name, &value)?,
        "equals-ignore-case" => Test::EqualsIgnoreCase(text("equals-ignore-case")?.to_lowercase()),
        "wildcard" => Test::Wildcard(Wildcard::parse(text("wildcard")?)?),
        "cidr" => match Network::parse(text("prefix")?) {
            Some(network) => Test::Cidr(network),
            None => return wrong("Malformed CIDR, one '/' required"),
        },
        "numeric" => match &value {
            Value::Array(terms) => Test::Numeric(range(terms)?),
            _ => return wrong("Value of numeric must be an array."),
        },
        "exists" => match value {
            Value::Bool(wanted) => Test::Exists(wanted),
            _ => return wrong("exists match pattern must be either true or false."),
        },
        "anything-but" => Test::AnythingBut(anything_but(&value)?),
        other => return wrong(format!("Unrecognized match type {other}")),
    })
}

/// `prefix` and `suffix`, of a text or of an `equals-ignore-case`.
fn affix(name: &str, value: &Value) -> Result<Test, InvalidPattern> {
    let is_prefix = name == "prefix";
    match value {
        Value::String(text) if is_prefix => Ok(Test::Prefix(text.clone())),
        Value::String(text) => Ok(Test::Suffix(text.clone())),
        Value::Object(members) => {
            let (inner, text) = only(members, &format!("{} expression name not found", capital(name)))?;
            match text.as_str().filter(|_| inner == "equals-ignore-case") {
                Some(text) if is_prefix => Ok(Test::PrefixIgnoreCase(text.to_lowercase())),
                Some(text) => Ok(Test::SuffixIgnoreCase(text.to_lowercase())),
                None if inner == "equals-ignore-case" => wrong("equals-ignore-case match pattern must be a string"),
                None => wrong(format!("Unsupported {name} pattern: {inner}")),
            }
        }
        _ => wrong(format!("{name} match pattern must be a string")),
    }
}

fn capital(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

fn anything_but(value: &Value) -> Result<Vec<Test>, InvalidPattern> {
    match value {
        Value::String(_) | Value::Number(_) => Ok(vec![test(value)?]),
        Value::Array(values) => {
            let (texts, numbers) = (values.iter().all(Value::is_string), values.iter().all(Value::is_number));
            if values.iter().any(|value| !value.is_string() && !value.is_number()) {
                return wrong("Inside anything but list, start|null|boolean is not supported.");
            }
            if texts == numbers {
                return wrong(
                    "Inside anything but list, either all values are number or string, mixed type is not supported",
                );
            }
            values.iter().map(test).collect()
        }
        Value::Object(members) => {
            let (name, value) = only(members, "Anything-But expression name not found")?;
            if !matches!(name.as_str(), "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
                return wrong(format!("Unsupported anything-but pattern: {name}"));
            }
            texts(&name, &value)?.into_iter().map(|text| of_text(&name, text)).collect()
        }
        _ => wrong("Value of anything-but must be an array or single string/number value."),
    }
}

/// One text or a list of them.
fn texts<'a>(name: &str, value: &'a Value) -> Result<Vec<&'a str>, InvalidPattern> {
    let single = if matches!(name, "prefix" | "suffix") { "prefix/suffix" } else { name };
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(values) if !values.is_empty() => {
            let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            texts.map_or_else(
                || wrong(format!("Inside anything-but/{name} list, number|start|null|boolean is not supported.")),
                Ok,
            )
        }
        Value::Array(_) => wrong("Empty arrays are not allowed"),
        _ => wrong(format!("{single} match pattern must be a string")),
    }
}

fn of_text(name: &str, text: &str) -> Result<Test, InvalidPattern> {
    match name {
        "prefix" | "suffix" if text.is_empty() => wrong("Null prefix/suffix not allowed"),
        "prefix" => Ok(Test::Prefix(text.into())),
        "suffix" => Ok(Test::Suffix(text.into())),
        "wildcard" => Ok(Test::Wildcard(Wildcard::parse(text)?)),
        _ => Ok(Test::EqualsIgnoreCase(text.to_lowercase())),
    }
}

fn range(terms: &[Value]) -> Result<Range, InvalidPattern> {
    let Some((first, rest)) = terms.split_first() else { return wrong("Invalid member in numeric match: ]") };
    let Some(operator) = first.as_str() else { return wrong(format!("Invalid member in numeric match: {first}")) };
    if !matches!(operator, "=" | "<" | "<=" | ">" | ">=") {
        return wrong(format!("Unrecognized numeric range operator: {operator}"));
    }
    let (value, rest) = operand(if operator == "=" { "equals" } else { operator }, rest)?;
    let mut range = Range::default();
    match operator {
        "=" => (range.from, range.to) = (Some((value.clone(), true)), Some((value, true))),
        "<" | "<=" => range.to = Some((value, operator == "<=")),
        _ => range.from = Some((value, operator == ">=")),
    }
    let Some((second, rest)) = rest.split_first() else { return Ok(range) };
    if range.to.is_some() {
        return wrong("Too many elements in numeric expression");
    }
    let Some(operator) = second.as_str() else { return wrong(format!("Bad value in numeric range: {second}")) };
    if !matches!(operator, "<" | "<=") {
        return wrong(format!("Bad numeric range operator: {operator}"));
    }
    let (top, rest) = operand(operator, rest)?;
    if !rest.is_empty() {
        return wrong("Too many terms in numeric range expression");
    }
    range.to = Some((top, operator == "<="));
    if !is_ascending(&range) {
        return wrong("Bottom must be less than top");
    }
    Ok(range)
}

fn operand<'a>(operator: &str, rest: &'a [Value]) -> Result<(Number, &'a [Value]), InvalidPattern> {
    match rest.split_first() {
        Some((Value::Number(number), rest)) => Ok((number.clone(), rest)),
        _ => wrong(format!("Value of {operator} must be numeric")),
    }
}

fn is_ascending(range: &Range) -> bool {
    match (&range.from, &range.to) {
        (Some((from, _)), Some((to, _))) => super::number::compare(from, to).is_some_and(|order| order.is_lt()),
        _ => true,
    }
}
