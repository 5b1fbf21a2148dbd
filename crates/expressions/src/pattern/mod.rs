//! Event patterns: which events are of interest, said by their shape.
//!
//! A pattern is a tree of the event's form whose leaves are lists of alternatives. An array in the event stands for each of its elements; where the
//! elements are objects, one and the same element must satisfy all that the pattern says below it.

mod cidr;
mod number;
mod parse;
mod test;
mod wildcard;

#[cfg(test)]
mod tests;

use serde_json::Value;
use test::Test;

/// A text that is not an event pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {0}")]
pub struct InvalidPattern(pub String);

/// An event pattern, ready to be matched.
#[derive(Debug, Clone)]
pub struct Pattern(Level);

/// What is asked of one object.
#[derive(Debug, Clone, Default)]
struct Level {
    fields: Vec<(String, Field)>,
    /// Each `$or`: one of its levels has to match.
    alternatives: Vec<Vec<Level>>,
}

#[derive(Debug, Clone)]
enum Field {
    Nested(Level),
    /// One of these has to hold for one of the field's values.
    AnyOf(Vec<Test>),
}

impl Pattern {
    /// Reads a pattern, in JSON. Lengths are for the caller to limit.
    ///
    /// # Errors
    /// [`InvalidPattern`], with AWS's reasons.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        parse::pattern(text).map(Self)
    }

    /// Whether `event` is one of those that the pattern describes.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.matches(Some(event))
    }

    /// The texts of which the string at the event's top-level `field` must be one; `None` if the pattern leaves more open. For indices over many
    /// patterns.
    pub fn texts_of(&self, field: &str) -> Option<Vec<&str>> {
        let (_, found) = self.0.fields.iter().find(|(name, _)| name == field)?;
        let Field::AnyOf(tests) = found else { return None };
        tests.iter().map(Test::as_text).collect()
    }
}

impl Level {
    /// An absent object satisfies what asks for absence alone.
    fn matches(&self, value: Option<&Value>) -> bool {
        if let Some(Value::Array(elements)) = value {
            let objects = || elements.iter().filter(|element| element.is_object() || element.is_array());
            return match objects().next() {
                Some(_) => objects().any(|element| self.matches(Some(element))),
                None => self.matches(None),
            };
        }
        let field = |name: &str| value.and_then(Value::as_object).and_then(|members| members.get(name));
        self.fields.iter().all(|(name, wanted)| wanted.matches(field(name)))
            && self.alternatives.iter().all(|levels| levels.iter().any(|level| level.matches(value)))
    }
}

impl Field {
    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Nested(level) => level.matches(value),
            Self::AnyOf(tests) if value.is_some_and(has_leaf) => {
                value.is_some_and(|value| any_leaf(value, &|leaf| tests.iter().any(|test| test.holds(leaf))))
            }
            Self::AnyOf(tests) => tests.iter().any(Test::wants_absence),
        }
    }
}

/// Only leaves have values: an object and an empty array are as good as absent.
fn has_leaf(value: &Value) -> bool {
    any_leaf(value, &|_| true)
}

fn any_leaf(value: &Value, wanted: &impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_leaf(element, wanted)),
        Value::Object(_) => false,
        leaf => wanted(leaf),
    }
}
