//! Lambda's structures, with its member names.

mod belongings;
mod input;
mod output;

pub(super) use belongings::*;
pub(super) use input::*;
pub(super) use output::*;
