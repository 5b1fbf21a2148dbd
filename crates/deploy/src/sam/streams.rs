//! Streams as events of a serverless function: event source mappings.

use crate::sam::Expansion;
use crate::sam::events::FunctionEvent;
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
    pub(super) fn stream_event(&mut self, event: &FunctionEvent<'_>) {
        let all: Vec<&str> = SAME.iter().copied().chain(["Stream", "DestinationConfig"]).collect();
        self.check_event(event, &all, &["KmsKeyArn", "MetricsConfig"]);
        let Some(stream) = event.given.get("Stream") else {
            return self.problems.push(event.problem("needs a Stream"));
        };
        if event.given.get("StartingPosition").is_none() {
            let text = format!("needs a StartingPosition, as every event of the type {}", event.kind);
            return self.problems.push(event.problem(&text));
        }
        let mut properties = vec![("EventSourceArn", stream.clone()), event.function_name()];
        properties.extend(event.given.pick(SAME));
        if let Some(config) = event.given.get("DestinationConfig") {
            self.check_names(config, &["OnFailure"], &[], "DestinationConfig");
            let is_named = config.get("OnFailure").is_none_or(|end| end.get("Destination").is_some());
            if !is_named {
                self.problems.push(event.problem("needs a Destination in OnFailure"));
            }
            let end = config
                .get("OnFailure")
                .filter(|_| is_named)
                .map(|end| ("OnFailure", self.destination(event.function, "OnFailure", end)));
            properties.push(("DestinationConfig", Node::map(config.at, end)));
        }
        self.add(event.function, &event.id(), "AWS::Lambda::EventSourceMapping", properties);
    }
}
