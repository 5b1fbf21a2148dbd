//! One pattern of a filter policy: a literal, or an operator such as `{"prefix": "a"}`. Texts of errors are those of AWS's rule engine.

use super::numeric::Range;
use fogbank_model::matches_parts;
use serde_json::Value;
use std::net::IpAddr;

/// Operators that make an object a pattern.
const OPERATORS: [&str; 9] =
    ["exactly", "prefix", "suffix", "anything-but", "numeric", "exists", "equals-ignore-case", "cidr", "wildcard"];
/// The greatest number that policies compare, and the least with its sign turned.
const GREATEST: f64 = 1e9;

/// Whether an object with a key of this name is a pattern.
pub(super) fn is_operator(name: &str) -> bool {
    OPERATORS.contains(&name)
}

/// A text, and how another one is held against it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Text {
    Exact(String),
    IgnoreCase(String),
    Prefix(String),
    PrefixIgnoreCase(String),
    Suffix(String),
    SuffixIgnoreCase(String),
    /// What is between the stars.
    Wildcard(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pattern {
    Text(Text),
    Number(f64),
    Null,
    Truth(bool),
    Exists(bool),
    Numeric(Range),
    Cidr(IpAddr, u8),
    /// None of these.
    AnythingBut(Vec<Pattern>),
}

/// Reads a pattern.
pub(super) fn parse(value: &Value) -> Result<Pattern, String> {
    match value {
        Value::Null => Ok(Pattern::Null),
        Value::Bool(truth) => Ok(Pattern::Truth(*truth)),
        Value::String(text) => Ok(Pattern::Text(Text::Exact(text.clone()))),
        Value::Number(_) => number(value).map(Pattern::Number),
        Value::Object(members) => {
            let mut members = members.iter();
            match (members.next(), members.next()) {
                (Some((name, operand)), None) => operator(name, operand),
                (Some(_), Some(_)) => Err("Only one key allowed in match expression".into()),
                (None, _) => Err("Empty match expression".into()),
            }
        }
        Value::Array(_) => Err("Match value must be String, number, true, false, or null".into()),
    }
}

/// A number that policies can compare.
pub(super) fn number(value: &Value) -> Result<f64, String> {
    let number = value.as_f64().filter(|number| number.abs() <= GREATEST);
    number.ok_or_else(|| "Value must be between -1.0E9 and 1.0E9, inclusive".into())
}

fn operator(name: &str, operand: &Value) -> Result<Pattern, String> {
    let text = || operand.as_str().map(str::to_owned).ok_or_else(|| format!("{name} match pattern must be a string"));
    match name {
        "exactly" => text().map(|text| Pattern::Text(Text::Exact(text))),
        "equals-ignore-case" => text().map(|text| Pattern::Text(Text::IgnoreCase(text))),
        "wildcard" => wildcard(operand).map(Pattern::Text),
        "prefix" | "suffix" => edge(name, operand).map(Pattern::Text),
        "exists" => match operand {
            Value::Bool(wanted) => Ok(Pattern::Exists(*wanted)),
            _ => Err("exists match pattern must be either true or false.".into()),
        },
        "numeric" => Range::parse(operand).map(Pattern::Numeric),
        "cidr" => cidr(operand.as_str().ok_or("cidr match pattern must be a string")?),
        "anything-but" => anything_but(operand).map(Pattern::AnythingBut),
        _ => Err(format!("Unrecognized match type {name}")),
    }
}

/// `{"prefix": "a"}` or `{"prefix": {"equals-ignore-case": "a"}}`, and the same for suffixes.
fn edge(name: &str, operand: &Value) -> Result<Text, String> {
    let wrong = || format!("{name} match pattern must be a string");
    let (text, ignores_case) = match operand {
        Value::String(text) => (text, false),
        Value::Object(members) => match members.get("equals-ignore-case") {
            Some(Value::String(text)) if members.len() == 1 => (text, true),
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    let lower = || text.to_lowercase();
    Ok(match (name, ignores_case) {
        ("prefix", false) => Text::Prefix(text.clone()),
        ("prefix", true) => Text::PrefixIgnoreCase(lower()),
        (_, false) => Text::Suffix(text.clone()),
        (_, true) => Text::SuffixIgnoreCase(lower()),
    })
}

fn wildcard(operand: &Value) -> Result<Text, String> {
    let text = operand.as_str().ok_or("wildcard match pattern must be a string")?;
    if text.contains("**") {
        return Err("Consecutive wildcard characters are not allowed".into());
    }
    if text.matches('*').count() > 3 {
        return Err("Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character".into());
    }
    Ok(Text::Wildcard(unescaped(text)))
}

fn cidr(text: &str) -> Result<Pattern, String> {
    let (address, bits) = match text.split_once('/') {
        Some((_, rest)) if rest.contains('/') => return Err("Malformed CIDR, one '/' required".into()),
        Some((address, bits)) => (address, Some(bits)),
        None => return Err("Malformed CIDR, one '/' required".into()),
    };
    let address: IpAddr = address.parse().map_err(|_| format!("Nonstandard IP address: {address}"))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.and_then(|bits| bits.parse().ok()).filter(|bits| *bits <= most);
    bits.map(|bits| Pattern::Cidr(address, bits)).ok_or_else(|| "Malformed CIDR, mask bits must be an integer".into())
}

fn anything_but(operand: &Value) -> Result<Vec<Pattern>, String> {
    const KINDS: &str = "Value of anything-but must be an array or single string/number value.";
    match operand {
        Value::String(_) | Value::Number(_) => Ok(vec![parse(operand)?]),
        Value::Array(items) if items.is_empty() => Err("Empty arrays are not allowed".into()),
        Value::Array(items) => {
            let (texts, numbers) =
                (items.iter().filter(|item| item.is_string()), items.iter().filter(|item| item.is_number()));
            match (texts.count(), numbers.count()) {
                (texts, 0) if texts == items.len() => {}
                (0, numbers) if numbers == items.len() => {}
                (texts, numbers) if texts + numbers == items.len() => {
                    return Err("Inside anything-but list, either all values are Number or all values are String, mixed type is not supported".into());
                }
                _ => return Err("Inside anything-but list, start|null|boolean is not supported.".into()),
            }
            items.iter().map(parse).collect()
        }
        Value::Object(members) => {
            let mut members = members.iter();
            let (Some((name, inner)), None) = (members.next(), members.next()) else {
                return Err("Only one key allowed in match expression".into());
            };
            if !matches!(name.as_str(), "prefix" | "suffix" | "wildcard" | "equals-ignore-case") {
                return Err(format!("Unsupported anything-but pattern: {name}"));
            }
            match inner {
                Value::Array(items) if items.is_empty() => Err("Empty arrays are not allowed".into()),
                Value::Array(items) => items.iter().map(|item| operator(name, item)).collect(),
                other => Ok(vec![operator(name, other)?]),
            }
        }
        _ => Err(KINDS.into()),
    }
}

impl Pattern {
    /// Whether one of a field's values matches; a field that is not there has none.
    pub fn accepts(&self, found: &[&Value]) -> bool {
        match self {
            Self::Exists(wanted) => found.iter().any(|value| !value.is_null()) == *wanted,
            _ => found.iter().any(|value| self.matches(value)),
        }
    }

    fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Truth(truth) => value.as_bool() == Some(*truth),
            Self::Number(number) => value.as_f64().is_some_and(|value| is_equal(value, *number)),
            Self::Text(text) => value.as_str().is_some_and(|value| text.matches(value)),
            Self::Numeric(range) => value.as_f64().is_some_and(|value| range.holds(value)),
            Self::Cidr(network, bits) => {
                let address = value.as_str().and_then(|text| text.parse().ok());
                address.is_some_and(|address| is_within(address, *network, *bits))
            }
            Self::AnythingBut(excluded) => !excluded.iter().any(|pattern| pattern.matches(value)),
            Self::Exists(_) => true,
        }
    }
}

/// Five digits behind the point count.
pub(super) fn is_equal(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.000_005
}

impl Text {
    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => value == text,
            Self::IgnoreCase(text) => value.to_lowercase() == text.to_lowercase(),
            Self::Prefix(text) => value.starts_with(text),
            Self::PrefixIgnoreCase(text) => value.to_lowercase().starts_with(text),
            Self::Suffix(text) => value.ends_with(text),
            Self::SuffixIgnoreCase(text) => value.to_lowercase().ends_with(text),
            Self::Wildcard(parts) => matches_parts(parts.iter().map(String::as_str), value),
        }
    }
}

/// A wildcard's parts between its stars, with `\*` and `\\` as the characters that they stand for.
fn unescaped(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let next = match c {
            '*' => {
                parts.push(String::new());
                continue;
            }
            '\\' => chars.next_if(|next| matches!(next, '*' | '\\')).unwrap_or(c),
            _ => c,
        };
        if let Some(part) = parts.last_mut() {
            part.push(next);
        }
    }
    parts
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(address) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(address) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}
