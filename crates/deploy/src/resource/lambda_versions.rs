//! `AWS::Lambda::Version` and `AWS::Lambda::Alias`, with the instances that are provisioned for them.

use crate::resource::{Call, Deleting, Made, Making, Properties, Property, ResourceType, Shape, gone_is_fine, text};
use fogbank_wire::Fault;
use serde_json::json;
use std::time::{Duration, Instant};

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
    let settled = |shown: &serde_json::Value| match text(shown.get("State")) {
        "Pending" => None,
        "Failed" => {
            let (code, reason) = (text(shown.get("StateReasonCode")), text(shown.get("StateReason")));
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
    let settled = |shown: &serde_json::Value| match text(shown.get("Status")) {
        "READY" => Some(Ok(())),
        "FAILED" => {
            let why = text(shown.get("StatusReason"));
            let message = format!("Provisioned Concurrency configuration failed to be applied. Reason: {why}");
            Some(Err(Fault::client("NotStabilized", message)))
        }
        _ => None,
    };
    wait_for(call, "GetProvisionedConcurrencyConfig", &target, settled).await
}

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
            let (arn, version) = (text(output.get("FunctionArn")), text(output.get("Version")));
            wait_until_active(call, arn).await?;
            let target = json!({"FunctionName": wanted["FunctionName"], "Qualifier": version});
            set_provisioned(call, target, &Properties::new(), wanted).await?;
            Ok(Made::of(arn).with("Version", version).with("FunctionArn", arn))
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
        |weight: &serde_json::Value| (text(weight.get("FunctionVersion")).to_owned(), weight["FunctionWeight"].clone());
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
            let arn = text(output.get("AliasArn"));
            set_provisioned(call, alias_target(wanted), &Properties::new(), wanted).await?;
            Ok(Made::of(arn).with("AliasArn", arn))
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
