//! `AWS::Logs::LogGroup`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};

/// The type.
pub struct LogGroup;

const TAGS: Tagging = Tagging {
    service: "logs",
    operations: ("TagResource", "UntagResource"),
    members: ("resourceArn", "tags", "tagKeys"),
    kind: None,
    form: tags::map,
};

impl ResourceType for LogGroup {
    fn name(&self) -> &'static str {
        "AWS::Logs::LogGroup"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("LogGroupName", Shape::Text).replacing(),
                Property::optional("RetentionInDays", Shape::Int),
                Property::optional("Tags", Shape::Tags),
                Property::optional("KmsKeyId", Shape::Unsupported("remove it; a later release brings it")),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "LogGroupName", max: 512, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("logs", "ListTagsLogGroup", json!({"logGroupName": wanted.get("LogGroupName")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let name = text(wanted.get("LogGroupName"));
            let mut input = json!({"logGroupName": name});
            if let Some(tags) = wanted.get("Tags") {
                input["tags"] = tags.clone();
            }
            call.run("logs", "CreateLogGroup", input).await?;
            set_retention(call, name, wanted).await?;
            let arn = call.context.arn("logs", &format!("log-group:{name}:*"));
            Ok(Made::of(name).with("Arn", arn.as_str()))
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
            set_retention(call, &made.physical_id, wanted).await?;
            let arn = call.context.arn("logs", &format!("log-group:{}", made.physical_id));
            TAGS.change(call, arn.as_str(), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            gone_is_fine(call.run("logs", "DeleteLogGroup", json!({"logGroupName": made.physical_id})).await)
        })
    }
}

async fn set_retention(call: &Call<'_>, name: &str, wanted: &Properties) -> Result<(), Fault> {
    match wanted.get("RetentionInDays") {
        Some(days) => {
            let input: Value = json!({"logGroupName": name, "retentionInDays": days});
            call.run("logs", "PutRetentionPolicy", input).await.map(drop)
        }
        None => gone_is_fine(call.run("logs", "DeleteRetentionPolicy", json!({"logGroupName": name})).await),
    }
}
