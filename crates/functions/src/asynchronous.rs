//! Calls that nobody waits for. Once accepted they are in the store's work queue; a worker runs them, also after a restart.
//!
//! A call is tried once, unless the function's event invoke configuration asks for retries. A call that could not reach the function,
//! because of a limit or a failure of the platform, is tried again until it is too old.

use crate::invoke::{Caller, NOT_READY, check_payload};
use crate::model::FunctionKey;
use crate::{Error, keys, limits};
use bytes::Bytes;
use fogbank_model::{
    AccountId, Caller as Who, FunctionName, FunctionRef, Invocation, InvokeError, Qualifier, Region, RequestContext,
    RequestId, Timestamp,
};
use fogbank_store::{Claimed, Store, Tx};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a claimed call is hidden from the next claim; renewed while it runs.
const LEASE: Duration = Duration::from_secs(60);
/// Asynchronous calls that run at once.
const AT_ONCE: usize = 256;
/// The wait before the first and the second retry, as on AWS.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The longest wait after a limit was hit.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A queued call; its payload follows in the message after a line feed.
#[derive(Debug, Serialize, Deserialize)]
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

/// Puts calls into the queue and takes them out.
pub(crate) struct Asynchronous {
    store: Store,
    caller: Arc<Caller>,
    running: Arc<Semaphore>,
}

impl Asynchronous {
    pub fn new(store: &Store, caller: Arc<Caller>) -> Arc<Self> {
        Arc::new(Self { store: store.clone(), caller, running: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Accepts a call. Returns once it is on disk.
    pub async fn accept(&self, context: &RequestContext, invocation: Invocation) -> Result<(), InvokeError> {
        let payload = check_payload(invocation.payload, limits::ASYNC_PAYLOAD_BYTES, "Event")?;
        self.caller.find(&invocation.function)?;
        let now = self.caller.clock.now();
        let queued = Queued {
            account: invocation.function.account,
            region: invocation.function.region,
            name: invocation.function.name,
            qualifier: invocation.function.qualifier,
            request_id: context.request_id.to_string(),
            endpoint: context.endpoint.to_string(),
            trace: context.trace.clone(),
            client_context: invocation.client_context,
            accepted: now,
            failures: 0,
            refusals: 0,
        };
        let failed = |error: Error| InvokeError::Internal(error.to_string());
        let message = queued.encode(&payload).map_err(failed)?;
        let put = move |tx: &mut Tx<'_>| -> Result<(), Error> { Ok(tx.enqueue(keys::ASYNC_QUEUE, now, &message)?) };
        self.store.transact(put).await.map_err(failed)
    }

    #[cfg(test)]
    pub fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.store.next_due(keys::ASYNC_QUEUE)?)
    }

    /// Takes calls out of the queue and runs them, until the platform ends.
    pub async fn work(this: Weak<Self>) {
        while let Some(worker) = this.upgrade() {
            let (arrivals, clock) = (worker.store.arrivals(keys::ASYNC_QUEUE), worker.caller.clock.clone());
            // Registered before looking, so that nothing arrives unseen.
            let mut arrived = std::pin::pin!(arrivals.notified());
            arrived.as_mut().enable();
            let next = worker.step().await.unwrap_or_else(|error| {
                tracing::error!(%error, "asynchronous calls could not be taken from the queue");
                Some(clock.now().plus(Duration::from_secs(1)))
            });
            // Waiting must not keep the platform alive.
            drop(worker);
            match next {
                Some(at) => tokio::select! { () = arrived => {}, () = clock.sleep_until(at) => {} },
                None => arrived.await,
            }
        }
    }

    /// Starts what is due. Returns when to look again, if something is queued.
    async fn step(self: &Arc<Self>) -> Result<Option<Timestamp>, Error> {
        let due = self.store.next_due(keys::ASYNC_QUEUE)?;
        if due.is_none_or(|due| due > self.caller.clock.now()) {
            return Ok(due);
        }
        let first = self.running.clone().acquire_owned().await.map_err(|error| Error::Disk(error.to_string()))?;
        let mut permits = vec![first];
        permits.extend((1..32).map_while(|_| self.running.clone().try_acquire_owned().ok()));
        let limit = permits.len();
        let claim =
            move |tx: &mut Tx<'_>| -> Result<Vec<Claimed>, Error> { Ok(tx.claim(keys::ASYNC_QUEUE, limit, LEASE)?) };
        for (claimed, permit) in self.store.transact(claim).await?.into_iter().zip(permits) {
            tokio::spawn(self.clone().run(claimed, permit));
        }
        Ok(self.store.next_due(keys::ASYNC_QUEUE)?)
    }

    async fn run(self: Arc<Self>, claimed: Claimed, _permit: OwnedSemaphorePermit) {
        let Some((queued, payload)) = Queued::decode(&claimed.message) else {
            tracing::error!("a queued call cannot be read and is dropped");
            return self.settle(&claimed, None).await;
        };
        let payload = Bytes::copy_from_slice(payload);
        let mut call = std::pin::pin!(self.caller.call(queued.context(), queued.invocation(payload.clone())));
        let outcome = loop {
            tokio::select! {
                outcome = &mut call => break outcome,
                () = tokio::time::sleep(LEASE / 3) => self.extend(&claimed).await,
            }
        };
        let next = self.next_try(queued, outcome.map(|called| called.reply.error.is_some()));
        let again = next.and_then(|(at, queued)| Some((at, queued.encode(&payload).ok()?)));
        self.settle(&claimed, again).await;
    }

    /// When the call is to be tried again, if at all.
    fn next_try(&self, mut queued: Queued, outcome: Result<bool, InvokeError>) -> Option<(Timestamp, Queued)> {
        let (retries, age) = self.settings(&queued);
        let wait = match outcome {
            Ok(false) => return None,
            Ok(true) => {
                queued.failures += 1;
                queued.refusals = 0;
                let tried = queued.failures as usize;
                if queued.failures > retries {
                    return None;
                }
                RETRY_AFTER[(tried - 1).min(1)]
            }
            Err(
                InvokeError::Throttled { .. }
                | InvokeError::NoCapacity(_)
                | InvokeError::Internal(_)
                | InvokeError::Refused { code: NOT_READY, .. },
            ) => {
                queued.refusals += 1;
                Duration::from_secs(1 << queued.refusals.min(9)).min(LONGEST_WAIT)
            }
            Err(error @ (InvokeError::NotFound(_) | InvokeError::TooLarge { .. } | InvokeError::Refused { .. })) => {
                tracing::warn!(function = %queued.name, %error, "an asynchronous call is dropped");
                return None;
            }
        };
        let at = self.caller.clock.now().plus(wait);
        if at.since(queued.accepted) > age {
            tracing::warn!(function = %queued.name, "an asynchronous call is too old and is dropped");
            return None;
        }
        Some((at, queued))
    }

    /// The retries and the age that the function's event invoke configuration sets.
    fn settings(&self, queued: &Queued) -> (u32, Duration) {
        let key = FunctionKey::of(&queued.function());
        let qualifier = queued.qualifier.as_ref().map_or_else(|| "$LATEST".into(), ToString::to_string);
        let snapshot = self.caller.registry.snapshot();
        let config = snapshot.function(&key).ok().and_then(|function| function.event_invokes.get(&qualifier).cloned());
        let retries = config.as_ref().and_then(|config| config.retries).unwrap_or(0);
        let age =
            config.and_then(|config| config.age_s).map_or(limits::ASYNC_AGE, |age| Duration::from_secs(age.into()));
        (retries, age)
    }

    async fn extend(&self, claimed: &Claimed) {
        let receipt = claimed.receipt.clone();
        let extend = move |tx: &mut Tx<'_>| -> Result<(), Error> { Ok(tx.extend(&receipt, LEASE)?) };
        if let Err(error) = self.store.transact(extend).await {
            tracing::warn!(%error, "the lease on an asynchronous call could not be renewed");
        }
    }

    /// Takes the message off the queue, and puts `again` on it in its place.
    async fn settle(&self, claimed: &Claimed, again: Option<(Timestamp, Vec<u8>)>) {
        let receipt = claimed.receipt.clone();
        let settle = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            tx.ack(&receipt)?;
            if let Some((at, message)) = &again {
                tx.enqueue(keys::ASYNC_QUEUE, *at, message)?;
            }
            Ok(())
        };
        if let Err(error) = self.store.transact(settle).await {
            tracing::error!(%error, "a finished asynchronous call could not be taken off the queue; it may run again");
        }
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
