//! Handlers for what holds for a function as a whole.

use super::functions::unqualified;
use super::shapes::{Empty, FunctionName, PutConcurrency, Reserved};
use crate::Functions;
use fogbank_model::RequestContext;
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
