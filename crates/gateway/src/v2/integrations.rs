//! Operations on integrations.

use super::shapes::{self, PartsOf};
use crate::http_api::IntegrationChange;
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// What clients send along that is so anyway; a proxy integration has no templates to pass a request by.
const DEFAULTS: [(&str, &str); 2] = [("ConnectionType", "INTERNET"), ("PassthroughBehavior", "*")];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Change {
    api_id: String,
    integration_id: Option<String>,
    integration_type: Option<String>,
    integration_uri: Option<String>,
    integration_method: Option<String>,
    payload_format_version: Option<String>,
    timeout_in_millis: Option<i64>,
    description: Option<String>,
    #[serde(flatten)]
    others: Others,
}

impl Change {
    fn read(self) -> Result<(String, String, IntegrationChange), Error> {
        let change = IntegrationChange {
            kind: self.integration_type,
            uri: self.integration_uri,
            method: self.integration_method,
            payload: self.payload_format_version,
            timeout_ms: self.timeout_in_millis,
            description: self.description,
        };
        change.check_kind()?;
        self.others.refuse(&DEFAULTS)?;
        Ok((self.api_id, self.integration_id.unwrap_or_default(), change))
    }
}

pub(crate) async fn create(gateway: Arc<Gateway>, context: RequestContext, input: Change) -> Result<Value, Error> {
    let (api, _, change) = input.read()?;
    let ids = gateway.ids.clone();
    let made = gateway.change_http_api(context, api, move |api, _| api.create_integration(&ids, &change));
    Ok(shapes::integration(&made.await?))
}

pub(crate) async fn update(gateway: Arc<Gateway>, context: RequestContext, input: Change) -> Result<Value, Error> {
    let (api, id, change) = input.read()?;
    let changed = gateway.change_http_api(context, api, move |api, _| api.update_integration(&id, &change));
    Ok(shapes::integration(&changed.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneIntegration {
    api_id: String,
    integration_id: String,
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneIntegration) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| {
        api.integration(&input.integration_id).map(shapes::integration)
    })
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: PartsOf) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| {
        let all = api.integrations.values().map(shapes::integration).collect();
        shapes::items(all, "IntegrationId", input.max_results.as_deref(), input.next_token.as_deref())
    })
}

pub(crate) async fn delete(
    gateway: Arc<Gateway>,
    context: RequestContext,
    input: OneIntegration,
) -> Result<Value, Error> {
    let id = input.integration_id;
    gateway.change_http_api(context, input.api_id, move |api, _| api.delete_integration(&id)).await?;
    Ok(shapes::nothing())
}
