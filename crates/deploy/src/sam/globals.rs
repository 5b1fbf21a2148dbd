//! SAM's `Globals`: defaults for every resource of a type. A resource's own scalars win, its mappings are merged into the global
//! ones, its lists are appended.

use crate::problem::Problem;
use crate::template::Resource;
use crate::tree::{Kind, Node};

/// The sections, by the type they apply to.
pub(super) struct Globals {
    sections: Vec<(String, Node)>,
}

const SECTIONS: &[&str] = &["Function", "Api", "HttpApi", "LayerVersion"];

impl Globals {
    pub(super) fn read(node: Option<&Node>) -> Result<Self, Vec<Problem>> {
        let Some(node) = node else { return Ok(Self { sections: Vec::new() }) };
        let entries = node.expect_map("Globals").map_err(|problem| vec![problem])?;
        let unknown = entries.iter().filter(|(key, _)| !SECTIONS.contains(&key.text.as_str()));
        let problems: Vec<Problem> = unknown
            .map(|(key, _)| {
                Problem::at(key.at, format!("Globals: {} is not supported; {} are", key.text, SECTIONS.join(", ")))
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { sections: entries.iter().map(|(key, node)| (key.text.clone(), node.clone())).collect() })
    }

    /// The defaults for `AWS::Serverless::KIND`.
    pub(super) fn section(&self, kind: &str) -> Option<&Node> {
        self.sections.iter().find(|(name, _)| name == kind).map(|(_, node)| node)
    }

    pub(super) fn merge_into(&self, resource: &mut Resource) {
        let kind = resource.kind.strip_prefix(super::PREFIX);
        if let Some(defaults) = kind.and_then(|kind| self.section(kind)) {
            resource.properties = merge(defaults, &resource.properties);
        }
    }
}

fn merge(global: &Node, own: &Node) -> Node {
    if global.as_call().is_some() || own.as_call().is_some() {
        return own.clone();
    }
    let kind = match (&global.kind, &own.kind) {
        (Kind::Map(defaults), Kind::Map(entries)) => {
            let mut merged: Vec<_> = defaults.iter().filter(|(key, _)| own.get(&key.text).is_none()).cloned().collect();
            merged.extend(entries.iter().map(|(key, value)| {
                let value = global.get(&key.text).map_or_else(|| value.clone(), |global| merge(global, value));
                (key.clone(), value)
            }));
            Kind::Map(merged)
        }
        (Kind::List(global), Kind::List(own)) => Kind::List(global.iter().chain(own).cloned().collect()),
        (_, own) => own.clone(),
    };
    Node { at: own.at, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_win_mappings_merge_and_lists_are_appended() {
        let global = crate::tree::parse("{A: 1, B: {x: 1, y: 1}, C: [1], D: {z: 1}}").unwrap();
        let own = crate::tree::parse("{A: 2, B: {y: 2}, C: [2], D: !Ref Q}").unwrap();
        let expected = serde_json::json!({"A": 2, "B": {"x": 1, "y": 2}, "C": [1, 2], "D": {"Ref": "Q"}});
        assert_eq!(merge(&global, &own).to_json(), expected);
    }
}
