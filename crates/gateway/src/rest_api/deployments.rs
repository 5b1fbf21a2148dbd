//! Deployments of a REST API: copies of its methods, which stages serve.

use super::{Deployed, DeployedMethod, Deployment, RestApi};
use crate::ids::Ids;
use crate::{Error, keys};
use fogbank_store::Tx;
use std::collections::BTreeMap;

/// The stage that a deployment is made for.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewStage {
    pub name: String,
    pub description: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub tracing: bool,
    pub tags: BTreeMap<String, String>,
}

impl RestApi {
    pub fn deployment(&self, id: &str) -> Result<&Deployment, Error> {
        self.deployments.get(id).ok_or_else(|| Error::NotFound("Invalid Deployment identifier specified".into()))
    }

    /// What a deployment made now would hold. API Gateway deploys nothing that is half made.
    fn current(&self) -> Result<Deployed, Error> {
        let mut methods = Vec::new();
        for resource in self.resources.values() {
            for (name, method) in &resource.methods {
                let Some(integration) = method.integration.clone() else {
                    return Err(Error::bad("No integration defined for method"));
                };
                methods.push(DeployedMethod {
                    resource: resource.id.clone(),
                    path: resource.path.clone(),
                    method: name.clone(),
                    integration,
                });
            }
        }
        match methods.is_empty() {
            true => Err(Error::bad("The REST API doesn't contain any methods")),
            false => Ok(Deployed { binary_media_types: self.binary_media_types.clone(), methods }),
        }
    }

    pub fn delete_deployment(&mut self, tx: &mut Tx<'_>, id: &str) -> Result<(), Error> {
        self.deployment(id)?;
        if self.stages.values().any(|stage| stage.deployment == id) {
            return Err(Error::bad("Active stages pointing to this deployment must be moved or deleted"));
        }
        self.deployments.remove(id);
        tx.delete(keys::DEPLOYED, &keys::deployed(&self.id, id));
        Ok(())
    }
}

/// Copies the API's methods as they stand, and lets a stage serve the copy if one is given.
pub(crate) fn deploy(
    tx: &mut Tx<'_>,
    api: &mut RestApi,
    ids: &Ids,
    description: Option<String>,
    stage: Option<&NewStage>,
) -> Result<Deployment, Error> {
    let deployed = api.current()?;
    let made = Deployment { id: ids.make(6), description, created: tx.now() };
    tx.save(keys::DEPLOYED, &keys::deployed(&api.id, &made.id), &deployed)?;
    api.deployments.insert(made.id.clone(), made.clone());
    let Some(new) = stage else { return Ok(made) };
    match api.stages.get_mut(&new.name) {
        Some(stage) => {
            stage.deployment.clone_from(&made.id);
            stage.updated = tx.now();
            stage.variables.extend(new.variables.clone());
            stage.description = new.description.clone().or_else(|| stage.description.take());
        }
        None => api.create_stage(new, &made.id, tx.now()).map(drop)?,
    }
    Ok(made)
}
