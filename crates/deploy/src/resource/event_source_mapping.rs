//! `AWS::Lambda::EventSourceMapping`.

use crate::resource::crud::{Crud, Search};
use crate::resource::{Property, Shape};

const STREAMS: &str = "it is for streams and brokers, which a later release brings; remove it";

/// `AWS::Lambda::EventSourceMapping`.
pub const MAPPING: Crud = Crud {
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
        Property::optional("BisectBatchOnFunctionError", Shape::Unsupported(STREAMS)),
        Property::optional("DestinationConfig", Shape::Unsupported(STREAMS)),
        Property::optional("MaximumRecordAgeInSeconds", Shape::Unsupported(STREAMS)),
        Property::optional("MaximumRetryAttempts", Shape::Unsupported(STREAMS)),
        Property::optional("ParallelizationFactor", Shape::Unsupported(STREAMS)),
        Property::optional("StartingPosition", Shape::Unsupported(STREAMS)),
        Property::optional("StartingPositionTimestamp", Shape::Unsupported(STREAMS)),
        Property::optional("TumblingWindowInSeconds", Shape::Unsupported(STREAMS)),
        Property::optional("Topics", Shape::Unsupported(STREAMS)),
        Property::optional("Queues", Shape::Unsupported(STREAMS)),
        Property::optional("SelfManagedEventSource", Shape::Unsupported(STREAMS)),
        Property::optional("SourceAccessConfigurations", Shape::Unsupported(STREAMS)),
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
        ("Enabled", "true"),
        ("FilterCriteria", "{}"),
        ("FunctionResponseTypes", "[]"),
        ("MaximumBatchingWindowInSeconds", "0"),
        ("ScalingConfig", "{}"),
    ],
};
