//! The records: what a role, a user, a policy and an access key are, and IAM's quotas.

use fogbank_model::{AccountId, Arn, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// IAM quotas (IAM User Guide, "IAM and AWS STS quotas").
pub(crate) mod quota {
    /// Managed policies attached to a role.
    pub const POLICIES_PER_ROLE: usize = 10;
    /// Characters of all inline policies of a role, without white space.
    pub const INLINE_PER_ROLE: usize = 10_240;
    /// Characters of a managed policy, without white space.
    pub const MANAGED_POLICY: usize = 6_144;
    /// Characters of a trust policy.
    pub const TRUST_POLICY: usize = 2_048;
    /// Versions of a managed policy.
    pub const VERSIONS_PER_POLICY: usize = 5;
    /// Access keys of a user.
    pub const KEYS_PER_USER: usize = 2;
    /// Tags of a role, user or policy.
    pub const TAGS: usize = 50;
}

/// A role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub id: String,
    pub name: String,
    pub path: String,
    pub arn: Arn,
    pub created: Timestamp,
    pub trust: String,
    pub description: Option<String>,
    /// Seconds.
    pub longest_session: i64,
    pub tags: BTreeMap<String, String>,
    /// Inline policies: name to document.
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub attached: BTreeSet<String>,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub id: String,
    pub name: String,
    pub path: String,
    pub arn: Arn,
    pub created: Timestamp,
    pub tags: BTreeMap<String, String>,
    /// Ids of its access keys.
    pub keys: BTreeSet<String>,
}

/// A lasting access key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub id: String,
    pub secret: String,
    pub account: AccountId,
    /// `None` for the account's root.
    pub user: Option<KeyUser>,
    pub active: bool,
    pub created: Timestamp,
}

/// The user that an access key belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyUser {
    pub name: String,
    pub arn: Arn,
    pub id: String,
}

/// A managed policy of an account's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub id: String,
    pub name: String,
    pub path: String,
    pub arn: Arn,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub description: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub versions: Vec<PolicyVersion>,
    /// The number of the default version.
    pub default: u32,
    /// The number that the next version gets; numbers are not used again.
    pub next: u32,
}

/// One version of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    pub number: u32,
    pub document: String,
    pub created: Timestamp,
}
