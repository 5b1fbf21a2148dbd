//! REST APIs as a whole, and how they are changed: in one transaction, and then published.

use super::patch::{self, Op, Patch};
use super::{Resource, RestApi};
use crate::ids::Ids;
use crate::{Error, Gateway, http_api, keys};
use fogbank_model::RequestContext;
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;

/// What an API is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewApi {
    pub name: String,
    pub description: Option<String>,
    pub version: Option<String>,
    pub binary_media_types: Vec<String>,
    pub endpoint_types: Vec<String>,
    pub closed: bool,
    pub tags: BTreeMap<String, String>,
}

pub(crate) fn create(tx: &mut Tx<'_>, context: &RequestContext, ids: &Ids, new: &NewApi) -> Result<RestApi, Error> {
    if new.name.is_empty() {
        return Err(Error::bad("API name must not be empty."));
    }
    let mut api = RestApi {
        id: http_api::free_id(tx, ids, &new.tags)?,
        name: new.name.clone(),
        account: context.account.clone(),
        region: context.region.clone(),
        created: tx.now(),
        description: new.description.clone(),
        version: new.version.clone(),
        binary_media_types: new.binary_media_types.clone(),
        endpoint_types: new.endpoint_types.clone(),
        closed: new.closed,
        tags: new.tags.clone(),
        resources: BTreeMap::new(),
        stages: BTreeMap::new(),
        deployments: BTreeMap::new(),
    };
    api.plant(ids);
    Ok(api)
}

/// The API `id`, if it is the caller's.
pub(crate) fn get(state: &impl Read, context: &RequestContext, id: &str) -> Result<RestApi, Error> {
    let found: Option<RestApi> = state.load(keys::REST_APIS, id.as_bytes())?;
    let own = found.filter(|api| api.account == context.account && api.region == context.region);
    own.ok_or_else(|| Error::no_api(&context.account, id))
}

/// All APIs of the caller's account and region.
pub(crate) fn list(state: &impl Read, context: &RequestContext) -> Result<Vec<RestApi>, Error> {
    let all = state.load_prefix::<RestApi>(keys::REST_APIS, b"")?.into_iter().map(|(_, api)| api);
    Ok(all.filter(|api| api.account == context.account && api.region == context.region).collect())
}

/// Applies patches to the API's own properties.
pub(crate) fn update(api: &mut RestApi, patches: &[Patch]) -> Result<(), Error> {
    for change in patches {
        let text = change.text();
        match (change.op, change.words().as_slice()) {
            (Op::Replace, ["name"]) if !text.is_empty() => api.name = text.into(),
            (Op::Replace, ["description"]) => api.description = patch::some(text),
            (Op::Replace, ["version"]) => api.version = patch::some(text),
            (Op::Replace, ["disableExecuteApiEndpoint"]) => api.closed = change.truth()?,
            (op, ["binaryMediaTypes", kind]) => binary(api, op, kind, text),
            _ => return Err(change.refused()),
        }
    }
    Ok(())
}

fn binary(api: &mut RestApi, op: Op, kind: &str, value: &str) {
    let types = &mut api.binary_media_types;
    match op {
        Op::Add if types.iter().any(|known| known == kind) => {}
        Op::Add => types.push(kind.into()),
        Op::Remove => types.retain(|known| known != kind),
        Op::Replace => {
            types.retain(|known| known != kind);
            types.push(value.into());
        }
    }
}

impl RestApi {
    /// Gives the API a root, and nothing else.
    pub fn plant(&mut self, ids: &Ids) {
        let root = Resource {
            id: ids.make(10),
            parent: None,
            part: String::new(),
            path: "/".into(),
            methods: BTreeMap::new(),
        };
        self.resources = BTreeMap::from([(root.id.clone(), root)]);
    }
}

impl Gateway {
    /// Creates an API, and lets `fill` go on with it.
    pub(crate) async fn create_rest_api(
        &self,
        context: RequestContext,
        new: NewApi,
        mut fill: impl FnMut(&mut RestApi) -> Result<(), Error> + Send + 'static,
    ) -> Result<RestApi, Error> {
        let ids = self.ids.clone();
        let made = self.change(move |tx| {
            let mut api = create(tx, &context, &ids, &new)?;
            fill(&mut api)?;
            tx.save(keys::REST_APIS, api.id.as_bytes(), &api)?;
            Ok(api)
        });
        let api = made.await?;
        self.publish(&api.id)?;
        Ok(api)
    }

    /// Runs `change` over the API `id`.
    pub(crate) async fn change_rest_api<T: Send + 'static>(
        &self,
        context: RequestContext,
        id: String,
        mut change: impl FnMut(&mut RestApi, &mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let key = id.clone();
        let changed = self.change(move |tx| {
            let mut api = get(tx, &context, &key)?;
            let answer = change(&mut api, tx)?;
            tx.save(keys::REST_APIS, key.as_bytes(), &api)?;
            Ok(answer)
        });
        let answer = changed.await?;
        self.publish(&id)?;
        Ok(answer)
    }

    /// Deletes the API `id` with everything in it.
    pub(crate) async fn delete_rest_api(&self, context: RequestContext, id: String) -> Result<(), Error> {
        let key = id.clone();
        let deleted = self.change(move |tx| {
            let api = get(tx, &context, &key)?;
            for deployment in api.deployments.keys() {
                tx.delete(keys::DEPLOYED, &keys::deployed(&key, deployment));
            }
            tx.delete(keys::REST_APIS, key.as_bytes());
            Ok(())
        });
        deleted.await?;
        self.publish(&id)
    }
}
