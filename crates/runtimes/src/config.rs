//! What the composition root gives to this crate.

use fogbank_model::{AccountId, Arn, BoxFuture, Region};
use std::path::PathBuf;

/// Settings of the platform that concern running code.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where interpreters and SDKs are installed and the bootstraps are kept; shared by all platforms of a user.
    pub directory: PathBuf,
    /// Whether a function may only run on the very version it names.
    pub strict: bool,
    /// Whether interpreters are started before a function is known that they could serve.
    pub ahead: bool,
}

impl Config {
    /// The settings that hold if nobody says otherwise: `$FOGBANK_RUNTIMES`, else `fogbank/runtimes` in the user's cache directory.
    pub fn from_environment() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let directory = set("FOGBANK_RUNTIMES").unwrap_or_else(|| {
            let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
            cache.unwrap_or_else(std::env::temp_dir).join("fogbank/runtimes")
        });
        Self { directory, strict: false, ahead: true }
    }
}

/// Who speaks through a door. Known from the door itself, not from what the caller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorIdentity {
    /// The account of the function.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// The role it acts as.
    pub role: Arn,
    /// The session's name: the function's.
    pub session: String,
}

/// Serves the platform's AWS endpoint inside sandboxes.
pub trait Door: Send + Sync + 'static {
    /// Serves a connection that was made inside a sandbox until it ends. The future is dropped when the sandbox ends, and the platform
    /// bounds how many there are per sandbox.
    fn serve(&self, stream: tokio::net::TcpStream, from: DoorIdentity) -> BoxFuture<'static, ()>;
}

/// The temporary keys of a role's session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKeys {
    /// `ASIA…`
    pub access_key_id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token.
    pub token: String,
}

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionKeys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Issues the keys that a function finds in its environment.
pub trait SessionCredentials: Send + Sync + 'static {
    /// Keys for a session of `role` called `name`, to act in `account`: the function's own, whatever account the role's ARN names.
    fn session(&self, account: &AccountId, role: &Arn, name: &str) -> SessionKeys;
}
