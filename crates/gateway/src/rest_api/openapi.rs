//! Importing an OpenAPI document (Swagger 2.0 or OpenAPI 3) into a REST API.

use super::{MethodResponse, NewIntegration, NewIntegrationResponse, NewMethod, RestApi, quota};
use crate::Error;
use crate::ids::Ids;
use crate::openapi::{self, Operation};
use serde_json::Value;
use std::collections::BTreeMap;

/// What happens to what the API has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It stays where the document does not say otherwise.
    Merge,
    /// It goes.
    Overwrite,
}

/// Brings the document's resources and methods into the API.
pub(crate) fn import(api: &mut RestApi, ids: &Ids, text: &[u8], mode: Mode) -> Result<(), Error> {
    if text.len() > quota::DOCUMENT {
        return Err(Error::bad("The OpenAPI document is larger than 6 MB."));
    }
    let document = openapi::parse(text)?;
    let version = [&document["swagger"], &document["openapi"]].into_iter().find_map(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("2.") || version.starts_with("3.")) {
        return Err(Error::bad("Invalid OpenAPI input: set swagger to \"2.0\" or openapi to \"3.0.1\"."));
    }
    if mode == Mode::Overwrite {
        // The root keeps its id, since templates refer to it.
        let root = api.root().to_owned();
        api.resources.retain(|id, _| *id == root);
        api.resources.values_mut().for_each(|root| root.methods.clear());
    }
    let info = &document["info"];
    if let Some(title) = info["title"].as_str().filter(|title| !title.is_empty()) {
        api.name = title.into();
    }
    api.version = info["version"].as_str().map(str::to_owned).or_else(|| api.version.take());
    api.description = info["description"].as_str().map(str::to_owned).or_else(|| api.description.take());
    if let Some(types) = document["x-amazon-apigateway-binary-media-types"].as_array() {
        api.binary_media_types = types.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    if let Some(paths) = document["paths"].as_object() {
        for path in paths.keys() {
            api.ensure_resource(ids, path)?;
        }
    }
    for operation in openapi::operations(&document)? {
        add(api, ids, &document, &operation)?;
    }
    Ok(())
}

fn add(api: &mut RestApi, ids: &Ids, document: &Value, operation: &Operation<'_>) -> Result<(), Error> {
    let resource = api.ensure_resource(ids, operation.path)?;
    let method = operation.method.as_str();
    let place = format!("{method} {}", operation.path);
    let within = |error: Error| match error {
        Error::BadRequest(text) => Error::BadRequest(format!("{place}: {text}")),
        other => other,
    };
    if api.method(&resource, method).is_ok() {
        api.delete_method(&resource, method)?;
    }
    let new =
        NewMethod { operation_name: operation.value["operationId"].as_str().map(str::to_owned), ..Default::default() };
    api.put_method(&resource, method, &new).map_err(within)?;
    for (code, response) in operation.value["responses"].as_object().into_iter().flatten() {
        if super::methods::check_status(code).is_ok() {
            api.put_method_response(&resource, method, code, declared(response)).map_err(within)?;
        }
    }
    let Some(given) = openapi::integration(document, operation)? else { return Ok(()) };
    api.put_integration(&resource, method, &integration(given, &place)?).map_err(within)?;
    for (pattern, response) in given["responses"].as_object().into_iter().flatten() {
        let code = &response["statusCode"];
        let code = code.as_str().map(str::to_owned).or_else(|| code.as_i64().map(|code| code.to_string()));
        let code = code.ok_or_else(|| Error::bad(format!("{place}: an integration response has no statusCode.")))?;
        let known = ["statusCode", "responseParameters", "responseTemplates"];
        openapi::refuse_others(response, &known, &[("contentHandling", "CONVERT_TO_TEXT")], &place)?;
        let new = NewIntegrationResponse {
            selection_pattern: (pattern != "default").then(|| pattern.clone()),
            parameters: texts(&response["responseParameters"]),
            templates: texts(&response["responseTemplates"]),
        };
        if api.method_response(&resource, method, &code).is_err() {
            api.put_method_response(&resource, method, &code, MethodResponse::default()).map_err(within)?;
        }
        api.put_integration_response(&resource, method, &code, &new).map_err(within)?;
    }
    Ok(())
}

/// A declared response with its headers.
fn declared(response: &Value) -> MethodResponse {
    let headers = response["headers"].as_object().into_iter().flatten();
    let parameters = headers.map(|(name, _)| (format!("method.response.header.{name}"), false)).collect();
    MethodResponse { parameters, models: BTreeMap::new() }
}

fn integration(given: &Value, place: &str) -> Result<NewIntegration, Error> {
    let known = [
        "type",
        "uri",
        "httpMethod",
        "passthroughBehavior",
        "contentHandling",
        "timeoutInMillis",
        "requestTemplates",
        "responses",
    ];
    openapi::refuse_others(given, &known, &[("connectionType", "INTERNET"), ("cacheNamespace", "*")], place)?;
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    Ok(NewIntegration {
        kind: text("type").unwrap_or_default(),
        http_method: text("httpMethod").map(|method| method.to_ascii_uppercase()),
        uri: text("uri"),
        passthrough: text("passthroughBehavior"),
        content_handling: text("contentHandling"),
        timeout_ms: openapi::number(&given["timeoutInMillis"]),
        request_templates: texts(&given["requestTemplates"]),
    })
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()
}
