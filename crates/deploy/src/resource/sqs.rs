//! `AWS::SQS::Queue`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A deleted queue's name is not free for 60 seconds; a deployment waits that long for it.
const ATTEMPTS: usize = 65;

/// Attributes that are properties of the same name.
const ATTRIBUTES: [&str; 14] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

/// What an attribute goes back to when the template drops it.
const DEFAULTS: [(&str, &str); 13] = [
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("DelaySeconds", "0"),
    ("FifoThroughputLimit", "perQueue"),
    ("KmsDataKeyReusePeriodSeconds", "300"),
    ("KmsMasterKeyId", ""),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("RedriveAllowPolicy", ""),
    ("RedrivePolicy", ""),
    ("SqsManagedSseEnabled", "true"),
    ("VisibilityTimeout", "30"),
];

const TAGS: Tagging = Tagging {
    service: "sqs",
    operations: ("TagQueue", "UntagQueue"),
    members: ("QueueUrl", "Tags", "TagKeys"),
    kind: None,
    form: tags::map,
};

/// A queue.
pub struct SqsQueue;

fn url(call: &Call<'_>, properties: &Properties) -> String {
    format!("{}/{}/{}", call.context.endpoint, call.context.account, text(properties.get("QueueName")))
}

fn made(call: &Call<'_>, properties: &Properties) -> Made {
    let (name, url) = (text(properties.get("QueueName")), url(call, properties));
    let arn = call.context.arn("sqs", name);
    Made::of(url.as_str()).with("Arn", arn.as_str()).with("QueueName", name).with("QueueUrl", url)
}

/// The attributes that the properties set, as the texts that SQS takes.
fn attributes(properties: &Properties) -> Map<String, Value> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let given = |name: &&str| Some(((*name).to_owned(), Value::from(text(properties.get(*name)?))));
    // A standard queue is one that says nothing of the kind.
    ATTRIBUTES.iter().filter_map(given).filter(|(name, value)| name != "FifoQueue" || value == "true").collect()
}

impl ResourceType for SqsQueue {
    fn name(&self) -> &'static str {
        "AWS::SQS::Queue"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("QueueName", Shape::Text).replacing(),
                Property::optional("FifoQueue", Shape::Bool).replacing(),
                Property::optional("ContentBasedDeduplication", Shape::Bool),
                Property::optional("DeduplicationScope", Shape::Text),
                Property::optional("DelaySeconds", Shape::Int),
                Property::optional("FifoThroughputLimit", Shape::Text),
                Property::optional("KmsDataKeyReusePeriodSeconds", Shape::Int),
                Property::optional("KmsMasterKeyId", Shape::Text),
                Property::optional("MaximumMessageSize", Shape::Int),
                Property::optional("MessageRetentionPeriod", Shape::Int),
                Property::optional("ReceiveMessageWaitTimeSeconds", Shape::Int),
                Property::optional("RedriveAllowPolicy", Shape::Json),
                Property::optional("RedrivePolicy", Shape::Json),
                Property::optional("SqsManagedSseEnabled", Shape::Bool),
                Property::optional("Tags", Shape::Tags),
                Property::optional("VisibilityTimeout", Shape::Int),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        // Five less than SQS takes, for the suffix.
        Some(NameRule { property: "QueueName", max: 75, host: false, unique: true })
    }

    fn name_suffix(&self, wanted: &Properties) -> &'static str {
        if wanted.get("FifoQueue") == Some(&Value::Bool(true)) { ".fifo" } else { "" }
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("sqs", "GetQueueUrl", json!({"QueueName": wanted.get("QueueName")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = json!({"QueueName": text(wanted.get("QueueName")), "Attributes": attributes(wanted)});
            if let Some(tags) = wanted.get("Tags") {
                input["tags"] = tags.clone();
            }
            let mut attempt = 1;
            loop {
                match call.run("sqs", "CreateQueue", &input).await {
                    Err(fault) if fault.code == "QueueDeletedRecently" && attempt < ATTEMPTS => attempt += 1,
                    other => return other.map(|_| made(call, wanted)),
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
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
            let (old, mut new) = (attributes(before), attributes(wanted));
            let dropped = DEFAULTS.iter().filter(|(name, _)| old.contains_key(*name) && !new.contains_key(*name));
            let dropped: Vec<(String, Value)> =
                dropped.map(|(name, default)| ((*name).to_owned(), Value::from(*default))).collect();
            new.extend(dropped);
            new.remove("FifoQueue");
            if !new.is_empty() {
                call.run("sqs", "SetQueueAttributes", json!({"QueueUrl": made.physical_id, "Attributes": new})).await?;
            }
            TAGS.change(call, made.physical_id.as_str(), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(
            async move { gone_is_fine(call.run("sqs", "DeleteQueue", json!({"QueueUrl": url(call, before)})).await) },
        )
    }
}
