//! Operations on deployments.

use super::shapes::{self, PatchOperation};
use crate::rest_api::{self, NewStage, Patch};
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateDeployment {
    rest_api_id: String,
    description: Option<String>,
    stage_name: Option<String>,
    stage_description: Option<String>,
    variables: Option<BTreeMap<String, String>>,
    tracing_enabled: Option<bool>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn create(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: CreateDeployment,
) -> Result<Value, Error> {
    input.others.refuse(&[])?;
    let ids = gateway.ids.clone();
    let description = input.description;
    let stage = input.stage_name.filter(|name| !name.is_empty()).map(|name| NewStage {
        name,
        description: input.stage_description,
        variables: input.variables.unwrap_or_default(),
        tracing: input.tracing_enabled.unwrap_or(false),
        tags: BTreeMap::new(),
    });
    let made = gateway.change_rest_api(context, input.rest_api_id, move |api, tx| {
        rest_api::deploy(tx, api, &ids, description.clone(), stage.as_ref())
    });
    Ok(shapes::deployment(&made.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneDeployment {
    rest_api_id: String,
    deployment_id: String,
    embed: Option<Vec<String>>,
    patch_operations: Option<Vec<PatchOperation>>,
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneDeployment) -> Result<Value, Error> {
    if input.embed.is_some_and(|embed| !embed.is_empty()) {
        return Err(Error::Unsupported("embed for deployments yet; leave it out.".into()));
    }
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        api.deployment(&input.deployment_id).map(shapes::deployment)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetDeployments {
    rest_api_id: String,
    position: Option<String>,
    limit: Option<i64>,
}

pub(crate) async fn list(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: GetDeployments,
) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        let all = api.deployments.values().map(shapes::deployment).collect();
        shapes::items(all, input.limit, input.position.as_deref())
    })
}

pub(crate) async fn update(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneDeployment,
) -> Result<Value, Error> {
    let patches = shapes::patches(input.patch_operations)?;
    if let Some(other) = patches.iter().find(|patch: &&Patch| patch.path != "/description") {
        return Err(other.refused());
    }
    let id = input.deployment_id;
    let changed = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        let mut deployment = api.deployment(&id)?.clone();
        for patch in &patches {
            deployment.description.clone_from(&patch.value);
        }
        api.deployments.insert(id.clone(), deployment.clone());
        Ok(deployment)
    });
    Ok(shapes::deployment(&changed.await?))
}

pub(crate) async fn delete(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneDeployment,
) -> Result<Value, Error> {
    let id = input.deployment_id;
    gateway.change_rest_api(context, input.rest_api_id, move |api, tx| api.delete_deployment(tx, &id)).await?;
    Ok(shapes::nothing())
}
