//! Change sets: a deployment that is checked and kept until somebody executes it.

use crate::changes::{Action, Change};
use crate::cloudformation::faults::invalid;
use crate::cloudformation::shapes::{Empty, StackInput, TemplateInput};
use crate::cloudformation::stacks::{check_capabilities, run};
use crate::{Deploy, Event, Request, Stack, stack};
use fogbank_model::{AccountId, Arn, Region, RequestContext, Timestamp};
use fogbank_store::{Read, Table, Tx};
use fogbank_wire::Fault;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const CHANGE_SETS: Table = Table("deploy.change_set");

/// What is on record about a change set. Its key is `ACCOUNT/REGION/STACK/NAME`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ChangeSet {
    id: String,
    name: String,
    stack_id: String,
    stack_name: String,
    description: Option<String>,
    created: Timestamp,
    request: Request,
    changes: Vec<Change>,
    /// Whether something would change beside resources.
    #[serde(default)]
    beside: bool,
    executed: bool,
}

impl ChangeSet {
    fn status(&self) -> (&'static str, &'static str, Option<&'static str>) {
        match (self.executed, self.changes.is_empty() && !self.beside) {
            (true, _) => ("CREATE_COMPLETE", "EXECUTE_COMPLETE", None),
            (false, false) => ("CREATE_COMPLETE", "AVAILABLE", None),
            (false, true) => {
                let reason = "The submitted information didn't contain changes. Submit different information to create a change set.";
                ("FAILED", "UNAVAILABLE", Some(reason))
            }
        }
    }
}

fn key((account, region): (&AccountId, &Region), stack: &str, name: &str) -> Vec<u8> {
    format!("{account}/{region}/{stack}/{name}").into_bytes()
}

fn owner(context: &RequestContext) -> (&AccountId, &Region) {
    (&context.account, &context.region)
}

/// `CreateChangeSet`
pub async fn create(deploy: Arc<Deploy>, context: RequestContext, input: TemplateInput) -> Result<Value, Fault> {
    let found = deploy.stack(&context, &input.stack_name).ok();
    let before = found.clone().filter(|stack| stack.status != "REVIEW_IN_PROGRESS");
    let kind = input.change_set_type.as_deref().unwrap_or("UPDATE");
    match (kind, &before) {
        ("UPDATE", None) => return Err(invalid(format!("Stack [{}] does not exist", input.stack_name))),
        ("CREATE", Some(stack)) => {
            let text = format!(
                "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
                stack.name, input.change_set_name
            );
            return Err(invalid(text));
        }
        ("CREATE" | "UPDATE", _) => {}
        (other, _) => return Err(invalid(format!("the change set type {other} is not supported"))),
    }
    let input = input.read(&deploy, &context).await?;
    let request = input.request(before.as_ref())?;
    check_capabilities(&request.template, &input.capabilities)?;
    let difference = deploy.changes(&context, &request).await?;
    let target = match found {
        Some(stack) => stack,
        None => deploy.reserve(&context, &input.stack_name).await?,
    };
    let resource = format!("changeSet/{}/{}", input.change_set_name, deploy.clock.uuid());
    let set = ChangeSet {
        id: Arn::new("cloudformation", &context.region, &context.account, &resource).to_string(),
        name: input.change_set_name,
        stack_id: target.id.clone(),
        stack_name: target.name.clone(),
        description: input.description,
        created: deploy.clock.now(),
        request: Request { stack: target.name, ..request },
        changes: difference.changes,
        beside: difference.beside,
        executed: false,
    };
    let (key, answer) =
        (key(owner(&context), &set.stack_name, &set.name), json!({"Id": set.id, "StackId": set.stack_id}));
    let kept = deploy.store.transact(move |tx| {
        if tx.get(CHANGE_SETS, &key)?.is_some() {
            return Ok(false);
        }
        tx.save(CHANGE_SETS, &key, &set)?;
        Ok::<_, fogbank_store::Error>(true)
    });
    match kept.await.map_err(Fault::internal)? {
        true => Ok(answer),
        false => Err(Fault::client("AlreadyExistsException", "ChangeSet already exists")),
    }
}

/// The change set that a name or an id means.
fn find(deploy: &Deploy, context: &RequestContext, input: &StackInput) -> Result<ChangeSet, Fault> {
    let by_id = input.change_set_name.starts_with("arn:");
    let prefix = match (&input.stack_name, by_id) {
        (_, true) => format!("{}/{}/", context.account, context.region).into_bytes(),
        (Some(name), false) => key(owner(context), &deploy.stack(context, name)?.name, &input.change_set_name),
        (None, false) => {
            return Err(invalid("StackName must be specified if ChangeSetName is not specified as an ARN."));
        }
    };
    let found: Vec<(Vec<u8>, ChangeSet)> =
        deploy.store.read(|snapshot| snapshot.load_prefix(CHANGE_SETS, &prefix)).map_err(crate::Error::from)?;
    let wanted = |set: &ChangeSet| set.id == input.change_set_name || set.name == input.change_set_name;
    let missing = || {
        Fault::client("ChangeSetNotFound", format!("ChangeSet [{}] does not exist", input.change_set_name))
            .with_status(404)
    };
    found.into_iter().map(|(_, set)| set).find(wanted).ok_or_else(missing)
}

/// `DescribeChangeSet`
pub async fn describe(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Result<Value, Fault> {
    let set = find(&deploy, &context, &input)?;
    let (status, execution, reason) = set.status();
    let change = |change: &Change| {
        let action = match change.action {
            Action::Add => "Add",
            Action::Modify => "Modify",
            Action::Remove => "Remove",
        };
        let replacement = (change.action == Action::Modify).then_some(if change.replaces { "True" } else { "False" });
        json!({"Type": "Resource", "ResourceChange": {
            "Action": action,
            "LogicalResourceId": change.id,
            "PhysicalResourceId": change.physical_id,
            "ResourceType": change.kind,
            "Replacement": replacement,
        }})
    };
    // Which of them must not be shown is the template's to say.
    let hidden = crate::template::Template::summary(&set.request.template).map_or_else(
        |_| Vec::new(),
        |summary| {
            summary
                .parameters
                .into_iter()
                .filter(|parameter| parameter.no_echo)
                .map(|parameter| parameter.key)
                .collect()
        },
    );
    let parameters = set.request.parameters.iter();
    let parameters = parameters.map(|(key, value)| (key, if hidden.contains(key) { "****" } else { value }));
    let parameters = parameters.map(|(key, value)| json!({"ParameterKey": key, "ParameterValue": value}));
    Ok(json!({
        "ChangeSetName": set.name,
        "ChangeSetId": set.id,
        "StackId": set.stack_id,
        "StackName": set.stack_name,
        "Description": set.description,
        "CreationTime": set.created.0,
        "Status": status,
        "StatusReason": reason,
        "ExecutionStatus": execution,
        "Parameters": parameters.collect::<Vec<_>>(),
        "Changes": set.changes.iter().map(change).collect::<Vec<_>>(),
    }))
}

/// `ExecuteChangeSet`
pub async fn execute(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Result<Empty, Fault> {
    let mut set = find(&deploy, &context, &input)?;
    let (_, execution, _) = set.status();
    if execution != "AVAILABLE" {
        let text =
            format!("ChangeSet [{}] cannot be executed in its current execution status of [{execution}]", set.id);
        return Err(Fault::client("InvalidChangeSetStatus", text));
    }
    let begun = deploy.begin(&context, &set.request).await?;
    set.executed = true;
    settle(&deploy, begun.stack().clone(), set).await?;
    run(begun).await.map(|_| Empty {})
}

/// Puts on record that `set` of `stack` was executed. The others are of a stack that is no more as they found it, and go.
async fn settle(deploy: &Deploy, stack: Stack, set: ChangeSet) -> Result<(), Fault> {
    let settled = deploy.store.transact(move |tx| {
        forget(tx, &stack, Some(&set.name))?;
        tx.save(CHANGE_SETS, &key((&stack.account, &stack.region), &stack.name, &set.name), &set)
    });
    settled.await.map_err(Fault::internal)
}

/// Forgets the change sets of `stack`, all but the one called `kept`.
pub(crate) fn forget(tx: &mut Tx<'_>, stack: &Stack, kept: Option<&str>) -> Result<(), fogbank_store::Error> {
    let prefix = key((&stack.account, &stack.region), &stack.name, "");
    let kept = kept.map(|name| key((&stack.account, &stack.region), &stack.name, name));
    for (found, _) in tx.scan_prefix(CHANGE_SETS, &prefix, usize::MAX)? {
        if kept.as_ref() != Some(&found) {
            tx.delete(CHANGE_SETS, &found);
        }
    }
    Ok(())
}

/// `DeleteChangeSet`
pub async fn delete(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Result<Empty, Fault> {
    let Ok(set) = find(&deploy, &context, &input) else { return Ok(Empty {}) };
    let key = key(owner(&context), &set.stack_name, &set.name);
    let deleted = deploy.store.transact(move |tx| {
        tx.delete(CHANGE_SETS, &key);
        Ok::<_, fogbank_store::Error>(())
    });
    deleted.await.map_err(Fault::internal)?;
    Ok(Empty {})
}

/// `ListChangeSets`
pub async fn list(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Result<Value, Fault> {
    let stack = deploy.stack(&context, input.name()?)?;
    let prefix = key(owner(&context), &stack.name, "");
    let found: Vec<(Vec<u8>, ChangeSet)> =
        deploy.store.read(|snapshot| snapshot.load_prefix(CHANGE_SETS, &prefix)).map_err(crate::Error::from)?;
    let summary = |(_, set): &(Vec<u8>, ChangeSet)| {
        let (status, execution, reason) = set.status();
        json!({
            "StackId": set.stack_id,
            "StackName": set.stack_name,
            "ChangeSetId": set.id,
            "ChangeSetName": set.name,
            "Status": status,
            "StatusReason": reason,
            "ExecutionStatus": execution,
            "CreationTime": set.created.0,
            "Description": set.description,
        })
    };
    Ok(json!({"Summaries": found.iter().map(summary).collect::<Vec<_>>()}))
}

impl Deploy {
    /// Puts an empty stack on record for a change set that will make it.
    async fn reserve(&self, context: &RequestContext, name: &str) -> Result<Stack, crate::Error> {
        crate::check_name(name)?;
        let mut stack = Stack { status: "REVIEW_IN_PROGRESS".into(), ..self.new_stack(context, name) };
        // Tools begin to follow the stack at the event that it has.
        let event = stack.own_event(stack.created);
        stack.add_event(Event { reason: Some("User Initiated".into()), ..event });
        stack::save(&self.store, &stack).await?;
        Ok(stack)
    }
}
