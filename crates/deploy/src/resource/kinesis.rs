//! `AWS::Kinesis::Stream`, `AWS::Kinesis::StreamConsumer` and `AWS::Kinesis::ResourcePolicy`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SERVICE: &str = "kinesis";

/// What a stream has that says nothing of it.
const RETENTION_H: i64 = 24;
const RECORD_KIB: i64 = 1024;
const SHARDS: i64 = 1;

const STREAM_TAGS: Tagging = Tagging {
    service: SERVICE,
    operations: ("AddTagsToStream", "RemoveTagsFromStream"),
    members: ("StreamName", "Tags", "TagKeys"),
    kind: None,
    form: tags::map,
};
const CONSUMER_TAGS: Tagging = Tagging::usual(SERVICE, "ResourceARN", tags::map);

const ENCRYPTION: &[Property] =
    &[Property::required("EncryptionType", Shape::Text), Property::required("KeyId", Shape::Text)];
const MODE: &[Property] = &[Property::required("StreamMode", Shape::Text)];

/// A stream.
pub struct KinesisStream;

fn number(properties: &Properties, name: &str, default: i64) -> i64 {
    properties.get(name).and_then(Value::as_i64).unwrap_or(default)
}

fn is_on_demand(properties: &Properties) -> bool {
    properties.get("StreamModeDetails").and_then(|details| details.get("StreamMode")) == Some(&json!("ON_DEMAND"))
}

fn metrics(properties: &Properties) -> BTreeSet<&str> {
    let items = properties.get("DesiredShardLevelMetrics").and_then(Value::as_array);
    items.map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str).collect()
}

fn made(call: &Call<'_>, properties: &Properties) -> Made {
    let name = text(properties.get("Name"));
    let arn = call.context.arn("kinesis", &format!("stream/{name}"));
    Made::of(name).with("Arn", arn.as_str())
}

async fn run(call: &Call<'_>, operation: &'static str, input: Value) -> Result<Value, Fault> {
    call.run(SERVICE, operation, input).await
}

/// Doubles or halves the number of shards until it is the wanted one.
async fn rescale(call: &Call<'_>, name: &str, target: i64) -> Result<(), Fault> {
    let summary = run(call, "DescribeStreamSummary", json!({"StreamName": name})).await?;
    let mut current = summary["StreamDescriptionSummary"]["OpenShardCount"].as_i64().unwrap_or(target);
    while current != target {
        current = target.clamp((current + 1) / 2, current * 2);
        let input = json!({"StreamName": name, "TargetShardCount": current, "ScalingType": "UNIFORM_SCALING"});
        run(call, "UpdateShardCount", input).await?;
    }
    Ok(())
}

/// Brings everything but mode and shards from `before` to `wanted`.
async fn configure(call: &Call<'_>, before: &Properties, wanted: &Properties) -> Result<(), Fault> {
    let name = text(wanted.get("Name"));
    let hours = |properties| number(properties, "RetentionPeriodHours", RETENTION_H);
    if hours(before) != hours(wanted) {
        let longer = hours(before) < hours(wanted);
        let operation = if longer { "IncreaseStreamRetentionPeriod" } else { "DecreaseStreamRetentionPeriod" };
        run(call, operation, json!({"StreamName": name, "RetentionPeriodHours": hours(wanted)})).await?;
    }
    let (old, new) = (before.get("StreamEncryption"), wanted.get("StreamEncryption"));
    if old != new {
        let (operation, which) =
            if new.is_some() { ("StartStreamEncryption", new) } else { ("StopStreamEncryption", old) };
        let mut input = which.cloned().unwrap_or_default();
        input["StreamName"] = name.into();
        run(call, operation, input).await?;
    }
    let (old, new) = (metrics(before), metrics(wanted));
    let off: Vec<_> = old.difference(&new).collect();
    for (operation, metrics) in
        [("DisableEnhancedMonitoring", off), ("EnableEnhancedMonitoring", new.difference(&old).collect())]
    {
        if !metrics.is_empty() {
            run(call, operation, json!({"StreamName": name, "ShardLevelMetrics": metrics})).await?;
        }
    }
    Ok(())
}

impl ResourceType for KinesisStream {
    fn name(&self) -> &'static str {
        "AWS::Kinesis::Stream"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("Name", Shape::Text).replacing(),
                Property::optional("DesiredShardLevelMetrics", Shape::Texts),
                Property::optional("MaxRecordSizeInKiB", Shape::Int),
                Property::optional("RetentionPeriodHours", Shape::Int),
                Property::optional("ShardCount", Shape::Int),
                Property::optional("StreamEncryption", Shape::Struct(ENCRYPTION)),
                Property::optional("StreamModeDetails", Shape::Struct(MODE)),
                Property::optional("Tags", Shape::Tags),
                Property::optional("WarmThroughputMiBps", Shape::Int),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "Name", max: 128, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("kinesis", "DescribeStreamSummary", json!({"StreamName": wanted.get("Name")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = json!({
                "StreamName": text(wanted.get("Name")),
                "MaxRecordSizeInKiB": number(wanted, "MaxRecordSizeInKiB", RECORD_KIB),
            });
            if let Some(details) = wanted.get("StreamModeDetails") {
                input["StreamModeDetails"] = details.clone();
            }
            if let Some(warm) = wanted.get("WarmThroughputMiBps") {
                input["WarmThroughputMiBps"] = warm.clone();
            }
            if !is_on_demand(wanted) {
                input["ShardCount"] = number(wanted, "ShardCount", SHARDS).into();
            }
            let tags = tags::of(wanted);
            if !tags.is_empty() {
                input["Tags"] = tags.into();
            }
            run(call, "CreateStream", input).await?;
            configure(call, &Properties::new(), wanted).await?;
            Ok(made(call, wanted))
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
            let name = text(wanted.get("Name"));
            let arn = made.attributes.get("Arn").cloned().unwrap_or_default();
            if is_on_demand(before) != is_on_demand(wanted) {
                let mode = if is_on_demand(wanted) { "ON_DEMAND" } else { "PROVISIONED" };
                let input = json!({"StreamARN": arn, "StreamModeDetails": {"StreamMode": mode}});
                run(call, "UpdateStreamMode", input).await?;
            }
            let warm =
                wanted.get("WarmThroughputMiBps").filter(|warm| before.get("WarmThroughputMiBps") != Some(*warm));
            if let Some(warm) = warm {
                run(call, "UpdateStreamWarmThroughput", json!({"StreamARN": arn, "WarmThroughputMiBps": warm})).await?;
            }
            let kib = |properties| number(properties, "MaxRecordSizeInKiB", RECORD_KIB);
            if kib(before) != kib(wanted) {
                let input = json!({"StreamARN": arn, "MaxRecordSizeInKiB": kib(wanted)});
                run(call, "UpdateMaxRecordSize", input).await?;
            }
            if !is_on_demand(wanted) {
                rescale(call, name, number(wanted, "ShardCount", SHARDS)).await?;
            }
            configure(call, before, wanted).await?;
            STREAM_TAGS.change(call, name, before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"StreamName": made.physical_id, "EnforceConsumerDeletion": true});
            gone_is_fine(run(call, "DeleteStream", input).await)
        })
    }
}

/// A registered consumer.
pub struct KinesisConsumer;

fn consumer_input(properties: &Properties) -> Value {
    json!({"StreamARN": text(properties.get("StreamARN")), "ConsumerName": text(properties.get("ConsumerName"))})
}

impl ResourceType for KinesisConsumer {
    fn name(&self) -> &'static str {
        "AWS::Kinesis::StreamConsumer"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("ConsumerName", Shape::Text).replacing(),
                Property::required("StreamARN", Shape::Text).replacing(),
                Property::optional("Tags", Shape::Tags),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = consumer_input(wanted);
            let tags = tags::of(wanted);
            if !tags.is_empty() {
                input["Tags"] = tags.into();
            }
            let answer = run(call, "RegisterStreamConsumer", input).await?;
            let arn = json!({"ConsumerARN": answer["Consumer"]["ConsumerARN"]});
            let consumer = run(call, "DescribeStreamConsumer", arn).await?["ConsumerDescription"].take();
            let names = ["ConsumerARN", "ConsumerName", "ConsumerStatus", "ConsumerCreationTimestamp"];
            let made = Made::of(text(consumer.get("ConsumerARN"))).with("StreamARN", text(wanted.get("StreamARN")));
            Ok(names.iter().fold(made, |made, name| made.with(name, consumer[*name].clone())))
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
            CONSUMER_TAGS.change(call, made.physical_id.as_str(), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move { gone_is_fine(run(call, "DeregisterStreamConsumer", consumer_input(before)).await) })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}

/// The policy of a stream or consumer.
pub struct KinesisPolicy;

impl ResourceType for KinesisPolicy {
    fn name(&self) -> &'static str {
        "AWS::Kinesis::ResourcePolicy"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("ResourceArn", Shape::Text).replacing(),
                Property::required("ResourcePolicy", Shape::Json),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let arn = text(wanted.get("ResourceArn"));
            let policy = wanted.get("ResourcePolicy").map(Value::to_string).unwrap_or_default();
            run(call, "PutResourcePolicy", json!({"ResourceARN": arn, "Policy": policy})).await?;
            Ok(Made::of(arn))
        })
    }

    fn update<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, _: &'a Properties, wanted: &'a Properties) -> Making<'a> {
        self.create(call, wanted)
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"ResourceARN": text(before.get("ResourceArn"))});
            gone_is_fine(run(call, "DeleteResourcePolicy", input).await)
        })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}
