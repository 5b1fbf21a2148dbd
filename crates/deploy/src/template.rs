//! A template's sections, read out of the tree and checked for their form. What the values mean is left to [`crate::expression`].

use crate::problem::{Position, Problem};
use crate::tree::{Key, Kind, Node};

/// A template as it was written.
#[derive(Debug, Clone)]
pub struct Template {
    /// `Description`, if any.
    pub description: Option<String>,
    /// `Parameters`, in order.
    pub parameters: Vec<(Key, Node)>,
    /// `Mappings`.
    pub mappings: Vec<(Key, Node)>,
    /// `Conditions`.
    pub conditions: Vec<(Key, Node)>,
    /// `Rules`.
    pub rules: Vec<(Key, Node)>,
    /// `Resources`.
    pub resources: Vec<Resource>,
    /// `Outputs`.
    pub outputs: Vec<(Key, Node)>,
    /// SAM's `Globals`.
    pub globals: Option<Node>,
    /// Whether `Transform` names SAM.
    pub serverless: bool,
}

/// A declared resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its logical id.
    pub id: String,
    /// Where its id stands.
    pub at: Position,
    /// Its type, such as `AWS::Lambda::Function`.
    pub kind: String,
    /// Its `Properties`; an empty mapping if there are none.
    pub properties: Node,
    /// `DependsOn`.
    pub depends_on: Vec<(String, Position)>,
    /// `Condition`.
    pub condition: Option<(String, Position)>,
    /// `Metadata`.
    pub metadata: Option<Node>,
    /// SAM's `Connectors`.
    pub connectors: Option<Node>,
    /// Whether `DeletionPolicy` says `Retain`.
    pub retain: bool,
    /// Whether `UpdateReplacePolicy` says `Retain`.
    pub retain_replaced: bool,
}

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

/// CloudFormation's limit on resources of a template.
const MAX_RESOURCES: usize = 500;

impl Template {
    /// Reads the sections. All problems of form are reported together.
    ///
    /// # Errors
    /// At least one problem.
    pub fn read(root: &Node) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let sections = match root.expect_map("a template") {
            Ok(sections) => sections,
            Err(problem) => return Err(vec![problem]),
        };
        for (key, node) in sections {
            if !SECTIONS.contains(&key.text.as_str()) {
                let known = SECTIONS.join(", ");
                problems.push(Problem::at(
                    key.at,
                    format!("'{}' is no section of a template; these are: {known}", key.text),
                ));
            } else if key.text == "Hooks" {
                problems.push(Problem::at(key.at, "the section Hooks is not supported yet"));
            } else if key.text == "Description" && node.as_text().is_none() {
                problems.push(Problem::at(node.at, "Description must be a string"));
            }
        }
        let mut template = Self {
            description: root.get("Description").and_then(Node::as_text).map(str::to_owned),
            parameters: section(root, "Parameters", &mut problems),
            mappings: section(root, "Mappings", &mut problems),
            conditions: section(root, "Conditions", &mut problems),
            rules: section(root, "Rules", &mut problems),
            outputs: section(root, "Outputs", &mut problems),
            resources: Vec::new(),
            globals: root.get("Globals").cloned(),
            serverless: false,
        };
        match read_transform(root.get("Transform")) {
            Ok(serverless) => template.serverless = serverless,
            Err(problem) => problems.push(problem),
        }
        for (key, node) in section(root, "Resources", &mut problems) {
            match Resource::read(&key, &node) {
                Ok(resource) => template.resources.push(resource),
                Err(mut found) => problems.append(&mut found),
            }
        }
        if root.get("Resources").is_none() {
            problems.push(Problem::at(
                root.at,
                "the section Resources is missing; a template declares at least one resource",
            ));
        } else if template.resources.is_empty() && problems.is_empty() {
            problems.push(Problem::at(root.at, "Resources is empty; a template declares at least one resource"));
        } else if template.resources.len() > MAX_RESOURCES {
            let count = template.resources.len();
            problems.push(Problem::at(
                root.at,
                format!("the template declares {count} resources; the limit is {MAX_RESOURCES}"),
            ));
        }
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    /// The resource called `id`.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }
}

/// A template at a glance.
#[derive(Debug)]
pub struct Summary {
    /// Its description.
    pub description: Option<String>,
    /// Its parameters.
    pub parameters: Vec<ParameterSummary>,
    /// The types of its resources, each once, in order.
    pub types: Vec<String>,
}

/// A declared parameter.
#[derive(Debug)]
pub struct ParameterSummary {
    /// Its name.
    pub key: String,
    /// Its type.
    pub kind: String,
    /// Its default value.
    pub default: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether its value must not be shown.
    pub no_echo: bool,
}

impl Template {
    /// What `text` declares, without checking what its values mean.
    ///
    /// # Errors
    /// At least one problem of form.
    pub fn summary(text: &str) -> Result<Summary, Vec<Problem>> {
        let root = crate::tree::parse(text).map_err(|problem| vec![problem])?;
        let template = Self::read(&root)?;
        let parameter = |(key, node): &(Key, Node)| {
            let text = |name: &str| node.get(name).and_then(Node::as_text).map(str::to_owned);
            ParameterSummary {
                key: key.text.clone(),
                kind: text("Type").unwrap_or_default(),
                default: text("Default"),
                description: text("Description"),
                no_echo: text("NoEcho").is_some_and(|text| text == "true"),
            }
        };
        let mut types: Vec<String> = template.resources.iter().map(|resource| resource.kind.clone()).collect();
        types.sort();
        types.dedup();
        Ok(Summary {
            description: template.description,
            parameters: template.parameters.iter().map(parameter).collect(),
            types,
        })
    }
}

fn section(root: &Node, name: &str, problems: &mut Vec<Problem>) -> Vec<(Key, Node)> {
    match root.get(name).map(|node| node.expect_map(name)) {
        Some(Ok(entries)) => entries.to_vec(),
        Some(Err(problem)) => {
            problems.push(problem);
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn read_transform(node: Option<&Node>) -> Result<bool, Problem> {
    let Some(node) = node else { return Ok(false) };
    let names = if let Kind::List(items) = &node.kind { items.as_slice() } else { std::slice::from_ref(node) };
    let mut serverless = false;
    for name in names {
        match name.expect_text("a transform")? {
            "AWS::Serverless-2016-10-31" => serverless = true,
            other => {
                let text = format!("the transform {other} is not supported; AWS::Serverless-2016-10-31 is");
                return Err(Problem::at(name.at, text));
            }
        }
    }
    Ok(serverless)
}

impl Resource {
    fn read(key: &Key, node: &Node) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let entries = node.expect_map(&format!("the resource {}", key.text)).map_err(|problem| vec![problem])?;
        if key.text.is_empty() || !key.text.bytes().all(|b| b.is_ascii_alphanumeric()) || key.text.len() > 255 {
            let text = format!("the logical id '{}' must be letters and digits only", key.text);
            problems.push(Problem::at(key.at, text));
        }
        let mut resource = Self {
            id: key.text.clone(),
            at: key.at,
            kind: String::new(),
            properties: Node::map(node.at, Vec::<(String, Node)>::new()),
            depends_on: Vec::new(),
            condition: None,
            metadata: node.get("Metadata").cloned(),
            connectors: node.get("Connectors").cloned(),
            retain: false,
            retain_replaced: false,
        };
        for (attribute, value) in entries {
            if let Err(problem) = resource.read_attribute(attribute, value) {
                problems.push(problem);
            }
        }
        if resource.kind.is_empty() && problems.is_empty() {
            problems.push(Problem::at(key.at, format!("the resource {} has no Type", key.text)));
        }
        if problems.is_empty() { Ok(resource) } else { Err(problems) }
    }

    fn read_attribute(&mut self, attribute: &Key, value: &Node) -> Result<(), Problem> {
        match attribute.text.as_str() {
            "Type" => self.kind = value.expect_text("Type")?.to_owned(),
            "Properties" if matches!(value.kind, Kind::Null) => {}
            "Properties" => {
                value.expect_map("Properties")?;
                self.properties = value.clone();
            }
            "DependsOn" => {
                let names =
                    if let Kind::List(items) = &value.kind { items.as_slice() } else { std::slice::from_ref(value) };
                for name in names {
                    self.depends_on.push((name.expect_text("DependsOn")?.to_owned(), name.at));
                }
            }
            "Condition" => self.condition = Some((value.expect_text("Condition")?.to_owned(), value.at)),
            "DeletionPolicy" => match value.expect_text("DeletionPolicy")? {
                "Delete" => {}
                "Retain" | "RetainExceptOnCreate" => self.retain = true,
                "Snapshot" => {
                    return Err(Problem::at(value.at, "DeletionPolicy Snapshot is not supported for this resource"));
                }
                other => {
                    return Err(Problem::at(
                        value.at,
                        format!("DeletionPolicy must be Delete or Retain, not '{other}'"),
                    ));
                }
            },
            "UpdateReplacePolicy" => match value.expect_text("UpdateReplacePolicy")? {
                "Delete" => {}
                "Retain" => self.retain_replaced = true,
                other => {
                    return Err(Problem::at(
                        value.at,
                        format!("UpdateReplacePolicy must be Delete or Retain, not '{other}'"),
                    ));
                }
            },
            "Metadata" | "Description" | "Connectors" => {}
            "CreationPolicy" | "UpdatePolicy" | "IgnoreGlobals" => {
                return Err(Problem::at(attribute.at, format!("{} is not supported yet", attribute.text)));
            }
            other => {
                let text = format!(
                    "'{other}' is no attribute of a resource; Type, Properties, DependsOn, Condition, DeletionPolicy, UpdateReplacePolicy and Metadata are"
                );
                return Err(Problem::at(attribute.at, text));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let root = crate::tree::parse(text).unwrap();
        Template::read(&root).unwrap_err().iter().map(Problem::to_string).collect()
    }

    #[test]
    fn every_problem_of_form_is_reported_with_its_line() {
        let found = problems("Resorces: {}\nParameters: []\nResources:\n  A-b:\n    Type: X\n  C:\n    Propertys: 1\n");
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].starts_with("1:1: 'Resorces' is no section"));
        assert!(found[1].starts_with("2:13: Parameters must be a mapping"));
        assert!(found[2].starts_with("4:3: the logical id 'A-b'"));
        assert!(found[3].starts_with("7:5: 'Propertys' is no attribute"));
    }

    #[test]
    fn a_template_without_resources_is_refused() {
        assert!(problems("Description: x")[0].contains("Resources is missing"));
        assert!(problems("Resources: {}")[0].contains("Resources is empty"));
    }
}
