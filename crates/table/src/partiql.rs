//! Statements of PartiQL, as DynamoDB has it: read, and made of conditions, updates and paths that expressions are made of. What a
//! statement does to a table is its caller's to do, who takes the key out of its condition with [`Access::of`] or [`key_of`].

mod condition;
mod keys;
mod literal;
mod parser;
mod statement;
#[cfg(test)]
mod tests;
mod token;

pub use keys::{Access, key_of};
pub use statement::{Column, OrderBy, Returning, Select, Source, Statement};
