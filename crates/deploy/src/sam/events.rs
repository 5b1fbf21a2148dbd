//! The events of a serverless function. Each kind becomes resources of other types, or is collected for the resource that it is an event of.

use crate::problem::{Position, Problem};
use crate::sam::{Expansion, attribute, reference};
use crate::template::Resource;
use crate::tree::Node;

/// An event as a template declares it.
#[derive(Clone, Copy)]
pub(super) struct FunctionEvent<'a> {
    /// The function that it is for.
    pub function: &'a Resource,
    /// The function's alias, which is called in its place.
    pub alias: Option<&'a str>,
    /// Its type, such as `SQS`.
    pub kind: &'a str,
    pub name: &'a str,
    pub at: Position,
    /// Its properties.
    pub given: &'a Node,
}

impl FunctionEvent<'_> {
    /// The logical id of what the event becomes, and what the ids of more begin with.
    pub fn id(&self) -> String {
        format!("{}{}", self.function.id, self.name)
    }

    /// The property `name` under which Lambda's operations know what is called.
    pub fn function_name(&self) -> (&'static str, Node) {
        ("FunctionName", reference(self.at, self.alias.unwrap_or(&self.function.id)))
    }

    /// The ARN of what is called.
    pub fn function_arn(&self) -> Node {
        match self.alias {
            Some(alias) => reference(self.at, alias),
            None => attribute(self.at, &self.function.id, "Arn"),
        }
    }

    /// What is wrong with it.
    pub fn problem(&self, text: &str) -> Problem {
        self.problem_at(self.at, text)
    }

    /// What is wrong with the part of it that stands at `at`.
    pub fn problem_at(&self, at: Position, text: &str) -> Problem {
        event_problem(at, &self.function.id, self.name, text)
    }
}

fn event_problem(at: Position, function: &str, event: &str, text: &str) -> Problem {
    Problem::at(at, format!("{function}: the event {event} {text}"))
}

/// Names of SAM event types that later releases bring.
const LATER: &[&str] =
    &["AlexaSkill", "CloudWatchLogs", "Cognito", "DocumentDB", "IoTRule", "MQ", "MSK", "SelfManagedKafka"];

/// Properties of a queue's event that are the mapping's own.
const QUEUE: &[&str] = &[
    "BatchSize",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "ScalingConfig",
];

impl Expansion<'_> {
    pub(super) fn events(&mut self, function: &Resource, alias: Option<&str>) {
        let Some(events) = function.properties.get("Events") else { return };
        let events = match events.expect_map("Events") {
            Ok(events) => events.to_vec(),
            Err(problem) => return self.problems.push(problem),
        };
        for (key, declared) in events {
            let name = key.text.as_str();
            let Some(kind) = declared.get("Type").and_then(Node::as_text) else {
                self.problems.push(event_problem(key.at, &function.id, name, "has no Type"));
                continue;
            };
            let empty = Node::map(declared.at, Vec::<(String, Node)>::new());
            let given = declared.get("Properties").unwrap_or(&empty);
            let event = FunctionEvent { function, alias, kind, name, at: declared.at, given };
            match kind {
                "HttpApi" => self.api_event(&event, true),
                "Api" => self.api_event(&event, false),
                "S3" => self.bucket_event(&event),
                "SNS" => self.topic_event(&event),
                "DynamoDB" | "Kinesis" => self.stream_event(&event),
                "SQS" => self.queue_event(&event),
                "ScheduleV2" => self.schedule_event(&event),
                "CloudWatchEvent" | "EventBridgeRule" | "Schedule" => self.rule_event(&event),
                _ if LATER.contains(&kind) => {
                    let text = format!("is of the type {kind}, which is not supported yet");
                    self.problems.push(event.problem(&text));
                }
                _ => self.problems.push(event.problem(&format!("has the unknown type '{kind}'"))),
            }
        }
    }

    /// Reports properties of an event that `known` does not list.
    pub(super) fn check_event(&mut self, event: &FunctionEvent<'_>, known: &[&str], later: &[&str]) {
        self.check_names(event.given, known, later, &format!("{}: the event {}", event.function.id, event.name));
    }

    /// Lets the service `caller` call the function, as far as `scope` (a property and its value) says. Answers the permission's id.
    pub(super) fn event_permission(
        &mut self,
        event: &FunctionEvent<'_>,
        caller: &str,
        scope: (&'static str, Node),
    ) -> String {
        let (id, at) = (format!("{}Permission", event.id()), event.at);
        let properties = vec![
            event.function_name(),
            ("Action", Node::text(at, "lambda:InvokeFunction")),
            ("Principal", Node::text(at, caller)),
            scope,
        ];
        self.add(event.function, &id, "AWS::Lambda::Permission", properties);
        id
    }

    /// A queue: an event source mapping.
    fn queue_event(&mut self, event: &FunctionEvent<'_>) {
        let all: Vec<&str> = QUEUE.iter().copied().chain(["Queue"]).collect();
        self.check_event(event, &all, &["KmsKeyArn", "ProvisionedPollerConfig", "MetricsConfig"]);
        let Some(queue) = event.given.get("Queue") else { return self.problems.push(event.problem("needs a Queue")) };
        let mut properties = vec![("EventSourceArn", queue.clone()), event.function_name()];
        properties.extend(event.given.pick(QUEUE));
        self.add(event.function, &event.id(), "AWS::Lambda::EventSourceMapping", properties);
    }
}
