//! Stacks: made, changed and removed in the background, as CloudFormation does it, and looked at.

use crate::cloudformation::faults::invalid;
use crate::cloudformation::shapes::{Empty, EventView, ResourceView, StackId, StackInput, StackView, TemplateInput};
use crate::stack::State;
use crate::{Begun, Deploy, Record, Request, Stack};
use fogbank_model::RequestContext;
use fogbank_wire::Fault;
use serde_json::{Value, json};
use std::sync::Arc;

type Answer<T> = Result<T, Fault>;

/// `CreateStack`
pub async fn create(deploy: Arc<Deploy>, context: RequestContext, input: TemplateInput) -> Answer<StackId> {
    if let Ok(stack) = deploy.stack(&context, &input.stack_name)
        && stack.status != "REVIEW_IN_PROGRESS"
    {
        let text = format!("Stack [{}] already exists", input.stack_name);
        return Err(Fault::client("AlreadyExistsException", text));
    }
    let input = input.read(&deploy, &context).await?;
    let request = input.request(None)?;
    check_capabilities(&request.template, &input.capabilities)?;
    let mut begun = deploy.begin(&context, &request).await?;
    begun.protect(input.enable_termination_protection.unwrap_or_default());
    run(begun).await
}

/// `UpdateTerminationProtection`
pub async fn protect(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<StackId> {
    let stack = deploy.protect(&context, input.name()?, input.enable_termination_protection).await?;
    Ok(StackId { stack_id: stack.id })
}

/// `UpdateStack`
pub async fn update(deploy: Arc<Deploy>, context: RequestContext, input: TemplateInput) -> Answer<StackId> {
    let stack = deploy.stack(&context, &input.stack_name);
    let stack = stack.map_err(|_| invalid(format!("Stack [{}] does not exist", input.stack_name)))?;
    let input = input.read(&deploy, &context).await?;
    let request = Request { stack: stack.name.clone(), ..input.request(Some(&stack))? };
    check_capabilities(&request.template, &input.capabilities)?;
    let begun = deploy.begin(&context, &request).await?;
    let now = begun.stack();
    let given =
        |stack: &Stack| (stack.template.clone(), stack.parameters.clone(), stack.resolved.clone(), stack.tags.clone());
    if stack.status.ends_with("_COMPLETE") && given(now) == given(&stack) {
        return Err(invalid("No updates are to be performed."));
    }
    run(begun).await
}

/// A template that makes roles must be sent with the consent to that.
pub(super) fn check_capabilities(template: &str, given: &[String]) -> Result<(), Fault> {
    let serverless = template.contains("AWS::Serverless-2016-10-31");
    if !given.is_empty() || !(template.contains("AWS::IAM::") || serverless) {
        return Ok(());
    }
    let needed = if serverless { "[CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]" } else { "[CAPABILITY_IAM]" };
    Err(Fault::client("InsufficientCapabilitiesException", format!("Requires capabilities : {needed}")))
}

/// Goes on in the background; how it ends is in the stack's status and events.
pub(super) async fn run(mut begun: Begun) -> Answer<StackId> {
    begun.announce().await?;
    let stack_id = begun.stack().id.clone();
    let name = begun.stack().name.clone();
    tokio::spawn(async move {
        if let Err(error) = begun.run(&|_| {}).await {
            tracing::info!(stack = name, %error, "a deployment failed");
        }
    });
    Ok(StackId { stack_id })
}

/// `DeleteStack`: no error if there is none.
pub async fn delete(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Empty> {
    let name = input.name()?.to_owned();
    let begun = match deploy.begin_delete(&context, &name).await {
        Err(crate::Error::NotFound(_)) => return Ok(Empty {}),
        begun => begun?,
    };
    tokio::spawn(async move {
        if let Err(error) = begun.run(&|_| {}).await {
            tracing::info!(stack = name, %error, "a stack was not deleted");
        }
    });
    Ok(Empty {})
}

/// `DescribeStacks`
pub async fn describe(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Value> {
    let stacks = match &input.stack_name {
        Some(name) => vec![deploy.stack_or_deleted(&context, name)?],
        None => deploy.stacks(&context)?,
    };
    Ok(json!({"Stacks": stacks.iter().map(StackView::of).collect::<Vec<_>>()}))
}

/// `ListStacks`
pub async fn list(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Value> {
    let wanted =
        |stack: &&Stack| input.stack_status_filter.is_empty() || input.stack_status_filter.contains(&stack.status);
    let summary = |stack: &Stack| {
        json!({
            "StackId": stack.id,
            "StackName": stack.name,
            "CreationTime": stack.created.0,
            "LastUpdatedTime": stack.updated.map(|at| at.0),
            "DeletionTime": stack.deleted.map(|at| at.0),
            "StackStatus": stack.status,
            "TemplateDescription": stack.description,
        })
    };
    let mut stacks = deploy.stacks(&context)?;
    stacks.extend(deploy.deleted(&context)?);
    Ok(json!({"StackSummaries": stacks.iter().filter(wanted).map(summary).collect::<Vec<_>>()}))
}

/// `DescribeStackEvents`: the latest first.
pub async fn describe_events(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Value> {
    let stack = deploy.stack_or_deleted(&context, input.name()?)?;
    let view = |(number, event): (usize, &crate::Event)| EventView {
        stack_id: stack.id.clone(),
        event_id: format!("{}-{}-{number}", event.id, event.at.0),
        stack_name: stack.name.clone(),
        logical_resource_id: event.id.clone(),
        physical_resource_id: event.physical_id.clone(),
        resource_type: event.kind.clone(),
        timestamp: event.at.0,
        resource_status: event.status.clone(),
        resource_status_reason: event.reason.clone(),
    };
    Ok(json!({"StackEvents": stack.events.iter().enumerate().rev().map(view).collect::<Vec<_>>()}))
}

fn resource(stack: Option<&Stack>, record: &Record) -> ResourceView {
    let status = match (&record.state, stack) {
        (State::Creating, _) => "CREATE_IN_PROGRESS",
        (State::Updating(_), _) => "UPDATE_IN_PROGRESS",
        (State::Ready, _) => "CREATE_COMPLETE",
    };
    ResourceView {
        stack_name: stack.map(|stack| stack.name.clone()),
        stack_id: stack.map(|stack| stack.id.clone()),
        logical_resource_id: record.id.clone(),
        physical_resource_id: record.made.physical_id.clone(),
        resource_type: record.kind.clone(),
        timestamp: stack.map(|_| record.changed.0),
        last_updated_timestamp: stack.is_none().then_some(record.changed.0),
        resource_status: status,
    }
}

/// `DescribeStackResources`
pub async fn describe_resources(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Value> {
    let holds = |stack: &Stack| {
        let physical = input.physical_resource_id.as_ref();
        physical.is_some_and(|id| stack.resources.iter().any(|record| record.made.physical_id == *id))
    };
    let stack = match &input.stack_name {
        Some(name) => deploy.stack_or_deleted(&context, name)?,
        None => deploy
            .stacks(&context)?
            .into_iter()
            .find(holds)
            .ok_or_else(|| invalid("Stack for that resource does not exist"))?,
    };
    let wanted = |record: &&Record| input.logical_resource_id.as_ref().is_none_or(|id| *id == record.id);
    let views: Vec<ResourceView> =
        stack.resources.iter().filter(wanted).map(|record| resource(Some(&stack), record)).collect();
    Ok(json!({"StackResources": views}))
}

/// `DescribeStackResource`
pub async fn describe_resource(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Value> {
    let stack = deploy.stack_or_deleted(&context, input.name()?)?;
    let id = input.logical_resource_id.unwrap_or_default();
    let missing = || invalid(format!("Resource {id} does not exist for stack {}", stack.name));
    let record = stack.record(&id).ok_or_else(missing)?;
    let view = ResourceView {
        timestamp: None,
        last_updated_timestamp: Some(record.changed.0),
        ..resource(Some(&stack), record)
    };
    Ok(json!({"StackResourceDetail": view}))
}

/// `ListStackResources`
pub async fn list_resources(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Value> {
    let stack = deploy.stack_or_deleted(&context, input.name()?)?;
    let views: Vec<ResourceView> = stack.resources.iter().map(|record| resource(None, record)).collect();
    Ok(json!({"StackResourceSummaries": views}))
}

/// `GetTemplate`
pub async fn get_template(deploy: Arc<Deploy>, context: RequestContext, input: StackInput) -> Answer<Value> {
    let stack = deploy.stack_or_deleted(&context, input.name()?)?;
    Ok(json!({"TemplateBody": stack.template, "StagesAvailable": ["Original"]}))
}

/// `ListExports`
pub async fn list_exports(deploy: Arc<Deploy>, context: RequestContext, _: StackInput) -> Answer<Value> {
    let stacks = deploy.stacks(&context)?;
    let exports = stacks.iter().flat_map(|stack| {
        let exported = stack.outputs.iter().filter(|output| output.export.is_some());
        exported.map(|output| json!({"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}))
    });
    Ok(json!({"Exports": exports.collect::<Vec<_>>()}))
}

/// `ValidateTemplate`
pub async fn validate(deploy: Arc<Deploy>, context: RequestContext, input: TemplateInput) -> Answer<Value> {
    let summary = get_template_summary(deploy, context, input).await?;
    Ok(
        json!({"Parameters": summary["Parameters"], "Description": summary["Description"], "Capabilities": summary["Capabilities"]}),
    )
}

/// `GetTemplateSummary`
pub async fn get_template_summary(deploy: Arc<Deploy>, context: RequestContext, input: TemplateInput) -> Answer<Value> {
    summarise(&deploy, &context, &input.read(&deploy, &context).await?)
}

fn summarise(deploy: &Deploy, context: &RequestContext, input: &TemplateInput) -> Answer<Value> {
    let stack = deploy.stack(context, &input.stack_name).ok();
    let text = match (&input.template_body, &stack) {
        (Some(text), _) => text,
        (None, Some(stack)) => &stack.template,
        (None, None) => return Err(invalid("Either Template URL or Template Body must be specified.")),
    };
    let summary = crate::template::Template::summary(text).map_err(crate::Error::Template)?;
    let parameter = |parameter: &crate::template::ParameterSummary| {
        json!({
            "ParameterKey": parameter.key,
            "DefaultValue": parameter.default,
            "ParameterType": parameter.kind,
            "NoEcho": parameter.no_echo,
            "Description": parameter.description,
        })
    };
    let capabilities = check_capabilities(text, &[]).err().map(|_| vec!["CAPABILITY_IAM"]);
    Ok(json!({
        "Parameters": summary.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "Description": summary.description,
        "Capabilities": capabilities,
        "ResourceTypes": summary.types,
        "Version": "2010-09-09",
    }))
}
