//! Settings of a table that have operations of their own.

use super::Phase;
use fogbank_model::Timestamp;
use serde::{Deserialize, Serialize};

/// When items expire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// Where the times are in the store.
    pub place: u64,
    /// The attribute that holds the time, in seconds since 1970.
    pub attribute: String,
    /// Whether all items are entered.
    pub phase: Phase,
}

/// What items were before they changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Where it is in the store.
    pub place: u64,
    /// Since when it is kept.
    pub since: Timestamp,
    /// For how many days.
    pub days: u32,
}

/// A Kinesis stream that changes go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Whether they do now.
    pub is_on: bool,
    /// Whether their times are in microseconds; else in milliseconds.
    pub is_in_micros: bool,
    /// Whether it was said which of them: it is shown only then.
    #[serde(default)]
    pub shows_precision: bool,
    /// Why it could not be switched on.
    #[serde(default)]
    pub failure: Option<String>,
}

impl Destination {
    /// The precision of times, as the API writes it.
    pub fn precision(&self) -> &'static str {
        if self.is_in_micros { "MICROSECOND" } else { "MILLISECOND" }
    }
}

/// Contributor insights of a table or an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insights {
    /// When they were switched on: the names of their rules end with it.
    pub since: Timestamp,
    /// What they are about, as the API calls it.
    pub mode: String,
    /// When they were changed after that.
    #[serde(default)]
    pub changed: Option<Timestamp>,
    /// Whether they were switched off again.
    #[serde(default)]
    pub is_off: bool,
}
