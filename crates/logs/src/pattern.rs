//! Filter patterns: terms, phrases, alternatives, exclusions, and conditions on JSON messages. "Filter pattern syntax for metric filters,
//! subscription filters, filter log events" in the CloudWatch Logs User Guide. Not here: space-delimited patterns and regular
//! expressions, which are refused.

use crate::Error;
use serde_json::Value;

/// The deepest nesting of parentheses.
const DEPTH: usize = 32;

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
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for what is none, or of a kind that is not supported.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        match text.chars().next() {
            None => Ok(Self::Everything),
            Some('{') => Reader::json(text),
            Some('[') => Err(Error::unsupported("A space-delimited filter pattern")),
            Some('%') => Err(Error::unsupported("A regular expression in a filter pattern")),
            Some(_) => Self::terms(text),
        }
    }

    fn terms(text: &str) -> Result<Self, Error> {
        let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let list = match first {
                '?' => &mut any,
                '-' => &mut none,
                _ => &mut all,
            };
            let body = rest.strip_prefix(['?', '-']).unwrap_or(rest);
            let (term, after) = match body.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| invalid("a quotation mark is not closed"))?,
                None => body.split_at(body.find(char::is_whitespace).unwrap_or(body.len())),
            };
            if term.is_empty() {
                return Err(invalid("a term is empty"));
            }
            list.push(term.to_owned());
            rest = after.trim_start();
        }
        // As on AWS: beside other terms, optional ones say nothing.
        if !(all.is_empty() && none.is_empty()) {
            any.clear();
        }
        Ok(Self::Terms { all, any, none })
    }

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

fn invalid(why: &str) -> Error {
    Error::invalid(format!("Invalid filter pattern: {why}"))
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
            (Self::Text(pattern), Some(value)) => text(value).is_some_and(|text| like(pattern, &text)),
            (Self::NotText(pattern), Some(value)) => text(value).is_some_and(|text| !like(pattern, &text)),
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

/// Whether `text` matches `pattern`, in which `*` stands for anything.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
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

/// Reads a condition from left to right.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn json(text: &str) -> Result<Pattern, Error> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let mut reader = Reader { rest: inner.ok_or_else(|| invalid("a closing brace is missing"))? };
        let condition = reader.either(0)?;
        match reader.peek() {
            "" => Ok(Pattern::Json(condition)),
            rest => Err(invalid(&format!("'{}' is not expected", rest.chars().take(20).collect::<String>()))),
        }
    }

    fn peek(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.peek().strip_prefix(token);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn either(&mut self, depth: usize) -> Result<Condition, Error> {
        let mut condition = self.both(depth)?;
        while self.take("||") {
            condition = Condition::Or(Box::new(condition), Box::new(self.both(depth)?));
        }
        Ok(condition)
    }

    fn both(&mut self, depth: usize) -> Result<Condition, Error> {
        let mut condition = self.one(depth)?;
        while self.take("&&") {
            condition = Condition::And(Box::new(condition), Box::new(self.one(depth)?));
        }
        Ok(condition)
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Error> {
        if depth > DEPTH {
            return Err(invalid("it is nested too deeply"));
        }
        if self.take("(") {
            let condition = self.either(depth + 1)?;
            return if self.take(")") { Ok(condition) } else { Err(invalid("a closing parenthesis is missing")) };
        }
        let path = self.path()?;
        Ok(Condition::Test(path, self.test()?))
    }

    fn path(&mut self) -> Result<Vec<Step>, Error> {
        if !self.take("$") {
            return Err(invalid("a condition begins with $, such as $.level"));
        }
        let mut path = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
                let (name, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
                if name.is_empty() {
                    return Err(invalid("a name is missing after a point"));
                }
                path.push(Step::Member(name.to_owned()));
                self.rest = after;
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let (index, after) = rest.split_once(']').ok_or_else(|| invalid("a bracket is not closed"))?;
                let name = index.strip_prefix(['"', '\'']).and_then(|name| name.strip_suffix(['"', '\'']));
                path.push(match name {
                    Some(name) => Step::Member(name.to_owned()),
                    None => Step::Index(index.trim().parse().map_err(|_| invalid("an index is not a number"))?),
                });
                self.rest = after;
            } else {
                return Ok(path);
            }
        }
    }

    fn test(&mut self) -> Result<Test, Error> {
        if self.take("IS") {
            let value = [("NULL", Value::Null), ("TRUE", Value::Bool(true)), ("FALSE", Value::Bool(false))];
            let found = value.into_iter().find(|(word, _)| self.take(word));
            return found
                .map(|(_, value)| Test::Is(value))
                .ok_or_else(|| invalid("IS is followed by NULL, TRUE or FALSE"));
        }
        if self.take("NOT") {
            return if self.take("EXISTS") { Ok(Test::NotExists) } else { Err(invalid("NOT is followed by EXISTS")) };
        }
        let comparisons = [
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("=", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let found = comparisons.into_iter().find(|(sign, _)| self.take(sign));
        let (_, comparison) = found.ok_or_else(|| invalid("a comparison is missing"))?;
        let (word, quoted) = self.word()?;
        match (comparison, word.parse::<f64>()) {
            (comparison, Ok(number)) if !quoted => Ok(Test::Number(comparison, number)),
            (Comparison::Equal, _) => Ok(Test::Text(word)),
            (Comparison::NotEqual, _) => Ok(Test::NotText(word)),
            _ => Err(invalid("only numbers are smaller or larger")),
        }
    }

    fn word(&mut self) -> Result<(String, bool), Error> {
        if self.peek().starts_with('%') {
            return Err(Error::unsupported("A regular expression in a filter pattern"));
        }
        if let Some(quoted) = self.peek().strip_prefix('"') {
            let (word, after) = quoted.split_once('"').ok_or_else(|| invalid("a quotation mark is not closed"))?;
            self.rest = after;
            return Ok((word.to_owned(), true));
        }
        let ends = |c: char| c.is_whitespace() || "()&|".contains(c);
        let (word, after) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = after;
        if word.is_empty() { Err(invalid("a value is missing")) } else { Ok((word.to_owned(), false)) }
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

    #[test]
    fn what_is_no_pattern_is_refused() {
        let deep = format!("{{ {}$.a = 1 }}", "(".repeat(100));
        for pattern in [
            "{ $.a = ",
            "{ $.a }",
            "{ a = 1 }",
            "{ $.a = \"x }",
            "{ $.a < b }",
            "{ $.a = 1 } x",
            "[a, b]",
            "%a%",
            "\"x",
            "?",
            &deep,
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
