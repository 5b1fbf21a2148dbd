//! HTTP APIs as a whole.

use super::{HttpApi, IntegrationChange, StageChange};
use crate::ids::{self, Ids};
use crate::{Cors, Error, keys};
use fogbank_model::RequestContext;
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;

/// What an API is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewApi {
    pub name: String,
    pub description: Option<String>,
    pub version: Option<String>,
    pub cors: Option<Cors>,
    pub closed: bool,
    pub tags: BTreeMap<String, String>,
    /// Quick create: a function's ARN that answers everything, or only the route of this key.
    pub target: Option<String>,
    pub route_key: Option<String>,
}

/// The id for an API with these tags; no other API of the platform has it.
pub(crate) fn free_id(tx: &Tx<'_>, ids: &Ids, tags: &BTreeMap<String, String>) -> Result<String, Error> {
    let taken = |id: &str| -> Result<bool, Error> {
        let found = [keys::HTTP_APIS, keys::REST_APIS].map(|table| tx.get(table, id.as_bytes()));
        Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().next().is_some())
    };
    if let Some(id) = ids::fixed(tags)? {
        if taken(&id)? {
            return Err(Error::Conflict(format!("There is already an API with the id {id}; choose another one.")));
        }
        return Ok(id);
    }
    loop {
        let id = ids.make(10);
        if !taken(&id)? {
            return Ok(id);
        }
    }
}

pub(crate) fn create(tx: &mut Tx<'_>, context: &RequestContext, ids: &Ids, new: &NewApi) -> Result<HttpApi, Error> {
    if let Some(cors) = &new.cors {
        cors.check()?;
    }
    let mut api = HttpApi {
        id: free_id(tx, ids, &new.tags)?,
        name: new.name.clone(),
        account: context.account.clone(),
        region: context.region.clone(),
        created: tx.now(),
        description: new.description.clone(),
        version: new.version.clone(),
        cors: new.cors.clone(),
        closed: new.closed,
        tags: new.tags.clone(),
        routes: BTreeMap::new(),
        integrations: BTreeMap::new(),
        stages: BTreeMap::new(),
        deployments: BTreeMap::new(),
    };
    match (&new.target, &new.route_key) {
        (Some(target), key) => quick_create(tx, &mut api, ids, target, key.as_deref())?,
        (None, Some(_)) => return Err(Error::bad("RouteKey needs a Target, the ARN of a function.")),
        (None, None) => {}
    }
    super::redeploy(tx, &mut api, ids)?;
    tx.save(keys::HTTP_APIS, api.id.as_bytes(), &api)?;
    Ok(api)
}

fn quick_create(tx: &Tx<'_>, api: &mut HttpApi, ids: &Ids, target: &str, key: Option<&str>) -> Result<(), Error> {
    let change = IntegrationChange { uri: Some(target.into()), payload: Some("2.0".into()), ..Default::default() };
    let integration = api.create_integration(ids, &change)?;
    let route =
        api.create_route(ids, key.unwrap_or("$default"), Some(format!("integrations/{}", integration.id)), None)?;
    let auto = StageChange { auto_deploy: Some(true), ..Default::default() };
    api.create_stage("$default", &auto, BTreeMap::new(), tx.now())?;
    let managed = [
        api.integrations.get_mut(&integration.id).map(|made| &mut made.managed),
        api.routes.get_mut(&route.id).map(|made| &mut made.managed),
        api.stages.get_mut("$default").map(|made| &mut made.managed),
    ];
    managed.into_iter().flatten().for_each(|managed| *managed = true);
    Ok(())
}

/// The API `id`, if it is the caller's.
pub(crate) fn get(state: &impl Read, context: &RequestContext, id: &str) -> Result<HttpApi, Error> {
    let found: Option<HttpApi> = state.load(keys::HTTP_APIS, id.as_bytes())?;
    let own = found.filter(|api| api.account == context.account && api.region == context.region);
    own.ok_or_else(|| Error::no_api(&context.account, id))
}

/// All APIs of the caller's account and region.
pub(crate) fn list(state: &impl Read, context: &RequestContext) -> Result<Vec<HttpApi>, Error> {
    let all = state.load_prefix::<HttpApi>(keys::HTTP_APIS, b"")?.into_iter().map(|(_, api)| api);
    Ok(all.filter(|api| api.account == context.account && api.region == context.region).collect())
}

/// Changes what `change` gives, and leaves the rest.
pub(crate) fn update(api: &mut HttpApi, change: &NewApi, closed: Option<bool>) -> Result<(), Error> {
    if change.target.is_some() || change.route_key.is_some() {
        return update_quick(api, change).and_then(|()| {
            let rest = NewApi { target: None, route_key: None, ..change.clone() };
            update(api, &rest, closed)
        });
    }
    if let Some(cors) = &change.cors {
        cors.check()?;
        api.cors = Some(cors.clone());
    }
    if !change.name.is_empty() {
        api.name.clone_from(&change.name);
    }
    api.description = change.description.clone().or_else(|| api.description.take());
    api.version = change.version.clone().or_else(|| api.version.take());
    api.closed = closed.unwrap_or(api.closed);
    Ok(())
}

/// Changes what quick create made.
fn update_quick(api: &mut HttpApi, change: &NewApi) -> Result<(), Error> {
    let route = api.routes.values().find(|route| route.managed).map(|route| route.id.clone());
    let integration = api.integrations.values().find(|made| made.managed).map(|made| made.id.clone());
    let (Some(route), Some(integration)) = (route, integration) else {
        return Err(Error::bad("Target and RouteKey can only be changed on an API that was created with a Target."));
    };
    if let Some(target) = &change.target {
        api.update_integration(&integration, &IntegrationChange { uri: Some(target.clone()), ..Default::default() })?;
    }
    if let Some(key) = &change.route_key {
        api.update_route(&route, Some(key), None, None)?;
    }
    Ok(())
}
