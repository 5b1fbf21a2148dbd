//! Handlers for provisioned concurrency.

use super::functions::{named, unqualified};
use super::shapes::{
    Empty, FunctionName, ListOfFunction, ListProvisionedOutput, ProvisionedItem, ProvisionedOutput, PutProvisioned,
};
use crate::list::PageRequest;
use crate::model::FunctionKey;
use crate::provisioned::{Provisioned, Status};
use crate::{Error, Functions};
use fogbank_model::{Qualifier, RequestContext};
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

fn target(context: &RequestContext, name: &str, qualifier: Option<&str>) -> Result<(FunctionKey, Qualifier), Fault> {
    let function = named(context, name, qualifier)?;
    // Without one the function as a whole is meant, which is its unpublished version.
    let qualifier = function.qualifier.clone().unwrap_or(Qualifier::Latest);
    Ok((FunctionKey::of(&function), qualifier))
}

fn shown(provisioned: &Provisioned) -> ProvisionedOutput {
    let (status, status_reason) = match provisioned.status {
        Status::InProgress => ("IN_PROGRESS", None),
        Status::Ready => ("READY", None),
        Status::Failed(why) => ("FAILED", Some(why)),
    };
    ProvisionedOutput {
        requested_provisioned_concurrent_executions: provisioned.config.count,
        available_provisioned_concurrent_executions: provisioned.ready,
        allocated_provisioned_concurrent_executions: provisioned.ready,
        status,
        status_reason,
        last_modified: provisioned.config.modified.to_lambda_text(),
    }
}

pub(super) async fn put(
    state: State,
    context: RequestContext,
    input: PutProvisioned,
) -> Result<ProvisionedOutput, Fault> {
    let (key, qualifier) = target(&context, &input.function_name, input.qualifier.as_deref())?;
    Ok(shown(&state.provision(&key, &qualifier, input.provisioned_concurrent_executions).await?))
}

pub(super) async fn get(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<ProvisionedOutput, Fault> {
    let (key, qualifier) = target(&context, &input.function_name, input.qualifier.as_deref())?;
    Ok(shown(&state.provisioned(&*state.function(&key)?, &qualifier)?))
}

pub(super) async fn delete(state: State, context: RequestContext, input: FunctionName) -> Result<Empty, Fault> {
    let (key, qualifier) = target(&context, &input.function_name, input.qualifier.as_deref())?;
    state.unprovision(&key, &qualifier).await?;
    Ok(Empty {})
}

pub(super) async fn list(
    state: State,
    context: RequestContext,
    input: ListOfFunction,
) -> Result<ListProvisionedOutput, Fault> {
    let function = state.function(&unqualified(&context, &input.function_name)?)?;
    let request = PageRequest { marker: input.marker, max: input.max_items };
    let page = request.cut(function.provisioned.keys(), |qualifier| (*qualifier).clone())?;
    let show = |qualifier: &String| {
        let parsed = Qualifier::parse(qualifier).map_err(|error| Error::invalid(error.to_string()))?;
        let provisioned = state.provisioned(&function, &parsed)?;
        Ok(ProvisionedItem { function_arn: function.key.qualified_arn(qualifier).into(), state: shown(&provisioned) })
    };
    let configs: Result<Vec<ProvisionedItem>, Error> = page.items.into_iter().map(show).collect();
    Ok(ListProvisionedOutput { provisioned_concurrency_configs: configs?, next_marker: page.marker })
}
