//! Parts of items: `ProjectionExpression`.

use super::error::{ExpressionError, Kind};
use super::parser::Parser;
use super::path::{Path, PathTree};
use super::substitution::Substitutions;
use crate::value::{AttributeValue, Item};

/// Which parts of an item are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    paths: Vec<Path>,
    tree: PathTree,
}

impl Projection {
    /// Reads a `ProjectionExpression`.
    ///
    /// # Errors
    /// [`ExpressionError::Invalid`].
    pub fn parse(text: &str, substitutions: &mut Substitutions) -> Result<Self, ExpressionError> {
        let paths = Parser::run(Kind::Projection, text, substitutions, |parser| {
            let mut paths = vec![parser.path(|_| false)?];
            while parser.take_symbol(",") {
                paths.push(parser.path(|_| false)?);
            }
            parser.expect_end()?;
            Ok(paths)
        })?;
        Self::of_paths(paths)
    }

    /// What is at these paths.
    ///
    /// # Errors
    /// [`ExpressionError::Invalid`] where two of them overlap.
    pub fn of_paths(paths: Vec<Path>) -> Result<Self, ExpressionError> {
        let tree = PathTree::of(&paths).map_err(|problem| problem.of(Kind::Projection))?;
        Ok(Self { paths, tree })
    }

    /// The paths, as they were given.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// What an item has of the wanted parts. Of a list, the wanted elements are moved together.
    pub fn of(&self, item: &Item) -> Item {
        part_of_map(&self.tree, item)
    }
}

fn part_of_map(tree: &PathTree, map: &Item) -> Item {
    let part = |(key, below): (&String, &PathTree)| Some((key.clone(), part_of(below, map.get(key)?)?));
    tree.keys.iter().filter_map(part).collect()
}

fn part_of(tree: &PathTree, value: &AttributeValue) -> Option<AttributeValue> {
    if tree.ends {
        return Some(value.clone());
    }
    match value {
        AttributeValue::M(map) => {
            let part = part_of_map(tree, map);
            (!part.is_empty()).then_some(AttributeValue::M(part))
        }
        AttributeValue::L(list) => {
            let part = |(index, below): (&usize, &PathTree)| part_of(below, list.get(*index)?);
            let parts: Vec<_> = tree.indexes.iter().filter_map(part).collect();
            (!parts.is_empty()).then_some(AttributeValue::L(parts))
        }
        _ => None,
    }
}
