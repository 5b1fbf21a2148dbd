//! Operations on REST APIs as a whole.

use super::shapes::{self, OneApi, PatchOperation};
use crate::rest_api::{self, Mode, NewApi};
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use fogbank_wire::Blob;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const ENDPOINTS: [&str; 3] = ["EDGE", "REGIONAL", "PRIVATE"];

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    types: Option<Vec<String>>,
    #[serde(flatten)]
    others: Others,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateRestApi {
    name: String,
    description: Option<String>,
    version: Option<String>,
    binary_media_types: Option<Vec<String>>,
    endpoint_configuration: Option<Endpoint>,
    disable_execute_api_endpoint: Option<bool>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    others: Others,
}

fn endpoint_types(given: Endpoint) -> Result<Vec<String>, Error> {
    given.others.refuse(&[("ipAddressType", "ipv4")])?;
    let types = given.types.filter(|types| !types.is_empty()).unwrap_or_else(|| vec!["EDGE".into()]);
    match types.iter().find(|kind| !ENDPOINTS.contains(&kind.as_str())) {
        None => Ok(types),
        Some(kind) => Err(Error::bad(format!("Invalid endpoint type '{kind}': use EDGE, REGIONAL or PRIVATE."))),
    }
}

pub(crate) async fn create(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: CreateRestApi,
) -> Result<Value, Error> {
    input.others.refuse(&[("apiKeySource", "HEADER")])?;
    let new = NewApi {
        name: input.name,
        description: input.description,
        version: input.version,
        binary_media_types: input.binary_media_types.unwrap_or_default(),
        endpoint_types: endpoint_types(input.endpoint_configuration.unwrap_or_default())?,
        closed: input.disable_execute_api_endpoint.unwrap_or(false),
        tags: input.tags.unwrap_or_default(),
    };
    let api = gateway.create_rest_api(context, new, |_| Ok(())).await?;
    Ok(shapes::api(&api))
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneApi) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.rest_api_id, |api| Ok(shapes::api(api)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetRestApis {
    position: Option<String>,
    limit: Option<i64>,
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: GetRestApis) -> Result<Value, Error> {
    let all = gateway.look(|state| rest_api::list(state, &context))?;
    shapes::items(all.iter().map(shapes::api).collect(), input.limit, input.position.as_deref())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateRestApi {
    rest_api_id: String,
    patch_operations: Option<Vec<PatchOperation>>,
}

pub(crate) async fn update(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: UpdateRestApi,
) -> Result<Value, Error> {
    let patches = shapes::patches(input.patch_operations)?;
    let changed = gateway.change_rest_api(context, input.rest_api_id, move |api, _| {
        rest_api::update(api, &patches)?;
        Ok(shapes::api(api))
    });
    changed.await
}

pub(crate) async fn delete(gateway: Arc<Gateway>, context: RequestContext, input: OneApi) -> Result<Value, Error> {
    gateway.delete_rest_api(context, input.rest_api_id).await?;
    Ok(shapes::nothing())
}

/// `failOnWarnings` is not read: nothing is imported with a mere warning, so both its values mean the same.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Import {
    rest_api_id: Option<String>,
    mode: Option<String>,
    parameters: Option<BTreeMap<String, String>>,
    body: Blob,
}

impl Import {
    /// The types of endpoint that the parameters ask for.
    fn endpoint_types(&self) -> Result<Vec<String>, Error> {
        let mut endpoint = Endpoint::default();
        for (name, value) in self.parameters.iter().flatten() {
            match (name.as_str(), value.as_str()) {
                ("endpointConfigurationTypes", kinds) => {
                    endpoint.types = Some(kinds.split(',').map(str::to_owned).collect());
                }
                // The parameters are all of the query string, with those that are members of their own.
                ("basepath", "ignore") | ("mode" | "failonwarnings", _) => {}
                _ => return Err(Error::Unsupported(format!("the import parameter {name}={value} yet; leave it out."))),
            }
        }
        endpoint_types(endpoint)
    }
}

pub(crate) async fn import(gateway: Arc<Gateway>, context: RequestContext, input: Import) -> Result<Value, Error> {
    let ids = gateway.ids.clone();
    let new = NewApi { name: "api".into(), endpoint_types: input.endpoint_types()?, ..NewApi::default() };
    let body = input.body;
    let made = gateway.create_rest_api(context, new, move |api| rest_api::import(api, &ids, &body.0, Mode::Overwrite));
    Ok(shapes::api(&made.await?))
}

pub(crate) async fn put(gateway: Arc<Gateway>, context: RequestContext, input: Import) -> Result<Value, Error> {
    input.endpoint_types()?;
    let mode = match input.mode.as_deref() {
        None | Some("merge") => Mode::Merge,
        Some("overwrite") => Mode::Overwrite,
        Some(other) => return Err(Error::bad(format!("Invalid mode '{other}': use merge or overwrite."))),
    };
    let (ids, body) = (gateway.ids.clone(), input.body);
    let changed = gateway.change_rest_api(context, input.rest_api_id.unwrap_or_default(), move |api, _| {
        rest_api::import(api, &ids, &body.0, mode)?;
        Ok(shapes::api(api))
    });
    changed.await
}
