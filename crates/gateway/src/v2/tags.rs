//! Operations on the tags of HTTP APIs and their stages.

use super::shapes;
use crate::http_api::HttpApi;
use crate::{Error, Gateway, tagging};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tags {
    resource_arn: String,
    tags: Option<BTreeMap<String, String>>,
    tag_keys: Option<Vec<String>>,
}

fn tags_of<'a>(api: &'a mut HttpApi, stage: Option<&str>) -> Result<&'a mut BTreeMap<String, String>, Error> {
    match stage {
        None => Ok(&mut api.tags),
        Some(name) => {
            let stage = api.stages.get_mut(name).map(|stage| &mut stage.tags);
            stage.ok_or_else(|| Error::NotFound(format!("Invalid stage identifier specified {name}")))
        }
    }
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: Tags) -> Result<Value, Error> {
    let (id, stage) = tagging::resource(&input.resource_arn, "/apis/")?;
    let mut api = gateway.look(|state| crate::http_api::get(state, &context, &id))?;
    Ok(json!({"Tags": tags_of(&mut api, stage.as_deref())?}))
}

pub(crate) async fn tag(gateway: Arc<Gateway>, context: RequestContext, input: Tags) -> Result<Value, Error> {
    let (id, stage) = tagging::resource(&input.resource_arn, "/apis/")?;
    let tags = input.tags.unwrap_or_default();
    let changed =
        gateway.change_http_api(context, id, move |api, _| tagging::add(tags_of(api, stage.as_deref())?, &tags));
    changed.await?;
    Ok(shapes::nothing())
}

pub(crate) async fn untag(gateway: Arc<Gateway>, context: RequestContext, input: Tags) -> Result<Value, Error> {
    let (id, stage) = tagging::resource(&input.resource_arn, "/apis/")?;
    let keys = input.tag_keys.unwrap_or_default();
    let changed =
        gateway.change_http_api(context, id, move |api, _| tagging::remove(tags_of(api, stage.as_deref())?, &keys));
    changed.await?;
    Ok(shapes::nothing())
}
