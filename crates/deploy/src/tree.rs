//! Template text as a tree that remembers where each part stood. YAML and JSON come out alike: the short tags (`!Ref`, `!Sub`)
//! become the long form, and a scalar keeps its raw text, so that a name like `010` stays a name.

mod parse;

use crate::problem::{Position, Problem};

pub use parse::parse;

/// A part of a template.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stood.
    pub at: Position,
    /// What it is.
    pub kind: Kind,
}

/// What a part of a template is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar as it was written; `plain` if it was not quoted, so that it may mean a number or a boolean.
    Scalar {
        /// The raw text.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(Key, Node)>),
}

/// A mapping's key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stood.
    pub at: Position,
}

impl Node {
    /// A quoted scalar that stands where `at` does; for what the platform itself puts into a template.
    pub fn text(at: Position, text: impl Into<String>) -> Self {
        Self { at, kind: Kind::Scalar { text: text.into(), plain: false } }
    }

    /// A mapping of `entries`, all standing at `at`.
    pub fn map(at: Position, entries: impl IntoIterator<Item = (impl Into<String>, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, node)| (Key { text: key.into(), at }, node));
        Self { at, kind: Kind::Map(entries.collect()) }
    }

    /// A list of `items`, standing at `at`.
    pub fn list(at: Position, items: Vec<Self>) -> Self {
        Self { at, kind: Kind::List(items) }
    }

    /// What `json` says, standing at `at`.
    pub fn from_json(at: Position, json: &serde_json::Value) -> Self {
        use serde_json::Value;
        let kind = match json {
            Value::Null => Kind::Null,
            Value::Bool(truth) => Kind::Scalar { text: truth.to_string(), plain: true },
            Value::Number(number) => Kind::Scalar { text: number.to_string(), plain: true },
            Value::String(text) => Kind::Scalar { text: text.clone(), plain: false },
            Value::Array(items) => Kind::List(items.iter().map(|item| Self::from_json(at, item)).collect()),
            Value::Object(map) => {
                let entry =
                    |(key, value): (&String, &Value)| (Key { text: key.clone(), at }, Self::from_json(at, value));
                Kind::Map(map.iter().map(entry).collect())
            }
        };
        Self { at, kind }
    }

    /// The value under `name`, if this is a mapping that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// Puts `node` under `name`, over what was there. Does nothing to what is not a mapping.
    pub fn set(&mut self, name: &str, node: Self) {
        let at = node.at;
        if let Kind::Map(entries) = &mut self.kind {
            match entries.iter_mut().find(|(key, _)| key.text == name) {
                Some((_, old)) => *old = node,
                None => entries.push((Key { text: name.into(), at }, node)),
            }
        }
    }

    /// Takes the value under `name` out.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        let Kind::Map(entries) = &mut self.kind else { return None };
        let index = entries.iter().position(|(key, _)| key.text == name)?;
        Some(entries.remove(index).1)
    }

    /// The entries of a mapping; none if it is not one.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Those of `names` under which this mapping has something, and what it has.
    pub fn pick<'n>(&self, names: &'n [&'n str]) -> impl Iterator<Item = (&'n str, Self)> {
        names.iter().filter_map(|name| Some((*name, self.get(name)?.clone())))
    }

    /// The items of a list; none if it is not one.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The raw text of a scalar.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text, or a problem that says what was expected here.
    pub fn expect_text(&self, what: &str) -> Result<&str, Problem> {
        self.as_text().ok_or_else(|| Problem::at(self.at, format!("{what} must be a string, not {}", self.kind.name())))
    }

    /// The entries, or a problem that says what was expected here.
    pub fn expect_map(&self, what: &str) -> Result<&[(Key, Self)], Problem> {
        match &self.kind {
            Kind::Map(entries) => Ok(entries),
            other => Err(Problem::at(self.at, format!("{what} must be a mapping, not {}", other.name()))),
        }
    }

    /// The items, or a problem that says what was expected here.
    pub fn expect_list(&self, what: &str) -> Result<&[Self], Problem> {
        match &self.kind {
            Kind::List(items) => Ok(items),
            other => Err(Problem::at(self.at, format!("{what} must be a list, not {}", other.name()))),
        }
    }

    /// The function's name and argument, if this is a call of an intrinsic function: a mapping of one `Ref`, `Condition` or `Fn::…`.
    pub fn as_call(&self) -> Option<(&str, &Self)> {
        match self.entries() {
            [(key, argument)] if key.text == "Ref" || key.text.starts_with("Fn::") => Some((&key.text, argument)),
            _ => None,
        }
    }

    /// As JSON: plain scalars that look like numbers, booleans or null become those (YAML 1.2's core schema, without octal and
    /// hexadecimal); everything else stays text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar { text, plain: true } => plain_to_json(text),
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect())
            }
        }
    }
}

impl Kind {
    /// What to call it in a message.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar { .. } => "a scalar",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

fn plain_to_json(text: &str) -> serde_json::Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leads_with_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit()) && !leads_with_zero;
    match text {
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if numeric && let Ok(whole) = text.parse::<i64>() => whole.into(),
        _ if numeric
            && !digits.ends_with('.')
            && let Ok(real) = text.parse::<f64>() =>
        {
            real.into()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_scalar_is_a_number_only_if_it_reads_back_the_same() {
        let json = parse("[010, 10, -3, 1.5, true, yes, 2012-10-17, '7', 1e3, null, 0, 0.5, .5, 1_000, 0x1F]")
            .unwrap()
            .to_json();
        let expected = serde_json::json!([
            "010",
            10,
            -3,
            1.5,
            true,
            "yes",
            "2012-10-17",
            "7",
            1000.0,
            null,
            0,
            0.5,
            ".5",
            "1_000",
            "0x1F"
        ]);
        assert_eq!(json, expected);
    }
}
