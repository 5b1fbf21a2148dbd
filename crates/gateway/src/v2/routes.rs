//! Operations on routes.

use super::shapes::{self, PartsOf};
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

const DEFAULTS: [(&str, &str); 1] = [("AuthorizationType", "NONE")];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateRoute {
    api_id: String,
    route_key: String,
    target: Option<String>,
    operation_name: Option<String>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn create(gateway: Arc<Gateway>, context: RequestContext, input: CreateRoute) -> Result<Value, Error> {
    input.others.refuse(&DEFAULTS)?;
    let ids = gateway.ids.clone();
    let (key, target, name) = (input.route_key, input.target, input.operation_name);
    let made = gateway.change_http_api(context, input.api_id, move |api, _| {
        api.create_route(&ids, &key, target.clone(), name.clone())
    });
    Ok(shapes::route(&made.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateRoute {
    api_id: String,
    route_id: String,
    route_key: Option<String>,
    target: Option<String>,
    operation_name: Option<String>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn update(gateway: Arc<Gateway>, context: RequestContext, input: UpdateRoute) -> Result<Value, Error> {
    input.others.refuse(&DEFAULTS)?;
    let (id, key, target, name) = (input.route_id, input.route_key, input.target, input.operation_name);
    let changed = gateway.change_http_api(context, input.api_id, move |api, _| {
        api.update_route(&id, key.as_deref(), target.clone(), name.clone())
    });
    Ok(shapes::route(&changed.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneRoute {
    api_id: String,
    route_id: String,
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneRoute) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| api.route(&input.route_id).map(shapes::route))
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: PartsOf) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| {
        let all = api.routes.values().map(shapes::route).collect();
        shapes::items(all, "RouteId", input.max_results.as_deref(), input.next_token.as_deref())
    })
}

pub(crate) async fn delete(gateway: Arc<Gateway>, context: RequestContext, input: OneRoute) -> Result<Value, Error> {
    gateway.change_http_api(context, input.api_id, move |api, _| api.delete_route(&input.route_id)).await?;
    Ok(shapes::nothing())
}
