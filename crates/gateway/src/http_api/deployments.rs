//! Deployments of an HTTP API: copies of its routes, which stages serve.

use super::{Deployed, Deployment, HttpApi};
use crate::ids::Ids;
use crate::{Error, keys};
use fogbank_store::{Read, Tx};

impl HttpApi {
    pub fn deployment(&self, id: &str) -> Result<&Deployment, Error> {
        self.deployments.get(id).ok_or_else(|| Error::NotFound(format!("Invalid Deployment identifier specified {id}")))
    }

    fn is_staged(&self, id: &str) -> bool {
        self.stages.values().any(|stage| stage.deployment.as_deref() == Some(id))
    }

    pub fn delete_deployment(&mut self, tx: &mut Tx<'_>, id: &str) -> Result<(), Error> {
        self.deployment(id)?;
        if self.is_staged(id) {
            return Err(Error::bad("Active stages pointing to this deployment must be moved or deleted."));
        }
        self.deployments.remove(id);
        tx.delete(keys::DEPLOYED, &keys::deployed(&self.id, id));
        Ok(())
    }
}

/// Copies the API's routes as they stand, and lets `stage` serve the copy if one is given.
pub(crate) fn deploy(
    tx: &mut Tx<'_>,
    api: &mut HttpApi,
    ids: &Ids,
    description: Option<String>,
    stage: Option<&str>,
) -> Result<Deployment, Error> {
    if api.routes.is_empty() {
        return Err(Error::bad("At least one route is required before deploying the Api."));
    }
    if let Some(name) = stage {
        api.stage(name)?;
    }
    let made = keep(tx, api, ids, description, false)?;
    if let Some(stage) = stage.and_then(|name| api.stages.get_mut(name)) {
        stage.deployment = Some(made.id.clone());
        stage.updated = tx.now();
    }
    Ok(made)
}

fn keep(
    tx: &mut Tx<'_>,
    api: &mut HttpApi,
    ids: &Ids,
    description: Option<String>,
    auto: bool,
) -> Result<Deployment, Error> {
    let made = Deployment { id: ids.make(6), description, created: tx.now(), auto };
    tx.save(keys::DEPLOYED, &keys::deployed(&api.id, &made.id), &api.current())?;
    api.deployments.insert(made.id.clone(), made.clone());
    Ok(made)
}

/// Deploys to the stages that follow every change, if there was one; earlier automatic deployments that nothing serves go.
pub(crate) fn redeploy(tx: &mut Tx<'_>, api: &mut HttpApi, ids: &Ids) -> Result<(), Error> {
    let current = api.current();
    let mut behind = Vec::new();
    for stage in api.stages.values().filter(|stage| stage.auto_deploy) {
        let served: Option<Deployed> = match &stage.deployment {
            Some(id) => tx.load(keys::DEPLOYED, &keys::deployed(&api.id, id))?,
            None => None,
        };
        if served.as_ref() != Some(&current) {
            behind.push(stage.name.clone());
        }
    }
    if behind.is_empty() || current.routes.is_empty() && api.deployments.is_empty() {
        return Ok(());
    }
    let text = "Automatic deployment triggered by changes to the Api configuration";
    let made = keep(tx, api, ids, Some(text.into()), true)?;
    for stage in api.stages.values_mut().filter(|stage| behind.contains(&stage.name)) {
        stage.deployment = Some(made.id.clone());
    }
    let old = api.deployments.values().filter(|deployment| deployment.auto && !api.is_staged(&deployment.id));
    let old: Vec<String> = old.map(|deployment| deployment.id.clone()).collect();
    for id in old {
        api.deployments.remove(&id);
        tx.delete(keys::DEPLOYED, &keys::deployed(&api.id, &id));
    }
    Ok(())
}
