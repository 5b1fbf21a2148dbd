//! Handlers for what holds for a function as a whole, or for the account.

use super::functions::{named, reachable, scope, unqualified};
use super::shapes::{
    AccountLimit, AccountSettings, AccountUsage, Empty, FunctionName, PutConcurrency, PutRecursion,
    PutRuntimeManagement, Recursion, Reserved, RuntimeManagement, TagInput, Tags,
};
use crate::model::{FunctionKey, Scope};
use crate::{Error, Functions, limits, report};
use fogbank_model::{Arn, FunctionRef, RequestContext};
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

pub(super) async fn put_concurrency(
    state: State,
    context: RequestContext,
    input: PutConcurrency,
) -> Result<Reserved, Fault> {
    let key = unqualified(&context, &input.function_name)?;
    state.reserve(&key, Some(input.reserved_concurrent_executions)).await?;
    Ok(Reserved { reserved_concurrent_executions: Some(input.reserved_concurrent_executions) })
}

pub(super) async fn get_concurrency(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<Reserved, Fault> {
    let function = state.function(&unqualified(&context, &input.function_name)?)?;
    Ok(Reserved { reserved_concurrent_executions: function.settings.reserved })
}

pub(super) async fn delete_concurrency(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<Empty, Fault> {
    state.reserve(&unqualified(&context, &input.function_name)?, None).await?;
    Ok(Empty {})
}

/// What has tags here; the other resources of Lambda that can have some do not exist yet.
enum Tagged {
    Function(FunctionKey),
    /// An event source mapping, by where it lives and its id.
    Mapping(Scope, String),
}

fn mapping(context: &RequestContext, resource: &str) -> Result<Option<Tagged>, Fault> {
    let Ok(arn) = resource.parse::<Arn>() else { return Ok(None) };
    let id = arn.resource().strip_prefix("event-source-mapping:").filter(|_| arn.service() == "lambda");
    let (Some(id), Ok(account), Ok(region)) = (id, arn.account().parse(), arn.region().parse()) else {
        return Ok(None);
    };
    let scope = Scope { account, region };
    reachable(context, &scope, resource)?;
    Ok(Some(Tagged::Mapping(scope, id.to_owned())))
}

fn tagged(context: &RequestContext, resource: &str) -> Result<Tagged, Fault> {
    if let Some(mapping) = mapping(context, resource)? {
        return Ok(mapping);
    }
    let not_found = || {
        Error::NotFound(format!(
            "The resource {resource} does not exist, or is of a kind that Fogbank does not have yet."
        ))
    };
    let function = FunctionRef::parse(resource, context).map_err(|_| not_found())?;
    reachable(context, &Scope { account: function.account.clone(), region: function.region.clone() }, resource)?;
    match (resource.starts_with("arn:"), &function.qualifier) {
        (true, None) => Ok(Tagged::Function(FunctionKey::of(&function))),
        _ => Err(Error::invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN.",
        )
        .into()),
    }
}

pub(super) async fn tag(state: State, context: RequestContext, input: TagInput) -> Result<Empty, Fault> {
    match tagged(&context, &input.resource)? {
        Tagged::Function(key) => state.tag(&key, input.tags).await?,
        Tagged::Mapping(scope, id) => {
            state.sources().tag(&scope, &id, move |tags| tags.extend(input.tags.clone())).await?;
        }
    }
    Ok(Empty {})
}

pub(super) async fn untag(state: State, context: RequestContext, input: TagInput) -> Result<Empty, Fault> {
    match tagged(&context, &input.resource)? {
        Tagged::Function(key) => state.untag(&key, &input.tag_keys).await?,
        Tagged::Mapping(scope, id) => {
            let removed = input.tag_keys;
            state.sources().tag(&scope, &id, move |tags| tags.retain(|key, _| !removed.contains(key))).await?;
        }
    }
    Ok(Empty {})
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: TagInput) -> Result<Tags, Fault> {
    let tags = match tagged(&context, &input.resource)? {
        Tagged::Function(key) => state.function(&key)?.settings.tags.clone(),
        Tagged::Mapping(scope, id) => state.sources().get(&scope, &id)?.tags,
    };
    Ok(Tags { tags })
}

pub(super) async fn account(state: State, context: RequestContext, _: Empty) -> Result<AccountSettings, Fault> {
    let used = state.account_use(&scope(&context));
    Ok(AccountSettings {
        account_limit: AccountLimit {
            total_code_size: limits::TOTAL_CODE_BYTES,
            code_size_unzipped: limits::UNZIPPED_BYTES,
            code_size_zipped: limits::ZIPPED_BYTES as u64,
            concurrent_executions: used.concurrency,
            unreserved_concurrent_executions: used.unreserved,
        },
        account_usage: AccountUsage { total_code_size: used.code_bytes, function_count: used.functions },
    })
}

pub(super) async fn get_recursion(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<Recursion, Fault> {
    let function = state.function(&unqualified(&context, &input.function_name)?)?;
    let recursive_loop = function.settings.recursive_loop.clone().unwrap_or_else(|| "Terminate".into());
    Ok(Recursion { recursive_loop })
}

pub(super) async fn put_recursion(
    state: State,
    context: RequestContext,
    input: PutRecursion,
) -> Result<Recursion, Fault> {
    state.set_recursive_loop(&unqualified(&context, &input.function_name)?, &input.recursive_loop).await?;
    Ok(Recursion { recursive_loop: input.recursive_loop })
}

pub(super) async fn get_runtime_management(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<RuntimeManagement, Fault> {
    let named = named(&context, &input.function_name, input.qualifier.as_deref())?;
    let function = state.function(&FunctionKey::of(&named))?;
    let version = function.version(named.qualifier.as_ref())?;
    let runtime = &version.configuration.runtime;
    Ok(RuntimeManagement {
        update_runtime_on: "Auto",
        function_arn: function.key.qualified_arn(version.label()).into(),
        runtime_version_arn: report::runtime_version_arn(runtime, &function.key.scope.region),
    })
}

pub(super) async fn put_runtime_management(
    state: State,
    context: RequestContext,
    input: PutRuntimeManagement,
) -> Result<RuntimeManagement, Fault> {
    if input.update_runtime_on != "Auto" || input.runtime_version_arn.is_some() {
        return Err(Error::unsupported("UpdateRuntimeOn other than Auto").into());
    }
    let name = FunctionName { function_name: input.function_name, qualifier: input.qualifier };
    get_runtime_management(state, context, name).await
}
