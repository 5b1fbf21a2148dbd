//! What reading any part of a statement needs: its tokens, names, paths and parameters, and the limits.

use super::token::{Token, tokens};
use crate::expression::{ExpressionError, PATH_DEPTH, Path, Problem, Step};
use crate::value::AttributeValue;
use std::vec::IntoIter;

pub(super) type Result<T> = std::result::Result<T, ExpressionError>;

/// Operators and functions that a statement can have.
const OPERATORS: usize = 300;
/// How deep parentheses and the like can be in each other.
const DEPTH: usize = 64;

pub(super) struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    at: usize,
    parameters: IntoIter<AttributeValue>,
    operators: usize,
    depth: usize,
}

/// The statement is not of the form that statements have.
pub(super) fn malformed(why: impl Into<String>) -> ExpressionError {
    ExpressionError::Statement(why.into())
}

/// The statement asks for something that there is not.
pub(super) fn unsupported(why: impl Into<String>) -> ExpressionError {
    ExpressionError::Unsupported(why.into())
}

fn parameter_count() -> ExpressionError {
    unsupported("Number of parameters in request and statement don't match.")
}

/// The words of the grammar; they are no names without quotes.
const KEYWORDS: [&str; 25] = [
    "ALL",
    "AND",
    "ASC",
    "BETWEEN",
    "BY",
    "DELETE",
    "DESC",
    "EXISTS",
    "FALSE",
    "FROM",
    "IN",
    "INSERT",
    "INTO",
    "IS",
    "MISSING",
    "NOT",
    "NULL",
    "OR",
    "ORDER",
    "REMOVE",
    "RETURNING",
    "SELECT",
    "SET",
    "TRUE",
    "WHERE",
];

impl<'t> Parser<'t> {
    pub fn new(text: &'t str, parameters: Vec<AttributeValue>) -> Self {
        Self { text, tokens: tokens(text), at: 0, parameters: parameters.into_iter(), operators: 0, depth: 0 }
    }

    /// Everything must have been used.
    pub fn finish(mut self) -> Result<()> {
        self.take(";");
        if *self.peek() != Token::End {
            return Err(self.unexpected());
        }
        match self.parameters.next() {
            Some(_) => Err(parameter_count()),
            None => Ok(()),
        }
    }

    pub fn peek(&self) -> &Token<'t> {
        self.token(self.at)
    }

    pub fn peek_second(&self) -> &Token<'t> {
        self.token(self.at + 1)
    }

    fn token(&self, at: usize) -> &Token<'t> {
        self.tokens.get(at).unwrap_or(&Token::End)
    }

    /// The next token, and steps over it.
    pub fn next(&mut self) -> Token<'t> {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    pub fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub fn take(&mut self, symbol: &str) -> bool {
        let is_next = self.is(symbol);
        self.at += usize::from(is_next);
        is_next
    }

    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.is_keyword(keyword);
        self.at += usize::from(is_next);
        is_next
    }

    pub fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub fn expect_keyword(&mut self, keyword: &str) -> Result<()> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(malformed(format!("Expected {keyword}"))) }
    }

    /// The next token is not what the grammar has here.
    pub fn unexpected(&self) -> ExpressionError {
        match self.peek() {
            Token::Word(word) if is_keyword(word) => malformed("Unexpected keyword"),
            Token::Unclosed => malformed("Unterminated quote"),
            Token::Unknown(found) => malformed(format!("Invalid character: {found}")),
            Token::End => malformed("Unexpected end of statement"),
            _ => malformed("Unexpected term"),
        }
    }

    /// The next token begins a clause that SQL has, and DynamoDB has not.
    pub fn unsupported_clause(&self) -> Option<ExpressionError> {
        let Token::Word(word) = self.peek() else { return None };
        let clause = word.to_ascii_uppercase();
        if !matches!(clause.as_str(), "LIMIT" | "OFFSET" | "GROUP" | "HAVING") {
            return None;
        }
        // A word is a part of the text.
        let before = self.text.get(..word.as_ptr().addr() - self.text.as_ptr().addr()).unwrap_or_default();
        let (line, last) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default());
        let column = last.chars().count() + 1;
        Some(unsupported(format!("Unsupported clause: {clause} at {line}:{column}:{}", word.len())))
    }

    /// Counts an operator or function.
    pub fn count_operator(&mut self) -> Result<()> {
        self.operators += 1;
        match self.operators > OPERATORS {
            true => Err(unsupported(format!("The statement contains too many operators; operator count: {OPERATORS}"))),
            false => Ok(()),
        }
    }

    /// Reads with `read` what is in something else.
    pub fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH {
            return Err(unsupported("The statement has too many nesting elements"));
        }
        self.depth += 1;
        let made = read(self);
        self.depth -= 1;
        made
    }

    /// The value of the next `?`.
    pub fn parameter(&mut self) -> Result<AttributeValue> {
        self.parameters.next().ok_or_else(parameter_count)
    }

    /// A name, with or without quotes.
    pub fn name(&mut self) -> Result<String> {
        let name = match self.peek() {
            Token::Quoted(name) => name.clone(),
            Token::Word(word) if !is_keyword(word) => (*word).to_owned(),
            Token::Word(_) | Token::Unclosed | Token::Unknown(_) => return Err(self.unexpected()),
            _ => return Err(malformed("Expected identifier")),
        };
        self.at += 1;
        Ok(name)
    }

    /// Steps of names and indexes: `a."b"[0].c`, `a['b']`.
    pub fn path(&mut self) -> Result<Path> {
        let mut path = Path::of(self.name()?);
        loop {
            if self.take(".") {
                let key = self.name()?;
                path.steps.push(Step::Key(key));
            } else if self.take("[") {
                let step = match self.next() {
                    Token::Number(digits) => digits.parse().map(Step::Index).map_err(|_| malformed("Invalid index"))?,
                    Token::Text(key) => Step::Key(key),
                    _ => return Err(malformed("Invalid path component")),
                };
                path.steps.push(step);
                self.expect("]")?;
            } else {
                break;
            }
        }
        match path.steps.len() {
            PATH_DEPTH.. => {
                let problem = Problem::PathTooDeep(path.steps.len() + 1);
                Err(unsupported(problem.to_string()))
            }
            _ => Ok(path),
        }
    }
}

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}
