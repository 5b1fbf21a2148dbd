//! The event `ScheduleV2`: a schedule of EventBridge Scheduler, and the role that it calls the function with.

use crate::sam::events::FunctionEvent;
use crate::sam::{Expansion, attribute};
use crate::template::Resource;
use crate::tree::{Kind, Node};

/// Properties that are the schedule's own, under the same name.
const PASSED: &[&str] = &[
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "Name",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
];

/// Properties that mean something to SAM.
const OWN: &[&str] = &["DeadLetterConfig", "Input", "OmitName", "RetryPolicy", "RoleArn"];

impl Expansion<'_> {
    pub(super) fn schedule_event(&mut self, event: &FunctionEvent<'_>) {
        let FunctionEvent { function: resource, at, given, .. } = *event;
        let known: Vec<&str> = PASSED.iter().chain(OWN).copied().collect();
        self.check_event(event, &known, &["PermissionsBoundary"]);
        if given.get("ScheduleExpression").is_none() {
            return self.problems.push(event.problem("needs a ScheduleExpression"));
        }
        let (id, function) = (event.id(), event.function_arn());
        let role = match given.get("RoleArn") {
            Some(role) => role.clone(),
            None => self.schedule_role(resource, &format!("{id}Role"), function.clone()),
        };
        let mut target = vec![("Arn", function), ("RoleArn", role)];
        target.extend(event.given.pick(&["Input", "RetryPolicy"]));
        let letters = given.get("DeadLetterConfig").map(|config| self.dead_letter_queue(resource, &id, config));
        target.extend(letters.map(|letters| ("DeadLetterConfig", letters)));
        let mut properties: Vec<(&str, Node)> = event.given.pick(PASSED).collect();
        if given.get("FlexibleTimeWindow").is_none() {
            properties.push(("FlexibleTimeWindow", Node::map(at, [("Mode", Node::text(at, "OFF"))])));
        }
        properties.push(("Target", Node::map(at, target)));
        self.add(resource, &id, "AWS::Scheduler::Schedule", properties);
    }

    /// A role that the scheduler may take to call the function.
    fn schedule_role(&mut self, resource: &Resource, id: &str, function: Node) -> Node {
        let at = resource.at;
        let trust = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": ["scheduler.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}]});
        let mut statement =
            Node::from_json(at, &serde_json::json!({"Effect": "Allow", "Action": "lambda:InvokeFunction"}));
        statement.set("Resource", function);
        let mut document = Node::from_json(at, &serde_json::json!({"Version": "2012-10-17"}));
        document.set("Statement", Node::list(at, vec![statement]));
        let policy = [("PolicyName", Node::text(at, format!("{id}Policy"))), ("PolicyDocument", document)];
        let properties = vec![
            ("AssumeRolePolicyDocument", Node::from_json(at, &trust)),
            ("Policies", Node::list(at, vec![Node::map(at, policy)])),
        ];
        self.add(resource, id, "AWS::IAM::Role", properties);
        attribute(at, id, "Arn")
    }

    /// `DeadLetterConfig: {Arn}`, or `{Type: SQS}` for a queue that is made.
    fn dead_letter_queue(&mut self, resource: &Resource, id: &str, given: &Node) -> Node {
        if let (None, Kind::Map(_)) = (given.get("Arn"), &given.kind) {
            let name = given.get("QueueLogicalId").and_then(Node::as_text);
            let queue = name.map_or_else(|| format!("{id}Queue"), str::to_owned);
            self.add(resource, &queue, "AWS::SQS::Queue", Vec::new());
            return Node::map(given.at, [("Arn", attribute(given.at, &queue, "Arn"))]);
        }
        given.clone()
    }
}
