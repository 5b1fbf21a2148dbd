//! Events come in: from clients, and from other parts of the platform.

use crate::buses::{self, lookup};
use crate::event::{Event, New};
use crate::model::{Bus, BusKey};
use crate::permission::lets_in;
use crate::route::SERVICE;
use crate::{Buses, Error};
use fogbank_delivery::{Delivery, Forwarded, Origin, SENDERS, Undelivered, is_listed};
use fogbank_model::{Arn, RequestContext, Timestamp};
use fogbank_store::{Error as StoreError, Read, Tx};
use serde_json::Value;
use std::sync::Arc;

/// Bytes of all events of a request at most.
const LARGEST: usize = 256 * 1024;

/// An event that a client sends.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// When it happened; now if it does not say.
    pub time: Option<Timestamp>,
    /// Who it is from.
    pub source: Option<String>,
    /// What it concerns.
    pub resources: Vec<String>,
    /// What happened.
    pub detail_type: Option<String>,
    /// A JSON object.
    pub detail: Option<String>,
    /// The bus's name or ARN.
    pub bus: Option<String>,
    /// `X-Amzn-Trace-Id`, where it is not the request's.
    pub trace: Option<String>,
}

/// Why one event of a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// AWS's code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Rejected {
    fn missing(parameter: &str) -> Self {
        let message = format!("Parameter {parameter} is not valid. Reason: {parameter} is a required argument.");
        Self { code: "InvalidArgument", message }
    }
}

impl Entry {
    /// What it counts against the limit, as AWS documents it.
    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let resources: usize = self.resources.iter().map(String::len).sum();
        let time = if self.time.is_some() { 14 } else { 0 };
        time + text(&self.source) + text(&self.detail_type) + text(&self.detail) + resources
    }

    fn prepared(&self, context: &RequestContext, id: &str, now: Timestamp) -> Result<(BusKey, Event), Rejected> {
        let given = |text: &'_ Option<String>, name: &str| {
            text.clone().filter(|text| !text.is_empty()).ok_or_else(|| Rejected::missing(name))
        };
        let source = given(&self.source, "Source")?;
        let detail_type = given(&self.detail_type, "DetailType")?;
        let detail = given(&self.detail, "Detail")?;
        if source.starts_with("aws.") {
            let message = "Not authorized for the source.".into();
            return Err(Rejected { code: "NotAuthorizedForSourceException", message });
        }
        let detail = serde_json::from_str::<Value>(&detail).ok().filter(Value::is_object);
        let detail =
            detail.ok_or_else(|| Rejected { code: "MalformedDetail", message: "Detail is malformed.".into() })?;
        let bus = buses::key(&context.account, &context.region, self.bus.as_deref());
        let bus = bus.map_err(|error| Rejected { code: "InvalidArgument", message: error.to_string() })?;
        let (account, region) = (&context.account, &context.region);
        let (source, detail_type, resources) = (&source, &detail_type, &self.resources);
        let at = self.time.unwrap_or(now);
        Ok((bus, New { id, source, detail_type, account, region, at, resources, detail }.event()))
    }
}

impl Buses {
    /// Puts events on their buses; each fails or succeeds by itself. Those that succeed, whose ids are returned, are with their targets.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they are too large together, [`Error::Store`].
    pub async fn put(
        self: &Arc<Self>,
        context: &RequestContext,
        entries: Vec<Entry>,
    ) -> Result<Vec<Result<String, Rejected>>, Error> {
        if entries.iter().map(Entry::size).sum::<usize>() > LARGEST {
            return Err(Error::invalid("Total size of the entries in the request is over the limit."));
        }
        let now = self.clock.now();
        let origin = Origin::of(context, SERVICE, None);
        let prepared: Vec<Result<(BusKey, Event, Origin), Rejected>> = entries
            .into_iter()
            .map(|entry| {
                let (bus, event) = entry.prepared(context, &self.clock.uuid(), now)?;
                let trace = entry.trace.or_else(|| origin.trace.clone());
                Ok((bus, event, Origin { trace, ..origin.clone() }))
            })
            .collect();
        if prepared.iter().all(Result::is_err) {
            return Ok(prepared.into_iter().map(|entry| entry.map(|(_, event, _)| event.id().to_owned())).collect());
        }
        let this = self.clone();
        let put = move |tx: &mut Tx<'_>| {
            let each = prepared.iter().map(|entry| match entry {
                Ok((bus, event, origin)) => this.put_one(tx, bus, event, origin),
                Err(rejected) => Ok(Err(rejected.clone())),
            });
            each.collect::<Result<Vec<_>, StoreError>>().map_err(Error::from)
        };
        self.store.transact(put).await
    }

    fn put_one(
        &self,
        tx: &mut Tx<'_>,
        key: &BusKey,
        event: &Event,
        origin: &Origin,
    ) -> Result<Result<String, Rejected>, StoreError> {
        // An event for a bus that is not there is taken and goes nowhere, as with AWS.
        if let Some(bus) = lookup(tx, key)? {
            if !may_send(&bus, key, origin) {
                let message = format!("Access to the resource {} is denied.", key.arn());
                return Ok(Err(Rejected { code: "AccessDeniedException", message }));
            }
            self.route(tx, key, event, origin)?;
        }
        Ok(Ok(event.id().to_owned()))
    }

    /// Puts an event on a bus within the caller's transaction: what it leads to is on disk if and only if the transaction is. The head is in
    /// `delivery.event`, the body is the event's `detail`. Sources of AWS's own are let through.
    ///
    /// # Errors
    /// [`Undelivered::NoTarget`] if there is no such bus; [`Undelivered::Refused`] if this is no event, the bus does not let the sender in, or
    /// deliveries go in circles; [`Undelivered::Store`].
    pub fn deliver_in(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let key = BusKey::from_arn(target).ok_or_else(|| Undelivered::NoTarget(target.to_string()))?;
        let bus = lookup(tx, &key)?.ok_or_else(|| Undelivered::NoTarget(target.to_string()))?;
        if !may_send(&bus, &key, &delivery.origin) {
            return Err(Undelivered::Refused(format!("Access to the resource {target} is denied.")));
        }
        let origin = delivery.origin.onward(SERVICE, None);
        let origin = origin.ok_or_else(|| Undelivered::Refused("The event has gone in circles.".into()))?;
        let event = self.delivered(&key, delivery, tx.now()).map_err(Undelivered::Refused)?;
        Ok(self.route(tx, &key, &event, &origin)?)
    }

    /// Whether there is such a bus.
    ///
    /// # Errors
    /// The store's.
    pub fn exists(&self, read: &impl Read, target: &Arn) -> Result<bool, StoreError> {
        match BusKey::from_arn(target) {
            Some(key) => Ok(lookup(read, &key)?.is_some()),
            None => Ok(false),
        }
    }

    fn delivered(&self, key: &BusKey, delivery: &Delivery, now: Timestamp) -> Result<Event, String> {
        let head = delivery.event.as_ref().ok_or("The message is not an event.")?;
        if let Some(Forwarded { text, passed }) = &head.forwarded {
            // Within one transaction, so even a few circles through rules that multiply it would never end.
            if passed.iter().any(|bus| bus == key.arn().as_str()) {
                return Err("The event has gone in circles.".into());
            }
            let event = serde_json::from_str(text).map(Event::of).map_err(|error| error.to_string())?;
            return Ok(Event { passed: passed.clone(), ..event });
        }
        let detail = serde_json::from_str::<Value>(&delivery.body).ok().filter(Value::is_object);
        let new = New {
            id: &self.clock.uuid(),
            source: &head.source,
            detail_type: &head.detail_type,
            account: &delivery.origin.account,
            region: &key.region,
            at: now,
            resources: &head.resources,
            detail: detail.ok_or("Detail is malformed.")?,
        };
        Ok(new.event())
    }
}

/// A bus takes its own account's events, and those of accounts that its policy names; of these, if it lists senders, theirs only.
fn may_send(bus: &Bus, key: &BusKey, origin: &Origin) -> bool {
    let is_open = key.account == origin.account || lets_in(bus, &origin.account);
    is_open && bus.tags.get(SENDERS).is_none_or(|list| is_listed(list, &origin.sender))
}
