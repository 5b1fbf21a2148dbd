//! What belongs to a Lambda function: versions, aliases, permissions, URLs, layers, settings for asynchronous calls.

use crate::resource::lambda_function::artifact;
use crate::resource::{Call, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine};
use fogbank_model::BoxFuture;
use fogbank_wire::{Fault, Value};
use serde_json::json;
use std::time::{Duration, Instant};

fn text<'a>(value: &'a serde_json::Value, member: &str) -> &'a str {
    value.get(member).and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn text_of<'a>(properties: &'a Properties, name: &str) -> &'a str {
    properties.get(name).and_then(serde_json::Value::as_str).unwrap_or_default()
}

const PROVISIONED: &str = "ProvisionedConcurrencyConfig";
const PROVISIONED_CONFIG: &[Property] = &[Property::required("ProvisionedConcurrentExecutions", Shape::Int)];
/// How long a version or its instances are waited for. An initialisation has ten seconds and then its function's limit of at most 900.
const SETTLED_WITHIN: Duration = Duration::from_secs(960);
const POLL: Duration = Duration::from_millis(20);

/// Asks `operation` until `settled` says something, as CloudFormation waits for what is made in the background.
async fn wait_for(
    call: &Call<'_>,
    operation: &'static str,
    input: &serde_json::Value,
    settled: impl Fn(&serde_json::Value) -> Option<Result<(), Fault>>,
) -> Result<(), Fault> {
    let begun = Instant::now();
    loop {
        if let Some(outcome) = settled(&call.run("lambda", operation, input).await?) {
            return outcome;
        }
        if begun.elapsed() > SETTLED_WITHIN {
            return Err(Fault::client("NotStabilized", format!("{operation} showed no end in time")));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until a version can be called.
async fn wait_until_active(call: &Call<'_>, arn: &str) -> Result<(), Fault> {
    let settled = |shown: &serde_json::Value| match text(shown, "State") {
        "Pending" => None,
        "Failed" => {
            let (code, reason) = (text(shown, "StateReasonCode"), text(shown, "StateReason"));
            Some(Err(Fault::client("NotStabilized", format!("the version cannot be started: {code}: {reason}"))))
        }
        _ => Some(Ok(())),
    };
    wait_for(call, "GetFunctionConfiguration", &json!({"FunctionName": arn}), settled).await
}

/// Sets, changes or takes back the provisioned concurrency of a version or alias, and waits until its instances are there.
async fn set_provisioned(
    call: &Call<'_>,
    target: serde_json::Value,
    before: &Properties,
    wanted: &Properties,
) -> Result<(), Fault> {
    let Some(config) = wanted.get(PROVISIONED) else {
        if before.contains_key(PROVISIONED) {
            call.run("lambda", "DeleteProvisionedConcurrencyConfig", target).await?;
        }
        return Ok(());
    };
    // Put also after a change of the alias alone, whose instances then are new ones. While weights are set the API takes no change.
    let weighted = wanted.get("RoutingConfig").is_some();
    if before.get(PROVISIONED) != Some(config) || !weighted {
        let mut input = target.clone();
        input["ProvisionedConcurrentExecutions"] = config["ProvisionedConcurrentExecutions"].clone();
        call.run("lambda", "PutProvisionedConcurrencyConfig", input).await?;
    }
    let settled = |shown: &serde_json::Value| match text(shown, "Status") {
        "READY" => Some(Ok(())),
        "FAILED" => {
            let why = text(shown, "StatusReason");
            let message = format!("Provisioned Concurrency configuration failed to be applied. Reason: {why}");
            Some(Err(Fault::client("NotStabilized", message)))
        }
        _ => None,
    };
    wait_for(call, "GetProvisionedConcurrencyConfig", &target, settled).await
}

type Deleting<'a> = BoxFuture<'a, Result<(), Fault>>;

/// `AWS::Lambda::Version`. A change of anything but its provisioned concurrency publishes another one.
pub struct LambdaVersion;

impl ResourceType for LambdaVersion {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Version"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("FunctionName", Shape::Text).replacing(),
                Property::optional("Description", Shape::Text).replacing(),
                Property::optional("CodeSha256", Shape::Text).replacing(),
                Property::optional(PROVISIONED, Shape::Struct(PROVISIONED_CONFIG)),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = wanted.clone();
            input.remove(PROVISIONED);
            let output = call.run("lambda", "PublishVersion", input).await?;
            let (arn, version) = (text(&output, "FunctionArn").to_owned(), text(&output, "Version"));
            wait_until_active(call, &arn).await?;
            let target = json!({"FunctionName": wanted["FunctionName"], "Qualifier": version});
            set_provisioned(call, target, &Properties::new(), wanted).await?;
            let attributes = [("Version".into(), json!(version)), ("FunctionArn".into(), json!(arn))].into();
            Ok(Made { physical_id: arn, attributes })
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
            let version = made.attributes.get("Version").cloned().unwrap_or_default();
            let target = json!({"FunctionName": wanted["FunctionName"], "Qualifier": version});
            set_provisioned(call, target, before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            gone_is_fine(call.run("lambda", "DeleteFunction", json!({"FunctionName": made.physical_id})).await)
        })
    }
}

/// `AWS::Lambda::Alias`.
pub struct LambdaAlias;

/// CloudFormation lists the weights; the API maps them.
fn alias_input(wanted: &Properties) -> Properties {
    let mut input = wanted.clone();
    input.remove(PROVISIONED);
    let weights = wanted.get("RoutingConfig").and_then(|routing| routing.get("AdditionalVersionWeights"));
    let weights = weights.and_then(|weights| weights.as_array()).map_or(&[][..], Vec::as_slice);
    let entry =
        |weight: &serde_json::Value| (text(weight, "FunctionVersion").to_owned(), weight["FunctionWeight"].clone());
    let weights: Properties = weights.iter().map(entry).collect();
    input.insert("RoutingConfig".into(), json!({"AdditionalVersionWeights": weights}));
    input
}

fn alias_target(wanted: &Properties) -> serde_json::Value {
    json!({"FunctionName": wanted["FunctionName"], "Qualifier": wanted["Name"]})
}

impl ResourceType for LambdaAlias {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Alias"
    }

    fn properties(&self) -> &'static [Property] {
        const WEIGHT: &[Property] =
            &[Property::required("FunctionVersion", Shape::Text), Property::required("FunctionWeight", Shape::Number)];
        const ROUTING: &[Property] = &[Property::optional("AdditionalVersionWeights", Shape::Structs(WEIGHT))];
        const {
            &[
                Property::required("FunctionName", Shape::Text).replacing(),
                Property::required("Name", Shape::Text).replacing(),
                Property::required("FunctionVersion", Shape::Text),
                Property::optional("Description", Shape::Text),
                Property::optional("RoutingConfig", Shape::Struct(ROUTING)),
                Property::optional(PROVISIONED, Shape::Struct(PROVISIONED_CONFIG)),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let output = call.run("lambda", "CreateAlias", alias_input(wanted)).await?;
            let arn = text(&output, "AliasArn").to_owned();
            set_provisioned(call, alias_target(wanted), &Properties::new(), wanted).await?;
            Ok(Made { attributes: [("AliasArn".to_owned(), json!(arn))].into(), physical_id: arn })
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
            call.run("lambda", "UpdateAlias", alias_input(wanted)).await?;
            set_provisioned(call, alias_target(wanted), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"FunctionName": before["FunctionName"], "Name": before["Name"]});
            gone_is_fine(call.run("lambda", "DeleteAlias", input).await)
        })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}

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
            Ok(Made { physical_id: text_of(wanted, "StatementId").to_owned(), ..Made::default() })
        })
    }

    fn update<'a>(&'a self, _: &'a Call<'a>, made: &'a Made, _: &'a Properties, _: &'a Properties) -> Making<'a> {
        Box::pin(async move { Ok(made.clone()) })
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
    let arn = text(output, "FunctionArn").to_owned();
    let attributes = [("FunctionUrl", &output["FunctionUrl"]), ("FunctionArn", &output["FunctionArn"])];
    Made { physical_id: arn, attributes: attributes.map(|(name, value)| (name.to_owned(), value.clone())).into() }
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
            let zip = artifact(call, content.as_ref())?;
            let mut input = fogbank_wire::to_value(&input).map_err(Fault::internal)?;
            if let Value::Map(members) = &mut input {
                members.push(("Content".into(), Value::Map(vec![("ZipFile".into(), zip)])));
            }
            let output = call.send("lambda", "PublishLayerVersion", input).await?;
            let arn = text(&output, "LayerVersionArn").to_owned();
            Ok(Made { attributes: [("LayerVersionArn".to_owned(), json!(arn))].into(), physical_id: arn })
        })
    }

    fn update<'a>(&'a self, _: &'a Call<'a>, made: &'a Made, _: &'a Properties, _: &'a Properties) -> Making<'a> {
        Box::pin(async move { Ok(made.clone()) })
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
            let id = format!("{}:{}", text_of(wanted, "FunctionName"), text_of(wanted, "Qualifier"));
            Ok(Made { physical_id: id, ..Made::default() })
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
    let arn = text_of(properties, "LayerVersionArn");
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
            Ok(Made { physical_id: text_of(wanted, "StatementId").to_owned(), ..Made::default() })
        })
    }

    fn update<'a>(&'a self, _: &'a Call<'a>, made: &'a Made, _: &'a Properties, _: &'a Properties) -> Making<'a> {
        Box::pin(async move { Ok(made.clone()) })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let (layer, version) = layer_address(before);
            let input = json!({"LayerName": layer, "VersionNumber": version, "StatementId": made.physical_id});
            gone_is_fine(call.run("lambda", "RemoveLayerVersionPermission", input).await)
        })
    }
}
