//! Tables, as DynamoDB has them.

pub mod expression;
pub mod number;
pub mod partiql;
pub mod value;

pub use number::{Number, NumberError};
pub use value::{AttributeValue, Item, ValueError};
