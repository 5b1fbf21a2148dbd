//! Reads patterns.

use super::{Comparison, Condition, Pattern, Step, Test};
use crate::Error;
use serde_json::Value;

/// The deepest nesting of parentheses.
const DEPTH: usize = 32;

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

fn invalid(why: &str) -> Error {
    Error::invalid(format!("Invalid filter pattern: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
