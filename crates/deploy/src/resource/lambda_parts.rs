//! What belongs to a Lambda function: permissions, URLs, layers, settings for asynchronous calls.

use crate::resource::lambda_function::code_of;
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::{Fault, Value};
use serde_json::json;

/// `AWS::Lambda::Permission`.
pub struct LambdaPermission;

impl ResourceType for LambdaPermission {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Permission"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("FunctionName", Shape::Text).replacing(),
                Property::required("Action", Shape::Text).replacing(),
                Property::required("Principal", Shape::Text).replacing(),
                Property::optional("SourceArn", Shape::Text).replacing(),
                Property::optional("SourceAccount", Shape::Text).replacing(),
                Property::optional("EventSourceToken", Shape::Text).replacing(),
                Property::optional("FunctionUrlAuthType", Shape::Text).replacing(),
                Property::optional("InvokedViaFunctionUrl", Shape::Bool).replacing(),
                Property::optional("PrincipalOrgID", Shape::Text).replacing(),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "StatementId", max: 100, host: false, unique: true })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            call.run("lambda", "AddPermission", wanted).await?;
            Ok(Made::of(text(wanted.get("StatementId"))))
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"FunctionName": before["FunctionName"], "StatementId": made.physical_id});
            gone_is_fine(call.run("lambda", "RemovePermission", input).await)
        })
    }
}

/// `AWS::Lambda::Url`.
pub struct LambdaUrl;

fn url_input(wanted: &Properties) -> Properties {
    let mut input = wanted.clone();
    let function = input.remove("TargetFunctionArn").unwrap_or_default();
    input.insert("FunctionName".into(), function);
    input
}

fn url_made(output: &serde_json::Value) -> Made {
    let made = Made::of(text(output.get("FunctionArn")));
    made.with("FunctionUrl", output["FunctionUrl"].clone()).with("FunctionArn", output["FunctionArn"].clone())
}

impl ResourceType for LambdaUrl {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Url"
    }

    fn properties(&self) -> &'static [Property] {
        const CORS: &[Property] = &[
            Property::optional("AllowCredentials", Shape::Bool),
            Property::optional("AllowHeaders", Shape::Texts),
            Property::optional("AllowMethods", Shape::Texts),
            Property::optional("AllowOrigins", Shape::Texts),
            Property::optional("ExposeHeaders", Shape::Texts),
            Property::optional("MaxAge", Shape::Int),
        ];
        const {
            &[
                Property::required("TargetFunctionArn", Shape::Text).replacing(),
                Property::optional("Qualifier", Shape::Text).replacing(),
                Property::required("AuthType", Shape::Text),
                Property::optional("Cors", Shape::Struct(CORS)),
                Property::optional("InvokeMode", Shape::Text),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move { Ok(url_made(&call.run("lambda", "CreateFunctionUrlConfig", url_input(wanted)).await?)) })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        _: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let mut input = url_input(wanted);
            if before.contains_key("Cors") && !wanted.contains_key("Cors") {
                input.insert("Cors".into(), json!({}));
            }
            Ok(url_made(&call.run("lambda", "UpdateFunctionUrlConfig", input).await?))
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let mut input = url_input(before);
            input.retain(|name, _| matches!(name.as_str(), "FunctionName" | "Qualifier"));
            gone_is_fine(call.run("lambda", "DeleteFunctionUrlConfig", input).await)
        })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}

/// `AWS::Lambda::LayerVersion`. A change of anything publishes another version.
pub struct LambdaLayerVersion;

impl ResourceType for LambdaLayerVersion {
    fn name(&self) -> &'static str {
        "AWS::Lambda::LayerVersion"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("LayerName", Shape::Text).replacing(),
                Property::required("Content", Shape::Struct(crate::resource::lambda_function::CODE)).replacing(),
                Property::optional("CompatibleRuntimes", Shape::Texts).replacing(),
                Property::optional("CompatibleArchitectures", Shape::Texts).replacing(),
                Property::optional("Description", Shape::Text).replacing(),
                Property::optional("LicenseInfo", Shape::Text).replacing(),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "LayerName", max: 140, host: false, unique: false })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = wanted.clone();
            let content = input.remove("Content");
            let content = code_of(call, "", content.as_ref())?;
            let mut input = fogbank_wire::to_value(&input).map_err(Fault::internal)?;
            if let Value::Map(members) = &mut input {
                members.push(("Content".into(), Value::Map(content)));
            }
            let output = call.send("lambda", "PublishLayerVersion", input).await?;
            let arn = text(output.get("LayerVersionArn"));
            Ok(Made::of(arn).with("LayerVersionArn", arn))
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let version = made.physical_id.rsplit(':').next().and_then(|version| version.parse::<i64>().ok());
            let Some(version) = version else { return Ok(()) };
            let input = json!({"LayerName": before["LayerName"], "VersionNumber": version});
            gone_is_fine(call.run("lambda", "DeleteLayerVersion", input).await)
        })
    }

    /// An interrupted publication leaves at most an unused version; it cannot be told from one that somebody wanted.
    fn left_over(&self, _: &Properties) -> Option<Made> {
        None
    }
}

/// `AWS::Lambda::EventInvokeConfig`.
pub struct LambdaEventInvokeConfig;

impl ResourceType for LambdaEventInvokeConfig {
    fn name(&self) -> &'static str {
        "AWS::Lambda::EventInvokeConfig"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("FunctionName", Shape::Text).replacing(),
                Property::required("Qualifier", Shape::Text).replacing(),
                Property::optional("MaximumRetryAttempts", Shape::Int),
                Property::optional("MaximumEventAgeInSeconds", Shape::Int),
                Property::optional("DestinationConfig", Shape::Json),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            call.run("lambda", "PutFunctionEventInvokeConfig", wanted).await?;
            let id = format!("{}:{}", text(wanted.get("FunctionName")), text(wanted.get("Qualifier")));
            Ok(Made::of(id))
        })
    }

    fn update<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, _: &'a Properties, wanted: &'a Properties) -> Making<'a> {
        self.create(call, wanted)
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"FunctionName": before["FunctionName"], "Qualifier": before["Qualifier"]});
            gone_is_fine(call.run("lambda", "DeleteFunctionEventInvokeConfig", input).await)
        })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}

/// `AWS::Lambda::LayerVersionPermission`.
pub struct LambdaLayerVersionPermission;

/// A layer version's ARN as the name and number that the API takes.
fn layer_address(properties: &Properties) -> (String, i64) {
    let arn = text(properties.get("LayerVersionArn"));
    let (layer, version) = arn.rsplit_once(':').unwrap_or((arn, ""));
    (layer.to_owned(), version.parse().unwrap_or_default())
}

impl ResourceType for LambdaLayerVersionPermission {
    fn name(&self) -> &'static str {
        "AWS::Lambda::LayerVersionPermission"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("LayerVersionArn", Shape::Text).replacing(),
                Property::required("Action", Shape::Text).replacing(),
                Property::required("Principal", Shape::Text).replacing(),
                Property::optional("OrganizationId", Shape::Text).replacing(),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "StatementId", max: 100, host: false, unique: true })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let (layer, version) = layer_address(wanted);
            let mut input = wanted.clone();
            input.remove("LayerVersionArn");
            input.insert("LayerName".into(), layer.into());
            input.insert("VersionNumber".into(), version.into());
            call.run("lambda", "AddLayerVersionPermission", input).await?;
            Ok(Made::of(text(wanted.get("StatementId"))))
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let (layer, version) = layer_address(before);
            let input = json!({"LayerName": layer, "VersionNumber": version, "StatementId": made.physical_id});
            gone_is_fine(call.run("lambda", "RemoveLayerVersionPermission", input).await)
        })
    }
}
