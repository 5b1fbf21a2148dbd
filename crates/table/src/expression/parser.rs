//! What reading any expression needs: its tokens, paths and values, and the limits.

use super::error::{ExpressionError, Kind, Problem};
use super::path::{Path, Step};
use super::reserved::is_reserved;
use super::substitution::Substitutions;
use super::token::{Token, TokenKind, tokens};
use crate::value::AttributeValue;

/// Bytes that an expression can have.
const LONGEST: usize = 4096;
/// Operators and functions that an expression can have.
const OPERATORS: usize = 300;
/// Elements that a path can have.
pub(crate) const PATH_DEPTH: usize = 32;

/// Reads one expression. What violates the grammar is an error at once; another problem is kept until the grammar is known to be
/// followed, because that is the order in which AWS finds them.
pub(super) struct Parser<'t, 's> {
    pub kind: Kind,
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    substitutions: &'s mut Substitutions,
    problem: Option<Problem>,
    operators: usize,
}

impl<'t, 's> Parser<'t, 's> {
    /// Reads all of `text` with `read`.
    pub fn run<T>(
        kind: Kind,
        text: &'t str,
        substitutions: &'s mut Substitutions,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, ExpressionError> {
        if text.trim().is_empty() {
            return Err(Problem::Empty.of(kind));
        }
        if text.len() > LONGEST {
            return Err(Problem::TooLong(text.len()).of(kind));
        }
        let mut parser = Parser { kind, text, tokens: tokens(text), at: 0, substitutions, problem: None, operators: 0 };
        let made = read(&mut parser).map_err(|problem| problem.of(kind))?;
        match parser.problem {
            Some(problem) => Err(problem.of(kind)),
            None => Ok(made),
        }
    }

    /// Keeps a problem that is not one of the grammar. The first one counts.
    pub fn note(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
    }

    /// Keeps the problem, if there is one.
    pub fn check(&mut self, checked: Result<(), Problem>) {
        if let Err(problem) = checked {
            self.note(problem);
        }
    }

    /// Counts an operator or function.
    pub fn count_operator(&mut self) -> Result<(), Problem> {
        self.operators += 1;
        match self.operators > OPERATORS {
            true => Err(Problem::TooManyOperators(self.operators)),
            false => Ok(()),
        }
    }

    /// Where the next token stands among all.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next token's kind and text.
    pub fn peek(&self) -> (TokenKind, &'t str) {
        self.token(self.at)
    }

    /// The kind and text of the token behind the next one.
    pub fn peek_second(&self) -> (TokenKind, &'t str) {
        self.token(self.at + 1)
    }

    fn token(&self, at: usize) -> (TokenKind, &'t str) {
        let token = self.tokens.get(at).or(self.tokens.last());
        token.map_or((TokenKind::End, ""), |token| (token.kind, &self.text[token.start..token.end]))
    }

    /// Steps over the next token.
    pub fn skip(&mut self) {
        self.at += 1;
    }

    /// Whether the next token is this symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.peek() == (TokenKind::Symbol, symbol)
    }

    /// Whether the next token is this keyword.
    pub fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), (TokenKind::Word, word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Steps over a symbol, if it is the next token.
    pub fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_next = self.is_symbol(symbol);
        self.at += usize::from(is_next);
        is_next
    }

    /// Steps over a keyword, if it is the next token.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.is_keyword(keyword);
        self.at += usize::from(is_next);
        is_next
    }

    /// Steps over a symbol that must be there.
    pub fn expect_symbol(&mut self, symbol: &str) -> Result<(), Problem> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Steps over a keyword that must be there.
    pub fn expect_keyword(&mut self, keyword: &str) -> Result<(), Problem> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The end must be here.
    pub fn expect_end(&self) -> Result<(), Problem> {
        if self.peek().0 == TokenKind::End { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The next token is not what the grammar has here.
    pub fn unexpected(&self) -> Problem {
        let last = self.tokens.len().saturating_sub(1);
        let at = self.at.min(last);
        // The end has no text of its own, so what is near it is the token before.
        let span = |at: usize| self.tokens.get(at).map_or(0..0, |token| token.start..token.end);
        let (before, here, behind) = (span(at.saturating_sub(1)), span(at), span((at + 1).min(last)));
        let end = if behind.is_empty() { here.end } else { behind.end };
        let near = self.text[before.start..end].trim_end();
        let token = if at == last { "<EOF>" } else { &self.text[here] };
        Problem::Syntax { token: token.into(), near: near.into() }
    }

    /// A path. `is_keyword` tells which words the grammar has for itself.
    pub fn path(&mut self, is_keyword: fn(&str) -> bool) -> Result<Path, Problem> {
        let mut path = Path::of(self.path_name(is_keyword)?);
        loop {
            if self.take_symbol(".") {
                let key = self.path_name(is_keyword)?;
                path.steps.push(Step::Key(key));
            } else if self.take_symbol("[") {
                let index = self.index()?;
                path.steps.push(Step::Index(index));
            } else {
                break;
            }
        }
        let depth = path.steps.len() + 1;
        if depth > PATH_DEPTH {
            self.note(Problem::PathTooDeep(depth));
        }
        Ok(path)
    }

    fn path_name(&mut self, is_keyword: fn(&str) -> bool) -> Result<String, Problem> {
        let name = match self.peek() {
            (TokenKind::Word, word) if !is_keyword(word) => {
                if is_reserved(word) {
                    self.note(Problem::Reserved(word.into()));
                }
                word.into()
            }
            (TokenKind::Name, key) => match self.substitutions.name(key) {
                Ok(name) => name,
                Err(problem) => {
                    self.note(problem);
                    String::new()
                }
            },
            _ => return Err(self.unexpected()),
        };
        self.skip();
        Ok(name)
    }

    fn index(&mut self) -> Result<usize, Problem> {
        let (TokenKind::Number, digits) = self.peek() else { return Err(self.unexpected()) };
        self.skip();
        self.expect_symbol("]")?;
        match digits.parse::<u32>() {
            Ok(index) => Ok(index as usize),
            Err(_) => {
                self.note(Problem::IndexOutOfRange(digits.into()));
                Ok(0)
            }
        }
    }

    /// A value's placeholder.
    pub fn value(&mut self) -> Result<AttributeValue, Problem> {
        let (TokenKind::Value, key) = self.peek() else { return Err(self.unexpected()) };
        self.skip();
        Ok(self.substitutions.value(key).unwrap_or_else(|problem| {
            self.note(problem);
            AttributeValue::Null
        }))
    }
}
