//! DynamoDB's expressions: read from text, checked, and applied to items. Pure: no store, no table.
//!
//! An operation makes one [`Substitutions`] of its `ExpressionAttributeNames` and `ExpressionAttributeValues`, reads all of its
//! expressions with it ([`Condition`], [`Update`], [`Projection`], [`KeyCondition`]), and asks it in the end whether something went
//! unused. `legacy` makes the same of the older parameters, `crate::partiql` of statements.
//!
//! Invariants:
//! - Reading costs no more than the text's length, which is at most 4 KB; nothing in a text makes the stack deep.
//! - Every error has AWS's text and is a `ValidationException`.

mod condition;
mod error;
mod key_condition;
pub mod legacy;
mod parser;
mod path;
mod projection;
mod reserved;
mod substitution;
#[cfg(test)]
mod tests;
mod token;
mod update;

pub use condition::{Comparator, Condition, Operand};
pub use error::{ExpressionError, Kind, Problem};
pub use key_condition::{KeyCondition, KeyTest};
pub(crate) use parser::PATH_DEPTH;
pub use path::{Path, Step};
pub use projection::Projection;
pub use substitution::Substitutions;
pub use update::{Action, SetValue, Update, Updated};
