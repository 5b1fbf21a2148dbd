//! Layers: what several functions share.

use super::{Code, Policy, Scope};
use crate::Error;
use fogbank_model::{Arn, Timestamp};
use serde::{Deserialize, Serialize};

/// A published layer version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LayerVersion {
    /// The layer's name.
    pub name: String,
    /// From 1.
    pub version: u64,
    /// What is in it.
    pub code: Code,
    /// Free text.
    pub description: String,
    /// Its licence, as the publisher words it.
    pub license: Option<String>,
    /// The runtimes it says it fits.
    pub runtimes: Vec<String>,
    /// The architectures it says it fits.
    pub architectures: Vec<String>,
    /// When it was published.
    pub created: Timestamp,
    /// Who may use it.
    pub policy: Option<Policy>,
}

/// A layer version as a function uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerUse {
    /// The layer version's ARN.
    pub arn: Arn,
    /// Its content at the time the function was configured; it outlives the layer's deletion, as on AWS.
    pub code: Code,
}

/// Which layer version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerKey {
    /// Whose, and where.
    pub scope: Scope,
    /// The layer's name.
    pub name: String,
    /// From 1.
    pub version: u64,
}

impl LayerKey {
    /// The layer version's ARN.
    pub fn arn(&self) -> Arn {
        self.scope.arn(&format!("layer:{}:{}", self.name, self.version))
    }

    /// Reads a layer version's ARN.
    pub fn parse(arn: &str) -> Result<Self, Error> {
        let wrong = || Error::invalid(format!("'{arn}' is not a layer version ARN"));
        let parsed: Arn = arn.parse().map_err(|_| wrong())?;
        let parts: Vec<&str> = parsed.resource().split(':').collect();
        let (["layer", name, version], "lambda") = (&parts[..], parsed.service()) else { return Err(wrong()) };
        let account = parsed.account().parse().map_err(|_| wrong())?;
        let region = parsed.region().parse().map_err(|_| wrong())?;
        let version = version.parse().map_err(|_| wrong())?;
        Ok(Self { scope: Scope { account, region }, name: (*name).into(), version })
    }
}
