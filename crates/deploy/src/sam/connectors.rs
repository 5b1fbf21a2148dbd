//! `AWS::Serverless::Connector`, and the attribute `Connectors` of a resource: what a function may do with another resource, as a policy of its role.

use crate::problem::Problem;
use crate::sam::{Expansion, PREFIX, attribute, reference, sub};
use crate::template::Resource;
use crate::tree::{Kind, Node};
use serde_json::json;

/// What reading and writing a kind of resource means: actions for `Read` and for `Write`, and what follows the resource's ARN.
struct Access {
    kinds: &'static [&'static str],
    read: &'static [&'static str],
    write: &'static [&'static str],
    /// Patterns of resources, in which `${Arn}` stands for the ARN.
    resources: &'static [&'static str],
}

/// From a function, as SAM's connector profiles have it.
const FROM_FUNCTION: &[Access] = &[
    Access {
        kinds: &["AWS::Lambda::Function", "AWS::Serverless::Function"],
        read: &[],
        write: &["lambda:InvokeAsync", "lambda:InvokeFunction"],
        resources: &["${Arn}"],
    },
    Access {
        kinds: &["AWS::SQS::Queue"],
        read: &["sqs:ReceiveMessage", "sqs:GetQueueAttributes"],
        write: &["sqs:DeleteMessage", "sqs:SendMessage", "sqs:ChangeMessageVisibility", "sqs:PurgeQueue"],
        resources: &["${Arn}"],
    },
    Access { kinds: &["AWS::SNS::Topic"], read: &[], write: &["sns:Publish"], resources: &["${Arn}"] },
    Access { kinds: &["AWS::Events::EventBus"], read: &[], write: &["events:PutEvents"], resources: &["${Arn}"] },
    Access {
        kinds: &["AWS::S3::Bucket"],
        read: &[
            "s3:GetObject",
            "s3:GetObjectAcl",
            "s3:GetObjectVersion",
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:GetBucketLocation",
        ],
        write: &[
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:PutObject",
            "s3:RestoreObject",
        ],
        resources: &["${Arn}", "${Arn}/*"],
    },
];

/// `Ref` of a topic is its ARN; all others have an attribute for it.
fn arn_of(node: &Node, kind: &str, id: &str) -> Node {
    match kind {
        "AWS::SNS::Topic" => reference(node.at, id),
        _ => attribute(node.at, id, "Arn"),
    }
}

impl Expansion<'_> {
    /// A connector of its own.
    pub(super) fn connector(&mut self, resource: &Resource) {
        let given = &resource.properties;
        self.check_names(given, &["Source", "Destination", "Permissions"], &["SourceReference"], &resource.id);
        let (Some(source), Some(destinations)) = (given.get("Source"), given.get("Destination")) else {
            let text = format!("{} needs Source, Destination and Permissions", resource.id);
            return self.problems.push(Problem::at(resource.at, text));
        };
        let Some(source) = source.get("Id").and_then(Node::as_text).map(str::to_owned) else {
            return self.unconnected(source, "its Source must be named by Id");
        };
        self.connect(resource, &resource.id, &source, destinations, given);
    }

    /// The connectors that a function has as an attribute.
    pub(super) fn connectors_of(&mut self, resource: &Resource, connectors: &Node) {
        for (name, connector) in connectors.entries().to_vec() {
            let id = format!("{}{}", resource.id, name.text);
            let empty = Node::map(connector.at, Vec::<(String, Node)>::new());
            let given = connector.get("Properties").unwrap_or(&empty);
            match given.get("Destination") {
                Some(destinations) => self.connect(resource, &id, &resource.id, destinations, given),
                None => self.unconnected(&connector, "needs a Destination"),
            }
        }
    }

    fn unconnected(&mut self, node: &Node, why: &str) {
        self.problems.push(Problem::at(node.at, format!("a connector cannot be made: {why}")));
    }

    fn connect(&mut self, from: &Resource, id: &str, source: &str, destinations: &Node, given: &Node) {
        let role = self.scope.template.resource(source).map(|function| match function.properties.get("Role") {
            Some(_) => None,
            None => Some(reference(given.at, &format!("{source}Role"))),
        });
        let is_function =
            self.scope.template.resource(source).is_some_and(|source| source.kind == format!("{PREFIX}Function"));
        let Some(Some(role)) = role.filter(|_| is_function) else {
            return self.unconnected(
                given,
                "its source must be a serverless function of this template without a Role of its own",
            );
        };
        let permissions = given.get("Permissions").map_or(&[][..], Node::items);
        let wants = |what: &str| permissions.iter().any(|permission| permission.as_text() == Some(what));
        let (reads, writes) = (wants("Read"), wants("Write"));
        let all = if let Kind::List(items) = &destinations.kind { items.clone() } else { vec![destinations.clone()] };
        let mut statements = Vec::new();
        for destination in &all {
            let id = destination.get("Id").and_then(Node::as_text).unwrap_or_default();
            let kind = self.scope.template.resource(id).map(|resource| resource.kind.clone()).unwrap_or_default();
            let Some(access) = FROM_FUNCTION.iter().find(|access| access.kinds.contains(&kind.as_str())) else {
                let why = format!(
                    "a function cannot be connected to '{id}'; name a function, queue, topic, bus or bucket by Id"
                );
                self.unconnected(destination, &why);
                continue;
            };
            let read = if reads { access.read } else { &[] };
            let write = if writes { access.write } else { &[] };
            let actions: Vec<&str> = read.iter().chain(write).copied().collect();
            if actions.is_empty() {
                self.unconnected(given, "Permissions must be Read, Write or both, and one that the destination has");
                continue;
            }
            let mut statement = Node::from_json(destination.at, &json!({"Effect": "Allow", "Action": actions}));
            let arn = arn_of(destination, &kind, id);
            let resources = access.resources.iter().map(|pattern| {
                let values = Node::map(destination.at, [("Arn", arn.clone())]);
                let pattern = Node::text(destination.at, *pattern);
                let mut joined = sub(destination.at, "");
                joined.set("Fn::Sub", Node::list(destination.at, vec![pattern, values]));
                joined
            });
            statement.set("Resource", Node::list(destination.at, resources.collect()));
            statements.push(statement);
        }
        let mut document = Node::from_json(given.at, &json!({"Version": "2012-10-17"}));
        document.set("Statement", Node::list(given.at, statements));
        let properties = vec![("PolicyDocument", document), ("Roles", Node::list(given.at, vec![role]))];
        self.add(from, &format!("{id}Policy"), "AWS::IAM::ManagedPolicy", properties);
    }
}
