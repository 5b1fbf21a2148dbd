//! What is registered: functions, their versions, aliases and settings. Rules without I/O.

mod belongings;
mod layer;

use crate::Error;
use crate::pool::{DeploymentId, FunctionId, ScopeId};
use fogbank_model::{AccountId, Arn, FunctionName, FunctionRef, Qualifier, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use belongings::{Alias, Cors, EventInvoke, FunctionUrl, Policy, ProvisionedConcurrency};
pub use layer::{LayerKey, LayerUse, LayerVersion};

/// An account's part of a region: functions in different ones never see each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
}

impl Scope {
    /// `arn:aws:lambda:REGION:ACCOUNT:RESOURCE`
    pub fn arn(&self, resource: &str) -> Arn {
        Arn::new("lambda", &self.region, &self.account, resource)
    }
}

/// Names one function of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FunctionKey {
    /// Whose, and where.
    pub scope: Scope,
    /// Its name.
    pub name: FunctionName,
}

impl FunctionKey {
    /// The function that `reference` names, whatever its qualifier.
    pub fn of(reference: &FunctionRef) -> Self {
        let scope = Scope { account: reference.account.clone(), region: reference.region.clone() };
        Self { scope, name: reference.name.clone() }
    }

    /// The unqualified ARN.
    pub fn arn(&self) -> Arn {
        self.scope.arn(&format!("function:{}", self.name))
    }

    /// The ARN with a version or alias.
    pub fn qualified_arn(&self, qualifier: impl std::fmt::Display) -> Arn {
        self.scope.arn(&format!("function:{}:{qualifier}", self.name))
    }
}

/// A package of code in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// SHA-256 of the ZIP file, in hex: the name of its blob and of its unpacked directory.
    pub sha256: String,
    /// Size of the ZIP file in bytes.
    pub zipped: u64,
    /// Size of what is in it, in bytes.
    pub unzipped: u64,
}

/// What can be set on a function's `$LATEST`, and is frozen in a published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The runtime's identifier.
    pub runtime: String,
    /// Such as `app.handler`.
    pub handler: String,
    /// The role it acts as.
    pub role: Arn,
    /// Free text.
    pub description: String,
    /// Time limit in seconds.
    pub timeout_s: u32,
    /// Memory limit in MiB.
    pub memory_mb: u32,
    /// Size of `/tmp` in MiB.
    pub tmp_mb: u32,
    /// The user's environment variables.
    pub environment: BTreeMap<String, String>,
    /// `Active` or `PassThrough`.
    pub tracing: String,
    /// Layers in order; a later one covers an earlier one.
    pub layers: Vec<LayerUse>,
    /// `x86_64` or `arm64`: always the host's.
    pub architecture: String,
    /// The log group; `/aws/lambda/NAME` unless set.
    pub log_group: String,
    /// Whether published versions start from a snapshot of their initialised state: `SnapStart` with `PublishedVersions`.
    #[serde(default)]
    pub snap_start: bool,
    /// The queue or topic that the events of failed asynchronous calls go to.
    #[serde(default)]
    pub dead_letters: Option<Arn>,
}

impl Configuration {
    /// The time limit.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.into())
    }
}

/// Whether a version can be called. Code is unpacked before a function or a change of it is accepted, so only a version with
/// SnapStart is ever anything but active.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Readiness {
    /// It can be called.
    #[default]
    Active,
    /// Its initialisation runs, for the first snapshot of it.
    Pending,
    /// It can be called, and starts from a snapshot.
    Optimized,
    /// Its initialisation failed, so it can never be called.
    Failed {
        /// A `StateReasonCode` of the API, such as `FunctionError.InitTimeout`.
        code: String,
        /// What happened, for the developer.
        reason: String,
    },
}

/// `$LATEST` or a published version: configuration and code together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// `None` is `$LATEST`.
    pub number: Option<u64>,
    /// How it runs.
    pub configuration: Configuration,
    /// What runs.
    pub code: Code,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Changes with every change.
    pub revision: String,
    /// Whether it can be called.
    #[serde(default)]
    pub readiness: Readiness,
    /// Which instances are its own. Given anew at each start of the platform and at each change, so that instances of what was
    /// before are never taken for it.
    #[serde(skip)]
    pub deployment: DeploymentId,
}

impl Version {
    /// `$LATEST` or the number.
    pub fn label(&self) -> String {
        self.number.map_or_else(|| "$LATEST".into(), |number| number.to_string())
    }
}

/// What holds for a function as a whole.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
pub struct Settings {
    /// Reserved concurrency.
    pub reserved: Option<u32>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The number of the version published last; numbers are not used twice.
    pub published: u64,
    /// `RecursiveLoop`, if it was set.
    pub recursive_loop: Option<String>,
}

/// A function with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub key: FunctionKey,
    /// Counts its calls in flight. Given anew at each start of the platform.
    pub id: FunctionId,
    /// Counts the calls in flight of its account and region.
    pub scope_id: ScopeId,
    /// What holds for it as a whole.
    pub settings: Settings,
    /// `$LATEST`.
    pub latest: Arc<Version>,
    /// Published versions.
    pub versions: BTreeMap<u64, Arc<Version>>,
    /// Aliases by name.
    pub aliases: BTreeMap<String, Arc<Alias>>,
    /// Resource policies by qualifier; `$LATEST` is the function's own.
    pub policies: BTreeMap<String, Arc<Policy>>,
    /// URLs by qualifier.
    pub urls: BTreeMap<String, Arc<FunctionUrl>>,
    /// Asynchronous settings by qualifier.
    pub event_invokes: BTreeMap<String, Arc<EventInvoke>>,
    /// Provisioned concurrency by qualifier.
    pub provisioned: BTreeMap<String, Arc<ProvisionedConcurrency>>,
}

impl Function {
    /// The version that `qualifier` means; an alias gives the one it points to.
    pub fn version(&self, qualifier: Option<&Qualifier>) -> Result<&Arc<Version>, Error> {
        match qualifier {
            None | Some(Qualifier::Latest) => Ok(&self.latest),
            Some(Qualifier::Version(number)) => self.versions.get(number).ok_or_else(|| self.no_qualified(number)),
            Some(Qualifier::Alias(name)) => {
                let alias = self.aliases.get(name).ok_or_else(|| self.no_qualified(name))?;
                self.version(Some(&alias.version))
            }
        }
    }

    /// The version that one call gets. `fraction` in `[0, 1)` decides where an alias splits its calls.
    pub fn route(&self, qualifier: Option<&Qualifier>, fraction: impl FnOnce() -> f64) -> Result<&Arc<Version>, Error> {
        if let Some(Qualifier::Alias(name)) = qualifier
            && let Some((other, share)) = self.aliases.get(name).and_then(|alias| alias.shift)
            && fraction() < share
        {
            return self.version(Some(&Qualifier::Version(other)));
        }
        self.version(qualifier)
    }

    /// The alias `name`.
    pub fn alias(&self, name: &str) -> Result<&Arc<Alias>, Error> {
        let missing = || Error::NotFound(format!("Cannot find alias arn: {}", self.key.qualified_arn(name)));
        self.aliases.get(name).ok_or_else(missing)
    }

    fn no_qualified(&self, qualifier: impl std::fmt::Display) -> Error {
        Error::NotFound(format!("Function not found: {}", self.key.qualified_arn(qualifier)))
    }

    /// Every version, `$LATEST` first.
    pub fn all_versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        std::iter::once(&self.latest).chain(self.versions.values())
    }

    /// Every package that it needs.
    pub fn packages(&self) -> impl Iterator<Item = &Code> {
        self.all_versions().flat_map(|version| {
            let layers = version.configuration.layers.iter().map(|layer| &layer.code);
            std::iter::once(&version.code).chain(layers)
        })
    }
}
