//! Queues and messages.

use crate::attributes::Attributes;
use crate::digest;
use fogbank_delivery::MessageAttribute;
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Messages of one queue that may be in flight. Tests need not send as many.
pub(crate) const IN_FLIGHT: u64 = if cfg!(test) { 120 } else { 120_000 };
/// Messages that one call receives, and entries of a batch.
pub(crate) const BATCH: usize = 10;
/// The longest visibility timeout, in seconds; also from the receipt on, however often it is extended.
pub(crate) const VISIBILITY_S: i64 = 43_200;
/// The longest delay of a message, in seconds.
pub(crate) const DELAY_S: i64 = 900;
/// The longest poll, in seconds.
pub(crate) const WAIT_S: i64 = 20;
/// How long a deduplication id, and an attempt to receive, is remembered.
pub(crate) const REMEMBERED_MS: u64 = 5 * 60 * 1000;
/// How long a deleted queue's name is not free, and a purge excludes another.
pub(crate) const PAUSE_MS: u64 = 60 * 1000;
/// Bytes of a batch's messages together.
pub(crate) const BATCH_BYTES: usize = 1 << 20;
/// Attributes of one message.
pub(crate) const MESSAGE_ATTRIBUTES: usize = 10;
/// Tags of one queue.
pub(crate) const TAGS: usize = 50;

/// Names one queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueKey {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The queue's name.
    pub name: String,
}

impl QueueKey {
    /// `arn:aws:sqs:REGION:ACCOUNT:NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("sqs", &self.region, &self.account, &self.name)
    }

    /// The queue that an ARN names; `None` if it is no queue's.
    pub fn of(arn: &str) -> Option<Self> {
        let arn: Arn = arn.parse().ok()?;
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_queue = arn.service() == "sqs" && arn.resource().chars().all(plain);
        is_queue.then(|| Self { account, region, name: arn.resource().to_owned() })
    }

    /// Whether the name is a FIFO queue's.
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Another for each queue, also of the same name.
    pub id: u64,
    /// Where its messages are. A purge gives the queue a new place and leaves the old one to the sweep.
    pub place: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When its attributes were last set.
    pub modified: Timestamp,
    /// When it was last purged.
    pub purged: Option<Timestamp>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be received.
    pub visible: u64,
    /// Received, and neither deleted nor visible again.
    pub in_flight: u64,
    /// Not visible for the first time yet.
    pub delayed: u64,
}

/// Who sends a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// What receivers see as `SenderId`.
    pub id: String,
    /// The ARN, as the platform authenticated it.
    pub arn: String,
}

/// A message to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The body.
    pub body: String,
    /// Seconds until it is visible, where that is not the queue's delay.
    pub delay_s: Option<i64>,
    /// Message attributes.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The system attribute `AWSTraceHeader`.
    pub trace: Option<String>,
    /// `MessageDeduplicationId`, for FIFO queues.
    pub deduplication: Option<String>,
    /// `MessageGroupId`.
    pub group: Option<String>,
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The message's id.
    pub id: String,
    /// Who sent it, as SQS's `SenderId`.
    pub sender: String,
    /// Who sent it, as the platform authenticated them: an ARN.
    #[serde(default)]
    pub principal: String,
    /// The body.
    #[serde(skip)]
    pub body: String,
    /// Message attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// `AWSTraceHeader`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// `MessageDeduplicationId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplication: Option<String>,
    /// `MessageGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The queue that gave the message up, if this is a dead-letter queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Arn>,
}

/// What the sender learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id; a duplicate has the first one's.
    pub id: String,
    /// In FIFO queues, where the message is in their order.
    pub sequence: Option<String>,
}

/// A message in the hands of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What was sent.
    pub message: Message,
    /// For deleting it, and for changing its visibility.
    pub handle: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it was first received.
    pub first_received: Timestamp,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// In FIFO queues, where the message is in their order.
    pub sequence: Option<String>,
}

impl Received {
    /// The system attributes that the message has, by name.
    pub fn system_attributes(&self) -> BTreeMap<&'static str, String> {
        let message = &self.message;
        let always = [
            ("SenderId", Some(message.sender.clone())),
            ("SentTimestamp", Some(self.sent.0.to_string())),
            ("ApproximateReceiveCount", Some(self.receive_count.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(self.first_received.0.to_string())),
            ("SequenceNumber", self.sequence.clone()),
            ("MessageDeduplicationId", message.deduplication.clone()),
            ("MessageGroupId", message.group.clone()),
            ("AWSTraceHeader", message.trace.clone()),
            ("DeadLetterQueueSourceArn", message.source.as_ref().map(ToString::to_string)),
        ];
        always.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The body's MD5, in hex.
    pub fn body_digest(&self) -> String {
        digest::of_body(&self.message.body)
    }

    /// The MD5 of the message attributes, in hex, if there are any.
    pub fn attributes_digest(&self) -> Option<String> {
        digest::of_attributes(self.message.attributes.iter())
    }
}

/// How to receive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receive {
    /// At most so many messages, 1 to 10.
    pub limit: i64,
    /// Seconds that they are hidden for, where that is not the queue's visibility timeout.
    pub visibility_s: Option<i64>,
    /// Seconds to wait for a message, where that is not the queue's.
    pub wait_s: Option<i64>,
    /// `ReceiveRequestAttemptId`, for FIFO queues: the same id gives the same messages again.
    pub attempt: Option<String>,
}

/// The twenty digits of a sequence number.
pub(crate) fn sequence(number: u64) -> String {
    (18_850_000_000_000_000_000_u128 + u128::from(number) * 256).to_string()
}
