//! Operations on deployments.

use super::shapes::{self, PartsOf};
use crate::{Error, Gateway, http_api};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateDeployment {
    api_id: String,
    description: Option<String>,
    stage_name: Option<String>,
}

pub(crate) async fn create(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: CreateDeployment,
) -> Result<Value, Error> {
    let ids = gateway.ids.clone();
    let (description, stage) = (input.description, input.stage_name);
    let made = gateway.change_http_api(context, input.api_id, move |api, tx| {
        http_api::deploy(tx, api, &ids, description.clone(), stage.as_deref())
    });
    Ok(shapes::deployment(&made.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneDeployment {
    api_id: String,
    deployment_id: String,
    description: Option<String>,
}

pub(crate) async fn update(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneDeployment,
) -> Result<Value, Error> {
    let changed = gateway.change_http_api(context, input.api_id, move |api, _| {
        let mut deployment = api.deployment(&input.deployment_id)?.clone();
        deployment.description = input.description.clone().or(deployment.description);
        api.deployments.insert(deployment.id.clone(), deployment.clone());
        Ok(deployment)
    });
    Ok(shapes::deployment(&changed.await?))
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneDeployment) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| api.deployment(&input.deployment_id).map(shapes::deployment))
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: PartsOf) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| {
        let all = api.deployments.values().map(shapes::deployment).collect();
        shapes::items(all, "DeploymentId", input.max_results.as_deref(), input.next_token.as_deref())
    })
}

pub(crate) async fn delete(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneDeployment,
) -> Result<Value, Error> {
    let id = input.deployment_id;
    gateway.change_http_api(context, input.api_id, move |api, tx| api.delete_deployment(tx, &id)).await?;
    Ok(shapes::nothing())
}
