//! Values in statements: parameters, scalars, lists, maps and sets.

use super::parser::{Parser, Result, malformed};
use super::token::Token;
use crate::number::Number;
use crate::value::{AttributeValue, Item, NESTING_LIMIT, ValueError};
use bytes::Bytes;
use std::collections::BTreeSet;

impl Parser<'_> {
    /// Whether a value can begin with the next token.
    pub fn is_literal(&self) -> bool {
        match self.peek() {
            Token::Text(_) | Token::Number(_) => true,
            Token::Symbol(symbol) => matches!(*symbol, "?" | "[" | "{" | "<<" | "-" | "+"),
            Token::Word(word) => ["TRUE", "FALSE", "NULL"].iter().any(|name| word.eq_ignore_ascii_case(name)),
            _ => false,
        }
    }

    /// A value.
    pub fn literal(&mut self) -> Result<AttributeValue> {
        self.literal_within(NESTING_LIMIT)
    }

    /// A value of at most `levels` levels.
    fn literal_within(&mut self, levels: usize) -> Result<AttributeValue> {
        let below = levels.checked_sub(1).ok_or(ValueError::TooDeep)?;
        Ok(match self.next() {
            Token::Text(text) => AttributeValue::S(text),
            Token::Number(digits) => AttributeValue::N(number(digits)?),
            Token::Symbol("-") => match self.next() {
                Token::Number(digits) => AttributeValue::N(number(&format!("-{digits}"))?),
                _ => return Err(malformed("Unexpected term")),
            },
            Token::Symbol("+") => match self.next() {
                Token::Number(digits) => AttributeValue::N(number(digits)?),
                _ => return Err(malformed("Unexpected term")),
            },
            Token::Symbol("?") => self.parameter()?,
            Token::Symbol("[") => AttributeValue::L(self.several("]", |parser| parser.literal_within(below))?),
            Token::Symbol("<<") => set(self.several(">>", |parser| parser.literal_within(below))?)?,
            Token::Symbol("{") => {
                let entries = self.several("}", |parser| parser.entry(below))?;
                AttributeValue::M(entries.into_iter().collect::<Item>())
            }
            Token::Word(word) if word.eq_ignore_ascii_case("TRUE") => AttributeValue::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("FALSE") => AttributeValue::Bool(false),
            Token::Word(word) if word.eq_ignore_ascii_case("NULL") => AttributeValue::Null,
            _ => return Err(malformed("Expected value")),
        })
    }

    /// What stands between commas up to `end`; perhaps nothing.
    pub fn several<T>(&mut self, end: &str, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        if self.take(end) {
            return Ok(all);
        }
        loop {
            all.push(one(self)?);
            if !self.take(",") {
                break;
            }
        }
        self.expect(end)?;
        Ok(all)
    }

    fn entry(&mut self, levels: usize) -> Result<(String, AttributeValue)> {
        let key = match self.next() {
            Token::Text(key) | Token::Quoted(key) => key,
            _ => return Err(malformed("Expected string as the key of a map")),
        };
        self.expect(":")?;
        Ok((key, self.literal_within(levels)?))
    }
}

fn number(text: &str) -> Result<Number> {
    Ok(text.parse::<Number>()?)
}

/// The set of values that are all strings, all numbers or all bytes.
fn set(values: Vec<AttributeValue>) -> Result<AttributeValue> {
    let mixed = || malformed("A set must hold strings, numbers or binary values of one type");
    let all = |name: &str| values.iter().all(|value| value.type_name() == name);
    match values.first().map(AttributeValue::type_name) {
        None => Err(ValueError::EmptySet("string").into()),
        Some("S") if all("S") => Ok(AttributeValue::SS(distinct(values, |value| match value {
            AttributeValue::S(text) => Some(text),
            _ => None,
        }))),
        Some("N") if all("N") => Ok(AttributeValue::NS(distinct(values, |value| match value {
            AttributeValue::N(number) => Some(number),
            _ => None,
        }))),
        Some("B") if all("B") => Ok(AttributeValue::BS(distinct(values, |value| -> Option<Bytes> {
            match value {
                AttributeValue::B(bytes) => Some(bytes),
                _ => None,
            }
        }))),
        Some(_) => Err(mixed()),
    }
}

fn distinct<T: Ord>(values: Vec<AttributeValue>, content: fn(AttributeValue) -> Option<T>) -> BTreeSet<T> {
    values.into_iter().filter_map(content).collect()
}
