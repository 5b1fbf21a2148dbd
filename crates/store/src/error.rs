//! What can go wrong in the store.

use std::path::PathBuf;

/// A failure of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The data directory belongs to another running process.
    #[error("the data directory {} is in use by process {pid}; stop it, or choose another one with --data-dir", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Who has it, or `?`.
        pid: String,
    },
    /// The data directory was written by another version.
    #[error("the data directory {} has format {found}, this Fogbank reads format {known}; use the Fogbank that wrote it, or another --data-dir", path.display())]
    Format {
        /// The directory.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this binary reads and writes.
        known: u32,
    },
    /// The disk failed, or is full. Either all of the change was kept or nothing: where a sync failed, only the next look tells.
    #[error("the store could not use its disk: {0}")]
    Disk(String),
    /// A stored record does not read back as its type.
    #[error("a record of {table} is damaged: {why}")]
    Damaged {
        /// The table's name.
        table: &'static str,
        /// What the decoder said.
        why: String,
    },
    /// The closure of a transaction panicked.
    #[error("a transaction panicked: {0}")]
    Panicked(String),
    /// A message's lease ran out, and it may be in other hands.
    #[error("the lease on the message has ended")]
    LeaseLost,
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    pub(crate) fn disk(why: impl std::fmt::Display) -> Self {
        Self::Disk(why.to_string())
    }
}
