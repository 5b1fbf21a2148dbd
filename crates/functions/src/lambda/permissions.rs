//! Handlers for functions' resource policies.

use super::functions::named;
use super::shapes::{Empty, FunctionName, PermissionInput, PolicyOutput, StatementOutput};
use crate::Functions;
use crate::model::FunctionKey;
use crate::permission::Permission;
use fogbank_model::RequestContext;
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

pub(super) async fn add(
    state: State,
    context: RequestContext,
    input: PermissionInput,
) -> Result<StatementOutput, Fault> {
    let function = named(&context, &input.function_name, input.qualifier.as_deref())?;
    let permission = Permission {
        statement_id: input.statement_id,
        action: input.action,
        principal: input.principal,
        source_arn: input.source_arn,
        source_account: input.source_account,
        organization: input.principal_org_id,
        event_source_token: input.event_source_token,
        url_auth_type: input.function_url_auth_type,
        via_url: input.invoked_via_function_url,
    };
    let (key, revision) = (FunctionKey::of(&function), input.revision_id);
    let statement = state.add_permission(&key, function.qualifier.as_ref(), permission, revision.as_deref()).await?;
    Ok(StatementOutput { statement })
}

pub(super) async fn remove(state: State, context: RequestContext, input: PermissionInput) -> Result<Empty, Fault> {
    let function = named(&context, &input.function_name, input.qualifier.as_deref())?;
    let (key, qualifier) = (FunctionKey::of(&function), function.qualifier.as_ref());
    state.remove_permission(&key, qualifier, &input.statement_id, input.revision_id.as_deref()).await?;
    Ok(Empty {})
}

pub(super) async fn get(state: State, context: RequestContext, input: FunctionName) -> Result<PolicyOutput, Fault> {
    let function = named(&context, &input.function_name, input.qualifier.as_deref())?;
    let policy = state.policy(&FunctionKey::of(&function), function.qualifier.as_ref())?;
    Ok(PolicyOutput { policy: policy.document(), revision_id: policy.revision.clone() })
}
