//! Changes of items: `UpdateExpression`.

mod apply;
mod parse;

pub use apply::Updated;

use super::error::{ExpressionError, Kind, Problem};
use super::parser::Parser;
use super::path::{Path, PathTree};
use super::substitution::Substitutions;
use crate::value::AttributeValue;

/// What to change in an item; [`Update::apply`] does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    actions: Vec<Action>,
    /// Whether it comes from `AttributeUpdates`, whose failures have texts of their own.
    is_legacy: bool,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Puts a value at the path.
    Set(Path, SetValue),
    /// Removes what is at the path.
    Remove(Path),
    /// Adds a number or the elements of a set to what is at the path.
    Add(Path, AttributeValue),
    /// Removes the elements of a set from the set at the path.
    Delete(Path, AttributeValue),
}

/// What a `SET` puts somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetValue {
    /// What is at the path.
    Path(Path),
    /// This.
    Value(AttributeValue),
    /// The sum.
    Plus(Box<SetValue>, Box<SetValue>),
    /// The difference.
    Minus(Box<SetValue>, Box<SetValue>),
    /// What is at the path, or the other if there is nothing.
    IfNotExists(Path, Box<SetValue>),
    /// Two lists in one.
    ListAppend(Box<SetValue>, Box<SetValue>),
}

impl Action {
    /// What it changes.
    pub fn path(&self) -> &Path {
        match self {
            Self::Set(path, _) | Self::Remove(path) | Self::Add(path, _) | Self::Delete(path, _) => path,
        }
    }
}

impl Update {
    /// Reads an `UpdateExpression`.
    ///
    /// # Errors
    /// [`ExpressionError::Invalid`].
    pub fn parse(text: &str, substitutions: &mut Substitutions) -> Result<Self, ExpressionError> {
        let actions = Parser::run(Kind::Update, text, substitutions, parse::actions)?;
        Self::of(actions).map_err(|problem| problem.of(Kind::Update))
    }

    /// An update of these actions.
    ///
    /// # Errors
    /// Where two paths overlap.
    pub fn of(actions: Vec<Action>) -> Result<Self, Problem> {
        let paths: Vec<Path> = actions.iter().map(|action| action.path().clone()).collect();
        PathTree::of(&paths)?;
        Ok(Self { actions, is_legacy: false })
    }

    /// An update of these actions, each for another whole attribute, from `AttributeUpdates`.
    pub(super) fn of_attributes(actions: Vec<Action>) -> Self {
        Self { actions, is_legacy: true }
    }

    /// What to do.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Whether it makes an item where none is: one that only takes something away does not.
    pub fn makes_item(&self) -> bool {
        let takes_away = |action: &Action| matches!(action, Action::Remove(_) | Action::Delete(..));
        self.actions.is_empty() || !self.actions.iter().all(takes_away)
    }

    /// The names of the attributes that change, some perhaps twice.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(|action| action.path().name.as_str())
    }
}
