//! Lambda's structures, with its member names.

mod belongings;
mod input;
mod output;
mod sources;

pub(super) use belongings::*;
pub(super) use input::*;
pub(super) use output::*;
pub(super) use sources::*;
