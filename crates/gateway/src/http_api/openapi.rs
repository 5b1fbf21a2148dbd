//! Importing an OpenAPI 3.0 document into an HTTP API.

use super::{HttpApi, IntegrationChange, quota};
use crate::ids::Ids;
use crate::openapi::{self, Operation};
use crate::{Cors, Error};
use serde_json::Value;

/// Replaces the API's routes and integrations by those of the document, and its name, version and CORS by what the document says.
pub(crate) fn import(api: &mut HttpApi, ids: &Ids, text: &[u8]) -> Result<(), Error> {
    if text.len() > quota::DOCUMENT {
        return Err(Error::bad("The OpenAPI document is larger than 6 MB."));
    }
    let document = openapi::parse(text)?;
    if !document["openapi"].as_str().is_some_and(|version| version.starts_with("3.")) {
        return Err(Error::bad(
            "Only OpenAPI 3.x documents can be imported into an HTTP API; set openapi to \"3.0.1\".",
        ));
    }
    api.routes.clear();
    api.integrations.clear();
    let info = &document["info"];
    if let Some(title) = info["title"].as_str() {
        api.name = title.into();
    }
    api.version = info["version"].as_str().map(str::to_owned).or_else(|| api.version.take());
    api.description = info["description"].as_str().map(str::to_owned).or_else(|| api.description.take());
    if let Some(cors) = document.get("x-amazon-apigateway-cors") {
        let cors = read_cors(cors)?;
        cors.check()?;
        api.cors = Some(cors);
    }
    for operation in openapi::operations(&document)? {
        add(api, ids, &document, &operation)?;
    }
    Ok(())
}

fn add(api: &mut HttpApi, ids: &Ids, document: &Value, operation: &Operation<'_>) -> Result<(), Error> {
    let key = match operation.path {
        "$default" | "/$default" => "$default".to_owned(),
        path => format!("{} {path}", operation.method),
    };
    let Some(integration) = openapi::integration(document, operation)? else {
        return Err(Error::bad(format!("The route {key} has no x-amazon-apigateway-integration.")));
    };
    let known =
        ["type", "uri", "httpMethod", "payloadFormatVersion", "timeoutInMillis", "description", "connectionType"];
    let place = format!("the integration of {key}");
    openapi::refuse_others(
        integration,
        &known,
        &[("connectionType", "INTERNET"), ("passthroughBehavior", "*")],
        &place,
    )?;
    let text = |name: &str| integration.get(name).and_then(Value::as_str).map(str::to_owned);
    let change = IntegrationChange {
        kind: text("type"),
        uri: text("uri"),
        method: text("httpMethod"),
        payload: text("payloadFormatVersion").or_else(|| Some("2.0".into())),
        timeout_ms: integration.get("timeoutInMillis").and_then(openapi::number),
        description: text("description"),
    };
    let within = |error: Error| match error {
        Error::BadRequest(text) => Error::BadRequest(format!("{place}: {text}")),
        other => other,
    };
    let same = api.integrations.values().find(|made| {
        change.uri.as_deref() == Some(&made.uri)
            && change.payload.as_deref() == Some(made.payload.as_str())
            && change.timeout_ms.unwrap_or(*quota::TIMEOUT_MS.end()) == made.timeout_ms
    });
    let id = match same.filter(|_| change.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("aws_proxy"))) {
        Some(made) => made.id.clone(),
        None => api.create_integration(ids, &change).map_err(within)?.id,
    };
    let name = operation.value["operationId"].as_str().map(str::to_owned);
    api.create_route(ids, &key, Some(format!("integrations/{id}")), name).map(drop)
}

fn read_cors(value: &Value) -> Result<Cors, Error> {
    let list = |name: &str| {
        let items = value.get(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    let known = ["allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "maxAge", "allowCredentials"];
    openapi::refuse_others(value, &known, &[], "x-amazon-apigateway-cors")?;
    Ok(Cors {
        allow_credentials: value["allowCredentials"].as_bool(),
        allow_headers: list("allowHeaders"),
        allow_methods: list("allowMethods"),
        allow_origins: list("allowOrigins"),
        expose_headers: list("exposeHeaders"),
        max_age: value["maxAge"].as_i64(),
    })
}
