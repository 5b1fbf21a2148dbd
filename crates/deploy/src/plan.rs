//! From a template's text to an ordered list of plain resources, with everything checked that can be checked before anything is
//! touched.

use crate::condition;
use crate::expression::{Pseudo, Scope};
use crate::problem::Problem;
use crate::resource::{self, Made};
use crate::template::{Resource, Template};
use crate::tree::{Kind, Node};
use crate::{graph, parameter, sam, tree};
use std::collections::{BTreeMap, BTreeSet};

/// What a deployment is asked for.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// The stack's name.
    pub stack: String,
    /// The template's text.
    pub template: String,
    /// Values for its parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The stack's tags, which its resources have too; as they are if there are none.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
    /// Uploaded code packages: the logical ids of functions and layers, and their packages' SHA-256 digests.
    #[serde(default)]
    pub artifacts: BTreeMap<String, String>,
}

/// A checked template: plain resources, in the order in which they can be made.
pub(crate) struct Plan {
    pub template: Template,
    pub parameters: BTreeMap<String, Node>,
    /// The parameters whose values come out of the Parameter Store, and the names that they have there.
    pub stored: BTreeMap<String, String>,
    pub conditions: BTreeMap<String, bool>,
    pub pseudo: Pseudo,
    pub exports: BTreeMap<String, String>,
    /// The logical ids of the resources whose conditions hold.
    pub order: Vec<String>,
}

impl Plan {
    /// Reads and checks `request`.
    ///
    /// # Errors
    /// Every problem found. Types that are not supported are all listed, each with its line.
    pub(crate) fn make(
        request: &Request,
        pseudo: Pseudo,
        exports: BTreeMap<String, String>,
        store: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Problem>> {
        let root = tree::parse(&request.template).map_err(|problem| vec![problem])?;
        let mut template = Template::read(&root)?;
        let parameters = parameter::bind(&template.parameters, &request.parameters, &|name| store.get(name).cloned())?;
        let stored = parameter::stored(&template.parameters, &request.parameters);
        let nothing = BTreeMap::new();
        let mut conditions = BTreeMap::new();
        let deployed = BTreeMap::new();
        let scope = Scope {
            template: &template,
            parameters: &parameters,
            pseudo: &pseudo,
            deployed: &deployed,
            exports: &exports,
            conditions: &nothing,
        };
        let decided = condition::evaluate(&scope)?;
        conditions.extend(decided);
        if template.serverless {
            let scope = Scope { conditions: &conditions, ..scope };
            template = sam::expand(&template, &scope, &request.artifacts)?;
        } else {
            sam::refuse_without_transform(&template)?;
        }
        sam::place_artifacts(&mut template, &conditions, &request.artifacts)?;
        let mut plan = Self { template, parameters, stored, conditions, pseudo, exports, order: Vec::new() };
        plan.check()?;
        Ok(plan)
    }

    /// What names mean, with `deployed` resources.
    pub(crate) fn scope<'a>(&'a self, deployed: &'a BTreeMap<String, Made>) -> Scope<'a> {
        Scope {
            template: &self.template,
            parameters: &self.parameters,
            pseudo: &self.pseudo,
            deployed,
            exports: &self.exports,
            conditions: &self.conditions,
        }
    }

    fn check(&mut self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut needs = BTreeMap::new();
        let live = self.live(&mut problems);
        let ids: BTreeSet<&str> = live.iter().map(|resource| resource.id.as_str()).collect();
        let deployed = BTreeMap::new();
        let scope = self.scope(&deployed);
        for resource in &live {
            match resource::find(&resource.kind) {
                Some(kind) => {
                    let what = format!("{} ({})", resource.id, resource.kind);
                    resource::check(&resource.properties, kind.properties(), &what, resource.at, &mut problems);
                }
                None => problems.push(unsupported(resource)),
            }
            let mut references = BTreeSet::new();
            scope.check(&resource.properties, &mut references, &mut problems);
            for (id, at) in &resource.depends_on {
                if self.template.resource(id).is_none() {
                    problems.push(Problem::at(*at, format!("DependsOn: '{id}' is no resource of this template")));
                }
                if ids.contains(id.as_str()) {
                    references.insert(id.clone());
                }
            }
            for id in references.iter().filter(|id| !ids.contains(id.as_str())) {
                let text = format!("{} refers to {id}, whose condition is false", resource.id);
                problems.push(Problem::at(resource.at, text));
            }
            needs.insert(resource.id.clone(), references);
        }
        self.check_outputs(&scope, &mut problems);
        if problems.is_empty() {
            match graph::order(&live, &needs) {
                Ok(order) => self.order = order,
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The resources whose conditions hold.
    fn live(&self, problems: &mut Vec<Problem>) -> Vec<Resource> {
        let deployed = BTreeMap::new();
        let scope = self.scope(&deployed);
        let mut live = Vec::new();
        for resource in &self.template.resources {
            match resource.condition.as_ref().map(|(name, at)| scope.condition(name, *at)) {
                None | Some(Ok(true)) => live.push(resource.clone()),
                Some(Ok(false)) => {}
                Some(Err(problem)) => problems.push(problem),
            }
        }
        live
    }

    fn check_outputs(&self, scope: &Scope<'_>, problems: &mut Vec<Problem>) {
        for (key, output) in &self.template.outputs {
            if output.get("Value").is_none() {
                problems.push(Problem::at(key.at, format!("the output {} has no Value", key.text)));
            }
            let condition = output.get("Condition").and_then(|node| Some((node.as_text()?, node.at)));
            match condition.map(|(name, at)| scope.condition(name, at)) {
                Some(Ok(false)) => continue,
                Some(Err(problem)) => problems.push(problem),
                _ => {}
            }
            for (part, value) in output.entries() {
                match part.text.as_str() {
                    "Value" => scope.check(value, &mut BTreeSet::new(), problems),
                    "Export" => match value.get("Name") {
                        Some(name) => scope.check(name, &mut BTreeSet::new(), problems),
                        None => problems.push(Problem::at(value.at, "Export needs a Name")),
                    },
                    "Description" | "Condition" => {}
                    other => problems.push(Problem::at(part.at, format!("an output has no '{other}'"))),
                }
            }
            if matches!(output.kind, Kind::Null) {
                problems.push(Problem::at(key.at, format!("the output {} is empty", key.text)));
            }
        }
    }
}

fn unsupported(resource: &Resource) -> Problem {
    let service = |kind: &str| kind.rsplit_once("::").map_or(kind.to_owned(), |(service, _)| service.to_owned());
    let same: Vec<&str> =
        resource::supported().into_iter().filter(|kind| service(kind) == service(&resource.kind)).collect();
    let hint = if same.is_empty() { String::new() } else { format!("; supported here are {}", same.join(", ")) };
    Problem::at(resource.at, format!("{}: the resource type {} is not supported yet{hint}", resource.id, resource.kind))
}
