//! Operations on resources.

use super::shapes::{self, PatchOperation};
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateResource {
    rest_api_id: String,
    parent_id: String,
    path_part: String,
}

pub(crate) async fn create(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: CreateResource,
) -> Result<Value, Error> {
    let ids = gateway.ids.clone();
    let made = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.create_resource(&ids, &input.parent_id, &input.path_part)
    });
    Ok(shapes::resource(&made.await?, false))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneResource {
    rest_api_id: String,
    resource_id: String,
    embed: Option<Vec<String>>,
    patch_operations: Option<Vec<PatchOperation>>,
}

fn embeds(embed: &Option<Vec<String>>) -> bool {
    embed.iter().flatten().any(|part| part == "methods")
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneResource) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        Ok(shapes::resource(api.resource(&input.resource_id)?, embeds(&input.embed)))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetResources {
    rest_api_id: String,
    position: Option<String>,
    limit: Option<i64>,
    embed: Option<Vec<String>>,
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: GetResources) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        let all = api.resources.values().map(|resource| shapes::resource(resource, embeds(&input.embed))).collect();
        shapes::items(all, input.limit, input.position.as_deref())
    })
}

pub(crate) async fn update(gateway: Arc<Gateway>, context: RequestContext, input: OneResource) -> Result<Value, Error> {
    let patches = shapes::patches(input.patch_operations)?;
    let id = input.resource_id;
    let changed = gateway.change_rest_api(context, input.rest_api_id, move |api, _| api.update_resource(&id, &patches));
    Ok(shapes::resource(&changed.await?, false))
}

pub(crate) async fn delete(gateway: Arc<Gateway>, context: RequestContext, input: OneResource) -> Result<Value, Error> {
    let id = input.resource_id;
    gateway.change_rest_api(context, input.rest_api_id, move |api, _| api.delete_resource(&id)).await?;
    Ok(shapes::nothing())
}
