//! What is on record about parameters.

use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose parameter, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// Its name, with the `/` that a path begins with.
    pub name: String,
}

impl Key {
    /// `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`
    pub fn arn(&self) -> Arn {
        let slash = if self.name.starts_with('/') { "" } else { "/" };
        Arn::new("ssm", &self.region, &self.account, &format!("parameter{slash}{}", self.name))
    }

    /// Keys sort by owner, region, and name.
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.account.as_str(), self.region.as_str(), &self.name].join("\0").into_bytes()
    }

    /// The key of a version, or with 0 the beginning of them all.
    pub(crate) fn version(&self, number: u64) -> Vec<u8> {
        [&self.encode()[..], &[0], &number.to_be_bytes()].concat()
    }
}

/// A parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Parameter {
    /// Whose, and which.
    pub key: Key,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its newest version.
    pub newest: Version,
}

/// A parameter as it was put once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// Counted from 1.
    pub number: u64,
    /// `String` or `StringList`.
    pub kind: String,
    /// The value.
    pub value: String,
    /// Free text.
    pub description: Option<String>,
    /// What values must match.
    pub allowed_pattern: Option<String>,
    /// `Standard` or `Advanced`.
    pub tier: String,
    /// `text`, as nothing else is checked here.
    pub data_type: String,
    /// When.
    pub modified: Timestamp,
    /// The ARN of who did it.
    pub by: String,
}

/// What a parameter is asked to be. What is not said stays as it was.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The value.
    pub value: String,
    /// `String` or `StringList`.
    pub kind: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What values must match.
    pub allowed_pattern: Option<String>,
    /// `Standard`, `Advanced` or `Intelligent-Tiering`.
    pub tier: Option<String>,
    /// Whether there may be one already.
    pub overwrite: bool,
    /// Tags of a new one.
    pub tags: BTreeMap<String, String>,
    /// The ARN of who asks.
    pub by: String,
}
