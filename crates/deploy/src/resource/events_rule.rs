//! `AWS::Events::Rule`: a rule with its targets.

use crate::resource::events::TAGS;
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, tags, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};

/// A rule.
pub struct EventsRule;

const TARGET: &[Property] = &[
    Property::required("Arn", Shape::Text),
    Property::required("Id", Shape::Text),
    Property::optional("AppSyncParameters", Shape::Json),
    Property::optional("BatchParameters", Shape::Json),
    Property::optional("DeadLetterConfig", Shape::Struct(&[Property::optional("Arn", Shape::Text)])),
    Property::optional("EcsParameters", Shape::Json),
    Property::optional(
        "HttpParameters",
        Shape::Struct(&[
            Property::optional("HeaderParameters", Shape::TextMap),
            Property::optional("PathParameterValues", Shape::Texts),
            Property::optional("QueryStringParameters", Shape::TextMap),
        ]),
    ),
    Property::optional("Input", Shape::Text),
    Property::optional("InputPath", Shape::Text),
    Property::optional(
        "InputTransformer",
        Shape::Struct(&[
            Property::optional("InputPathsMap", Shape::TextMap),
            Property::required("InputTemplate", Shape::Text),
        ]),
    ),
    Property::optional("KinesisParameters", Shape::Json),
    Property::optional("RedshiftDataParameters", Shape::Json),
    Property::optional(
        "RetryPolicy",
        Shape::Struct(&[
            Property::optional("MaximumEventAgeInSeconds", Shape::Int),
            Property::optional("MaximumRetryAttempts", Shape::Int),
        ]),
    ),
    Property::optional("RoleArn", Shape::Text),
    Property::optional("RunCommandParameters", Shape::Json),
    Property::optional("SageMakerPipelineParameters", Shape::Json),
    Property::optional("SqsParameters", Shape::Struct(&[Property::required("MessageGroupId", Shape::Text)])),
];

fn targets(properties: &Properties) -> &[Value] {
    properties.get("Targets").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The rule's name and bus, with the member that the operation has for the name.
fn address(member: &str, properties: &Properties) -> Properties {
    let mut address = Properties::new();
    address.insert(member.to_owned(), properties.get("Name").cloned().unwrap_or_default());
    address.extend(properties.get("EventBusName").map(|bus| ("EventBusName".to_owned(), bus.clone())));
    address
}

async fn put(call: &Call<'_>, wanted: &Properties) -> Result<Made, Fault> {
    let mut input = wanted.clone();
    input.remove("Targets");
    input.remove("Tags");
    if let Some(pattern) = wanted.get("EventPattern") {
        input.insert("EventPattern".into(), pattern.to_string().into());
    }
    let tags = tags::of(wanted);
    if !tags.is_empty() {
        input.insert("Tags".into(), tags::list(&tags));
    }
    let output = call.run("events", "PutRule", input).await?;
    let name = text(wanted.get("Name"));
    // What `Ref` gives for a rule on a bus of one's own names both.
    let bus = wanted.get("EventBusName").and_then(Value::as_str).map(|bus| bus.rsplit('/').next().unwrap_or(bus));
    let physical_id = match bus.filter(|bus| *bus != "default") {
        Some(bus) => format!("{bus}|{name}"),
        None => name.to_owned(),
    };
    Ok(Made::of(physical_id).with("Arn", output["RuleArn"].clone()))
}

async fn put_targets(call: &Call<'_>, wanted: &Properties) -> Result<(), Fault> {
    if targets(wanted).is_empty() {
        return Ok(());
    }
    let mut input = address("Rule", wanted);
    input.insert("Targets".into(), targets(wanted).into());
    call.run("events", "PutTargets", input).await.map(drop)
}

async fn remove_targets(call: &Call<'_>, properties: &Properties, ids: Vec<Value>) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut input = address("Rule", properties);
    input.insert("Ids".into(), ids.into());
    gone_is_fine(call.run("events", "RemoveTargets", input).await)
}

impl ResourceType for EventsRule {
    fn name(&self) -> &'static str {
        "AWS::Events::Rule"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("Name", Shape::Text).replacing(),
                Property::optional("EventBusName", Shape::Text).replacing(),
                Property::optional("Description", Shape::Text),
                Property::optional("EventPattern", Shape::Json),
                Property::optional("RoleArn", Shape::Text),
                Property::optional("ScheduleExpression", Shape::Text),
                Property::optional("State", Shape::Text),
                Property::optional("Tags", Shape::Tags),
                Property::optional("Targets", Shape::Structs(TARGET)),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "Name", max: 64, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("events", "DescribeRule", address("Name", wanted).into()))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let made = put(call, wanted).await?;
            put_targets(call, wanted).await?;
            Ok(made)
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        _: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let made = put(call, wanted).await?;
            let kept: Vec<&Value> = targets(wanted).iter().map(|target| &target["Id"]).collect();
            let ids = targets(before).iter().map(|target| &target["Id"]).filter(|id| !kept.contains(id)).cloned();
            remove_targets(call, before, ids.collect()).await?;
            put_targets(call, wanted).await?;
            TAGS.change(call, made.attributes["Arn"].clone(), before, wanted).await?;
            Ok(made)
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            // All that are there, not only the template's: a rule with targets cannot be removed.
            let found = call.run("events", "ListTargetsByRule", address("Rule", before)).await;
            let found = match found {
                Ok(found) => found,
                Err(fault) => return gone_is_fine(Err(fault)),
            };
            let ids =
                found["Targets"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|target| target["Id"].clone());
            remove_targets(call, before, ids.collect()).await?;
            gone_is_fine(call.run("events", "DeleteRule", json!(address("Name", before))).await)
        })
    }
}
