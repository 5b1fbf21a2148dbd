//! `apigatewayv2`'s structures, as far as the operations here write them. Null members are left out by the wire.

use crate::http_api::{Deployment, HttpApi, Integration, Route, Stage};
use crate::page;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// An API that only the id names.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneApi {
    pub api_id: String,
}

/// A list of an API's parts.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PartsOf {
    pub api_id: String,
    pub max_results: Option<String>,
    pub next_token: Option<String>,
}

/// The answer of operations that have nothing to say.
pub(crate) fn nothing() -> Value {
    json!({})
}

pub(crate) fn api(api: &HttpApi, context: &RequestContext) -> Value {
    let port = context.endpoint.rsplit_once(':').map(|(_, port)| port);
    let port = port.filter(|port| port.bytes().all(|b| b.is_ascii_digit())).map(|port| format!(":{port}"));
    json!({
        "ApiEndpoint": format!("http://{}.localhost{}", api.id, port.unwrap_or_default()),
        "ApiGatewayManaged": false,
        "ApiId": api.id,
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "CorsConfiguration": api.cors,
        "CreatedDate": api.created.0,
        "Description": api.description,
        "DisableExecuteApiEndpoint": api.closed,
        "IpAddressType": "ipv4",
        "Name": api.name,
        "ProtocolType": "HTTP",
        "RouteSelectionExpression": "$request.method $request.path",
        "Tags": api.tags,
        "Version": api.version,
    })
}

pub(crate) fn route(route: &Route) -> Value {
    json!({
        "ApiGatewayManaged": route.managed,
        "ApiKeyRequired": false,
        "AuthorizationType": "NONE",
        "OperationName": route.operation_name,
        "RouteId": route.id,
        "RouteKey": route.key,
        "Target": route.target,
    })
}

pub(crate) fn integration(integration: &Integration) -> Value {
    json!({
        "ApiGatewayManaged": integration.managed,
        "ConnectionType": "INTERNET",
        "Description": integration.description,
        "IntegrationId": integration.id,
        "IntegrationMethod": integration.method,
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": integration.uri,
        "PayloadFormatVersion": integration.payload.as_str(),
        "TimeoutInMillis": integration.timeout_ms,
    })
}

pub(crate) fn stage(stage: &Stage) -> Value {
    json!({
        "ApiGatewayManaged": stage.managed,
        "AutoDeploy": stage.auto_deploy,
        "CreatedDate": stage.created.0,
        "DefaultRouteSettings": {"DetailedMetricsEnabled": false},
        "DeploymentId": stage.deployment,
        "Description": stage.description,
        "LastUpdatedDate": stage.updated.0,
        "RouteSettings": {},
        "StageName": stage.name,
        "StageVariables": stage.variables,
        "Tags": stage.tags,
    })
}

pub(crate) fn deployment(deployment: &Deployment) -> Value {
    json!({
        "AutoDeployed": deployment.auto,
        "CreatedDate": deployment.created.0,
        "DeploymentId": deployment.id,
        "DeploymentStatus": "DEPLOYED",
        "Description": deployment.description,
    })
}

/// A part of a list of shown things, in the order of `key`.
pub(crate) fn items(
    all: Vec<Value>,
    key: &str,
    max_results: Option<&str>,
    next_token: Option<&str>,
) -> Result<Value, Error> {
    let limit = match max_results.map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(limit)) if limit > 0 => limit,
        Some(_) => return Err(Error::bad("MaxResults must be a whole number above 0.")),
    };
    let part = page::part(all, next_token, limit, |item| item[key].as_str().unwrap_or_default())?;
    Ok(json!({"Items": part.items, "NextToken": part.next}))
}

/// Reads the API and shows something of it.
pub(crate) fn show(
    gateway: &Arc<Gateway>,
    context: &RequestContext,
    id: &str,
    show: impl FnOnce(&HttpApi) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let api = gateway.look(|state| crate::http_api::get(state, context, id))?;
    show(&api)
}
