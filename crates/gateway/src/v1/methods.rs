//! Operations on methods and the responses that they declare.

use super::shapes::{self, PatchOperation};
use crate::rest_api::{MethodResponse, NewMethod};
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutMethod {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    operation_name: Option<String>,
    request_parameters: Option<BTreeMap<String, bool>>,
    request_models: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn put(gateway: Arc<Gateway>, context: RequestContext, input: PutMethod) -> Result<Value, Error> {
    input.others.refuse(&[("authorizationType", "NONE")])?;
    let (resource, name) = (input.resource_id, input.http_method);
    let new = NewMethod {
        operation_name: input.operation_name,
        request_parameters: input.request_parameters.unwrap_or_default(),
        request_models: input.request_models.unwrap_or_default(),
    };
    let made = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.put_method(&resource, &name, &new)?;
        Ok(shapes::method(&name, api.method(&resource, &name)?, &resource))
    });
    made.await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneMethod {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    patch_operations: Option<Vec<PatchOperation>>,
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneMethod) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        let method = api.method(&input.resource_id, &input.http_method)?;
        Ok(shapes::method(&input.http_method, method, &input.resource_id))
    })
}

pub(crate) async fn update(gateway: Arc<Gateway>, context: RequestContext, input: OneMethod) -> Result<Value, Error> {
    let patches = shapes::patches(input.patch_operations)?;
    let (resource, name) = (input.resource_id, input.http_method);
    let changed = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.update_method(&resource, &name, &patches)?;
        Ok(shapes::method(&name, api.method(&resource, &name)?, &resource))
    });
    changed.await
}

pub(crate) async fn delete(gateway: Arc<Gateway>, context: RequestContext, input: OneMethod) -> Result<Value, Error> {
    let (resource, name) = (input.resource_id, input.http_method);
    gateway.change_rest_api(context, input.rest_api_id, move |api, _| api.delete_method(&resource, &name)).await?;
    Ok(shapes::nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneResponse {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    status_code: String,
    response_parameters: Option<BTreeMap<String, bool>>,
    response_models: Option<BTreeMap<String, String>>,
}

pub(crate) async fn put_response(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneResponse,
) -> Result<Value, Error> {
    let (resource, name, code) = (input.resource_id, input.http_method, input.status_code);
    let response = MethodResponse {
        parameters: input.response_parameters.unwrap_or_default(),
        models: input.response_models.unwrap_or_default(),
    };
    let shown = shapes::method_response(&code, &response);
    let made = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        api.put_method_response(&resource, &name, &code, response.clone())
    });
    made.await?;
    Ok(shown)
}

pub(crate) async fn get_response(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneResponse,
) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| {
        let response = api.method_response(&input.resource_id, &input.http_method, &input.status_code)?;
        Ok(shapes::method_response(&input.status_code, response))
    })
}

pub(crate) async fn delete_response(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneResponse,
) -> Result<Value, Error> {
    let (resource, name, code) = (input.resource_id, input.http_method, input.status_code);
    let deleted = gateway
        .change_rest_api(context, input.rest_api_id, move |api, _| api.delete_method_response(&resource, &name, &code));
    deleted.await?;
    Ok(shapes::nothing())
}
