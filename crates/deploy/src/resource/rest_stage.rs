//! `AWS::ApiGateway::Deployment` and `AWS::ApiGateway::Stage`.

use crate::resource::rest_api::{LATER, SERVICE, TAGS, arn, lower_first, replace};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};

/// `AWS::ApiGateway::Deployment`.
pub struct RestDeployment;

impl ResourceType for RestDeployment {
    fn name(&self) -> &'static str {
        "AWS::ApiGateway::Deployment"
    }

    fn properties(&self) -> &'static [Property] {
        const STAGE: &[Property] = &[
            Property::optional("Description", Shape::Text),
            Property::optional("Variables", Shape::TextMap),
            Property::optional("TracingEnabled", Shape::Bool),
            Property::optional("LoggingLevel", Shape::Unsupported(LATER)),
            Property::optional("MetricsEnabled", Shape::Unsupported(LATER)),
            Property::optional("DataTraceEnabled", Shape::Unsupported(LATER)),
            Property::optional("MethodSettings", Shape::Unsupported(LATER)),
        ];
        const {
            &[
                Property::required("RestApiId", Shape::Text).replacing(),
                Property::optional("StageName", Shape::Text).replacing(),
                Property::optional("Description", Shape::Text).replacing(),
                Property::optional("StageDescription", Shape::Struct(STAGE)).replacing(),
                Property::optional("DeploymentCanarySettings", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input: Properties = wanted.iter().map(|(name, value)| (lower_first(name), value.clone())).collect();
            if let Some(Value::Object(stage)) = input.remove("stageDescription") {
                let member = |name: &str| match name {
                    "Description" => "stageDescription".to_owned(),
                    other => lower_first(other),
                };
                input.extend(stage.iter().map(|(name, value)| (member(name), value.clone())));
            }
            let output = call.run(SERVICE, "CreateDeployment", input).await?;
            let id = text(output.get("id"));
            Ok(Made::of(id).with("DeploymentId", id))
        })
    }

    /// A stage that the deployment made for itself goes with it, unless an earlier deployment can serve it again.
    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            if let Some(stage) = before.get("StageName") {
                let address = json!({"restApiId": before["RestApiId"], "stageName": stage});
                leave(call, &address, &made.physical_id).await?;
            }
            let input = json!({"restApiId": before["RestApiId"], "deploymentId": made.physical_id});
            gone_is_fine(call.run(SERVICE, "DeleteDeployment", input).await)
        })
    }
}

/// Takes the deployment off the stage at `address`, if it is there.
async fn leave(call: &Call<'_>, address: &Value, deployment: &str) -> Result<(), Fault> {
    let Ok(stage) = call.run(SERVICE, "GetStage", address).await else { return Ok(()) };
    if stage["deploymentId"] != deployment {
        return Ok(());
    }
    let output = call.run(SERVICE, "GetDeployments", json!({"restApiId": address["restApiId"], "limit": 500})).await?;
    let others = output["items"].as_array().into_iter().flatten().filter(|other| other["id"] != deployment);
    let when = |other: &Value| other["createdDate"].as_f64().unwrap_or_default();
    match others.max_by(|one, other| when(one).total_cmp(&when(other))) {
        Some(earlier) => {
            let mut input = address.clone();
            input["patchOperations"] = json!([replace("/deploymentId", earlier.get("id"))]);
            call.run(SERVICE, "UpdateStage", input).await.map(drop)
        }
        None => gone_is_fine(call.run(SERVICE, "DeleteStage", address).await),
    }
}

/// `AWS::ApiGateway::Stage`.
pub struct RestStage;

impl ResourceType for RestStage {
    fn name(&self) -> &'static str {
        "AWS::ApiGateway::Stage"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("RestApiId", Shape::Text).replacing(),
                Property::required("DeploymentId", Shape::Text),
                Property::optional("StageName", Shape::Text).replacing(),
                Property::optional("Description", Shape::Text),
                Property::optional("Variables", Shape::TextMap),
                Property::optional("Tags", Shape::Tags),
                Property::optional("TracingEnabled", Shape::Bool),
                Property::optional("AccessLogSetting", Shape::Unsupported(LATER)),
                Property::optional("CacheClusterEnabled", Shape::Unsupported(LATER)),
                Property::optional("CacheClusterSize", Shape::Unsupported(LATER)),
                Property::optional("CanarySetting", Shape::Unsupported(LATER)),
                Property::optional("ClientCertificateId", Shape::Unsupported(LATER)),
                Property::optional("DocumentationVersion", Shape::Unsupported(LATER)),
                Property::optional("MethodSettings", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "StageName", max: 128, host: false, unique: false })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let input: Properties = wanted.iter().map(|(name, value)| (lower_first(name), value.clone())).collect();
            call.run(SERVICE, "CreateStage", input).await?;
            Ok(Made::of(text(wanted.get("StageName"))))
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let mut changes = vec![replace("/deploymentId", wanted.get("DeploymentId"))];
            changes.push(replace("/description", wanted.get("Description")));
            let traced = wanted.get("TracingEnabled") == Some(&json!(true));
            changes.push(replace("/tracingEnabled", Some(&json!(traced.to_string()))));
            let variables = |properties: &Properties| {
                properties.get("Variables").and_then(Value::as_object).cloned().unwrap_or_default()
            };
            let (old, new) = (variables(before), variables(wanted));
            changes.extend(new.iter().map(|(name, value)| replace(&format!("/variables/{name}"), Some(value))));
            let gone = old.keys().filter(|name| !new.contains_key(*name));
            changes.extend(gone.map(|name| json!({"op": "remove", "path": format!("/variables/{name}")})));
            let input =
                json!({"restApiId": wanted["RestApiId"], "stageName": made.physical_id, "patchOperations": changes});
            call.run(SERVICE, "UpdateStage", input).await?;
            let stage = format!("/restapis/{}/stages/{}", text(wanted.get("RestApiId")), made.physical_id);
            TAGS.change(call, arn(call, &stage), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"restApiId": before["RestApiId"], "stageName": made.physical_id});
            gone_is_fine(call.run(SERVICE, "DeleteStage", input).await)
        })
    }
}
