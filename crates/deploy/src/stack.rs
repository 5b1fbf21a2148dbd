//! What is on record about a stack, and where. The record is written before and after every step, so that an interrupted
//! deployment is found as it was left.

use crate::cloudformation::change_sets;
use crate::resource::{Made, Properties};
use crate::{Error, Position};
use fogbank_model::{AccountId, Region, RequestContext, Timestamp};
use fogbank_store::{Read, Store, Table};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const STACKS: Table = Table("deploy.stack");
/// Key: `ACCOUNT/REGION/` and the time of deletion.
const DELETED: Table = Table("deploy.deleted");

/// How many deleted stacks of an account are remembered in a region. CloudFormation does so for 90 days.
const MAX_DELETED: usize = 100;

/// How many events a stack remembers.
const MAX_EVENTS: usize = 500;

/// A stack: a template, what it was given, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// `arn:aws:cloudformation:…:stack/NAME/UUID`
    pub id: String,
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// Such as `CREATE_COMPLETE`, in CloudFormation's words.
    pub status: String,
    /// Why, after a failure.
    pub reason: Option<String>,
    /// The template's text.
    pub template: String,
    /// The template's `Description`.
    pub description: Option<String>,
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
    /// The values of the parameters that name what is in the Parameter Store.
    #[serde(default)]
    pub resolved: BTreeMap<String, String>,
    /// The parameters that are declared `NoEcho`: their values are used and never shown.
    #[serde(default)]
    pub hidden: BTreeSet<String>,
    /// Its tags, which its resources have too.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether it cannot be deleted.
    #[serde(default)]
    pub protected: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was deleted.
    #[serde(default)]
    pub deleted: Option<Timestamp>,
    /// When it was last changed.
    pub updated: Option<Timestamp>,
    /// Its resources, in the order in which they were made.
    pub resources: Vec<Record>,
    /// What is to be removed once the running deployment has succeeded, or could not be removed yet.
    pub garbage: Vec<Record>,
    /// Its outputs.
    pub outputs: Vec<Output>,
    /// What happened, the latest last.
    pub events: Vec<Event>,
}

/// What is on record about one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its logical id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// How far it is.
    pub state: State,
    /// Its physical id and attributes.
    pub made: Made,
    /// The properties it was made with.
    pub properties: Properties,
    /// Whether it stays when it is dropped from the template.
    pub retain: bool,
    /// When it last changed.
    pub changed: Timestamp,
}

/// How far a resource is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// It is being made; whether it exists is not known.
    Creating,
    /// It is being changed to the properties given here; which of them hold is not known.
    Updating(Properties),
    /// It is as its record says.
    Ready,
}

/// A resolved output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Its description.
    pub description: Option<String>,
    /// The name under which other stacks can import it.
    pub export: Option<String>,
}

/// Something that happened to a stack or to one of its resources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The logical id; the stack's name for the stack itself.
    pub id: String,
    /// The type.
    pub kind: String,
    /// The physical id, where there is one.
    pub physical_id: String,
    /// Such as `CREATE_IN_PROGRESS`.
    pub status: String,
    /// Why, after a failure.
    pub reason: Option<String>,
    /// Where the resource is declared, if the event comes from a template that is being applied.
    pub position: Option<Position>,
}

/// What a stack was asked to be.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub template: String,
    pub description: Option<String>,
    pub parameters: BTreeMap<String, String>,
    pub resolved: BTreeMap<String, String>,
    pub hidden: BTreeSet<String>,
    pub tags: BTreeMap<String, String>,
}

impl Given {
    pub(crate) fn put_into(self, stack: &mut Stack) {
        let Self { template, description, parameters, resolved, hidden, tags } = self;
        *stack = Stack { template, description, parameters, resolved, hidden, tags, ..stack.clone() };
    }
}

impl Stack {
    /// What it was asked to be last.
    pub(crate) fn given(&self) -> Given {
        let Self { template, description, parameters, resolved, hidden, tags, .. } = self.clone();
        Given { template, description, parameters, resolved, hidden, tags }
    }

    /// The parameters' values as they may be shown: those declared `NoEcho` are stars.
    pub fn shown_parameters(&self) -> BTreeMap<String, String> {
        let shown = |(name, value): (&String, &String)| {
            (name.clone(), if self.hidden.contains(name) { "****".to_owned() } else { value.clone() })
        };
        self.parameters.iter().map(shown).collect()
    }

    /// Whether a record of it names the uploaded package `digest`.
    pub fn names_package(&self, digest: &str) -> bool {
        let mut records = self.resources.iter().chain(&self.garbage);
        let names = |properties: &Properties| {
            let parts = ["Code", "Content"]
                .iter()
                .filter_map(|part| properties.get(*part)?.get(crate::package::ARTIFACT)?.as_str());
            parts.into_iter().any(|named| named == digest)
        };
        records.any(|record| {
            let attempted = if let State::Updating(attempted) = &record.state { names(attempted) } else { false };
            names(&record.properties) || attempted
        })
    }

    /// The resource called `id`.
    pub fn record(&self, id: &str) -> Option<&Record> {
        self.resources.iter().find(|record| record.id == id)
    }

    /// `CREATE_IN_PROGRESS` for a stack that has nothing yet, else `UPDATE_IN_PROGRESS`.
    pub(crate) fn status_of_change(&self) -> String {
        let verb = if self.resources.is_empty() { "CREATE" } else { "UPDATE" };
        format!("{verb}_IN_PROGRESS")
    }

    pub(crate) fn record_mut(&mut self, id: &str) -> Option<&mut Record> {
        self.resources.iter_mut().find(|record| record.id == id)
    }

    pub(crate) fn take_record(&mut self, id: &str) -> Option<Record> {
        let index = self.resources.iter().position(|record| record.id == id)?;
        Some(self.resources.remove(index))
    }

    /// What there is to say of the stack as it is now.
    pub(crate) fn own_event(&self, at: Timestamp) -> Event {
        Event {
            at,
            id: self.name.clone(),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            physical_id: self.id.clone(),
            status: self.status.clone(),
            reason: self.reason.clone(),
            position: None,
        }
    }

    pub(crate) fn add_event(&mut self, event: Event) {
        self.events.push(event);
        let over = self.events.len().saturating_sub(MAX_EVENTS);
        self.events.drain(..over);
    }
}

fn key(account: &AccountId, region: &Region, name: &str) -> Vec<u8> {
    format!("{account}/{region}/{name}").into_bytes()
}

/// The stack called `name` (or whose id that is) in the context's account and region.
pub(crate) fn load(store: &Store, context: &RequestContext, name: &str) -> Result<Option<Stack>, Error> {
    let wanted = name.strip_prefix("arn:").and_then(|arn| arn.split('/').nth(1)).unwrap_or(name);
    let key = key(&context.account, &context.region, wanted);
    let stack: Option<Stack> = store.read(|snapshot| snapshot.load(STACKS, &key))?;
    Ok(stack.filter(|stack| stack.name == name || stack.id == name))
}

/// All stacks of all accounts.
pub(crate) fn load_everything(store: &Store) -> Result<Vec<Stack>, Error> {
    let found: Vec<(Vec<u8>, Stack)> = store.read(|snapshot| snapshot.load_prefix(STACKS, &[]))?;
    Ok(found.into_iter().map(|(_, stack)| stack).collect())
}

/// All stacks of the context's account and region, by name.
pub(crate) fn load_all(store: &Store, context: &RequestContext) -> Result<Vec<Stack>, Error> {
    let prefix = key(&context.account, &context.region, "");
    let found: Vec<(Vec<u8>, Stack)> = store.read(|snapshot| snapshot.load_prefix(STACKS, &prefix))?;
    Ok(found.into_iter().map(|(_, stack)| stack).collect())
}

/// Writes the record; on disk when this returns.
pub(crate) async fn save(store: &Store, stack: &Stack) -> Result<(), Error> {
    let (key, stack) = (key(&stack.account, &stack.region, &stack.name), stack.clone());
    store.transact(move |tx| tx.save(STACKS, &key, &stack)).await.map_err(Error::from)
}

/// The deleted stacks of the context's account and region that are still remembered.
pub(crate) fn load_deleted(store: &Store, context: &RequestContext) -> Result<Vec<Stack>, Error> {
    let prefix = key(&context.account, &context.region, "");
    let found: Vec<(Vec<u8>, Stack)> = store.read(|snapshot| snapshot.load_prefix(DELETED, &prefix))?;
    Ok(found.into_iter().map(|(_, stack)| stack).collect())
}

/// Frees the stack's name, with the change sets that were made for it. What it was is remembered under its id.
pub(crate) async fn forget(store: &Store, stack: &Stack, now: Timestamp) -> Result<(), Error> {
    let of = |name: &str| key(&stack.account, &stack.region, name);
    let (own, scope, place) = (of(&stack.name), of(""), of(&format!("{:016}/{}", now.0, stack.id)));
    let stack = Stack { deleted: Some(now), ..stack.clone() };
    let removed = store.transact(move |tx| {
        tx.delete(STACKS, &own);
        change_sets::forget(tx, &stack, None)?;
        tx.save(DELETED, &place, &stack)?;
        let remembered = tx.scan_prefix(DELETED, &scope, usize::MAX)?;
        let over = remembered.len().saturating_sub(MAX_DELETED);
        remembered.iter().take(over).for_each(|(oldest, _)| tx.delete(DELETED, oldest));
        Ok::<_, fogbank_store::Error>(())
    });
    removed.await.map_err(Error::from)
}
