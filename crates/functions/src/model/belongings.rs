//! What belongs to a function beside its versions: aliases, permissions, URLs, settings of calls.

use fogbank_model::{Arn, Qualifier, Timestamp};
use serde::{Deserialize, Serialize};

/// A name for a version, or for two of them with a share each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alias {
    /// Its name.
    pub name: String,
    /// The version it points to.
    pub version: Qualifier,
    /// Free text.
    pub description: String,
    /// Another version, and the fraction of calls that it gets.
    pub shift: Option<(u64, f64)>,
    /// Changes with every change.
    pub revision: String,
}

/// A resource policy: who may call.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
pub struct Policy {
    /// Statements in the order they were added, as IAM writes them; each has a `Sid`.
    pub statements: Vec<serde_json::Value>,
    /// Changes with every change.
    pub revision: String,
}

impl Policy {
    /// The policy document.
    pub fn document(&self) -> String {
        serde_json::json!({"Version": "2012-10-17", "Id": "default", "Statement": self.statements}).to_string()
    }

    pub(crate) fn position(&self, statement_id: &str) -> Option<usize> {
        self.statements.iter().position(|statement| statement["Sid"] == statement_id)
    }
}

/// Which web pages may call a function URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cors {
    /// Whether cookies may go along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// Request headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_headers: Option<Vec<String>>,
    /// Methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_methods: Option<Vec<String>>,
    /// Origins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_origins: Option<Vec<String>>,
    /// Response headers that scripts may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose_headers: Option<Vec<String>>,
    /// How long a preflight's answer holds, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

/// A function's own HTTP address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FunctionUrl {
    /// The first label of its host name.
    pub id: String,
    /// The alias it calls, or `$LATEST`.
    pub qualifier: Qualifier,
    /// `NONE` or `AWS_IAM`.
    pub auth_type: String,
    /// Cross-origin rules, if any.
    pub cors: Option<Cors>,
    /// `BUFFERED` or `RESPONSE_STREAM`.
    pub invoke_mode: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// What happens to asynchronous calls that fail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventInvoke {
    /// Retries after the first try, 0 to 2.
    pub retries: Option<u32>,
    /// Seconds after which a call is given up.
    pub age_s: Option<u32>,
    /// What is told of calls that succeed.
    #[serde(default)]
    pub on_success: Option<Arn>,
    /// What is told of calls that are given up.
    #[serde(default)]
    pub on_failure: Option<Arn>,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// How many instances of a version or alias are to be there before calls come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProvisionedConcurrency {
    /// How many.
    pub count: u32,
    /// When it was set.
    pub modified: Timestamp,
}
