//! A function's events that EventBridge's rules bring: `EventBridgeRule`, `CloudWatchEvent` and `Schedule` become a rule with the function as
//! its target, and the permission to call it.

use crate::sam::events::FunctionEvent;
use crate::sam::{Expansion, attribute, reference};
use crate::tree::Node;

/// What an event of the type `Schedule` takes.
const SCHEDULE: &[&str] =
    &["Schedule", "Name", "Description", "Enabled", "State", "Input", "DeadLetterConfig", "RetryPolicy", "RoleArn"];
/// What one of the type `CloudWatchEvent` takes.
const CLOUD_WATCH_EVENT: &[&str] =
    &["EventBusName", "Pattern", "Input", "InputPath", "DeadLetterConfig", "RetryPolicy", "Enabled", "State", "Target"];
/// What one of the type `EventBridgeRule` takes.
const EVENT_BRIDGE_RULE: &[&str] = &[
    "EventBusName",
    "Pattern",
    "Input",
    "InputPath",
    "InputTransformer",
    "DeadLetterConfig",
    "RetryPolicy",
    "Target",
    "RuleName",
    "State",
];

impl Expansion<'_> {
    pub(super) fn rule_event(&mut self, event: &FunctionEvent<'_>) {
        let FunctionEvent { function: resource, kind, at, given, .. } = *event;
        let is_schedule = kind == "Schedule";
        let known = match kind {
            "Schedule" => SCHEDULE,
            "CloudWatchEvent" => CLOUD_WATCH_EVENT,
            _ => EVENT_BRIDGE_RULE,
        };
        self.check_event(event, known, &[]);
        let (source, member) =
            if is_schedule { ("Schedule", "ScheduleExpression") } else { ("Pattern", "EventPattern") };
        let Some(what) = given.get(source) else {
            return self.problems.push(event.problem(&format!("needs a {source}")));
        };
        let id = event.id();
        let target_id = given.get("Target").and_then(|target| target.get("Id")).cloned();
        let own_id: String = format!("{id}LambdaTarget").chars().take(64).collect();
        let mut target =
            vec![("Arn", event.function_arn()), ("Id", target_id.unwrap_or_else(|| Node::text(at, own_id)))];
        target.extend(event.given.pick(&["Input", "InputPath", "InputTransformer", "RetryPolicy"]));
        if let Some(config) = given.get("DeadLetterConfig") {
            target.extend(self.rule_dead_letters(event, config).map(|node| ("DeadLetterConfig", node)));
        }
        let mut properties = vec![(member, what.clone()), ("Targets", Node::list(at, vec![Node::map(at, target)]))];
        properties.extend(self.rule_state(event));
        let names =
            [("EventBusName", "EventBusName"), ("RuleName", "Name"), ("Name", "Name"), ("Description", "Description")];
        properties.extend(names.into_iter().filter_map(|(sam, plain)| Some((plain, given.get(sam)?.clone()))));
        self.add(resource, &id, "AWS::Events::Rule", properties);
        self.event_permission(event, "events.amazonaws.com", ("SourceArn", attribute(at, &id, "Arn")));
    }

    /// `State`, or `Enabled` in its words.
    fn rule_state(&mut self, event: &FunctionEvent<'_>) -> Option<(&'static str, Node)> {
        let enabled = event.given.get("Enabled");
        if let Some(state) = event.given.get("State") {
            if enabled.is_some() {
                let text = "has both State and Enabled; one says all";
                self.problems.push(event.problem_at(state.at, text));
            }
            return Some(("State", state.clone()));
        }
        let enabled = enabled?;
        let is_on = self.known_text(enabled).is_none_or(|text| !text.eq_ignore_ascii_case("false"));
        Some(("State", Node::text(enabled.at, if is_on { "ENABLED" } else { "DISABLED" })))
    }

    /// `Arn`, or `Type: SQS`, for which SAM makes a queue that the rule may send to.
    fn rule_dead_letters(&mut self, event: &FunctionEvent<'_>, config: &Node) -> Option<Node> {
        let (rule, resource, at) = (event.id(), event.function, config.at);
        self.check_names(config, &["Arn", "Type", "QueueLogicalId"], &[], "DeadLetterConfig");
        if let Some(arn) = config.get("Arn") {
            return Some(Node::map(at, [("Arn", arn.clone())]));
        }
        if config.get("Type").and_then(Node::as_text) != Some("SQS") {
            let text = "has a DeadLetterConfig that needs an Arn, or the Type SQS";
            self.problems.push(event.problem_at(at, text));
            return None;
        }
        let queue =
            config.get("QueueLogicalId").and_then(Node::as_text).map_or_else(|| format!("{rule}Queue"), str::to_owned);
        self.add(resource, &queue, "AWS::SQS::Queue", Vec::new());
        let rule_arn = attribute(at, &rule, "Arn");
        let condition = Node::map(at, [("ArnEquals", Node::map(at, [("aws:SourceArn", rule_arn)]))]);
        let statement = Node::map(
            at,
            [
                ("Effect", Node::text(at, "Allow")),
                ("Principal", Node::map(at, [("Service", Node::text(at, "events.amazonaws.com"))])),
                ("Action", Node::text(at, "sqs:SendMessage")),
                ("Resource", attribute(at, &queue, "Arn")),
                ("Condition", condition),
            ],
        );
        let document =
            Node::map(at, [("Version", Node::text(at, "2012-10-17")), ("Statement", Node::list(at, vec![statement]))]);
        let properties = vec![("PolicyDocument", document), ("Queues", Node::list(at, vec![reference(at, &queue)]))];
        self.add(resource, &format!("{queue}Policy"), "AWS::SQS::QueuePolicy", properties);
        Some(Node::map(at, [("Arn", attribute(at, &queue, "Arn"))]))
    }
}
