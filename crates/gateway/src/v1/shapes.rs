//! `apigateway`'s structures, as far as the operations here read and write them. Null members are left out by the wire.

use crate::rest_api::{
    Deployment, Integration, IntegrationResponse, Kind, Method, MethodResponse, Patch, Resource, RestApi, Stage,
};
use crate::{Error, Gateway, page};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How many items an answer has where the request does not say, and at most.
const ITEMS: (i64, i64) = (25, 500);

/// An API that only the id names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneApi {
    pub rest_api_id: String,
}

/// A patch operation as it comes.
#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatchOperation {
    op: Option<String>,
    path: Option<String>,
    value: Option<String>,
    from: Option<String>,
}

/// Reads patches; moving and copying is refused.
pub(crate) fn patches(given: Option<Vec<PatchOperation>>) -> Result<Vec<Patch>, Error> {
    let read = |patch: PatchOperation| match patch.from {
        None => Patch::read(&patch.op.unwrap_or_default(), patch.path.unwrap_or_default(), patch.value),
        Some(_) => Err(Error::Unsupported("patch operations with from yet; use add, remove and replace.".into())),
    };
    given.unwrap_or_default().into_iter().map(read).collect()
}

/// The answer of operations that have nothing to say.
pub(crate) fn nothing() -> Value {
    json!({})
}

pub(crate) fn api(api: &RestApi) -> Value {
    json!({
        "id": api.id,
        "name": api.name,
        "description": api.description,
        "createdDate": api.created.0,
        "version": api.version,
        "binaryMediaTypes": Some(&api.binary_media_types).filter(|types| !types.is_empty()),
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": api.endpoint_types, "ipAddressType": "ipv4"},
        "tags": api.tags,
        "disableExecuteApiEndpoint": api.closed,
        "rootResourceId": api.root(),
    })
}

/// A resource, with its methods' structures if they are asked for, else with their names.
pub(crate) fn resource(resource: &Resource, embed: bool) -> Value {
    let method = |(name, found): (&String, &Method)| {
        (name.clone(), if embed { self::method(name, found, &resource.id) } else { json!({}) })
    };
    let methods: Map<String, Value> = resource.methods.iter().map(method).collect();
    json!({
        "id": resource.id,
        "parentId": resource.parent,
        "pathPart": resource.parent.as_ref().map(|_| &resource.part),
        "path": resource.path,
        "resourceMethods": (!methods.is_empty()).then_some(methods),
    })
}

pub(crate) fn method(name: &str, method: &Method, resource: &str) -> Value {
    let responses = method.responses.iter().map(|(code, response)| (code.clone(), method_response(code, response)));
    let responses: Map<String, Value> = responses.collect();
    json!({
        "httpMethod": name,
        "authorizationType": "NONE",
        "apiKeyRequired": false,
        "operationName": method.operation_name,
        "requestParameters": Some(&method.request_parameters).filter(|map| !map.is_empty()),
        "requestModels": Some(&method.request_models).filter(|map| !map.is_empty()),
        "methodResponses": (!responses.is_empty()).then_some(responses),
        "methodIntegration": method.integration.as_ref().map(|found| integration(found, resource)),
    })
}

pub(crate) fn method_response(code: &str, response: &MethodResponse) -> Value {
    json!({
        "statusCode": code,
        "responseParameters": Some(&response.parameters).filter(|map| !map.is_empty()),
        "responseModels": Some(&response.models).filter(|map| !map.is_empty()),
    })
}

pub(crate) fn integration(integration: &Integration, resource: &str) -> Value {
    let response = |(code, found): (&String, &IntegrationResponse)| (code.clone(), integration_response(code, found));
    let responses: Map<String, Value> = integration.responses.iter().map(response).collect();
    json!({
        "type": match integration.kind {
            Kind::AwsProxy => "AWS_PROXY",
            Kind::Mock => "MOCK",
        },
        "httpMethod": integration.http_method,
        "uri": integration.uri,
        "requestTemplates": Some(&integration.request_templates).filter(|map| !map.is_empty()),
        "passthroughBehavior": integration.passthrough,
        "contentHandling": integration.content_handling,
        "timeoutInMillis": integration.timeout_ms,
        "cacheNamespace": resource,
        "cacheKeyParameters": [],
        "integrationResponses": (!responses.is_empty()).then_some(responses),
    })
}

pub(crate) fn integration_response(code: &str, response: &IntegrationResponse) -> Value {
    json!({
        "statusCode": code,
        "selectionPattern": response.selection_pattern,
        "responseParameters": Some(&response.parameters).filter(|map| !map.is_empty()),
        "responseTemplates": Some(&response.templates).filter(|map| !map.is_empty()),
    })
}

pub(crate) fn stage(stage: &Stage) -> Value {
    json!({
        "deploymentId": stage.deployment,
        "stageName": stage.name,
        "description": stage.description,
        "cacheClusterEnabled": false,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "variables": Some(&stage.variables).filter(|map| !map.is_empty()),
        "tracingEnabled": stage.tracing,
        "tags": Some(&stage.tags).filter(|map| !map.is_empty()),
        "createdDate": stage.created.0,
        "lastUpdatedDate": stage.updated.0,
    })
}

pub(crate) fn deployment(deployment: &Deployment) -> Value {
    json!({"id": deployment.id, "description": deployment.description, "createdDate": deployment.created.0})
}

/// A part of a list of shown things, in the order of `id`.
pub(crate) fn items(all: Vec<Value>, limit: Option<i64>, position: Option<&str>) -> Result<Value, Error> {
    let limit = limit.unwrap_or(ITEMS.0);
    if !(1..=ITEMS.1).contains(&limit) {
        return Err(Error::bad("Invalid limit specified: use 1 to 500."));
    }
    let limit = usize::try_from(limit).unwrap_or(1);
    let part = page::part(all, position, limit, |item| item["id"].as_str().unwrap_or_default())?;
    Ok(json!({"items": part.items, "position": part.next}))
}

/// Reads the API and shows something of it.
pub(crate) fn show(
    gateway: &Arc<Gateway>,
    context: &RequestContext,
    id: &str,
    show: impl FnOnce(&RestApi) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let api = gateway.look(|state| crate::rest_api::get(state, context, id))?;
    show(&api)
}
