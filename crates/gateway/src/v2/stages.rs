//! Operations on stages.

use super::shapes::{self, PartsOf};
use crate::http_api::{self, StageChange};
use crate::unsupported::Others;
use crate::{Error, Gateway};
use fogbank_model::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Change {
    api_id: String,
    stage_name: String,
    auto_deploy: Option<bool>,
    deployment_id: Option<String>,
    description: Option<String>,
    stage_variables: Option<BTreeMap<String, String>>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    others: Others,
}

impl Change {
    fn change(&self) -> Result<StageChange, Error> {
        self.others.refuse(&[])?;
        Ok(StageChange {
            auto_deploy: self.auto_deploy,
            deployment: self.deployment_id.clone(),
            description: self.description.clone(),
            variables: self.stage_variables.clone(),
        })
    }
}

/// Deploys first where the stage follows every change, so that the answer names the deployment.
pub(crate) async fn create(gateway: Arc<Gateway>, context: RequestContext, input: Change) -> Result<Value, Error> {
    let (change, name, tags) = (input.change()?, input.stage_name, input.tags.unwrap_or_default());
    let ids = gateway.ids.clone();
    let made = gateway.change_http_api(context, input.api_id, move |api, tx| {
        api.create_stage(&name, &change, tags.clone(), tx.now())?;
        http_api::redeploy(tx, api, &ids)?;
        api.stage(&name).map(shapes::stage)
    });
    made.await
}

pub(crate) async fn update(gateway: Arc<Gateway>, context: RequestContext, input: Change) -> Result<Value, Error> {
    let (change, name) = (input.change()?, input.stage_name);
    let ids = gateway.ids.clone();
    let changed = gateway.change_http_api(context, input.api_id, move |api, tx| {
        api.update_stage(&name, &change, tx.now())?;
        http_api::redeploy(tx, api, &ids)?;
        api.stage(&name).map(shapes::stage)
    });
    changed.await
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneStage {
    api_id: String,
    stage_name: String,
}

pub(crate) async fn get(gateway: Arc<Gateway>, context: RequestContext, input: OneStage) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| api.stage(&input.stage_name).map(shapes::stage))
}

pub(crate) async fn list(gateway: Arc<Gateway>, context: RequestContext, input: PartsOf) -> Result<Value, Error> {
    shapes::show(&gateway, &context, &input.api_id, |api| {
        let all = api.stages.values().map(shapes::stage).collect();
        shapes::items(all, "StageName", input.max_results.as_deref(), input.next_token.as_deref())
    })
}

pub(crate) async fn delete(gateway: Arc<Gateway>, context: RequestContext, input: OneStage) -> Result<Value, Error> {
    gateway.change_http_api(context, input.api_id, move |api, _| api.delete_stage(&input.stage_name)).await?;
    Ok(shapes::nothing())
}
