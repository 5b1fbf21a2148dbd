//! Operations on stages.

use super::shapes::{self, PatchOperation};
use crate::rest_api::NewStage;
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateStage {
    rest_api_id: String,
    stage_name: String,
    deployment_id: String,
    description: Option<String>,
    variables: Option<BTreeMap<String, String>>,
    tracing_enabled: Option<bool>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn create(gateway: Arc<Gateway>, context: RequestContext, input: CreateStage) -> Result<Value, Error> {
    input.others.refuse(&[])?;
    let new = NewStage {
        name: input.stage_name,
        description: input.description,
        variables: input.variables.unwrap_or_default(),
        tracing: input.tracing_enabled.unwrap_or(false),
        tags: input.tags.unwrap_or_default(),
    };
    let deployment = input.deployment_id;
    let made = gateway
        .change_rest_api(context, input.rest_api_id, move |api, tx| api.create_stage(&new, &deployment, tx.now()));
    Ok(shapes::stage(&made.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneStage {
    rest_api_id: String,
    stage_name: String,
    patch_operations: Option<Vec<PatchOperation>>,
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneStage) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| api.stage(&input.stage_name).map(shapes::stage))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetStages {
    rest_api_id: String,
    deployment_id: Option<String>,
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: GetStages) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        let of = input.deployment_id.as_deref();
        let stages = api.stages.values().filter(|stage| of.is_none_or(|id| stage.deployment == id));
        Ok(json!({"item": stages.map(shapes::stage).collect::<Vec<_>>()}))
    })
}

pub(crate) async fn update(gateway: Arc<Gateway>, context: RequestContext, input: OneStage) -> Result<Value, Error> {
    let patches = shapes::patches(input.patch_operations)?;
    let name = input.stage_name;
    let changed =
        gateway.change_rest_api(context, input.rest_api_id, move |api, tx| api.update_stage(&name, &patches, tx.now()));
    Ok(shapes::stage(&changed.await?))
}

pub(crate) async fn delete(gateway: Arc<Gateway>, context: RequestContext, input: OneStage) -> Result<Value, Error> {
    let name = input.stage_name;
    gateway.change_rest_api(context, input.rest_api_id, move |api, _| api.delete_stage(&name)).await?;
    Ok(shapes::nothing())
}
