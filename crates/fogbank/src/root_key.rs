//! The first access key of a platform that checks signatures, left where only the owner of the data directory can read it.

use fogbank_identity::Identity;
use fogbank_model::AccountId;
use fogbank_wire::SigningKey;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const FILE: &str = "root-key.json";

#[derive(Serialize, Deserialize)]
struct RootKey {
    access_key_id: String,
    secret_access_key: String,
}

/// Writes the root key of the default account into the data directory `root` (mode 0600), making the key at the first call.
///
/// # Errors
/// The store or the file cannot be written.
pub async fn publish(identity: &Identity, root: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (access_key_id, secret_access_key) = identity.root_key(&AccountId::default_account()).await?;
    let text = serde_json::to_vec_pretty(&RootKey { access_key_id, secret_access_key })?;
    let draft = root.join(format!("{FILE}.draft"));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&text)?;
    std::fs::rename(&draft, root.join(FILE))?;
    Ok(())
}

/// Removes the file: a platform that does not check signatures must not be taken for one that does.
pub fn withdraw(root: &Path) {
    // Usually there is none.
    let _ = std::fs::remove_file(root.join(FILE));
}

/// The root key of the platform over the data directory `root`, if it checks signatures and may be read.
pub fn read(root: &Path) -> Option<SigningKey> {
    let text = std::fs::read(root.join(FILE)).ok()?;
    let key: RootKey = serde_json::from_slice(&text).ok()?;
    Some(SigningKey { access_key_id: key.access_key_id, secret: key.secret_access_key, session_token: None })
}
