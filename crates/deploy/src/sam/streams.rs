//! Streams as events of a serverless function: event source mappings.

use crate::problem::Position;
use crate::sam::function::event_problem;
use crate::sam::{Expansion, reference};
use crate::template::Resource;
use crate::tree::Node;

/// Properties that are the mapping's own.
const SAME: &[&str] = &[
    "BatchSize",
    "BisectBatchOnFunctionError",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
    "TumblingWindowInSeconds",
];

impl Expansion<'_> {
    /// An event of the type `Kinesis` or `DynamoDB`.
    pub(super) fn stream_event(
        &mut self,
        resource: &Resource,
        kind: &str,
        (name, at): (&str, Position),
        given: &Node,
        alias: Option<&str>,
    ) {
        let all: Vec<&str> = SAME.iter().copied().chain(["Stream", "DestinationConfig"]).collect();
        let later = ["KmsKeyArn", "MetricsConfig"];
        self.check_names(given, &all, &later, &format!("{}: the event {name}", resource.id));
        let Some(stream) = given.get("Stream") else {
            return self.problems.push(event_problem(at, &resource.id, name, "needs a Stream"));
        };
        if given.get("StartingPosition").is_none() {
            let text = format!("needs a StartingPosition, as every event of the type {kind}");
            return self.problems.push(event_problem(at, &resource.id, name, &text));
        }
        let mut properties =
            vec![("EventSourceArn", stream.clone()), ("FunctionName", reference(at, alias.unwrap_or(&resource.id)))];
        properties.extend(SAME.iter().filter_map(|name| Some((*name, given.get(name)?.clone()))));
        if let Some(config) = given.get("DestinationConfig") {
            self.check_names(config, &["OnFailure"], &[], "DestinationConfig");
            let is_named = config.get("OnFailure").is_none_or(|end| end.get("Destination").is_some());
            if !is_named {
                self.problems.push(event_problem(at, &resource.id, name, "needs a Destination in OnFailure"));
            }
            let end = config
                .get("OnFailure")
                .filter(|_| is_named)
                .map(|end| ("OnFailure", self.destination(resource, "OnFailure", end)));
            properties.push(("DestinationConfig", Node::map(config.at, end)));
        }
        self.add(resource, &format!("{}{name}", resource.id), "AWS::Lambda::EventSourceMapping", properties);
    }
}
