//! AWS SAM as a rewrite: every `AWS::Serverless::…` resource becomes plain resources, with the logical ids that SAM gives them, so
//! that templates which refer to those ids keep working.

mod api;
mod api_events;
mod bucket_events;
mod connectors;
mod events;
mod function;
mod globals;
mod policies;
mod rules;
mod schedules;
mod streams;
mod tables;
mod topic_events;

use crate::expression::{Scope, call};
use crate::package::{self, ARTIFACT};
use crate::problem::{Position, Problem};
use crate::template::{Resource, Template};
use crate::tree::{Kind, Node};
use std::collections::BTreeMap;

const PREFIX: &str = "AWS::Serverless::";

/// A rewrite under way.
struct Expansion<'a> {
    scope: &'a Scope<'a>,
    artifacts: &'a BTreeMap<String, String>,
    resources: Vec<Resource>,
    routes: Vec<api_events::Route>,
    told: Vec<bucket_events::Told>,
    problems: Vec<Problem>,
    /// `Ref`s to `FUNCTION.Version` and `FUNCTION.Alias`, and what they mean.
    parts: BTreeMap<String, String>,
}

/// Rewrites the SAM resources of `template` into plain ones.
///
/// # Errors
/// Every SAM resource or property that is wrong or not supported.
pub(crate) fn expand(
    template: &Template,
    scope: &Scope<'_>,
    artifacts: &BTreeMap<String, String>,
) -> Result<Template, Vec<Problem>> {
    let globals = globals::Globals::read(template.globals.as_ref())?;
    let (resources, routes, told, problems, parts) = Default::default();
    let mut expansion = Expansion { scope, artifacts, resources, routes, told, problems, parts };
    for resource in &template.resources {
        let mut resource = resource.clone();
        globals.merge_into(&mut resource);
        if resource.kind.starts_with(PREFIX) {
            match decided(scope, &resource.properties) {
                Ok(properties) => resource.properties = properties,
                Err(problem) => expansion.problems.push(problem),
            }
        }
        if let Some(connectors) = resource.connectors.take() {
            expansion.connectors_of(&resource, &connectors);
        }
        match resource.kind.strip_prefix(PREFIX) {
            Some("Function") => expansion.function(&resource),
            Some("LayerVersion") => expansion.layer(&resource),
            Some("SimpleTable") => expansion.simple_table(&resource),
            Some("Connector") => expansion.connector(&resource),
            // APIs are made once the functions have said which routes they have.
            Some("Api" | "HttpApi") | None => expansion.resources.push(resource),
            Some(_) => {
                let text = format!("{}: the resource type {} is not supported yet", resource.id, resource.kind);
                expansion.problems.push(Problem::at(resource.at, text));
            }
        }
    }
    expansion.apis(&globals);
    expansion.tell();
    let Expansion { mut resources, problems, parts, .. } = expansion;
    if !problems.is_empty() {
        return Err(problems);
    }
    resources.iter_mut().for_each(|resource| name_parts(&mut resource.properties, &parts));
    let mut outputs = template.outputs.clone();
    outputs.iter_mut().for_each(|(_, node)| name_parts(node, &parts));
    Ok(Template { resources, outputs, globals: None, ..template.clone() })
}

/// `node` with every `Fn::If` replaced by what it chooses, so that structures which the rewrite reads may stand in one.
fn decided(scope: &Scope<'_>, node: &Node) -> Result<Node, Problem> {
    let absent = || Node::map(node.at, Vec::<(String, Node)>::new());
    choose(scope, node).map(|node| node.unwrap_or_else(absent))
}

fn choose(scope: &Scope<'_>, node: &Node) -> Result<Option<Node>, Problem> {
    match node.as_call() {
        Some(("Ref", name)) if name.as_text() == Some("AWS::NoValue") => return Ok(None),
        Some(("Fn::If", argument)) => {
            let [condition, then, otherwise] = argument.items() else {
                return Err(Problem::at(argument.at, "Fn::If takes a condition's name and two values"));
            };
            let holds = scope.condition(condition.expect_text("Fn::If's condition")?, condition.at)?;
            return choose(scope, if holds { then } else { otherwise });
        }
        _ => {}
    }
    let kind = match &node.kind {
        Kind::List(items) => {
            let chosen: Result<Vec<Option<Node>>, Problem> = items.iter().map(|item| choose(scope, item)).collect();
            Kind::List(chosen?.into_iter().flatten().collect())
        }
        Kind::Map(entries) => {
            let mut chosen = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                chosen.extend(choose(scope, value)?.map(|value| (key.clone(), value)));
            }
            Kind::Map(chosen)
        }
        other => other.clone(),
    };
    Ok(Some(Node { at: node.at, kind }))
}

/// Replaces `!Ref Function.Version`, `!GetAtt Function.Version.Version` and the like by the logical ids they stand for.
fn name_parts(node: &mut Node, parts: &BTreeMap<String, String>) {
    match &mut node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                let named = match key.text.as_str() {
                    "Ref" => value.as_text().and_then(|text| parts.get(text)).map(|id| Node::text(value.at, id)),
                    "Fn::GetAtt" => part_attribute(value, parts),
                    _ => None,
                };
                match named {
                    Some(named) => *value = named,
                    None => name_parts(value, parts),
                }
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| name_parts(item, parts)),
        _ => {}
    }
}

/// `[Function, Version.Attribute]`, however it is split, as `[LogicalId, Attribute]`.
fn part_attribute(argument: &Node, parts: &BTreeMap<String, String>) -> Option<Node> {
    let joined = match argument.as_text() {
        Some(text) => text.to_owned(),
        None => argument.items().iter().map(Node::as_text).collect::<Option<Vec<&str>>>()?.join("."),
    };
    let (part, attribute) = joined.rsplit_once('.')?;
    let id = parts.get(part)?;
    Some(Node::list(argument.at, vec![Node::text(argument.at, id), Node::text(argument.at, attribute)]))
}

/// Without the transform, a SAM type is a mistake that is easy to explain.
///
/// # Errors
/// Every SAM resource.
pub(crate) fn refuse_without_transform(template: &Template) -> Result<(), Vec<Problem>> {
    let sam = template.resources.iter().filter(|resource| resource.kind.starts_with(PREFIX));
    let problems: Vec<Problem> = sam
        .map(|resource| {
            let text =
                format!("{} needs the line 'Transform: AWS::Serverless-2016-10-31' in the template", resource.kind);
            Problem::at(resource.at, text)
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Puts the digests of uploaded packages where the template names local paths.
///
/// # Errors
/// Every local path whose package was not uploaded.
pub(crate) fn place_artifacts(
    template: &mut Template,
    conditions: &BTreeMap<String, bool>,
    artifacts: &BTreeMap<String, String>,
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let live = |resource: &Resource| match &resource.condition {
        Some((name, _)) => conditions.get(name) != Some(&false),
        None => true,
    };
    for resource in template.resources.iter_mut().filter(|resource| live(resource)) {
        let property = match resource.kind.as_str() {
            "AWS::Lambda::Function" => "Code",
            "AWS::Lambda::LayerVersion" => "Content",
            _ => continue,
        };
        let Some(code) = resource.properties.get(property) else { continue };
        let Some(path) = code.as_text() else { continue };
        match artifacts.get(&resource.id) {
            Some(digest) => {
                let place = Node::map(code.at, [(ARTIFACT, Node::text(code.at, digest))]);
                resource.properties.set(property, place);
            }
            None => {
                let text = format!(
                    "{}: the package of '{path}' was not uploaded; deploy with the fogbank command line",
                    resource.id
                );
                problems.push(Problem::at(code.at, text));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

impl Expansion<'_> {
    /// Adds a plain resource that takes its condition and its place in the text from `from`.
    fn add(&mut self, from: &Resource, id: &str, kind: &str, properties: Vec<(&str, Node)>) {
        self.resources.push(Resource {
            id: id.to_owned(),
            at: from.at,
            kind: kind.to_owned(),
            properties: Node::map(from.at, properties),
            depends_on: if id == from.id { from.depends_on.clone() } else { Vec::new() },
            condition: from.condition.clone(),
            metadata: None,
            connectors: None,
            retain: from.retain && id == from.id,
            retain_replaced: from.retain_replaced && id == from.id,
        });
    }

    /// Whether `resource` will be made. A condition that is not declared is reported later, with all others.
    fn is_live(&self, resource: &Resource) -> bool {
        let condition = resource.condition.as_ref();
        condition.is_none_or(|(name, at)| self.scope.condition(name, *at).unwrap_or(true))
    }

    /// The text of `node`, as far as parameters and mappings give it.
    fn known_text(&self, node: &Node) -> Option<String> {
        self.scope.text(node, "a value").ok()
    }

    /// Reports properties that `known` does not list.
    fn check_names(&mut self, node: &Node, known: &[&str], unsupported: &[&str], what: &str) {
        for (key, _) in node.entries() {
            let name = key.text.as_str();
            if unsupported.contains(&name) {
                self.problems.push(Problem::at(key.at, format!("{what}: {name} is not supported yet")));
            } else if !known.contains(&name) {
                let text = format!("{what} has no property '{name}'; these are: {}", known.join(", "));
                self.problems.push(Problem::at(key.at, text));
            }
        }
    }

    fn layer(&mut self, resource: &Resource) {
        let known = [
            "ContentUri",
            "LayerName",
            "Description",
            "CompatibleRuntimes",
            "CompatibleArchitectures",
            "LicenseInfo",
            "RetentionPolicy",
        ];
        self.check_names(&resource.properties, &known, &["PublishLambdaVersion"], &resource.id);
        let mut properties = Vec::new();
        properties.extend(resource.properties.pick(&[
            "Description",
            "CompatibleRuntimes",
            "CompatibleArchitectures",
            "LicenseInfo",
        ]));
        let name = resource.properties.get("LayerName").cloned();
        properties.push(("LayerName", name.unwrap_or_else(|| Node::text(resource.at, &resource.id))));
        match resource.properties.get("ContentUri") {
            Some(content) => properties.push(("Content", package::bucket_object(content))),
            None => {
                self.problems.push(Problem::at(resource.at, format!("{} needs the property ContentUri", resource.id)))
            }
        }
        let keeps = resource.properties.get("RetentionPolicy").and_then(Node::as_text) != Some("Delete");
        let resource = Resource { retain: keeps, ..resource.clone() };
        self.add(&resource, &resource.id, "AWS::Lambda::LayerVersion", properties);
    }
}

/// `Ref: id`
fn reference(at: Position, id: &str) -> Node {
    call("Ref", Node::text(at, id))
}

/// The logical id that `node` names, by `Ref` or as it is.
fn referred(node: &Node) -> Option<&str> {
    match node.as_call() {
        Some(("Ref", id)) => id.as_text(),
        _ => node.as_text(),
    }
}

/// `Fn::GetAtt: [id, attribute]`
fn attribute(at: Position, id: &str, attribute: &str) -> Node {
    call("Fn::GetAtt", Node::list(at, vec![Node::text(at, id), Node::text(at, attribute)]))
}

/// `Fn::Sub: pattern`
fn sub(at: Position, pattern: &str) -> Node {
    call("Fn::Sub", Node::text(at, pattern))
}

#[cfg(test)]
mod tests;
