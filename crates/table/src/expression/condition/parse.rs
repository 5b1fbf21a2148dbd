//! Reads conditions. Operators wait on a stack of their own until what follows binds weaker, so that parentheses and `NOT`s cost no
//! stack, however many there are.

use super::{Comparator, Condition, Operand, check};
use crate::expression::error::{Kind, Problem};
use crate::expression::parser::Parser;
use crate::expression::path::Path;
use crate::expression::token::TokenKind;

/// Operands that `IN` can have behind it.
const IN_LIMIT: usize = 100;

/// What is read so far.
enum Node {
    Operand(Operand),
    /// A condition, and the function's name if it is one function.
    Condition(Condition, Option<&'static str>),
}

/// What waits for its right side. In the order of how strongly it binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waiting {
    /// A parenthesis, at this place among the tokens.
    Open(usize),
    Or,
    And,
    Not,
}

/// Reads a condition to the end of the text.
pub(super) fn condition(parser: &mut Parser<'_, '_>) -> Result<Condition, Problem> {
    Conditions { parser, nodes: Vec::new(), waiting: Vec::new(), closed: None }.read()
}

struct Conditions<'p, 't, 's> {
    parser: &'p mut Parser<'t, 's>,
    nodes: Vec<Node>,
    waiting: Vec<Waiting>,
    /// The places of the last pair of parentheses.
    closed: Option<(usize, usize)>,
}

impl Conditions<'_, '_, '_> {
    fn read(mut self) -> Result<Condition, Problem> {
        loop {
            self.read_start()?;
            while self.read_close()? || self.read_comparison()? {}
            if !self.read_junction()? {
                break;
            }
        }
        self.parser.expect_end()?;
        self.require_condition()?;
        self.reduce(Waiting::Or);
        match (self.waiting.is_empty(), self.nodes.pop()) {
            (true, Some(Node::Condition(condition, _))) => Ok(condition),
            _ => Err(self.parser.unexpected()),
        }
    }

    /// Parentheses and `NOT`s, and what they stand before.
    fn read_start(&mut self) -> Result<(), Problem> {
        loop {
            if self.parser.is_symbol("(") {
                self.waiting.push(Waiting::Open(self.parser.position()));
                self.parser.skip();
            } else if self.parser.take_keyword("NOT") {
                self.note_operator("NOT")?;
                self.waiting.push(Waiting::Not);
            } else {
                let node = primary(self.parser)?;
                self.nodes.push(node);
                return Ok(());
            }
        }
    }

    fn read_close(&mut self) -> Result<bool, Problem> {
        if !self.parser.is_symbol(")") {
            return Ok(false);
        }
        if matches!(self.nodes.last(), Some(Node::Condition(..))) {
            self.reduce(Waiting::Or);
        }
        let Some(Waiting::Open(open)) = self.waiting.pop() else { return Err(self.parser.unexpected()) };
        let close = self.parser.position();
        if self.closed == Some((open + 1, close - 1)) {
            self.parser.note(Problem::RedundantParentheses);
        }
        self.closed = Some((open, close));
        self.parser.skip();
        Ok(true)
    }

    /// A comparison whose left side has been read.
    fn read_comparison(&mut self) -> Result<bool, Problem> {
        let (kind, token) = self.parser.peek();
        let comparator = Comparator::of(token).filter(|_| kind == TokenKind::Symbol);
        let is_word = self.parser.is_keyword("BETWEEN") || self.parser.is_keyword("IN");
        if comparator.is_none() && !is_word {
            return Ok(false);
        }
        let left = match self.nodes.pop() {
            Some(Node::Operand(left)) => left,
            Some(Node::Condition(_, Some(function))) => return Err(Problem::FunctionMisplaced(function)),
            _ => return Err(self.parser.unexpected()),
        };
        self.parser.count_operator()?;
        let condition = match comparator {
            Some(comparator) => compare(self.parser, comparator, left)?,
            None if self.parser.take_keyword("BETWEEN") => between(self.parser, left)?,
            None => is_in(self.parser, left)?,
        };
        self.nodes.push(Node::Condition(condition, None));
        Ok(true)
    }

    /// `AND` or `OR`, after which another condition must follow.
    fn read_junction(&mut self) -> Result<bool, Problem> {
        let (junction, name) = match () {
            () if self.parser.is_keyword("AND") => (Waiting::And, "AND"),
            () if self.parser.is_keyword("OR") => (Waiting::Or, "OR"),
            () => return Ok(false),
        };
        self.require_condition()?;
        self.parser.skip();
        self.note_operator(name)?;
        self.reduce(junction);
        self.waiting.push(junction);
        Ok(true)
    }

    fn note_operator(&mut self, name: &'static str) -> Result<(), Problem> {
        if self.parser.kind == Kind::KeyCondition && name != "AND" {
            self.parser.note(Problem::KeyOperator(name));
        }
        self.parser.count_operator()
    }

    /// What was read last must be a condition.
    fn require_condition(&self) -> Result<(), Problem> {
        match self.nodes.last() {
            Some(Node::Condition(..)) => Ok(()),
            Some(Node::Operand(Operand::Size(_))) => Err(Problem::FunctionMisplaced("size")),
            _ => Err(self.parser.unexpected()),
        }
    }

    /// Applies what waits and binds at least as strongly as `limit`.
    fn reduce(&mut self, limit: Waiting) {
        while let Some(operator) = self.waiting.pop_if(|waiting| *waiting >= limit) {
            let Some(right) = self.pop_condition() else { return };
            let made = match operator {
                Waiting::Not => Some(Condition::Not(right)),
                Waiting::And => self.pop_condition().map(|left| Condition::And(left, right)),
                _ => self.pop_condition().map(|left| Condition::Or(left, right)),
            };
            self.nodes.extend(made.map(|condition| Node::Condition(condition, None)));
        }
    }

    fn pop_condition(&mut self) -> Option<Box<Condition>> {
        match self.nodes.pop() {
            Some(Node::Condition(condition, _)) => Some(Box::new(condition)),
            _ => None,
        }
    }
}

fn compare(parser: &mut Parser<'_, '_>, comparator: Comparator, left: Operand) -> Result<Condition, Problem> {
    parser.skip();
    let right = operand(parser)?;
    parser.check(check::compare(comparator, &left, &right));
    Ok(Condition::Compare(comparator, left, right))
}

fn between(parser: &mut Parser<'_, '_>, value: Operand) -> Result<Condition, Problem> {
    let low = operand(parser)?;
    parser.expect_keyword("AND")?;
    let high = operand(parser)?;
    parser.check(check::between(&value, &low, &high));
    Ok(Condition::Between(value, low, high))
}

fn is_in(parser: &mut Parser<'_, '_>, value: Operand) -> Result<Condition, Problem> {
    parser.expect_keyword("IN")?;
    parser.expect_symbol("(")?;
    let all = operands(parser)?;
    if all.len() > IN_LIMIT {
        parser.note(Problem::TooManyOperands(all.len()));
    }
    parser.check(check::is_in(&value, &all));
    Ok(Condition::In(value, all))
}

/// Operands between commas, and the parenthesis behind them.
fn operands(parser: &mut Parser<'_, '_>) -> Result<Vec<Operand>, Problem> {
    let mut all = vec![operand(parser)?];
    while parser.take_symbol(",") {
        all.push(operand(parser)?);
    }
    parser.expect_symbol(")")?;
    Ok(all)
}

/// An operand where a condition cannot be.
fn operand(parser: &mut Parser<'_, '_>) -> Result<Operand, Problem> {
    let mut open = 0;
    while parser.take_symbol("(") {
        open += 1;
    }
    let operand = match primary(parser)? {
        Node::Operand(operand) => operand,
        Node::Condition(_, Some(function)) => return Err(Problem::FunctionMisplaced(function)),
        Node::Condition(_, None) => return Err(parser.unexpected()),
    };
    if open > 1 {
        parser.note(Problem::RedundantParentheses);
    }
    for _ in 0..open {
        parser.expect_symbol(")")?;
    }
    Ok(operand)
}

fn is_keyword(word: &str) -> bool {
    ["AND", "OR", "NOT", "BETWEEN", "IN"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// A function, a path or a value.
fn primary(parser: &mut Parser<'_, '_>) -> Result<Node, Problem> {
    match (parser.peek(), parser.peek_second()) {
        ((TokenKind::Word, name), (TokenKind::Symbol, "(")) if !is_keyword(name) => {
            parser.skip();
            parser.skip();
            parser.count_operator()?;
            let operands = operands(parser)?;
            function(parser, name, operands)
        }
        ((TokenKind::Value, _), _) => Ok(Node::Operand(Operand::Value(parser.value()?))),
        _ => Ok(Node::Operand(Operand::Path(parser.path(is_keyword)?))),
    }
}

/// The functions of conditions.
const FUNCTIONS: [&str; 6] =
    ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"];

fn function(parser: &mut Parser<'_, '_>, name: &str, operands: Vec<Operand>) -> Result<Node, Problem> {
    let Some(name) = FUNCTIONS.into_iter().find(|function| *function == name) else {
        return Err(unknown_function(parser.kind, name));
    };
    let count = operands.len();
    let mut operands = operands.into_iter();
    let condition = match (name, operands.next(), operands.next(), operands.next()) {
        ("size", Some(operand), None, _) => {
            parser.check(check::size(&operand));
            return Ok(Node::Operand(Operand::Size(Box::new(operand))));
        }
        ("attribute_exists", Some(operand), None, _) => Condition::Exists(path_of(parser, name, operand)),
        ("attribute_not_exists", Some(operand), None, _) => Condition::NotExists(path_of(parser, name, operand)),
        ("attribute_type", Some(operand), Some(named), None) => {
            let path = path_of(parser, name, operand);
            let named = check::named_type(named);
            let named = named.map_err(|problem| parser.note(problem)).unwrap_or_default();
            Condition::HasType(path, named)
        }
        ("begins_with", Some(value), Some(start), None) => {
            parser.check(check::begins_with(&value, &start));
            Condition::BeginsWith(value, start)
        }
        ("contains", Some(whole), Some(part), None) => {
            parser.check(check::contains(&whole, &part));
            Condition::Contains(whole, part)
        }
        _ => return Err(Problem::OperandCount(name, count)),
    };
    Ok(Node::Condition(condition, Some(name)))
}

fn unknown_function(kind: Kind, name: &str) -> Problem {
    match name {
        "if_not_exists" => Problem::FunctionNotAllowed(kind.noun(), "if_not_exists"),
        "list_append" => Problem::FunctionNotAllowed(kind.noun(), "list_append"),
        _ => Problem::UnknownFunction(name.into()),
    }
}

fn path_of(parser: &mut Parser<'_, '_>, function: &'static str, operand: Operand) -> Path {
    match operand {
        Operand::Path(path) => path,
        Operand::Value(_) | Operand::Size(_) => {
            parser.note(Problem::PathRequired(function));
            Path::of("")
        }
    }
}
