//! DynamoDB's structures, with its member names.

pub(super) mod backups;
pub(super) mod destinations;
pub(super) mod global;
pub(super) mod items;
pub(super) mod scaling;
pub(super) mod settings;
pub(super) mod statements;
pub(super) mod tables;
pub(super) mod transfers;
pub(super) mod unsupported;
