//! Handlers for single parameters.

use super::shapes::{DeletedOutput, Empty, GetOutput, GetSeveralOutput, Named, ParameterView, PutInput, PutOutput};
use crate::{Error, Key, Parameters, Wish};
use fogbank_model::{Caller, RequestContext};
use std::sync::Arc;

type State = Arc<Parameters>;

pub(super) fn key(context: &RequestContext, name: String) -> Key {
    Key { account: context.account.clone(), region: context.region.clone(), name }
}

fn arn_of_caller(context: &RequestContext) -> String {
    match &context.caller {
        Caller::Root => format!("arn:aws:iam::{}:root", context.account),
        Caller::User { arn, .. } => arn.to_string(),
        Caller::Role { role, session } => {
            let name = role.resource().trim_start_matches("role/");
            format!("arn:aws:sts::{}:assumed-role/{name}/{session}", context.account)
        }
        Caller::Service(name) => (*name).to_owned(),
    }
}

pub(super) async fn put(state: State, context: RequestContext, input: PutInput) -> Result<PutOutput, Error> {
    if input.key_id.is_some() {
        return Err(Error::Unsupported("KeyId"));
    }
    if input.policies.as_ref().is_some_and(|policies| !policies.is_empty() && policies != "[]") {
        return Err(Error::Unsupported("Policies"));
    }
    if input.data_type.as_ref().is_some_and(|data_type| data_type != "text") {
        return Err(Error::Unsupported("A DataType other than text"));
    }
    let wish = Wish {
        value: input.value,
        kind: input.r#type,
        description: input.description,
        allowed_pattern: input.allowed_pattern,
        tier: input.tier,
        overwrite: input.overwrite,
        tags: input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        by: arn_of_caller(&context),
    };
    let version = state.put(&key(&context, input.name), wish).await?;
    Ok(PutOutput { version: version.number, tier: version.tier })
}

pub(super) async fn get(state: State, context: RequestContext, input: Named) -> Result<GetOutput, Error> {
    let (key, version) = state.get(&context.account, &context.region, &input.name)?;
    Ok(GetOutput { parameter: ParameterView::of(&key, version, &input.name) })
}

pub(super) async fn get_several(
    state: State,
    context: RequestContext,
    input: Named,
) -> Result<GetSeveralOutput, Error> {
    let (mut parameters, mut invalid_parameters) = (Vec::new(), Vec::new());
    for name in input.names {
        match state.get(&context.account, &context.region, &name) {
            Ok((key, version)) => parameters.push(ParameterView::of(&key, version, &name)),
            Err(Error::NotFound(_) | Error::NoVersion { .. }) => invalid_parameters.push(name),
            Err(other) => return Err(other),
        }
    }
    Ok(GetSeveralOutput { parameters, invalid_parameters })
}

pub(super) async fn delete(state: State, context: RequestContext, input: Named) -> Result<Empty, Error> {
    state.delete(&key(&context, input.name)).await?;
    Ok(Empty {})
}

pub(super) async fn delete_several(
    state: State,
    context: RequestContext,
    input: Named,
) -> Result<DeletedOutput, Error> {
    let (mut deleted_parameters, mut invalid_parameters) = (Vec::new(), Vec::new());
    for name in input.names {
        match state.delete(&key(&context, name.clone())).await {
            Ok(()) => deleted_parameters.push(name),
            Err(Error::NotFound(_)) => invalid_parameters.push(name),
            Err(other) => return Err(other),
        }
    }
    Ok(DeletedOutput { deleted_parameters, invalid_parameters })
}
