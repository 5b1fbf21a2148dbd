//! Operations on HTTP APIs as a whole.

use super::shapes::{self, OneApi};
use crate::http_api::{self, NewApi};
use crate::unsupported::Others;
use crate::{Cors, Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Members that only WebSocket APIs look at, or that say what is so anyway.
const DEFAULTS: [(&str, &str); 4] = [
    ("ApiKeySelectionExpression", "$request.header.x-api-key"),
    ("RouteSelectionExpression", "$request.method $request.path"),
    ("RouteSelectionExpression", "${request.method} ${request.path}"),
    ("IpAddressType", "ipv4"),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateApi {
    name: String,
    protocol_type: String,
    description: Option<String>,
    version: Option<String>,
    cors_configuration: Option<Cors>,
    disable_execute_api_endpoint: Option<bool>,
    tags: Option<BTreeMap<String, String>>,
    target: Option<String>,
    route_key: Option<String>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn create(gateway: Arc<Gateway>, context: RequestContext, input: CreateApi) -> Result<Value, Error> {
    if input.protocol_type != "HTTP" {
        return Err(Error::Unsupported(format!("the protocol {} yet; use HTTP.", input.protocol_type)));
    }
    input.others.refuse(&DEFAULTS)?;
    let new = NewApi {
        name: input.name,
        description: input.description,
        version: input.version,
        cors: input.cors_configuration,
        closed: input.disable_execute_api_endpoint.unwrap_or(false),
        tags: input.tags.unwrap_or_default(),
        target: input.target,
        route_key: input.route_key,
    };
    let api = gateway.create_http_api(context.clone(), new, |_| Ok(())).await?;
    Ok(shapes::api(&api, &context))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateApi {
    api_id: String,
    name: Option<String>,
    description: Option<String>,
    version: Option<String>,
    cors_configuration: Option<Cors>,
    disable_execute_api_endpoint: Option<bool>,
    target: Option<String>,
    route_key: Option<String>,
    #[serde(flatten)]
    others: Others,
}

pub(crate) async fn update(gateway: Arc<Gateway>, context: RequestContext, input: UpdateApi) -> Result<Value, Error> {
    input.others.refuse(&DEFAULTS)?;
    let closed = input.disable_execute_api_endpoint;
    let change = NewApi {
        name: input.name.unwrap_or_default(),
        description: input.description,
        version: input.version,
        cors: input.cors_configuration,
        target: input.target,
        route_key: input.route_key,
        ..NewApi::default()
    };
    let changed = gateway.change_http_api(context.clone(), input.api_id, move |api, _| {
        http_api::update(api, &change, closed)?;
        Ok(api.clone())
    });
    Ok(shapes::api(&changed.await?, &context))
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneApi) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| Ok(shapes::api(api, &context)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetApis {
    max_results: Option<String>,
    next_token: Option<String>,
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: GetApis) -> Result<Value, Error> {
    let all = gateway.look(|state| http_api::list(state, &context))?;
    let all = all.iter().map(|api| shapes::api(api, &context)).collect();
    shapes::items(all, "ApiId", input.max_results.as_deref(), input.next_token.as_deref())
}

pub(crate) async fn delete(gateway: Arc<Gateway>, context: RequestContext, input: OneApi) -> Result<Value, Error> {
    gateway.delete_http_api(context, input.api_id).await?;
    Ok(shapes::nothing())
}

pub(crate) async fn delete_cors(gateway: Arc<Gateway>, context: RequestContext, input: OneApi) -> Result<Value, Error> {
    let changed = gateway.change_http_api(context, input.api_id, |api, _| {
        api.cors = None;
        Ok(())
    });
    changed.await?;
    Ok(shapes::nothing())
}

/// `FailOnWarnings` is not read: nothing is imported with a mere warning, so both its values mean the same.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Import {
    api_id: Option<String>,
    body: String,
    basepath: Option<String>,
}

impl Import {
    fn check(&self) -> Result<(), Error> {
        match self.basepath.as_deref() {
            None | Some("ignore" | "") => Ok(()),
            Some(other) => Err(Error::Unsupported(format!("the base path rule {other} yet; use ignore."))),
        }
    }
}

pub(crate) async fn import(gateway: Arc<Gateway>, context: RequestContext, input: Import) -> Result<Value, Error> {
    input.check()?;
    let ids = gateway.ids.clone();
    let new = NewApi { name: "api".into(), ..NewApi::default() };
    let body = input.body;
    let made = gateway.create_http_api(context.clone(), new, move |api| http_api::import(api, &ids, body.as_bytes()));
    Ok(shapes::api(&made.await?, &context))
}

pub(crate) async fn reimport(gateway: Arc<Gateway>, context: RequestContext, input: Import) -> Result<Value, Error> {
    input.check()?;
    let (ids, body) = (gateway.ids.clone(), input.body);
    let id = input.api_id.unwrap_or_default();
    let changed = gateway.change_http_api(context.clone(), id, move |api, _| {
        http_api::import(api, &ids, body.as_bytes())?;
        Ok(api.clone())
    });
    Ok(shapes::api(&changed.await?, &context))
}
