//! What is delivered, and where it comes from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::{AccountId, Arn, Caller, Region, RequestContext};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Deliveries that may follow from one another before the platform takes them for a loop.
const HOPS: u8 = 16;

/// A message for one target, as its sender made it for a target of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// A queue's body, a function's event (JSON), a topic's message, a log group's line, a stream's record, an object, or an event's `detail` (JSON).
    pub body: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Message attributes, for queues and topics.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// `MessageGroupId`, for queues and topics; the partition key, for streams.
    pub group: Option<String>,
    /// `MessageDeduplicationId`, for queues and topics.
    pub deduplication: Option<String>,
    /// The subject, for topics; the object's key, for buckets.
    pub subject: Option<String>,
    /// What an event says beside its `detail`, for buses.
    pub event: Option<EventHead>,
}

impl Delivery {
    /// A message without attributes.
    pub fn new(body: impl Into<String>, origin: Origin) -> Self {
        let attributes = BTreeMap::new();
        Self { body: body.into(), origin, attributes, group: None, deduplication: None, subject: None, event: None }
    }
}

/// An event's members beside `detail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventHead {
    /// `source`, such as `aws.s3`.
    pub source: String,
    /// `detail-type`.
    pub detail_type: String,
    /// `resources`.
    pub resources: Vec<String>,
    /// The event as another bus had it, which keeps its id and time. `None` for a new event.
    pub forwarded: Option<Forwarded>,
}

/// An event that goes from bus to bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {
    /// The whole event.
    pub text: String,
    /// The ARNs of the buses that it has been on.
    pub passed: Vec<String>,
}

/// Where a message comes from. Kept with what waits, so that a delivery after a restart says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The account it was sent in.
    pub account: AccountId,
    /// The region it was sent in.
    pub region: Region,
    /// The service that delivers it, such as `sns.amazonaws.com`.
    pub service: String,
    /// What it is delivered for, such as a topic's, a rule's or a bucket's ARN.
    pub source: Option<Arn>,
    /// The ARN of whoever caused it, as the platform authenticated them.
    pub sender: String,
    /// The address that the sender reached the platform by, for links.
    pub endpoint: String,
    /// `X-Amzn-Trace-Id`, if any.
    pub trace: Option<String>,
    /// How many deliveries led to this one.
    pub hops: u8,
}

impl Origin {
    /// The origin of what `context`'s request causes `service` (such as `sns.amazonaws.com`) to deliver for `source`.
    pub fn of(context: &RequestContext, service: &str, source: Option<Arn>) -> Self {
        Self {
            account: context.account.clone(),
            region: context.region.clone(),
            service: service.to_owned(),
            source,
            sender: sender(context),
            endpoint: context.endpoint.to_string(),
            trace: context.trace.clone(),
            hops: 0,
        }
    }

    /// The origin of what follows from a delivery of this one, sent on by `service` for `source`; `None` if that has gone on for so long that it
    /// must be a loop.
    pub fn onward(&self, service: &str, source: Option<Arn>) -> Option<Self> {
        let hops = self.hops.checked_add(1).filter(|hops| *hops <= HOPS)?;
        Some(Self { service: service.to_owned(), source, hops, ..self.clone() })
    }
}

/// The ARN of the authenticated caller; for a part of the platform its service's name.
pub fn sender(context: &RequestContext) -> String {
    let account = &context.account;
    match &context.caller {
        Caller::Root => format!("arn:aws:iam::{account}:root"),
        Caller::User { arn, .. } => arn.to_string(),
        Caller::Role { role, session } => {
            let name = role.resource().rsplit('/').next().unwrap_or_default();
            format!("arn:aws:sts::{}:assumed-role/{name}/{session}", role.account())
        }
        Caller::Service(name) => (*name).to_owned(),
    }
}

/// A message attribute's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an optional custom label behind a dot; in topics also `String.Array`.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

impl MessageAttribute {
    /// What it counts against the limits of messages if it is called `name`: the bytes of the name, the type and the value.
    pub fn size(&self, name: &str) -> usize {
        let value = match &self.value {
            AttributeValue::Text(text) => text.len(),
            AttributeValue::Binary(base64) => BASE64.decode(base64).map_or(base64.len(), |bytes| bytes.len()),
        };
        name.len() + self.data_type.len() + value
    }
}

/// What a message attribute holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// Of the types `String` and `Number`.
    Text(String),
    /// Of the type `Binary`, in base64.
    Binary(String),
}
