//! Templates become resources. A template's text is read into a tree with line numbers, checked as a whole, rewritten from SAM into
//! plain resources, and applied step by step in the order that its references demand, through the same API operations that any
//! client calls.
//!
//! Invariants:
//! - Nothing is touched before the whole template has been checked.
//! - A step is on record before it begins. After a crash the same deployment goes through: what was half-made is removed and made
//!   again, what was half-changed is changed again.
//! - When a step fails, the steps before it are undone, the latest first. Removals come last, once nothing can fail any more.

mod apply;
pub mod build;
mod changes;
pub mod cloudformation;
mod condition;
mod error;
mod expression;
mod graph;
mod names;
pub mod package;
mod parameter;
mod plan;
mod problem;
mod reference;
pub mod resource;
mod rules;
mod sam;
mod stack;
mod stored;
mod template;
mod tree;

pub use changes::{Action, Change, Difference};
pub use error::Error;
pub use plan::Request;
pub use problem::{Position, Problem};
pub use stack::{Event, Output, Record, Stack};

use apply::Run;
use expression::Pseudo;
use fogbank_model::{Arn, Clock, ReadObject, RequestContext};
use fogbank_store::Store;
use plan::Plan;
use resource::Api;
use stack::Given;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Told of every event of a running deployment.
pub type Progress<'a> = dyn Fn(Event) + Send + Sync + 'a;

/// The stacks of all accounts.
pub struct Deploy {
    store: Store,
    api: Arc<dyn Api>,
    objects: Arc<dyn ReadObject>,
    clock: Arc<dyn Clock>,
    busy: Mutex<BTreeSet<String>>,
}

/// Held while a stack is being changed.
struct Turn {
    deploy: Arc<Deploy>,
    key: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.deploy.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// A checked deployment whose stack nobody else can change. Nothing has been touched yet.
pub struct Begun {
    turn: Turn,
    context: RequestContext,
    stack: Stack,
    /// What it was asked to be before.
    before: Given,
    plan: Plan,
}

impl Begun {
    /// The stack as it was before.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Says whether the stack can be deleted.
    pub fn protect(&mut self, protected: bool) {
        self.stack.protected = protected;
    }

    /// Puts the stack on record as being changed, so that whoever asks from now on finds it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn announce(&mut self) -> Result<(), Error> {
        self.stack.status = self.stack.status_of_change();
        stack::save(&self.turn.deploy.store, &self.stack).await
    }

    /// Carries the deployment out.
    ///
    /// # Errors
    /// [`Error::Failed`] if a step failed and was rolled back.
    pub async fn run(self, progress: &Progress<'_>) -> Result<Stack, Error> {
        let Deploy { store, api, clock, .. } = &*self.turn.deploy;
        let mut run = Run::new((store, &**api, &**clock), &self.context, progress, self.stack, self.before);
        run.apply(&self.plan).await?;
        Ok(run.stack)
    }
}

/// A deletion whose stack nobody else can change.
pub struct BegunDeletion {
    turn: Turn,
    context: RequestContext,
    stack: Stack,
}

impl BegunDeletion {
    /// Carries the deletion out.
    ///
    /// # Errors
    /// [`Error::Failed`] if a resource could not be removed.
    pub async fn run(self, progress: &Progress<'_>) -> Result<(), Error> {
        let Deploy { store, api, clock, .. } = &*self.turn.deploy;
        let given = self.stack.given();
        Run::new((store, &**api, &**clock), &self.context, progress, self.stack, given).delete().await
    }
}

impl Deploy {
    /// Stacks kept in `store`, whose resources are made through `api`, of templates that may be among `objects`.
    pub fn new(store: Store, api: Arc<dyn Api>, objects: Arc<dyn ReadObject>, clock: Arc<dyn Clock>) -> Self {
        Self { store, api, objects, clock, busy: Mutex::default() }
    }

    /// Makes or changes the stack so that it is as `request` says, and returns it.
    ///
    /// # Errors
    /// As [`Deploy::begin`], and [`Error::Failed`] if a step failed and was rolled back.
    pub async fn apply(
        self: &Arc<Self>,
        context: &RequestContext,
        request: &Request,
        progress: &Progress<'_>,
    ) -> Result<Stack, Error> {
        self.begin(context, request).await?.run(progress).await
    }

    /// Checks `request` and takes the stack's turn.
    ///
    /// # Errors
    /// [`Error::Template`] with every problem if the template is wrong, [`Error::Busy`] if the stack is being changed.
    pub async fn begin(self: &Arc<Self>, context: &RequestContext, request: &Request) -> Result<Begun, Error> {
        check_name(&request.stack)?;
        let values = self.stored(context, request).await?;
        let turn = self.take_turn(context, &request.stack)?;
        let found = stack::load(&self.store, context, &request.stack)?;
        let mut stack = found.unwrap_or_else(|| self.new_stack(context, &request.stack));
        let plan = self.plan(context, &stack, request, &values)?;
        let before = stack.given();
        given_by(request, &plan, &before).put_into(&mut stack);
        stack.updated = (!stack.status.is_empty()).then(|| self.clock.now());
        Ok(Begun { turn, context: context.clone(), stack, before, plan })
    }

    fn plan(
        &self,
        context: &RequestContext,
        stack: &Stack,
        request: &Request,
        store: &BTreeMap<String, String>,
    ) -> Result<Plan, Error> {
        let pseudo = Pseudo {
            account: context.account.to_string(),
            region: context.region.to_string(),
            stack_name: stack.name.clone(),
            stack_id: stack.id.clone(),
        };
        Plan::make(request, pseudo, self.exports(context, &stack.name)?, store).map_err(Error::Template)
    }

    /// Removes the stack and its resources.
    ///
    /// # Errors
    /// As [`Deploy::begin_delete`], and [`Error::Failed`] if a resource could not be removed.
    pub async fn delete(
        self: &Arc<Self>,
        context: &RequestContext,
        name: &str,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        self.begin_delete(context, name).await?.run(progress).await
    }

    /// Takes the stack's turn and puts it on record as being deleted.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Busy`], [`Error::Protected`].
    pub async fn begin_delete(self: &Arc<Self>, context: &RequestContext, name: &str) -> Result<BegunDeletion, Error> {
        let mut stack = self.stack(context, name)?;
        let turn = self.take_turn(context, &stack.name)?;
        if stack.protected {
            return Err(Error::Protected(stack.name));
        }
        stack.status = "DELETE_IN_PROGRESS".into();
        stack::save(&self.store, &stack).await?;
        Ok(BegunDeletion { turn, context: context.clone(), stack })
    }

    /// Says of a stack whether it can be deleted, and returns it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Busy`].
    pub async fn protect(
        self: &Arc<Self>,
        context: &RequestContext,
        name: &str,
        protected: bool,
    ) -> Result<Stack, Error> {
        let name = self.stack(context, name)?.name;
        let _turn = self.take_turn(context, &name)?;
        let stack = Stack { protected, ..self.stack(context, &name)? };
        stack::save(&self.store, &stack).await?;
        Ok(stack)
    }

    /// The stack called `name`, or whose id that is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn stack(&self, context: &RequestContext, name: &str) -> Result<Stack, Error> {
        stack::load(&self.store, context, name)?.ok_or_else(|| Error::NotFound(name.to_owned()))
    }

    /// The same, or the deleted one whose id `name` is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn stack_or_deleted(&self, context: &RequestContext, name: &str) -> Result<Stack, Error> {
        match self.stack(context, name) {
            Err(Error::NotFound(_)) => {
                let deleted = self.deleted(context)?.into_iter().find(|stack| stack.id == name);
                deleted.ok_or_else(|| Error::NotFound(name.to_owned()))
            }
            found => found,
        }
    }

    /// The deleted stacks of the context's account and region that are still remembered, the latest last.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn deleted(&self, context: &RequestContext) -> Result<Vec<Stack>, Error> {
        stack::load_deleted(&self.store, context)
    }

    /// All stacks of the context's account and region, by name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn stacks(&self, context: &RequestContext) -> Result<Vec<Stack>, Error> {
        stack::load_all(&self.store, context)
    }

    /// Tells whether some stack's record names an uploaded package by its digest, so that it must be kept.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn packages(&self) -> Result<impl Fn(&str) -> bool + use<>, Error> {
        let stacks = stack::load_everything(&self.store)?;
        Ok(move |digest: &str| stacks.iter().any(|stack| stack.names_package(digest)))
    }

    /// What stacks other than `but` export, by name.
    fn exports(&self, context: &RequestContext, but: &str) -> Result<BTreeMap<String, String>, Error> {
        let stacks = self.stacks(context)?;
        let others = stacks.into_iter().filter(|stack| stack.name != but).flat_map(|stack| stack.outputs);
        Ok(others.filter_map(|output| Some((output.export?, output.value))).collect())
    }

    fn take_turn(self: &Arc<Self>, context: &RequestContext, name: &str) -> Result<Turn, Error> {
        let key = format!("{}/{}/{name}", context.account, context.region);
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert(key.clone()) {
            return Err(Error::Busy(name.to_owned()));
        }
        Ok(Turn { deploy: self.clone(), key })
    }

    fn new_stack(&self, context: &RequestContext, name: &str) -> Stack {
        let resource = format!("stack/{name}/{}", self.clock.uuid());
        Stack {
            name: name.to_owned(),
            id: Arn::new("cloudformation", &context.region, &context.account, &resource).to_string(),
            account: context.account.clone(),
            region: context.region.clone(),
            status: String::new(),
            reason: None,
            template: String::new(),
            description: None,
            parameters: BTreeMap::new(),
            resolved: BTreeMap::new(),
            hidden: BTreeSet::new(),
            tags: BTreeMap::new(),
            protected: false,
            created: self.clock.now(),
            deleted: None,
            updated: None,
            resources: Vec::new(),
            garbage: Vec::new(),
            outputs: Vec::new(),
            events: Vec::new(),
        }
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= 128 && plain;
    if good { Ok(()) } else { Err(Error::Name(name.chars().take(200).collect())) }
}

/// What `request` asks a stack to be that was asked to be `before`.
fn given_by(request: &Request, plan: &Plan, before: &Given) -> Given {
    let text = |node: &tree::Node| match node.as_text() {
        Some(text) => text.to_owned(),
        None => node.items().iter().filter_map(tree::Node::as_text).collect::<Vec<_>>().join(","),
    };
    let values = || plan.parameters.iter().map(|(name, node)| (name.clone(), text(node)));
    let mut parameters: BTreeMap<String, String> = values().collect();
    parameters.extend(plan.stored.clone());
    let no_echo =
        |node: &tree::Node| node.get("NoEcho").and_then(tree::Node::as_text).is_some_and(|text| text == "true");
    let hidden = plan.template.parameters.iter().filter(|(_, node)| no_echo(node)).map(|(key, _)| key.text.clone());
    Given {
        template: request.template.clone(),
        description: plan.template.description.clone(),
        parameters,
        resolved: values().filter(|(name, _)| plan.stored.contains_key(name)).collect(),
        hidden: hidden.collect(),
        tags: request.tags.clone().unwrap_or_else(|| before.tags.clone()),
    }
}

#[cfg(test)]
mod tests;
