//! Filter patterns: terms, phrases, alternatives, exclusions, and conditions on JSON messages. "Filter pattern syntax for metric filters,
//! subscription filters, filter log events" in the CloudWatch Logs User Guide. Not here: space-delimited patterns and regular
//! expressions, which are refused.

mod parse;

use fogbank_model::matches_wildcard;
use serde_json::Value;

/// A pattern that a message matches or not. The default one matches everything.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Pattern {
    /// Everything.
    #[default]
    Everything,
    /// Words.
    Terms {
        /// All of them must be there.
        all: Vec<String>,
        /// One of them must be there, unless empty.
        any: Vec<String>,
        /// None of them may be there.
        none: Vec<String>,
    },
    /// A condition on a JSON message.
    Json(Condition),
}

/// A condition on a JSON document.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// One holds.
    Or(Box<Condition>, Box<Condition>),
    /// A comparison of the value at a path.
    Test(Vec<Step>, Test),
}

/// One step of a path such as `$.a.b[0]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A member.
    Member(String),
    /// An element.
    Index(usize),
}

/// What a value is tested for.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `=` a text, in which `*` stands for anything.
    Text(String),
    /// `!=` a text.
    NotText(String),
    /// A comparison with a number.
    Number(Comparison, f64),
    /// `IS NULL`, `IS TRUE`, `IS FALSE`.
    Is(Value),
    /// `NOT EXISTS`
    NotExists,
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Pattern {
    /// Whether `message` matches.
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Terms { all, any, none } => {
                let holds = |term: &String| message.contains(term.as_str());
                all.iter().all(holds) && (any.is_empty() || any.iter().any(holds)) && !none.iter().any(holds)
            }
            Self::Json(condition) => serde_json::from_str(message).is_ok_and(|document| condition.holds(&document)),
        }
    }
}

impl Condition {
    fn holds(&self, document: &Value) -> bool {
        match self {
            Self::And(one, other) => one.holds(document) && other.holds(document),
            Self::Or(one, other) => one.holds(document) || other.holds(document),
            Self::Test(path, test) => test.holds(path.iter().try_fold(document, |at, step| match step {
                Step::Member(name) => at.get(name),
                Step::Index(index) => at.get(index),
            })),
        }
    }
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::NotExists, value) => value.is_none(),
            (_, None) => false,
            (Self::Text(pattern), Some(value)) => text(value).is_some_and(|text| matches_wildcard(pattern, &text)),
            (Self::NotText(pattern), Some(value)) => text(value).is_some_and(|text| !matches_wildcard(pattern, &text)),
            (Self::Number(comparison, number), Some(value)) => {
                value.as_f64().is_some_and(|value| comparison.holds(value, *number))
            }
            (Self::Is(expected), Some(value)) => value == expected,
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Comparison {
    fn holds(self, value: f64, number: f64) -> bool {
        match self {
            Self::Equal => value == number,
            Self::NotEqual => value != number,
            Self::Less => value < number,
            Self::LessOrEqual => value <= number,
            Self::Greater => value > number,
            Self::GreaterOrEqual => value >= number,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn terms_match_as_the_guide_says() {
        let message = "[ERROR 400] BAD REQUEST: timeout of disk-1";
        let cases = [
            ("", true),
            ("ERROR", true),
            ("error", false),
            ("ERROR 400", true),
            ("ERROR 500", false),
            ("\"BAD REQUEST\"", true),
            ("\"REQUEST BAD\"", false),
            ("?WARN ?ERROR", true),
            ("?WARN ?INFO", false),
            ("ERROR -timeout", false),
            ("ERROR -network", true),
            ("-\"of disk\"", false),
            ("ERROR ?WARN", true),
            ("-ERROR ?ERROR", false),
        ];
        for (pattern, expected) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(message), expected, "{pattern}");
        }
    }

    #[test]
    fn conditions_look_into_json() {
        let message = r#"{"level":"error","status":503,"user":{"id":"u-17"},"tags":["a","b"],"ok":false,"none":null}"#;
        let cases = [
            (r#"{ $.level = "error" }"#, true),
            (r#"{ $.level = error }"#, true),
            (r#"{ $.level != "error" }"#, false),
            (r#"{ $.level = "e*r" }"#, true),
            (r#"{ $.level = "*x*" }"#, false),
            ("{ $.status = 503 }", true),
            ("{ $.status >= 500 && $.status < 600 }", true),
            ("{ $.status > 503 }", false),
            ("{ $.status = 5* }", true),
            (r#"{ $.user.id = "u-*" }"#, true),
            (r#"{ $.tags[1] = "b" }"#, true),
            ("{ $.ok IS FALSE }", true),
            ("{ $.none IS NULL }", true),
            ("{ $.ok IS TRUE || $.status = 503 }", true),
            ("{ $.gone NOT EXISTS }", true),
            ("{ ($.ok IS TRUE) && ($.status = 503) }", false),
            (r#"{ $.gone = "x" }"#, false),
            (r#"{$.level="error"&&$.status=503}"#, true),
        ];
        for (pattern, expected) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(message), expected, "{pattern}");
        }
        assert!(!Pattern::parse("{ $.level = error }").unwrap().matches("no JSON"));
    }
}
