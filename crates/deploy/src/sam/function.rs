//! `AWS::Serverless::Function`: the function, its role, and what it declares beside itself.

use crate::package;
use crate::problem::{Position, Problem};
use crate::sam::{Expansion, attribute, policies, reference, sub};
use crate::template::Resource;
use crate::tree::{Kind, Node};
use sha2::{Digest, Sha256};

/// Properties that are Lambda's own, under the same name.
const PASSED: &[&str] = &[
    "Architectures",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Runtime",
    "SnapStart",
    "Timeout",
];

/// Properties that mean something to SAM.
const OWN: &[&str] = &[
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "CodeUri",
    "DeadLetterQueue",
    "EventInvokeConfig",
    "Events",
    "FunctionUrlConfig",
    "InlineCode",
    "Policies",
    // Every taggable resource that comes with a function has its tags anyway.
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "Role",
    "RolePath",
    "Tags",
    "Tracing",
    "VersionDescription",
];

const UNSUPPORTED: &[&str] = &[
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "CodeSigningConfigArn",
    "DeploymentPreference",
    "FileSystemConfigs",
    "ImageConfig",
    "ImageUri",
    "KmsKeyArn",
    "PermissionsBoundary",
    "RecursiveLoop",
    "RuntimeManagementConfig",
    "VpcConfig",
];

impl Expansion<'_> {
    pub(super) fn function(&mut self, resource: &Resource) {
        let (id, at, given) = (&resource.id, resource.at, &resource.properties);
        let known: Vec<&str> = PASSED.iter().chain(OWN).copied().collect();
        self.check_names(given, &known, UNSUPPORTED, id);
        let mut properties: Vec<(&str, Node)> = given.pick(PASSED).collect();
        match (given.get("CodeUri"), given.get("InlineCode")) {
            (_, Some(text)) => properties.push(("Code", Node::map(text.at, [("ZipFile", text.clone())]))),
            (Some(code), None) => properties.push(("Code", package::bucket_object(code))),
            (None, None) => properties.push(("Code", Node::text(at, "."))),
        }
        if let Some(mode) = given.get("Tracing") {
            properties.push(("TracingConfig", Node::map(mode.at, [("Mode", mode.clone())])));
        }
        properties.extend(self.dead_letters(resource).map(|config| ("DeadLetterConfig", config)));
        properties.push(("Tags", tag_list(at, given.get("Tags"))));
        let role = match given.get("Role") {
            Some(role) => role.clone(),
            None => self.function_role(resource),
        };
        properties.push(("Role", role));
        self.add(resource, id, "AWS::Lambda::Function", properties);
        let alias = self.published_alias(resource);
        self.function_url(resource, alias.as_deref());
        self.event_invoke_config(resource, alias.as_deref());
        self.events(resource, alias.as_deref());
    }

    /// The role that a function has unless it names one: allowed to log, and what `Policies` adds.
    fn function_role(&mut self, resource: &Resource) -> Node {
        let (at, id) = (resource.at, format!("{}Role", resource.id));
        let trust = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}]});
        let trust =
            resource.properties.get("AssumeRolePolicyDocument").cloned().unwrap_or_else(|| Node::from_json(at, &trust));
        let basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
        let mut managed = vec![Node::text(at, basic)];
        managed.extend(source_policies(resource).map(|arn| Node::text(at, arn)));
        let mut inline = Vec::new();
        if let Some(given) = resource.properties.get("Policies") {
            let items =
                if let Kind::List(items) = &given.kind { items.as_slice() } else { std::slice::from_ref(given) };
            for item in items {
                match policies::read(item) {
                    Ok(policies::Policy::Managed(arn)) => managed.push(arn),
                    Ok(policies::Policy::Inline(document)) => {
                        let name = Node::text(item.at, format!("{}Policy{}", id, inline.len()));
                        inline.push(Node::map(item.at, [("PolicyName", name), ("PolicyDocument", document)]));
                    }
                    Err(problem) => self.problems.push(problem),
                }
            }
        }
        let mut properties = vec![
            ("AssumeRolePolicyDocument", trust),
            ("ManagedPolicyArns", Node::list(at, managed)),
            ("Policies", Node::list(at, inline)),
            ("Tags", tag_list(at, resource.properties.get("Tags"))),
        ];
        properties.extend(resource.properties.get("RolePath").map(|path| ("Path", path.clone())));
        self.add(resource, &id, "AWS::IAM::Role", properties);
        attribute(at, &id, "Arn")
    }

    /// `AutoPublishAlias`: a version for every new package, and an alias that points to the latest one.
    fn published_alias(&mut self, resource: &Resource) -> Option<String> {
        let (id, at) = (&resource.id, resource.at);
        let provisioned = resource.properties.get("ProvisionedConcurrencyConfig");
        let Some(alias) = resource.properties.get("AutoPublishAlias") else {
            if let Some(node) = provisioned {
                let text =
                    format!("{id}: ProvisionedConcurrencyConfig needs AutoPublishAlias; $LATEST cannot have any");
                self.problems.push(Problem::at(node.at, text));
            }
            return None;
        };
        let name = match self.scope.text(alias, "AutoPublishAlias") {
            Ok(name) => name,
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        let place = resource.properties.get("CodeUri").and_then(|code| self.place_digest(code));
        let digest = self.artifacts.get(id).or(place.as_ref()).map_or("inline", String::as_str);
        let version = format!("{id}Version{}", digest.get(..10).unwrap_or(digest));
        let alias_id = format!("{id}Alias{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), ""));
        let mut properties = vec![("FunctionName", reference(at, id))];
        properties.extend(resource.properties.get("VersionDescription").map(|text| ("Description", text.clone())));
        let kept = Resource { retain: true, id: version.clone(), ..resource.clone() };
        self.add(&kept, &version, "AWS::Lambda::Version", properties);
        let mut properties = vec![
            ("FunctionName", reference(at, id)),
            ("Name", Node::text(alias.at, &name)),
            ("FunctionVersion", attribute(at, &version, "Version")),
        ];
        properties.extend(provisioned.map(|config| ("ProvisionedConcurrencyConfig", config.clone())));
        self.add(resource, &alias_id, "AWS::Lambda::Alias", properties);
        self.parts.insert(format!("{id}.Version"), version);
        self.parts.insert(format!("{id}.Alias"), alias_id.clone());
        Some(alias_id)
    }

    /// A name for the code at `code`, if that is a place in a bucket: code of another name is another version.
    fn place_digest(&self, code: &Node) -> Option<String> {
        let place = self.scope.resolve(&package::bucket_object(code)).ok()??;
        place.get("S3Key").map(|_| hex::encode(Sha256::digest(place.to_json().to_string())))
    }

    fn function_url(&mut self, resource: &Resource, alias: Option<&str>) {
        let (id, at) = (&resource.id, resource.at);
        let Some(config) = resource.properties.get("FunctionUrlConfig") else { return };
        self.check_names(config, &["AuthType", "Cors", "InvokeMode"], &[], "FunctionUrlConfig");
        let mut target = vec![("TargetFunctionArn", reference(at, id))];
        target.extend(
            alias.and_then(|_| resource.properties.get("AutoPublishAlias")).map(|name| ("Qualifier", name.clone())),
        );
        let mut properties = target;
        properties.extend(config.pick(&["AuthType", "Cors", "InvokeMode"]));
        let url = format!("{id}Url");
        self.add(resource, &url, "AWS::Lambda::Url", properties);
        self.after_alias(at, alias);
        if config.get("AuthType").and_then(|node| self.known_text(node)).as_deref() == Some("NONE") {
            let function = alias.map_or_else(|| reference(at, id), |alias| reference(at, alias));
            let properties = vec![
                ("FunctionName", function),
                ("Action", Node::text(at, "lambda:InvokeFunctionUrl")),
                ("Principal", Node::text(at, "*")),
                ("FunctionUrlAuthType", Node::text(at, "NONE")),
            ];
            self.add(resource, &format!("{url}PublicPermissions"), "AWS::Lambda::Permission", properties);
        }
    }

    fn event_invoke_config(&mut self, resource: &Resource, alias: Option<&str>) {
        let (id, at) = (&resource.id, resource.at);
        let Some(config) = resource.properties.get("EventInvokeConfig") else { return };
        let known = ["MaximumEventAgeInSeconds", "MaximumRetryAttempts"];
        self.check_names(config, &[known[0], known[1], "DestinationConfig"], &[], "EventInvokeConfig");
        let latest = || Node::text(at, "$LATEST");
        let qualifier = alias.and_then(|_| resource.properties.get("AutoPublishAlias").cloned()).unwrap_or_else(latest);
        let mut properties = vec![("FunctionName", reference(at, id)), ("Qualifier", qualifier)];
        for name in known {
            properties.extend(config.get(name).map(|node| (name, node.clone())));
        }
        if let Some(destinations) = config.get("DestinationConfig") {
            let mut ends = Vec::new();
            for end in ["OnSuccess", "OnFailure"] {
                ends.extend(destinations.get(end).map(|given| (end, self.destination(resource, end, given))));
            }
            properties.push(("DestinationConfig", Node::map(destinations.at, ends)));
        }
        self.add(resource, &format!("{id}EventInvokeConfig"), "AWS::Lambda::EventInvokeConfig", properties);
        self.after_alias(at, alias);
    }

    /// `DeadLetterQueue: {Type, TargetArn}`, as Lambda has it.
    fn dead_letters(&mut self, resource: &Resource) -> Option<Node> {
        let given = resource.properties.get("DeadLetterQueue")?;
        self.check_names(given, &["Type", "TargetArn"], &[], "DeadLetterQueue");
        let Some(target) = given.get("TargetArn") else {
            self.problems.push(Problem::at(given.at, format!("{}: DeadLetterQueue needs TargetArn", resource.id)));
            return None;
        };
        Some(Node::map(given.at, [("TargetArn", target.clone())]))
    }

    /// One end of an `EventInvokeConfig`. A queue or topic that is not named is made, as SAM does.
    pub(super) fn destination(&mut self, resource: &Resource, end: &str, given: &Node) -> Node {
        let at = given.at;
        self.check_names(given, &["Type", "Destination"], &[], end);
        let target = match (given.get("Destination"), given.get("Type").and_then(Node::as_text)) {
            (Some(target), _) => target.clone(),
            (None, Some(kind @ ("SQS" | "SNS"))) => {
                let (name, kind, arn) = if kind == "SQS" {
                    ("Queue", "AWS::SQS::Queue", "Arn")
                } else {
                    ("Topic", "AWS::SNS::Topic", "TopicArn")
                };
                let id = format!("{}EventInvokeConfig{end}{name}", resource.id);
                self.add(resource, &id, kind, Vec::new());
                attribute(at, &id, arn)
            }
            (None, _) => {
                let text = format!("{}: {end} needs a Destination, or the Type SQS or SNS", resource.id);
                self.problems.push(Problem::at(at, text));
                Node::text(at, "")
            }
        };
        Node::map(at, [("Destination", target)])
    }

    /// What names the alias by its name refers to it without a `Ref`, so the order must be said.
    fn after_alias(&mut self, at: Position, alias: Option<&str>) {
        if let (Some(resource), Some(alias)) = (self.resources.last_mut(), alias) {
            resource.depends_on.push((alias.to_owned(), at));
        }
    }

    /// The permission for an API to call the function.
    pub(super) fn permission(&mut self, resource: &Resource, id: &str, function: Node, source: &str) {
        let at = resource.at;
        let properties = vec![
            ("FunctionName", function),
            ("Action", Node::text(at, "lambda:InvokeFunction")),
            ("Principal", Node::text(at, "apigateway.amazonaws.com")),
            ("SourceArn", sub(at, source)),
        ];
        self.add(resource, id, "AWS::Lambda::Permission", properties);
    }
}

/// The managed policies that SAM gives a role for the sources of its function's events.
fn source_policies(resource: &Resource) -> impl Iterator<Item = &'static str> {
    let events = resource.properties.get("Events").map_or(&[][..], Node::entries);
    let has = |kind: &str| events.iter().any(|(_, event)| event.get("Type").and_then(Node::as_text) == Some(kind));
    [("SQS", "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole")]
        .into_iter()
        .filter_map(move |(kind, arn)| has(kind).then_some(arn))
        .collect::<Vec<_>>()
        .into_iter()
}

/// SAM maps tags, CloudFormation lists them; SAM adds one of its own.
fn tag_list(at: Position, tags: Option<&Node>) -> Node {
    let own = Node::map(at, [("Key", Node::text(at, "lambda:createdBy")), ("Value", Node::text(at, "SAM"))]);
    let given = tags
        .map_or(&[][..], Node::entries)
        .iter()
        .map(|(key, value)| Node::map(key.at, [("Key", Node::text(key.at, &key.text)), ("Value", value.clone())]));
    Node::list(at, std::iter::once(own).chain(given).collect())
}
