//! Calls that nobody waits for. Once accepted they are on a work queue of the store, which they leave in the transaction that delivers what
//! became of them.
//!
//! A call whose function fails is tried twice more, unless the event invoke configuration says otherwise. One that could not reach the
//! function, because of a limit or a failure of the platform, is tried until it is too old. "Asynchronous invocation" in the Lambda Developer
//! Guide has the rules.

mod outcome;

use crate::invoke::{Called, Caller, NOT_READY, check_payload};
use crate::model::{EventInvoke, FunctionKey};
use crate::pace::Lane;
use crate::{Error, keys, limits};
use bytes::Bytes;
use fogbank_delivery::{Claims, Deliver, Delivery, Origin, Settle, Signer, Undelivered, Work};
use fogbank_model::{
    AccountId, Arn, BoxFuture, Caller as Who, FunctionName, FunctionRef, Invocation, InvokeError, Qualifier, Region,
    RequestContext, RequestId, Timestamp,
};
use fogbank_store::{Error as StoreError, Store, Tx};
use outcome::{Condition, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Asynchronous calls that run at once: as many as an account may have in flight, so that one function's backlog waits for its own limit first.
const AT_ONCE: usize = if cfg!(test) { 40 } else { limits::CONCURRENCY as usize };
/// Calls of one function that wait for a place among those that run. What is beyond gives way to other functions' for a while.
const WAITING: usize = AT_ONCE / 5;
/// How long a call gives way.
const GIVES_WAY: Duration = Duration::from_secs(1);
/// Lanes beyond this are looked through for ones that nobody is in.
const LANES: usize = 1024;
/// Retries where nothing is configured.
const RETRIES: u32 = 2;
/// The longest wait after a limit was hit.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A queued call; its payload follows in the message after a line feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Queued {
    account: AccountId,
    region: Region,
    name: FunctionName,
    qualifier: Option<Qualifier>,
    request_id: String,
    endpoint: String,
    trace: Option<String>,
    client_context: Option<String>,
    accepted: Timestamp,
    /// Runs that ended in an error of the function.
    failures: u32,
    /// How often in a row there was no room for it.
    #[serde(default)]
    refusals: u32,
    /// Who caused it, as the platform authenticated them.
    #[serde(default)]
    sender: String,
    /// How many deliveries led to it.
    #[serde(default)]
    hops: u8,
    /// Whether another service of the platform delivered it, which the function is told with a signature.
    #[serde(default)]
    delivered: bool,
}

impl Queued {
    fn encode(&self, payload: &[u8]) -> Result<Vec<u8>, Error> {
        let head = serde_json::to_vec(self).map_err(|error| Error::Disk(error.to_string()))?;
        Ok([&head, &b"\n"[..], payload].concat())
    }

    fn decode(message: &[u8]) -> Option<(Self, &[u8])> {
        let end = message.iter().position(|byte| *byte == b'\n')?;
        Some((serde_json::from_slice(&message[..end]).ok()?, &message[end + 1..]))
    }
}

/// Puts calls on the queue and runs them.
pub(crate) struct Asynchronous {
    store: Store,
    caller: Arc<Caller>,
    deliver: Arc<dyn Deliver>,
    signer: Arc<Signer>,
    /// The wait before the first retry; the second one takes twice as long.
    retry_after: Duration,
    lanes: Mutex<HashMap<FunctionKey, Arc<Lane>>>,
}

impl Asynchronous {
    pub fn new(
        store: &Store,
        caller: Arc<Caller>,
        deliver: Arc<dyn Deliver>,
        signer: Arc<Signer>,
        retry_after: Duration,
    ) -> Arc<Self> {
        Arc::new(Self { store: store.clone(), caller, deliver, signer, retry_after, lanes: Mutex::default() })
    }

    /// Accepts a call. Returns once it is on disk.
    pub async fn accept(&self, context: &RequestContext, invocation: Invocation) -> Result<(), InvokeError> {
        let payload = check_payload(invocation.payload, limits::ASYNC_PAYLOAD_BYTES, "Event")?;
        self.caller.find(&invocation.function)?;
        let origin = Origin::of(context, "lambda.amazonaws.com", None);
        let now = self.caller.clock.now();
        let mut queued = queued(invocation.function, origin, context.request_id.to_string(), now);
        queued.client_context = invocation.client_context;
        let failed = |error: Error| InvokeError::Internal(error.to_string());
        let message = queued.encode(&payload).map_err(failed)?;
        let put = move |tx: &mut Tx<'_>| -> Result<(), Error> { Ok(tx.enqueue(keys::ASYNC_QUEUE, now, &message)?) };
        self.store.transact(put).await.map_err(failed)
    }

    /// Accepts a call within the caller's transaction.
    pub fn accept_in(&self, tx: &mut Tx<'_>, function: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let function = function_of(function).ok_or_else(|| Undelivered::NoTarget(function.to_string()))?;
        let payload = Bytes::copy_from_slice(delivery.body.as_bytes());
        let payload = check_payload(payload, limits::ASYNC_PAYLOAD_BYTES, "Event").map_err(undelivered)?;
        self.caller.find(&function).map_err(undelivered)?;
        let now = tx.now();
        let mut queued = queued(function, delivery.origin.clone(), self.caller.clock.uuid(), now);
        queued.delivered = true;
        let message = queued.encode(&payload).map_err(|error| Undelivered::Refused(error.to_string()))?;
        Ok(tx.enqueue(keys::ASYNC_QUEUE, now, &message)?)
    }

    #[cfg(test)]
    pub fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.store.next_due(keys::ASYNC_QUEUE)?)
    }

    async fn call(self: Arc<Self>, message: Vec<u8>) -> Settle {
        let Some((queued, payload)) = Queued::decode(&message) else {
            tracing::error!("a queued call cannot be read and is dropped");
            return Settle::done();
        };
        let lane = self.lane(&queued);
        let Some(place) = lane.place_behind(WAITING).await else {
            return Settle::again(keys::ASYNC_QUEUE, self.caller.clock.now().plus(GIVES_WAY), message);
        };
        let payload = Bytes::copy_from_slice(payload);
        let mut invocation = queued.invocation(payload.clone());
        if queued.delivered {
            invocation.client_context = Some(self.signed(&queued, &payload));
        }
        let result = self.caller.call(queued.context(), invocation).await;
        match &result {
            Ok(_) => place.went_through(),
            Err(InvokeError::Throttled { .. } | InvokeError::NoCapacity(_)) => lane.was_throttled(),
            Err(_) => {}
        }
        match self.decide(queued, result) {
            Decision::Again(at, queued) => match queued.encode(&payload) {
                Ok(message) => Settle::again(keys::ASYNC_QUEUE, at, message),
                Err(error) => {
                    tracing::error!(%error, "a call cannot be queued again and is dropped");
                    Settle::done()
                }
            },
            Decision::Over(outcome) => self.settle(*outcome, payload),
        }
    }

    /// The lane of a function's calls.
    fn lane(&self, queued: &Queued) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() > LANES {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        lanes.entry(FunctionKey::of(&queued.function())).or_insert_with(|| Lane::new(AT_ONCE)).clone()
    }

    /// The client context of a delivered event: who caused it, and the platform's signature for that.
    fn signed(&self, queued: &Queued, payload: &Bytes) -> String {
        let target = queued.function().arn();
        let claims =
            Claims { sender: &queued.sender, target: target.as_str(), id: &queued.request_id, sent: queued.accepted };
        let signature = self.signer.sign(&claims, payload);
        serde_json::json!({"custom": {"fogbank": {"sender": queued.sender, "signature": signature}}}).to_string()
    }

    /// What follows from a try of a call.
    fn decide(&self, mut queued: Queued, result: Result<Called, InvokeError>) -> Decision {
        let settings = self.settings(&queued);
        let retries = settings.as_deref().and_then(|settings| settings.retries).unwrap_or(RETRIES);
        let age = settings.as_deref().and_then(|settings| settings.age_s);
        let age = age.map_or(limits::ASYNC_AGE, |age| Duration::from_secs(age.into()));
        let over = |queued, reply, condition| Decision::Over(Box::new(Outcome { queued, reply, condition }));
        let (wait, reply) = match result {
            Ok(called) if called.reply.error.is_none() => return over(queued, Some(called.reply), Condition::Success),
            Ok(called) => {
                queued.failures += 1;
                queued.refusals = 0;
                if queued.failures > retries {
                    return over(queued, Some(called.reply), Condition::RetriesExhausted);
                }
                (self.retry_after * queued.failures, Some(called.reply))
            }
            // Nothing will ever run: as on AWS the event is given up at once, to where failures go.
            Err(InvokeError::Throttled { .. }) if self.is_shut(&queued) => {
                return over(queued, None, Condition::ZeroReservedConcurrency);
            }
            Err(
                InvokeError::Throttled { .. }
                | InvokeError::NoCapacity(_)
                | InvokeError::Internal(_)
                | InvokeError::Refused { code: NOT_READY, .. },
            ) => {
                queued.refusals += 1;
                (Duration::from_secs(1 << queued.refusals.min(9)).min(LONGEST_WAIT), None)
            }
            Err(error @ (InvokeError::NotFound(_) | InvokeError::TooLarge { .. } | InvokeError::Refused { .. })) => {
                // What is left of the function's configuration says where it goes.
                tracing::warn!(function = %queued.name, %error, "an asynchronous call is given up");
                return over(queued, None, Condition::RetriesExhausted);
            }
        };
        let at = self.caller.clock.now().plus(wait);
        if at.since(queued.accepted) > age {
            return over(queued, reply, Condition::EventAgeExceeded);
        }
        Decision::Again(at, Box::new(queued))
    }

    /// Whether the function's reserved concurrency is zero.
    fn is_shut(&self, queued: &Queued) -> bool {
        let key = FunctionKey::of(&queued.function());
        self.caller.registry.snapshot().function(&key).is_ok_and(|function| function.settings.reserved == Some(0))
    }

    /// The event invoke configuration that the call falls under.
    fn settings(&self, queued: &Queued) -> Option<Arc<EventInvoke>> {
        let key = FunctionKey::of(&queued.function());
        let qualifier = queued.qualifier.as_ref().map_or_else(|| "$LATEST".into(), ToString::to_string);
        self.caller.registry.snapshot().function(&key).ok()?.event_invokes.get(&qualifier).cloned()
    }

    /// Delivers what became of a call to the destinations that are configured for it.
    fn settle(self: Arc<Self>, outcome: Outcome, payload: Bytes) -> Settle {
        let settings = self.settings(&outcome.queued);
        let now = self.caller.clock.now();
        let destination = settings.as_deref().and_then(|settings| match outcome.condition {
            Condition::Success => settings.on_success.clone(),
            _ => settings.on_failure.clone(),
        });
        let mut deliveries: Vec<(Arn, Delivery)> = Vec::new();
        // Accounts are closed to each other. A bus knows itself whom it lets in.
        let is_open = |target: &Arn| {
            let is_open = target.service() == "events" || target.account() == outcome.queued.account.as_str();
            if !is_open {
                tracing::error!(%target, function = %outcome.queued.name, "another account's resource is told nothing of an asynchronous call");
            }
            is_open
        };
        if let Some(target) = destination.filter(is_open) {
            deliveries.extend(outcome.record(&target, &payload, now).map(|record| (target, record)));
        }
        if let Some(target) = self.dead_letters(&outcome).filter(is_open) {
            deliveries.extend(outcome.dead_letter(&payload).map(|letter| (target, letter)));
        }
        Settle::with(move |tx| {
            for (target, delivery) in &deliveries {
                let delivered = Undelivered::refusal(self.deliver.deliver(tx, target, delivery))?;
                if let Err(error) = delivered {
                    tracing::error!(%target, %error, "what became of an asynchronous call could not be delivered");
                }
            }
            Ok::<(), StoreError>(())
        })
    }

    /// Where a failed call's event goes as the function's dead letter.
    fn dead_letters(&self, outcome: &Outcome) -> Option<Arn> {
        if matches!(outcome.condition, Condition::Success) {
            return None;
        }
        let function = outcome.queued.function();
        let snapshot = self.caller.registry.snapshot();
        let version = snapshot.function(&FunctionKey::of(&function)).ok()?.version(function.qualifier.as_ref()).ok()?;
        version.configuration.dead_letters.clone()
    }
}

/// What follows from a try of a call.
enum Decision {
    Again(Timestamp, Box<Queued>),
    Over(Box<Outcome>),
}

impl Work for Asynchronous {
    fn queue(&self) -> &'static str {
        keys::ASYNC_QUEUE
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        Box::pin(self.call(message))
    }
}

fn queued(function: FunctionRef, origin: Origin, request_id: String, accepted: Timestamp) -> Queued {
    Queued {
        account: function.account,
        region: function.region,
        name: function.name,
        qualifier: function.qualifier,
        request_id,
        endpoint: origin.endpoint,
        trace: origin.trace,
        client_context: None,
        accepted,
        failures: 0,
        refusals: 0,
        sender: origin.sender,
        hops: origin.hops,
        delivered: false,
    }
}

/// The function that an ARN names.
pub(crate) fn function_of(arn: &Arn) -> Option<FunctionRef> {
    let mut parts = arn.resource().split(':');
    let named = (arn.service() == "lambda" && parts.next() == Some("function")).then(|| parts.next()).flatten()?;
    let qualifier = parts.next().map(Qualifier::parse).transpose().ok()?;
    let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
    parts.next().is_none().then_some(FunctionRef { account, region, name: FunctionName::new(named).ok()?, qualifier })
}

fn undelivered(error: InvokeError) -> Undelivered {
    match error {
        InvokeError::NotFound(arn) => Undelivered::NoTarget(arn),
        other => Undelivered::Refused(other.to_string()),
    }
}

impl Queued {
    fn function(&self) -> FunctionRef {
        FunctionRef {
            account: self.account.clone(),
            region: self.region.clone(),
            name: self.name.clone(),
            qualifier: self.qualifier.clone(),
        }
    }

    fn context(&self) -> RequestContext {
        RequestContext {
            account: self.account.clone(),
            region: self.region.clone(),
            caller: Who::Service("lambda.amazonaws.com"),
            request_id: RequestId(self.request_id.as_str().into()),
            source_ip: None,
            endpoint: self.endpoint.as_str().into(),
            trace: self.trace.clone(),
        }
    }

    fn invocation(&self, payload: Bytes) -> Invocation {
        Invocation {
            function: self.function(),
            payload,
            head: None,
            client_context: self.client_context.clone(),
            accepts_stream: false,
            wants_log_tail: false,
        }
    }
}
