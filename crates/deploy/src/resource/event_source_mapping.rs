//! `AWS::Lambda::EventSourceMapping`.

use crate::resource::crud::{Crud, Search};
use crate::resource::{Call, Deleting, Made, Making, Properties, Property, ResourceType, Shape, text};
use serde_json::Value;

const BROKERS: &str = "it is for brokers, which are not supported; remove it";
const NOT_YET: &str = "remove it";
const START_TIME: &str = "StartingPositionTimestamp";
const BATCH: &str = "BatchSize";
/// Records of a stream in one batch, where nothing is said.
const STREAM_BATCH: u32 = 100;

/// `AWS::Lambda::EventSourceMapping`.
pub struct EventSourceMapping;

/// The operations, which take a time in milliseconds where a template has seconds.
const OPERATIONS: Crud = Crud {
    name: "AWS::Lambda::EventSourceMapping",
    properties: &[
        Property::required("EventSourceArn", Shape::Text).replacing(),
        Property::required("FunctionName", Shape::Text),
        Property::optional("BatchSize", Shape::Int),
        Property::optional("Enabled", Shape::Bool),
        Property::optional("FilterCriteria", Shape::Json),
        Property::optional("FunctionResponseTypes", Shape::Texts),
        Property::optional("MaximumBatchingWindowInSeconds", Shape::Int),
        Property::optional("ScalingConfig", Shape::Struct(&[Property::optional("MaximumConcurrency", Shape::Int)])),
        Property::optional("Tags", Shape::Tags),
        Property::optional("BisectBatchOnFunctionError", Shape::Bool),
        Property::optional(
            "DestinationConfig",
            Shape::Struct(&[
                Property::optional("OnFailure", Shape::Struct(&[Property::optional("Destination", Shape::Text)])),
                Property::optional("OnSuccess", Shape::Struct(&[Property::optional("Destination", Shape::Text)])),
            ]),
        ),
        Property::optional("MaximumRecordAgeInSeconds", Shape::Int),
        Property::optional("MaximumRetryAttempts", Shape::Int),
        Property::optional("ParallelizationFactor", Shape::Int),
        Property::optional("StartingPosition", Shape::Text).replacing(),
        Property::optional(START_TIME, Shape::Number).replacing(),
        Property::optional("TumblingWindowInSeconds", Shape::Int),
        Property::optional("Topics", Shape::Unsupported(BROKERS)),
        Property::optional("Queues", Shape::Unsupported(BROKERS)),
        Property::optional("SelfManagedEventSource", Shape::Unsupported(BROKERS)),
        Property::optional("SelfManagedKafkaEventSourceConfig", Shape::Unsupported(BROKERS)),
        Property::optional("AmazonManagedKafkaEventSourceConfig", Shape::Unsupported(BROKERS)),
        Property::optional("DocumentDBEventSourceConfig", Shape::Unsupported(BROKERS)),
        Property::optional("SourceAccessConfigurations", Shape::Unsupported(BROKERS)),
        Property::optional("ProvisionedPollerConfig", Shape::Unsupported(NOT_YET)),
        Property::optional("KmsKeyArn", Shape::Unsupported(NOT_YET)),
        Property::optional("MetricsConfig", Shape::Unsupported(NOT_YET)),
    ],
    service: "lambda",
    create: "CreateEventSourceMapping",
    update: Some("UpdateEventSourceMapping"),
    delete: "DeleteEventSourceMapping",
    // Lists are narrowed to the function; changes and removals take no notice of it.
    parents: &["FunctionName"],
    id: ("UUID", "UUID"),
    attributes: &[("Id", "UUID"), ("EventSourceMappingArn", "EventSourceMappingArn")],
    name_rule: None,
    lower_case: false,
    search: Some(Search {
        list: "ListEventSourceMappings",
        items: "EventSourceMappings",
        token: ("Marker", "NextMarker"),
        unique: &["EventSourceArn"],
    }),
    resets: &[
        ("BatchSize", "10"),
        ("BisectBatchOnFunctionError", "false"),
        ("DestinationConfig", r#"{"OnFailure":{}}"#),
        ("Enabled", "true"),
        ("FilterCriteria", "{}"),
        ("FunctionResponseTypes", "[]"),
        ("MaximumBatchingWindowInSeconds", "0"),
        ("MaximumRecordAgeInSeconds", "-1"),
        ("MaximumRetryAttempts", "-1"),
        ("ParallelizationFactor", "1"),
        ("ScalingConfig", "{}"),
        ("TumblingWindowInSeconds", "0"),
    ],
};

/// With its times as the operations take them.
fn input(wanted: &Properties) -> Properties {
    let mut input = wanted.clone();
    if let Some(seconds) = wanted.get(START_TIME).and_then(Value::as_f64) {
        input.insert(START_TIME.into(), ((seconds * 1000.0) as i64).into());
    }
    input
}

impl ResourceType for EventSourceMapping {
    fn name(&self) -> &'static str {
        OPERATIONS.name
    }

    fn properties(&self) -> &'static [Property] {
        OPERATIONS.properties
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move { OPERATIONS.create(call, &input(wanted)).await })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let mut input = input(wanted);
            let source = text(wanted.get("EventSourceArn"));
            let is_dropped = before.contains_key(BATCH) && !wanted.contains_key(BATCH);
            // What the operation would be told otherwise is for queues.
            if is_dropped && source.split(':').nth(2) != Some("sqs") {
                input.insert(BATCH.into(), STREAM_BATCH.into());
            }
            OPERATIONS.update(call, made, before, &input).await
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        OPERATIONS.delete(call, made, before)
    }

    fn left_over(&self, wanted: &Properties) -> Option<Made> {
        OPERATIONS.left_over(wanted)
    }
}
