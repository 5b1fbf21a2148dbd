//! Layers: packages that several functions share. A function keeps using a layer version that was deleted, as on AWS.

use crate::configuration::check_architecture;
use crate::model::{LayerKey, LayerVersion, Policy, Scope};
use crate::permission::Permission;
use crate::{Error, Functions};
use bytes::Bytes;
use std::sync::Arc;

/// A layer version to be published.
#[derive(Debug)]
pub struct NewLayer {
    /// Whose, and where.
    pub scope: Scope,
    /// The layer's name.
    pub name: String,
    /// Its content, a ZIP file.
    pub package: Bytes,
    /// Free text.
    pub description: String,
    /// Its licence.
    pub license: Option<String>,
    /// The runtimes it fits.
    pub runtimes: Vec<String>,
    /// The architectures it fits.
    pub architectures: Vec<String>,
}

impl Functions {
    /// Publishes a layer version under the next number.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`], [`Error::TooLarge`].
    pub async fn publish_layer(&self, new: NewLayer) -> Result<(LayerKey, Arc<LayerVersion>), Error> {
        if let [only] = &new.architectures[..] {
            check_architecture(only)?;
        }
        let (code, _hold) = self.take_in(new.package).await?;
        let turn = self.registry.turn().await;
        let version = self.registry.last_layer_number(&new.scope, &new.name)? + 1;
        let key = LayerKey { scope: new.scope, name: new.name.clone(), version };
        let layer = LayerVersion {
            name: new.name,
            version,
            code,
            description: new.description,
            license: new.license,
            runtimes: new.runtimes,
            architectures: new.architectures,
            created: turn.now,
            policy: None,
        };
        self.registry.commit_layer(turn, key.clone(), Some(layer.clone())).await?;
        Ok((key, Arc::new(layer)))
    }

    /// A layer version.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn layer(&self, key: &LayerKey) -> Result<Arc<LayerVersion>, Error> {
        self.snapshot().layer(key).cloned().ok_or_else(|| missing(key))
    }

    /// Deletes a layer version. One that is not there is deleted already.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn delete_layer(&self, key: LayerKey) -> Result<(), Error> {
        let turn = self.registry.turn().await;
        match turn.snapshot.layer(&key) {
            Some(_) => self.registry.commit_layer(turn, key, None).await,
            None => Ok(()),
        }
    }

    /// Adds a statement to a layer version's policy. Returns the statement as JSON and the policy's revision.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`], [`Error::Precondition`].
    pub async fn add_layer_permission(
        &self,
        key: LayerKey,
        permission: Permission,
        revision: Option<&str>,
    ) -> Result<(String, String), Error> {
        let turn = self.registry.turn().await;
        let layer = turn.snapshot.layer(&key).ok_or_else(|| missing(&key))?;
        let mut policy = current(layer, revision)?.unwrap_or_default();
        let statement = policy.add(&permission, &key.arn(), &turn)?;
        let revision = policy.revision.clone();
        let changed = LayerVersion { policy: Some(policy), ..LayerVersion::clone(layer) };
        self.registry.commit_layer(turn, key, Some(changed)).await?;
        Ok((statement.to_string(), revision))
    }

    /// Removes a statement from a layer version's policy.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Precondition`].
    pub async fn remove_layer_permission(
        &self,
        key: LayerKey,
        statement_id: &str,
        revision: Option<&str>,
    ) -> Result<(), Error> {
        let turn = self.registry.turn().await;
        let layer = turn.snapshot.layer(&key).ok_or_else(|| missing(&key))?;
        let mut policy = current(layer, revision)?.ok_or_else(no_policy)?;
        policy.remove(statement_id, &turn)?;
        let policy = (!policy.statements.is_empty()).then_some(policy);
        let changed = LayerVersion { policy, ..LayerVersion::clone(layer) };
        self.registry.commit_layer(turn, key, Some(changed)).await
    }

    /// A layer version's policy.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn layer_policy(&self, key: &LayerKey) -> Result<Policy, Error> {
        self.layer(key)?.policy.clone().ok_or_else(no_policy)
    }
}

fn missing(key: &LayerKey) -> Error {
    Error::NotFound(format!("The resource you requested does not exist. Layer version {} was not found.", key.arn()))
}

fn no_policy() -> Error {
    Error::NotFound("No policy is associated with the given resource.".into())
}

fn current(layer: &LayerVersion, revision: Option<&str>) -> Result<Option<Policy>, Error> {
    let actual = layer.policy.as_ref().map(|policy| policy.revision.as_str());
    match revision {
        Some(_) if revision != actual => Err(Error::revision()),
        _ => Ok(layer.policy.clone()),
    }
}
