//! Filter policies: which messages a subscription takes, by their attributes or by their body.
//!
//! A policy is an object whose keys must all match. A key's array holds patterns, one of which must match; in a body's policy a key may
//! hold another object instead. `$or` holds alternatives.

mod numeric;
mod pattern;

use fogbank_delivery::{AttributeValue, MessageAttribute};
use pattern::Pattern;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Keys with patterns of one policy.
const KEYS: usize = 5;
/// The most that the numbers of patterns may multiply to.
const COMBINATIONS: u64 = 150;
/// Bytes of a policy.
const BYTES: usize = 256 * 1024;
/// How deep objects may nest, in a policy.
const DEPTH: usize = 32;

/// What a policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// `MessageAttributes`
    #[default]
    Attributes,
    /// `MessageBody`
    Body,
}

impl Scope {
    /// The scope that SNS calls `name`.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "MessageAttributes" => Some(Self::Attributes),
            "MessageBody" => Some(Self::Body),
            _ => None,
        }
    }
}

/// A policy, read and found good.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterPolicy {
    scope: Scope,
    root: Object,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Object {
    keys: Vec<(String, Node)>,
    alternatives: Vec<Object>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Patterns(Vec<Pattern>),
    Object(Object),
}

/// A value that patterns are held against: one of a message attribute's, or of a body's field.
type Candidates<'v> = Vec<&'v Value>;

impl FilterPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// What AWS says behind `FilterPolicy: `.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, String> {
        if text.len() > BYTES {
            return Err("Filter policy is too large".into());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| format!("failed to parse JSON. {error}"))?;
        let Value::Object(members) = value else { return Err("failed to parse JSON. Filter is not an object".into()) };
        let root = object(&members, scope, 1)?;
        if root.leaves() > KEYS {
            return Err(format!("Filter policy can not have more than {KEYS} keys"));
        }
        let depth_counts = scope == Scope::Body;
        if root.combinations(1, depth_counts) > COMBINATIONS {
            return Err("Filter policy is too complex".into());
        }
        Ok(Self { scope, root })
    }

    /// Whether the subscription takes a message with these attributes and this body.
    pub fn accepts(&self, attributes: &BTreeMap<String, MessageAttribute>, body: &str) -> bool {
        match self.scope {
            Scope::Attributes => {
                let values: Map<String, Value> =
                    attributes.iter().filter_map(|(name, value)| Some((name.clone(), candidate(value)?))).collect();
                // As documented: even `exists: false` takes no message without any attribute.
                self.root.is_empty() || !values.is_empty() && self.root.accepts(&values)
            }
            Scope::Body => match serde_json::from_str(body) {
                Ok(Value::Object(members)) => self.root.accepts(&members),
                _ => self.root.is_empty(),
            },
        }
    }
}

/// What patterns are held against of a message attribute. Binary ones are not looked at.
fn candidate(attribute: &MessageAttribute) -> Option<Value> {
    let AttributeValue::Text(text) = &attribute.value else { return None };
    match attribute.data_type.as_str() {
        "String.Array" => Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))),
        kind if kind == "Number" || kind.starts_with("Number.") => Some(
            serde_json::from_str(text)
                .ok()
                .filter(Value::is_number)
                .unwrap_or_else(|| text.parse::<f64>().ok().map_or_else(|| Value::from(text.as_str()), Value::from)),
        ),
        _ => Some(Value::from(text.as_str())),
    }
}

fn object(members: &Map<String, Value>, scope: Scope, depth: usize) -> Result<Object, String> {
    if depth > DEPTH {
        return Err("Filter policy is nested too deeply".into());
    }
    let mut made = Object::default();
    for (name, value) in members {
        match value {
            Value::Array(items) if name == "$or" && is_or(items) => {
                let alternatives = items.iter().filter_map(Value::as_object);
                let alternatives = alternatives.map(|members| object(members, scope, depth + 1));
                made.alternatives = alternatives.collect::<Result<_, _>>()?;
            }
            Value::Array(items) if items.is_empty() => return Err("Empty arrays are not allowed".into()),
            Value::Array(items) => {
                let patterns = items.iter().map(pattern::parse).collect::<Result<_, _>>()?;
                made.keys.push((name.clone(), Node::Patterns(patterns)));
            }
            Value::Object(_) if scope == Scope::Attributes => {
                return Err("Filter policy scope MessageAttributes does not support nested filter policy".into());
            }
            Value::Object(inner) if inner.is_empty() => return Err("Empty objects are not allowed".into()),
            Value::Object(inner) => {
                made.keys.push((name.clone(), Node::Object(object(inner, scope, depth + 1)?)));
            }
            _ => return Err(format!("\"{name}\" must be an object or an array")),
        }
    }
    Ok(made)
}

/// Whether a key `$or` holds alternatives: two objects at least, none of which is a pattern.
fn is_or(items: &[Value]) -> bool {
    let is_policy = |item: &Value| match item {
        Value::Object(members) => !members.is_empty() && !members.keys().any(|name| pattern::is_operator(name)),
        _ => false,
    };
    items.len() >= 2 && items.iter().all(is_policy)
}

impl Object {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.alternatives.is_empty()
    }

    /// How many keys have patterns.
    fn leaves(&self) -> usize {
        let leaves = |(_, node): &(String, Node)| match node {
            Node::Patterns(_) => 1,
            Node::Object(inner) => inner.leaves(),
        };
        let alternatives = self.alternatives.iter().map(Self::leaves).sum::<usize>();
        self.keys.iter().map(leaves).sum::<usize>() + alternatives
    }

    /// The product of the keys' numbers of patterns, each times its depth where that counts; alternatives add up.
    fn combinations(&self, depth: u64, depth_counts: bool) -> u64 {
        let own = self.keys.iter().fold(1_u64, |product, (_, node)| {
            product.saturating_mul(match node {
                Node::Patterns(patterns) => patterns.len() as u64 * if depth_counts { depth } else { 1 },
                Node::Object(inner) => inner.combinations(depth + 1, depth_counts),
            })
        });
        let counts = self.alternatives.iter().map(|one| one.combinations(depth, depth_counts));
        let sum = counts.fold(0, u64::saturating_add);
        own.saturating_mul(sum.max(1))
    }

    fn accepts(&self, members: &Map<String, Value>) -> bool {
        let is_met = |(name, node): &(String, Node)| {
            let value = members.get(name);
            match node {
                Node::Patterns(patterns) => {
                    let found = value.map(candidates).unwrap_or_default();
                    patterns.iter().any(|pattern| pattern.accepts(&found))
                }
                Node::Object(inner) => match value {
                    Some(value) => inner.accepts_within(value),
                    None => inner.accepts(&Map::new()),
                },
            }
        };
        let alternatives = &self.alternatives;
        self.keys.iter().all(is_met)
            && (alternatives.is_empty() || alternatives.iter().any(|alternative| alternative.accepts(members)))
    }

    /// An array matches if one of its objects does as a whole.
    fn accepts_within(&self, value: &Value) -> bool {
        match value {
            Value::Object(members) => self.accepts(members),
            Value::Array(items) => items.iter().any(|item| self.accepts_within(item)),
            _ => self.accepts(&Map::new()),
        }
    }
}

/// A field's values: its own, or those in its arrays.
fn candidates(value: &Value) -> Candidates<'_> {
    match value {
        Value::Array(items) => items.iter().flat_map(candidates).collect(),
        // Patterns are for leaves only.
        Value::Object(_) => Vec::new(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests;
