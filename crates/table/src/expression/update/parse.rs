//! Reads updates.

use super::{Action, SetValue};
use crate::expression::error::Problem;
use crate::expression::parser::Parser;
use crate::expression::path::Path;
use crate::expression::token::TokenKind;
use crate::value::AttributeValue;

const SECTIONS: [&str; 4] = ["SET", "REMOVE", "ADD", "DELETE"];

fn is_keyword(word: &str) -> bool {
    SECTIONS.iter().any(|section| word.eq_ignore_ascii_case(section))
}

/// Reads an update to the end of the text.
pub(super) fn actions(parser: &mut Parser<'_, '_>) -> Result<Vec<Action>, Problem> {
    let mut actions = Vec::new();
    let mut seen = Vec::new();
    loop {
        let found = SECTIONS.into_iter().find(|section| parser.take_keyword(section));
        let Some(section) = found else { return Err(parser.unexpected()) };
        if seen.contains(&section) {
            parser.note(Problem::RepeatedSection(section));
        }
        seen.push(section);
        actions.push(action(parser, section)?);
        while parser.take_symbol(",") {
            actions.push(action(parser, section)?);
        }
        if parser.peek().0 == TokenKind::End {
            return Ok(actions);
        }
    }
}

fn action(parser: &mut Parser<'_, '_>, section: &str) -> Result<Action, Problem> {
    let path = parser.path(is_keyword)?;
    parser.count_operator()?;
    Ok(match section {
        "SET" => {
            parser.expect_symbol("=")?;
            Action::Set(path, set_value(parser)?)
        }
        "REMOVE" => Action::Remove(path),
        "ADD" => Action::Add(path, action_value(parser, "ADD", &["N", "SS", "NS", "BS"])?),
        _ => Action::Delete(path, action_value(parser, "DELETE", &["SS", "NS", "BS"])?),
    })
}

fn action_value(parser: &mut Parser<'_, '_>, section: &'static str, types: &[&str]) -> Result<AttributeValue, Problem> {
    let value = parser.value()?;
    if !types.contains(&value.type_name()) {
        parser.note(Problem::ActionType(section, long_type_name(&value)));
    }
    Ok(value)
}

/// The type as messages about `ADD` and `DELETE` name it.
fn long_type_name(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::S(_) => "STRING",
        AttributeValue::N(_) => "NUMBER",
        AttributeValue::B(_) => "BINARY",
        AttributeValue::Bool(_) => "BOOLEAN",
        AttributeValue::Null => "NULL",
        AttributeValue::M(_) => "MAP",
        AttributeValue::L(_) => "LIST",
        AttributeValue::SS(_) => "STRING_SET",
        AttributeValue::NS(_) => "NUMBER_SET",
        AttributeValue::BS(_) => "BINARY_SET",
    }
}

/// One operand, or the sum or difference of two.
fn set_value(parser: &mut Parser<'_, '_>) -> Result<SetValue, Problem> {
    let left = operand(parser)?;
    let operator = match parser.peek() {
        (TokenKind::Symbol, "+") => "+",
        (TokenKind::Symbol, "-") => "-",
        _ => return Ok(left),
    };
    parser.skip();
    parser.count_operator()?;
    let right = operand(parser)?;
    for side in [&left, &right] {
        check_type(parser, operator, side, "N");
    }
    let (left, right) = (Box::new(left), Box::new(right));
    Ok(if operator == "+" { SetValue::Plus(left, right) } else { SetValue::Minus(left, right) })
}

fn check_type(parser: &mut Parser<'_, '_>, operator: &'static str, value: &SetValue, kind: &str) {
    let found = match value {
        SetValue::Value(value) => value.type_name(),
        SetValue::Plus(..) | SetValue::Minus(..) => "N",
        SetValue::ListAppend(..) => "L",
        _ => return,
    };
    if found != kind {
        parser.note(Problem::OperandType(operator, found));
    }
}

fn operand(parser: &mut Parser<'_, '_>) -> Result<SetValue, Problem> {
    match (parser.peek(), parser.peek_second()) {
        ((TokenKind::Symbol, "("), second) => {
            if second == (TokenKind::Symbol, "(") {
                return Err(Problem::RedundantParentheses);
            }
            parser.skip();
            let value = set_value(parser)?;
            parser.expect_symbol(")")?;
            Ok(value)
        }
        ((TokenKind::Word, name), (TokenKind::Symbol, "(")) if !is_keyword(name) => {
            parser.skip();
            parser.skip();
            parser.count_operator()?;
            let operands = operands(parser)?;
            function(parser, name, operands)
        }
        ((TokenKind::Value, _), _) => Ok(SetValue::Value(parser.value()?)),
        _ => Ok(SetValue::Path(parser.path(is_keyword)?)),
    }
}

fn operands(parser: &mut Parser<'_, '_>) -> Result<Vec<SetValue>, Problem> {
    let mut all = vec![operand(parser)?];
    while parser.take_symbol(",") {
        all.push(operand(parser)?);
    }
    parser.expect_symbol(")")?;
    Ok(all)
}

/// The functions of conditions, which updates do not have.
const OTHERS: [&str; 6] =
    ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"];

fn function(parser: &mut Parser<'_, '_>, name: &str, operands: Vec<SetValue>) -> Result<SetValue, Problem> {
    let count = operands.len();
    let mut operands = operands.into_iter();
    match (name, operands.next(), operands.next(), operands.next()) {
        ("if_not_exists", Some(path), Some(value), None) => {
            let path = path_of(parser, path);
            Ok(SetValue::IfNotExists(path, Box::new(value)))
        }
        ("list_append", Some(first), Some(second), None) => {
            for side in [&first, &second] {
                check_type(parser, "list_append", side, "L");
            }
            Ok(SetValue::ListAppend(Box::new(first), Box::new(second)))
        }
        ("if_not_exists", ..) => Err(Problem::OperandCount("if_not_exists", count)),
        ("list_append", ..) => Err(Problem::OperandCount("list_append", count)),
        _ => Err(match OTHERS.into_iter().find(|other| *other == name) {
            Some(other) => Problem::FunctionNotAllowed(parser.kind.noun(), other),
            None => Problem::UnknownFunction(name.into()),
        }),
    }
}

fn path_of(parser: &mut Parser<'_, '_>, value: SetValue) -> Path {
    match value {
        SetValue::Path(path) => path,
        _ => {
            parser.note(Problem::PathRequired("if_not_exists"));
            Path::of("")
        }
    }
}
