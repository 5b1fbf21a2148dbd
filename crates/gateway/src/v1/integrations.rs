//! Operations on integrations and their responses.

use super::shapes::{self, PatchOperation};
use crate::rest_api::{NewIntegration, NewIntegrationResponse};
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutIntegration {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    #[serde(rename = "type")]
    kind: String,
    integration_http_method: Option<String>,
    uri: Option<String>,
    passthrough_behavior: Option<String>,
    content_handling: Option<String>,
    timeout_in_millis: Option<i64>,
    request_templates: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    others: Others,
}

/// What clients send along that is so anyway; without a cache its names mean nothing.
const DEFAULTS: [(&str, &str); 3] =
    [("connectionType", "INTERNET"), ("cacheNamespace", "*"), ("responseTransferMode", "BUFFERED")];

pub(crate) async fn put(gateway: Arc<Gateway>, context: RequestContext, input: PutIntegration) -> Result<Value, Error> {
    let new = NewIntegration {
        kind: input.kind,
        http_method: input.integration_http_method,
        uri: input.uri,
        passthrough: input.passthrough_behavior,
        content_handling: input.content_handling,
        timeout_ms: input.timeout_in_millis,
        request_templates: input.request_templates.unwrap_or_default(),
    };
    // The type decides first, so that its refusal is the one that is read.
    new.make()?;
    input.others.refuse(&DEFAULTS)?;
    let (resource, name) = (input.resource_id, input.http_method);
    let made = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.put_integration(&resource, &name, &new)?;
        Ok(shapes::integration(api.integration(&resource, &name)?, &resource))
    });
    made.await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneIntegration {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    patch_operations: Option<Vec<PatchOperation>>,
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneIntegration) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        let integration = api.integration(&input.resource_id, &input.http_method)?;
        Ok(shapes::integration(integration, &input.resource_id))
    })
}

pub(crate) async fn update(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneIntegration,
) -> Result<Value, Error> {
    let patches = shapes::patches(input.patch_operations)?;
    let (resource, name) = (input.resource_id, input.http_method);
    let changed = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.update_integration(&resource, &name, &patches)?;
        Ok(shapes::integration(api.integration(&resource, &name)?, &resource))
    });
    changed.await
}

pub(crate) async fn delete(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneIntegration,
) -> Result<Value, Error> {
    let (resource, name) = (input.resource_id, input.http_method);
    gateway.change_rest_api(context, input.rest_api_id, move |api, _| api.delete_integration(&resource, &name)).await?;
    Ok(shapes::nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutResponse {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    status_code: String,
    selection_pattern: Option<String>,
    response_parameters: Option<BTreeMap<String, String>>,
    response_templates: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn put_response(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: PutResponse,
) -> Result<Value, Error> {
    input.others.refuse(&[("contentHandling", "CONVERT_TO_TEXT")])?;
    let (resource, name, code) = (input.resource_id, input.http_method, input.status_code);
    let new = NewIntegrationResponse {
        selection_pattern: input.selection_pattern,
        parameters: input.response_parameters.unwrap_or_default(),
        templates: input.response_templates.unwrap_or_default(),
    };
    let made = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.put_integration_response(&resource, &name, &code, &new)?;
        Ok(shapes::integration_response(&code, api.integration_response(&resource, &name, &code)?))
    });
    made.await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneResponse {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    status_code: String,
    patch_operations: Option<Vec<PatchOperation>>,
}

pub(crate) async fn get_response(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneResponse,
) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        let response = api.integration_response(&input.resource_id, &input.http_method, &input.status_code)?;
        Ok(shapes::integration_response(&input.status_code, response))
    })
}

pub(crate) async fn update_response(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneResponse,
) -> Result<Value, Error> {
    let patches = shapes::patches(input.patch_operations)?;
    let (resource, name, code) = (input.resource_id, input.http_method, input.status_code);
    let changed = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.update_integration_response(&resource, &name, &code, &patches)?;
        Ok(shapes::integration_response(&code, api.integration_response(&resource, &name, &code)?))
    });
    changed.await
}

pub(crate) async fn delete_response(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneResponse,
) -> Result<Value, Error> {
    let (resource, name, code) = (input.resource_id, input.http_method, input.status_code);
    let deleted = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.delete_integration_response(&resource, &name, &code)
    });
    deleted.await?;
    Ok(shapes::nothing())
}
