//! Calls a function with a batch, and waits where there is no room for it.

use super::mapping::Mapping;
use crate::invoke::{Called, Caller, NOT_READY};
use bytes::Bytes;
use fogbank_model::{Caller as Who, Invocation, InvokeError, RequestContext, RequestId, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// The first and the longest wait before a call that found no room is tried again.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What a call came to.
pub(super) enum End {
    /// The function answered.
    Answered(Bytes),
    /// The function failed.
    Failed,
    /// The function could not be reached in time, or never can.
    NotReached(InvokeError),
}

/// Calls the mapping's function with `event`; tries until `deadline` while there is no room, and says so each time with `throttled`.
pub(super) async fn call(
    caller: &Arc<Caller>,
    mapping: &Mapping,
    event: &Bytes,
    deadline: Timestamp,
    mut throttled: impl FnMut(),
) -> End {
    let mut wait = WAITS.0;
    loop {
        let error = match once(caller, mapping, event).await.1 {
            Ok(called) if called.reply.error.is_none() => return End::Answered(called.reply.payload),
            Ok(_) => return End::Failed,
            Err(error) => error,
        };
        let again = caller.clock.now().plus(wait);
        if !may_pass(&error) || again >= deadline {
            return End::NotReached(error);
        }
        throttled();
        caller.clock.sleep_until(again).await;
        wait = (wait * 2).min(WAITS.1);
    }
}

/// Calls the mapping's function once. Returns the call's id too.
pub(super) async fn once(
    caller: &Arc<Caller>,
    mapping: &Mapping,
    event: &Bytes,
) -> (String, Result<Called, InvokeError>) {
    let context = context(caller, mapping);
    let id = context.request_id.to_string();
    (id, caller.call(context, invocation(mapping, event.clone())).await)
}

/// Whether a call that was refused for this reason may go through later, without anybody changing anything.
pub(super) fn may_pass(error: &InvokeError) -> bool {
    matches!(
        error,
        InvokeError::Throttled { .. }
            | InvokeError::NoCapacity(_)
            | InvokeError::Internal(_)
            | InvokeError::Refused { code: NOT_READY, .. }
    )
}

fn context(caller: &Caller, mapping: &Mapping) -> RequestContext {
    RequestContext {
        account: mapping.scope.account.clone(),
        region: mapping.scope.region.clone(),
        caller: Who::Service("lambda.amazonaws.com"),
        request_id: RequestId(caller.clock.uuid().into()),
        source_ip: None,
        endpoint: "".into(),
        trace: None,
    }
}

fn invocation(mapping: &Mapping, payload: Bytes) -> Invocation {
    Invocation {
        function: mapping.function.clone(),
        payload,
        head: None,
        client_context: None,
        accepts_stream: false,
        wants_log_tail: false,
    }
}
