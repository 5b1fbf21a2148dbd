//! The events of a serverless function. Those of the gateway become routes; the others come with their services.

use crate::problem::Position;
use crate::sam::function::event_problem;
use crate::sam::rules::RuleEvent;
use crate::sam::{Expansion, reference};
use crate::template::Resource;
use crate::tree::Node;

/// A function's route, collected for the API that it belongs to.
pub(super) struct Route {
    /// Whether the API is an HTTP API, not a REST API.
    pub http: bool,
    /// The API's logical id; `None` for the implicit one.
    pub api: Option<String>,
    /// Such as `/items/{id}`; `None` for an HTTP API's `$default`.
    pub path: Option<String>,
    /// In lower case, or `any`.
    pub method: String,
    /// `1.0` or `2.0`, for HTTP APIs.
    pub payload: Option<String>,
    /// The integration's time limit in milliseconds.
    pub timeout: Option<Node>,
    /// What to call: the function or its alias.
    pub target: Node,
    /// Where the event stands.
    pub at: Position,
}

/// What a bucket is to tell a function, collected for the bucket.
pub(super) struct Told {
    /// The bucket's logical id.
    pub bucket: String,
    /// The permission that it waits for.
    pub permission: String,
    /// An item of `LambdaConfigurations`.
    pub entry: Node,
    /// Where the event stands.
    pub at: Position,
}

/// Names of SAM event types that later releases bring.
const LATER: &[&str] =
    &["AlexaSkill", "CloudWatchLogs", "Cognito", "DocumentDB", "IoTRule", "MQ", "MSK", "SelfManagedKafka"];

impl Expansion<'_> {
    pub(super) fn events(&mut self, resource: &Resource, alias: Option<&str>) {
        let Some(events) = resource.properties.get("Events") else { return };
        let events = match events.expect_map("Events") {
            Ok(events) => events.to_vec(),
            Err(problem) => return self.problems.push(problem),
        };
        for (key, event) in events {
            let kind = event.get("Type").and_then(Node::as_text);
            let empty = Node::map(event.at, Vec::<(String, Node)>::new());
            let properties = event.get("Properties").unwrap_or(&empty);
            match kind {
                Some("HttpApi") => self.api_event(resource, &key.text, event.at, properties, alias, true),
                Some("Api") => self.api_event(resource, &key.text, event.at, properties, alias, false),
                Some("S3") => self.bucket_event(resource, &key.text, event.at, properties, alias),
                Some("SNS") => self.topic_event(resource, &key.text, event.at, properties, alias),
                Some(kind @ ("DynamoDB" | "Kinesis")) => {
                    self.stream_event(resource, kind, (&key.text, event.at), properties, alias);
                }
                Some("SQS") => self.queue_event(resource, &key.text, event.at, properties, alias),
                Some("ScheduleV2") => self.schedule_event(resource, &key.text, event.at, properties, alias),
                Some(kind @ ("CloudWatchEvent" | "EventBridgeRule" | "Schedule")) => {
                    let rule = RuleEvent { kind, name: &key.text, at: event.at, given: properties };
                    self.rule_event(resource, &rule, alias);
                }
                Some(kind) if LATER.contains(&kind) => {
                    let text = format!("is of the type {kind}, which is not supported yet");
                    self.problems.push(event_problem(event.at, &resource.id, &key.text, &text));
                }
                Some(kind) => {
                    let text = format!("has the unknown type '{kind}'");
                    self.problems.push(event_problem(event.at, &resource.id, &key.text, &text));
                }
                None => self.problems.push(event_problem(key.at, &resource.id, &key.text, "has no Type")),
            }
        }
    }

    /// Has a bucket of this template tell the function, and lets it.
    fn bucket_event(&mut self, resource: &Resource, name: &str, at: Position, given: &Node, alias: Option<&str>) {
        self.check_names(given, &["Bucket", "Events", "Filter"], &[], &format!("{}: the event {name}", resource.id));
        let id = given.get("Bucket").and_then(|bucket| match bucket.as_call() {
            Some(("Ref", id)) => id.as_text().map(str::to_owned),
            _ => bucket.as_text().map(str::to_owned),
        });
        let declared = |id: &String| self.scope.template.resource(id).is_some_and(|it| it.kind == "AWS::S3::Bucket");
        let Some(bucket) = id.filter(declared) else {
            let text = "must name an AWS::S3::Bucket of this template with !Ref";
            return self.problems.push(event_problem(at, &resource.id, name, text));
        };
        let one = given.get("Events").filter(|events| events.as_text().is_some()).map(std::slice::from_ref);
        let events = one.or_else(|| given.get("Events").and_then(|events| events.expect_list("Events").ok()));
        let Some(events) = events.filter(|events| !events.is_empty()) else {
            return self.problems.push(event_problem(at, &resource.id, name, "needs Events"));
        };
        let target = alias.unwrap_or(&resource.id);
        let permission = format!("{}{name}Permission", resource.id);
        // The bucket's own ARN would refer back to the bucket, which waits for the permission.
        let properties = vec![
            ("FunctionName", reference(at, target)),
            ("Action", Node::text(at, "lambda:InvokeFunction")),
            ("Principal", Node::text(at, "s3.amazonaws.com")),
            ("SourceAccount", reference(at, "AWS::AccountId")),
        ];
        self.add(resource, &permission, "AWS::Lambda::Permission", properties);
        if !self.is_live(resource) {
            return;
        }
        let function = if alias.is_some() { reference(at, target) } else { crate::sam::attribute(at, target, "Arn") };
        for event in events {
            let mut entry = Node::map(at, [("Event", event.clone()), ("Function", function.clone())]);
            if let Some(filter) = given.get("Filter") {
                entry.set("Filter", filter.clone());
            }
            self.told.push(Told { bucket: bucket.clone(), permission: permission.clone(), entry, at });
        }
    }

    /// Writes what buckets are to tell into their notification configurations, once all resources are there.
    pub(super) fn tell(&mut self) {
        for told in std::mem::take(&mut self.told) {
            let Some(bucket) = self.resources.iter_mut().find(|it| it.id == told.bucket) else { continue };
            let empty = || Node::map(told.at, Vec::<(String, Node)>::new());
            let mut configuration = bucket.properties.get("NotificationConfiguration").cloned().unwrap_or_else(empty);
            let mut entries = match configuration.get("LambdaConfigurations") {
                Some(list) => list.expect_list("LambdaConfigurations").map(<[Node]>::to_vec).unwrap_or_default(),
                None => Vec::new(),
            };
            entries.push(told.entry);
            configuration.set("LambdaConfigurations", Node::list(told.at, entries));
            bucket.properties.set("NotificationConfiguration", configuration);
            bucket.depends_on.push((told.permission, told.at));
        }
    }

    /// A queue: an event source mapping.
    fn queue_event(&mut self, resource: &Resource, name: &str, at: Position, given: &Node, alias: Option<&str>) {
        let known = [
            "BatchSize",
            "Enabled",
            "FilterCriteria",
            "FunctionResponseTypes",
            "MaximumBatchingWindowInSeconds",
            "ScalingConfig",
        ];
        let later = ["KmsKeyArn", "ProvisionedPollerConfig", "MetricsConfig"];
        let all: Vec<&str> = known.iter().copied().chain(["Queue"]).collect();
        self.check_names(given, &all, &later, &format!("{}: the event {name}", resource.id));
        let Some(queue) = given.get("Queue") else {
            return self.problems.push(event_problem(at, &resource.id, name, "needs a Queue"));
        };
        let mut properties =
            vec![("EventSourceArn", queue.clone()), ("FunctionName", reference(at, alias.unwrap_or(&resource.id)))];
        properties.extend(known.iter().filter_map(|name| Some((*name, given.get(name)?.clone()))));
        self.add(resource, &format!("{}{name}", resource.id), "AWS::Lambda::EventSourceMapping", properties);
    }

    fn api_event(
        &mut self,
        resource: &Resource,
        name: &str,
        at: Position,
        given: &Node,
        alias: Option<&str>,
        http: bool,
    ) {
        let (known, unsupported): (&[&str], &[&str]) = if http {
            (&["ApiId", "Path", "Method", "PayloadFormatVersion", "TimeoutInMillis"], &["Auth", "RouteSettings"])
        } else {
            let later = ["Auth", "RequestModel", "RequestParameters", "ResponseTransferMode"];
            (&["RestApiId", "Path", "Method", "TimeoutInMillis"], &later.map(|name| name))
        };
        self.check_names(given, known, unsupported, &format!("{}: the event {name}", resource.id));
        let mut text = |name: &str| match given.get(name).map(|node| self.scope.text(node, name)).transpose() {
            Ok(text) => text,
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        };
        let (path, method, payload) = (text("Path"), text("Method"), text("PayloadFormatVersion"));
        if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            self.problems.push(event_problem(at, &resource.id, name, "needs a Path that begins with '/'"));
        }
        if path.is_none() && !(http && method.is_none()) {
            self.problems.push(event_problem(at, &resource.id, name, "needs a Path"));
        }
        let api = given.get(if http { "ApiId" } else { "RestApiId" });
        let api_id = api.map(|node| match node.as_call() {
            Some(("Ref", id)) => id.as_text().map(str::to_owned),
            _ => node.as_text().map(str::to_owned),
        });
        let kind = if http { "AWS::Serverless::HttpApi" } else { "AWS::Serverless::Api" };
        let declared = |id: &str| self.scope.template.resource(id).is_some_and(|resource| resource.kind == kind);
        if let (Some(node), Some(id)) = (api, &api_id)
            && !id.as_deref().is_some_and(declared)
        {
            let text = format!("must name an {kind} of this template with !Ref");
            self.problems.push(event_problem(node.at, &resource.id, name, &text));
        }
        let target = alias.unwrap_or(&resource.id);
        let api = api_id.flatten();
        let implicit = if http { "ServerlessHttpApi" } else { "ServerlessRestApi" };
        let api_name = api.clone().unwrap_or_else(|| implicit.to_owned());
        let wild = path.as_deref().unwrap_or("").replace('$', "");
        let verb = method.as_deref().filter(|method| !method.eq_ignore_ascii_case("any")).unwrap_or("*").to_uppercase();
        let source = format!(
            "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{api_name}}}/*/{verb}{}",
            braces_to_stars(&wild)
        );
        self.permission(resource, &format!("{}{name}Permission", resource.id), reference(at, target), &source);
        if !self.is_live(resource) {
            return;
        }
        self.routes.push(Route {
            http,
            api,
            path,
            method: method.unwrap_or_else(|| "any".into()).to_lowercase(),
            payload,
            timeout: given.get("TimeoutInMillis").cloned(),
            target: if alias.is_some() { reference(at, target) } else { crate::sam::attribute(at, target, "Arn") },
            at,
        });
    }
}

/// A source ARN has `*` where the path has a parameter.
fn braces_to_stars(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "*".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
