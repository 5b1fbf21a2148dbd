//! The event `SNS` of a serverless function: a subscription, either of the function itself or of a queue that it is called from.

use crate::sam::events::FunctionEvent;
use crate::sam::{Expansion, attribute, reference};
use crate::tree::Node;

const KNOWN: [&str; 6] = ["Topic", "Region", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "SqsSubscription"];
/// What a queue in between can be told.
const QUEUE: [&str; 5] = ["QueueArn", "QueueUrl", "QueuePolicyLogicalId", "BatchSize", "Enabled"];

impl Expansion<'_> {
    pub(super) fn topic_event(&mut self, event: &FunctionEvent<'_>) {
        self.check_event(event, &KNOWN, &[]);
        let Some(topic) = event.given.get("Topic") else { return self.problems.push(event.problem("needs a Topic")) };
        let (protocol, endpoint) = match event.given.get("SqsSubscription") {
            Some(queue) if queue.as_text() != Some("false") => ("sqs", self.queue_between(event, topic, queue)),
            _ => {
                self.event_permission(event, "sns.amazonaws.com", ("SourceArn", topic.clone()));
                ("lambda", event.function_arn())
            }
        };
        let mut properties =
            vec![("Endpoint", endpoint), ("Protocol", Node::text(event.at, protocol)), ("TopicArn", topic.clone())];
        properties.extend(event.given.pick(&["Region", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy"]));
        self.add(event.function, &event.id(), "AWS::SNS::Subscription", properties);
    }

    /// The queue that is subscribed in the function's place, one of the template's or a new one. Returns its ARN.
    fn queue_between(&mut self, event: &FunctionEvent<'_>, topic: &Node, given: &Node) -> Node {
        let (id, resource, at) = (event.id(), event.function, event.at);
        self.check_names(given, &QUEUE, &[], &format!("{id}: SqsSubscription"));
        let (arn, url) = match (given.get("QueueArn"), given.get("QueueUrl")) {
            (Some(arn), Some(url)) => (arn.clone(), url.clone()),
            (None, None) => {
                let queue = format!("{id}Queue");
                self.add(resource, &queue, "AWS::SQS::Queue", Vec::new());
                (attribute(at, &queue, "Arn"), reference(at, &queue))
            }
            _ => {
                let text = "needs both QueueArn and QueueUrl in SqsSubscription, or neither";
                self.problems.push(event.problem(text));
                return Node::text(at, "");
            }
        };
        let policy_id = given.get("QueuePolicyLogicalId").and_then(Node::as_text);
        let policy_id = policy_id.map_or_else(|| format!("{id}QueuePolicy"), str::to_owned);
        let text = |value: &str| Node::text(at, value);
        let condition = Node::map(at, [("ArnEquals", Node::map(at, [("aws:SourceArn", topic.clone())]))]);
        let statement = Node::map(
            at,
            [
                ("Action", text("sqs:SendMessage")),
                ("Effect", text("Allow")),
                ("Principal", text("*")),
                ("Resource", arn.clone()),
                ("Condition", condition),
            ],
        );
        let document = Node::map(at, [("Version", text("2012-10-17")), ("Statement", Node::list(at, vec![statement]))]);
        let policy = vec![("PolicyDocument", document), ("Queues", Node::list(at, vec![url]))];
        self.add(resource, &policy_id, "AWS::SQS::QueuePolicy", policy);
        let mut mapping = vec![
            ("EventSourceArn", arn.clone()),
            event.function_name(),
            ("BatchSize", given.get("BatchSize").cloned().unwrap_or_else(|| text("10"))),
        ];
        mapping.extend(given.get("Enabled").map(|node| ("Enabled", node.clone())));
        self.add(resource, &format!("{id}EventSourceMapping"), "AWS::Lambda::EventSourceMapping", mapping);
        arn
    }
}
