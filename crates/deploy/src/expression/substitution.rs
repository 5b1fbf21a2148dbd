//! `Fn::Sub`.

use super::Scope;
use crate::problem::{Position, Problem};
use crate::tree::{Kind, Node};

impl Scope<'_> {
    pub(super) fn substitute(&self, argument: &Node) -> Result<String, Problem> {
        let (pattern, variables) = match &argument.kind {
            Kind::List(items) => match items.as_slice() {
                [pattern, variables] => (pattern, variables.expect_map("Fn::Sub's second argument")?),
                _ => {
                    return Err(Problem::at(
                        argument.at,
                        "Fn::Sub takes a string, or a list of a string and a mapping",
                    ));
                }
            },
            _ => (argument, &[][..]),
        };
        let text = pattern.expect_text("Fn::Sub's pattern")?;
        let mut out = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Name(name) => {
                    let own = variables.iter().find(|(key, _)| key.text == name);
                    out.push_str(&match own {
                        Some((_, value)) => self.text(value, &format!("the value of '{name}'"))?,
                        None => self.substituted(name, pattern.at)?,
                    });
                }
            }
        }
        Ok(out)
    }

    fn substituted(&self, name: &str, at: Position) -> Result<String, Problem> {
        let value = match name.split_once('.') {
            Some((resource, attribute)) => {
                Some(self.attribute(&Node::list(at, vec![Node::text(at, resource), Node::text(at, attribute)]))?)
            }
            None => self.reference(name, at)?,
        };
        match value.map(|node| node.kind) {
            None | Some(Kind::Null) => Ok(String::new()),
            Some(Kind::Scalar { text, .. }) => Ok(text),
            Some(Kind::List(items)) => Ok(items.iter().filter_map(Node::as_text).collect::<Vec<_>>().join(",")),
            Some(Kind::Map(_)) => Err(Problem::at(at, format!("'{name}' is a mapping and cannot stand in a string"))),
        }
    }
}

/// A part of an `Fn::Sub` pattern.
pub(crate) enum Piece<'a> {
    Literal(&'a str),
    Name(&'a str),
}

/// `a${B}c` is literal, name, literal; `${!B}` stands for the literal `${B}`.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        found.push(Piece::Literal(&rest[..start]));
        match name.strip_prefix('!') {
            Some(_) => {
                found.push(Piece::Literal("${"));
                found.push(Piece::Literal(&rest[start + 3..=start + length]));
            }
            None => found.push(Piece::Name(name.trim())),
        }
        rest = &rest[start + length + 1..];
    }
    found.push(Piece::Literal(rest));
    found
}
