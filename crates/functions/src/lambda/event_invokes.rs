//! Handlers for event invoke configurations.

use super::functions::named;
use super::shapes::{
    Destination, DestinationConfig, Empty, EventInvokeInput, EventInvokeOutput, FunctionName, ListEventInvokesOutput,
    ListOfFunction,
};
use crate::event_invoke::{EventInvokeChange, find};
use crate::list::PageRequest;
use crate::model::{EventInvoke, Function, FunctionKey};
use crate::permission::part;
use crate::{Error, Functions};
use fogbank_model::RequestContext;
use fogbank_wire::Fault;
use std::sync::Arc;

type State = Arc<Functions>;

fn shown(function: &Function, qualifier: &str, config: &EventInvoke) -> EventInvokeOutput {
    EventInvokeOutput {
        last_modified: config.modified.0,
        function_arn: function.key.qualified_arn(qualifier).into(),
        maximum_retry_attempts: config.retries,
        maximum_event_age_in_seconds: config.age_s,
        destination_config: DestinationConfig {
            on_success: Some(Destination { destination: config.on_success.as_ref().map(ToString::to_string) }),
            on_failure: Some(Destination { destination: config.on_failure.as_ref().map(ToString::to_string) }),
        },
    }
}

async fn set(
    state: State,
    context: RequestContext,
    input: EventInvokeInput,
    keep: bool,
) -> Result<EventInvokeOutput, Fault> {
    let says_nothing = input.maximum_retry_attempts.is_none()
        && input.maximum_event_age_in_seconds.is_none()
        && input.destination_config.is_none();
    if says_nothing {
        return Err(Error::invalid("You must specify at least one of error handling or destination setting.").into());
    }
    let destinations = input.destination_config.unwrap_or_default();
    let named_in = |end: Option<Destination>| end.map(|end| end.destination.unwrap_or_default());
    let function = named(&context, &input.function_name, input.qualifier.as_deref())?;
    let change = EventInvokeChange {
        retries: input.maximum_retry_attempts,
        age_s: input.maximum_event_age_in_seconds,
        on_success: named_in(destinations.on_success),
        on_failure: named_in(destinations.on_failure),
    };
    let key = FunctionKey::of(&function);
    let config = state.set_event_invoke(&key, function.qualifier.as_ref(), change, keep).await?;
    Ok(shown(&*state.function(&key)?, &part(function.qualifier.as_ref()), &config))
}

pub(super) async fn put(
    state: State,
    context: RequestContext,
    input: EventInvokeInput,
) -> Result<EventInvokeOutput, Fault> {
    set(state, context, input, false).await
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    input: EventInvokeInput,
) -> Result<EventInvokeOutput, Fault> {
    set(state, context, input, true).await
}

pub(super) async fn get(
    state: State,
    context: RequestContext,
    input: FunctionName,
) -> Result<EventInvokeOutput, Fault> {
    let named = named(&context, &input.function_name, input.qualifier.as_deref())?;
    let function = state.function(&FunctionKey::of(&named))?;
    let config = find(&function, named.qualifier.as_ref())?;
    Ok(shown(&function, &part(named.qualifier.as_ref()), config))
}

pub(super) async fn delete(state: State, context: RequestContext, input: FunctionName) -> Result<Empty, Fault> {
    let named = named(&context, &input.function_name, input.qualifier.as_deref())?;
    state.delete_event_invoke(&FunctionKey::of(&named), named.qualifier.as_ref()).await?;
    Ok(Empty {})
}

pub(super) async fn list(
    state: State,
    context: RequestContext,
    input: ListOfFunction,
) -> Result<ListEventInvokesOutput, Fault> {
    let function = state.function(&FunctionKey::of(&named(&context, &input.function_name, None)?))?;
    let request = PageRequest { marker: input.marker, max: input.max_items };
    let page = request.cut(function.event_invokes.iter(), |(qualifier, _)| (*qualifier).clone())?;
    let configs = page.items.into_iter().map(|(qualifier, config)| shown(&function, qualifier, config)).collect();
    Ok(ListEventInvokesOutput { function_event_invoke_configs: configs, next_marker: page.marker })
}
