//! Carries a plan out: one resource after another, each step on record before it begins, and undone if a later one fails.

mod removal;
mod report;
mod rollback;

use crate::names::{Namer, already_there, cannot_have_name, keep_name, only_host};
use crate::plan::Plan;
use crate::problem::{Position, Problem};
use crate::resource::{self, Api, Call, Made, Properties, ResourceType};
use crate::stack::{Given, Output, Record, Stack, State};
use crate::{Error, Progress};
use fogbank_model::{Clock, RequestContext};
use fogbank_store::Store;
use fogbank_wire::Fault;
use rollback::Undo;
use std::collections::BTreeMap;

/// A deployment under way.
pub(crate) struct Run<'a> {
    pub store: &'a Store,
    pub api: &'a dyn Api,
    pub clock: &'a dyn Clock,
    pub context: &'a RequestContext,
    pub progress: &'a Progress<'a>,
    pub stack: Stack,
    /// What the stack goes back to if the deployment fails.
    given: Given,
    done: Vec<Undo>,
}

/// A failed step: which resource, where it is declared, and why.
pub(crate) struct Failure {
    id: String,
    reason: String,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        (store, api, clock): (&'a Store, &'a dyn Api, &'a dyn Clock),
        context: &'a RequestContext,
        progress: &'a Progress<'a>,
        stack: Stack,
        given: Given,
    ) -> Self {
        Self { store, api, clock, context, progress, stack, given, done: Vec::new() }
    }

    /// Applies `plan`; takes everything back if a step fails.
    pub(crate) async fn apply(&mut self, plan: &Plan) -> Result<(), Error> {
        let status = self.stack.status_of_change();
        let verb = if status.starts_with("CREATE") { "CREATE" } else { "UPDATE" };
        self.set_status(&status, None).await?;
        let finished = match self.make_all(plan).await {
            Ok(()) => self.resolve_outputs(plan),
            Err(failure) => Err(failure),
        };
        match finished {
            Ok(outputs) => self.stack.outputs = outputs,
            Err(failure) => return Err(self.roll_back(verb, failure).await?),
        }
        if verb == "UPDATE" {
            self.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None).await?;
        }
        self.clean_up(plan).await?;
        self.set_status(&format!("{verb}_COMPLETE"), None).await
    }

    async fn make_all(&mut self, plan: &Plan) -> Result<(), Failure> {
        let mut deployed: BTreeMap<String, Made> = BTreeMap::new();
        for id in &plan.order {
            let made = self.make_one(plan, id, &deployed).await;
            let made = made.map_err(|reason| Failure { id: id.clone(), reason })?;
            deployed.insert(id.clone(), made);
        }
        Ok(())
    }

    async fn make_one(&mut self, plan: &Plan, id: &str, deployed: &BTreeMap<String, Made>) -> Result<Made, String> {
        let Some(declared) = plan.template.resource(id) else { return Err("it is not declared".into()) };
        let Some(kind) = resource::find(&declared.kind) else { return Err("its type is not supported".into()) };
        let scope = plan.scope(deployed);
        let located = |problem: Problem| problem.to_string();
        let resolved = scope.resolve(&declared.properties).map_err(located)?;
        let resolved = resolved.unwrap_or_else(|| declared.properties.clone());
        let mut wanted = resource::typed_all(&resolved, kind.properties()).map_err(located)?;
        resource::tag_all(kind, &mut wanted, &self.stack.tags);
        self.finish_interrupted(id).await?;
        let step = Step {
            id,
            kind,
            retain: declared.retain,
            retain_replaced: declared.retain_replaced,
            at: declared.at,
            only_host: only_host(plan, id),
        };
        let Some(record) = self.stack.record(id).cloned() else { return self.create(&step, wanted).await };
        let named = keep_name(kind, &record, wanted.clone());
        if record.kind == kind.name() && record.properties == named && record.state == State::Ready {
            if let Some(record) = self.stack.record_mut(id) {
                record.retain = declared.retain;
            }
            return Ok(record.made);
        }
        if record.kind == kind.name() && !replaces(kind, &record.properties, &named) {
            return self.update(&step, record, named).await;
        }
        self.replace(&step, record, wanted).await
    }

    /// Removes what an interrupted deployment may have left of a resource that it was making.
    async fn finish_interrupted(&mut self, id: &str) -> Result<(), String> {
        let Some(record) = self.stack.record(id).cloned() else { return Ok(()) };
        let Some(kind) = resource::find(&record.kind) else { return Ok(()) };
        if record.state != State::Creating {
            return Ok(());
        }
        if let Some(made) = kind.left_over(&record.properties) {
            let removed = kind.delete(&self.call(), &made, &record.properties).await;
            removed.map_err(|fault| fault.message)?;
        }
        self.stack.take_record(id);
        self.save().await
    }

    async fn create(&mut self, step: &Step<'_>, mut wanted: Properties) -> Result<Made, String> {
        let rule = step.kind.name_property().filter(|rule| !wanted.contains_key(rule.property));
        // From here on whatever has that name counts as ours, and goes if the step fails or is interrupted.
        if rule.is_none()
            && let Some((service, operation, input)) = step.kind.lookup_in(self.call().context, &wanted)
            && self.call().run(service, operation, input).await.is_ok()
        {
            let reason = "something of that name already exists, and is not of this stack".to_owned();
            self.event(step, "CREATE_FAILED", &Made::default(), Some(reason.clone()));
            return Err(reason);
        }
        if let Some(rule) = rule {
            let name = self.namer(step).make(rule) + step.kind.name_suffix(&wanted);
            wanted.insert(rule.property.into(), name.into());
        }
        self.stack.resources.push(Record {
            id: step.id.to_owned(),
            kind: step.kind.name().to_owned(),
            state: State::Creating,
            made: Made::default(),
            properties: wanted.clone(),
            retain: step.retain,
            changed: self.clock.now(),
        });
        self.begin(step, "CREATE_IN_PROGRESS").await?;
        let mut created = step.kind.create(&self.call(), &wanted).await;
        if let Some(rule) = rule.filter(|rule| rule.host && created.as_ref().is_err_and(cannot_have_name)) {
            wanted.insert(rule.property.into(), self.namer(step).make_longer(rule).into());
            if let Some(record) = self.stack.record_mut(step.id) {
                record.properties.clone_from(&wanted);
            }
            self.save().await?;
            created = step.kind.create(&self.call(), &wanted).await;
        }
        let made = match created {
            Ok(made) => made,
            Err(fault) => {
                // What failed may have been made in part; the name is on record.
                if let Some(made) = step.kind.left_over(&wanted).filter(|_| !already_there(&fault)) {
                    drop(step.kind.delete(&self.call(), &made, &wanted).await);
                }
                self.stack.take_record(step.id);
                self.event(step, "CREATE_FAILED", &Made::default(), Some(fault.message.clone()));
                return Err(fault.message);
            }
        };
        self.done.push(Undo::Remove(step.id.to_owned()));
        self.settle(step.id, made.clone(), wanted);
        self.event(step, "CREATE_COMPLETE", &made, None);
        self.save().await?;
        Ok(made)
    }

    async fn update(&mut self, step: &Step<'_>, record: Record, wanted: Properties) -> Result<Made, String> {
        if let Some(record) = self.stack.record_mut(step.id) {
            record.state = State::Updating(wanted.clone());
            record.retain = step.retain;
        }
        self.begin(step, "UPDATE_IN_PROGRESS").await?;
        self.done.push(Undo::Restore(Box::new(record.clone())));
        let updated = self.change(step.kind, &record, &wanted).await;
        let made = updated.map_err(|fault| {
            self.event(step, "UPDATE_FAILED", &record.made, Some(fault.message.clone()));
            fault.message
        })?;
        self.settle(step.id, made.clone(), wanted);
        self.event(step, "UPDATE_COMPLETE", &made, None);
        self.save().await?;
        Ok(made)
    }

    /// Changes a resource from what is on record to `wanted`. Where an interrupted change left in doubt which of two states holds, it is
    /// changed from each: what equals one of them differs from the other if the two do.
    async fn change(&self, kind: &dyn ResourceType, record: &Record, wanted: &Properties) -> Result<Made, Fault> {
        let made = kind.update(&self.call(), &record.made, &record.properties, wanted).await?;
        match &record.state {
            State::Updating(attempted) => kind.update(&self.call(), &made, attempted, wanted).await,
            State::Ready | State::Creating => Ok(made),
        }
    }

    /// Makes a new one beside the old one, which is removed once the whole deployment has succeeded.
    async fn replace(&mut self, step: &Step<'_>, old: Record, wanted: Properties) -> Result<Made, String> {
        if let Some(rule) = step.kind.name_property() {
            let same = wanted.get(rule.property).is_some_and(|name| old.properties.get(rule.property) == Some(name));
            if same && old.kind == step.kind.name() && rule.unique {
                return Err(format!(
                    "this change needs a new resource, but {} fixes its name; change the name too",
                    rule.property
                ));
            }
        }
        let place = self.stack.resources.iter().position(|record| record.id == step.id).unwrap_or_default();
        self.stack.take_record(step.id);
        // Kept on record until the deployment has succeeded, so that a failed one can reinstate it.
        self.stack.garbage.push(Record { retain: old.retain || step.retain_replaced, ..old.clone() });
        self.done.push(Undo::Reinstate(Box::new(old), place));
        self.create(step, wanted).await
    }

    fn settle(&mut self, id: &str, made: Made, properties: Properties) {
        let now = self.clock.now();
        if let Some(record) = self.stack.record_mut(id) {
            *record = Record { state: State::Ready, made, properties, changed: now, ..record.clone() };
        }
    }

    fn resolve_outputs(&self, plan: &Plan) -> Result<Vec<Output>, Failure> {
        let deployed = self.stack.resources.iter().map(|record| (record.id.clone(), record.made.clone())).collect();
        let scope = plan.scope(&deployed);
        let mut outputs = Vec::new();
        for (key, node) in &plan.template.outputs {
            let condition = node.get("Condition").and_then(|node| Some((node.as_text()?, node.at)));
            if condition.is_some_and(|(name, at)| matches!(scope.condition(name, at), Ok(false))) {
                continue;
            }
            let failed = |problem: Problem| Failure { id: key.text.clone(), reason: problem.to_string() };
            let text = |name: &str| node.get(name).map(|node| scope.text(node, name)).transpose().map_err(failed);
            let export = node.get("Export").and_then(|export| export.get("Name"));
            outputs.push(Output {
                key: key.text.clone(),
                value: text("Value")?.unwrap_or_default(),
                description: text("Description")?,
                export: export.map(|name| scope.text(name, "Export")).transpose().map_err(failed)?,
            });
        }
        Ok(outputs)
    }

    fn namer<'s>(&'s self, step: &'s Step<'_>) -> Namer<'s> {
        Namer { clock: self.clock, stack: &self.stack.name, id: step.id, only_host: step.only_host }
    }

    fn call(&self) -> Call<'a> {
        Call { api: self.api, context: self.context, blobs: self.store.blobs() }
    }
}

/// One resource's turn.
struct Step<'a> {
    id: &'a str,
    kind: &'static dyn ResourceType,
    retain: bool,
    retain_replaced: bool,
    at: Position,
    /// Whether no other resource of the template is reached by a host name.
    only_host: bool,
}

fn replaces(kind: &dyn ResourceType, before: &Properties, wanted: &Properties) -> bool {
    kind.properties().iter().any(|property| property.replaces && before.get(property.name) != wanted.get(property.name))
}
