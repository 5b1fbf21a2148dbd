//! What a deployment would change, told before it is carried out: the declared resources against the ones on record.

use crate::plan::{Plan, Request};
use crate::{Deploy, Error, Stack, resource};
use fogbank_model::RequestContext;
use std::collections::BTreeMap;

/// One resource that would change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// What would happen.
    pub action: Action,
    /// The logical id.
    pub id: String,
    /// The type.
    pub kind: String,
    /// The physical id, if it exists.
    pub physical_id: Option<String>,
    /// Whether a property that cannot be changed in place differs.
    pub replaces: bool,
}

/// What a deployment would change.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The resources that would change.
    pub changes: Vec<Change>,
    /// Whether outputs or the stack's tags would.
    pub beside: bool,
}

/// What would happen to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Action {
    /// It would be made.
    Add,
    /// It would be changed or replaced.
    Modify,
    /// It would be removed.
    Remove,
}

impl Deploy {
    /// What `request` would change. References are taken as they are now, so a change that only comes with the replacement of
    /// another resource is not told.
    ///
    /// # Errors
    /// [`Error::Template`] with every problem.
    pub async fn changes(&self, context: &RequestContext, request: &Request) -> Result<Difference, Error> {
        let values = self.stored(context, request).await?;
        let found = crate::stack::load(&self.store, context, &request.stack)?;
        let stack = found.unwrap_or_else(|| self.new_stack(context, &request.stack));
        let wanted = self.plan(context, &stack, request, &values)?;
        let before = Request {
            stack: stack.name.clone(),
            template: stack.template.clone(),
            parameters: stack.parameters.clone(),
            tags: None,
            artifacts: request.artifacts.clone(),
        };
        let value = |(name, stored): (&String, &String)| Some((stored.clone(), stack.resolved.get(name)?.clone()));
        let values = stack.parameters.iter().filter_map(value).collect();
        // What was deployed may not read any more, after an update of Fogbank: then everything counts as changed.
        let before = self.plan(context, &stack, &before, &values).ok();
        let retagged = request.tags.as_ref().is_some_and(|tags| *tags != stack.tags);
        let changes = compare(&stack, before.as_ref(), &wanted);
        let beside = retagged || outputs(&stack, before.as_ref()) != outputs(&stack, Some(&wanted));
        Ok(Difference { changes, beside })
    }
}

/// The outputs that `plan` declares, as far as they are known.
fn outputs(stack: &Stack, plan: Option<&Plan>) -> Vec<(String, serde_json::Value)> {
    let deployed = stack.resources.iter().map(|record| (record.id.clone(), record.made.clone())).collect();
    let resolved = |(key, node): &(crate::tree::Key, crate::tree::Node)| {
        let resolved = plan.and_then(|plan| plan.scope(&deployed).resolve(node).ok().flatten());
        (key.text.clone(), resolved.as_ref().unwrap_or(node).to_json())
    };
    plan.map_or_else(Vec::new, |plan| plan.template.outputs.iter().map(resolved).collect())
}

fn compare(stack: &Stack, before: Option<&Plan>, wanted: &Plan) -> Vec<Change> {
    let deployed: BTreeMap<_, _> =
        stack.resources.iter().map(|record| (record.id.clone(), record.made.clone())).collect();
    let declared = |plan: &Plan, id: &str| {
        let resource = plan.template.resource(id)?;
        let properties = plan.scope(&deployed).resolve(&resource.properties).ok().flatten();
        Some((resource.kind.clone(), properties.unwrap_or_else(|| resource.properties.clone())))
    };
    let mut changes = Vec::new();
    for id in &wanted.order {
        let Some((kind, properties)) = declared(wanted, id) else { continue };
        let Some(record) = stack.record(id) else {
            changes.push(Change { action: Action::Add, id: id.clone(), kind, physical_id: None, replaces: false });
            continue;
        };
        let old = before.and_then(|plan| declared(plan, id));
        let same =
            old.as_ref().is_some_and(|(old_kind, old)| *old_kind == kind && old.to_json() == properties.to_json());
        if !same {
            let table = resource::find(&kind).map_or(&[][..], |kind| kind.properties());
            let differs = |name: &str| {
                let value = |node: Option<&crate::tree::Node>| node.map(crate::tree::Node::to_json);
                let old = old.as_ref().and_then(|(_, old)| old.get(name));
                value(old) != value(properties.get(name))
            };
            let replaces = table.iter().any(|property| property.replaces && differs(property.name));
            let physical_id = Some(record.made.physical_id.clone());
            changes.push(Change { action: Action::Modify, id: id.clone(), kind, physical_id, replaces });
        }
    }
    let dropped = stack.resources.iter().filter(|record| !wanted.order.contains(&record.id));
    changes.extend(dropped.map(|record| Change {
        action: Action::Remove,
        id: record.id.clone(),
        kind: record.kind.clone(),
        physical_id: Some(record.made.physical_id.clone()),
        replaces: false,
    }));
    changes
}
