//! Queues as event sources: what a mapping needs of them, and how a message stands in an event.

use super::SourceError;
use super::batch::Record;
use fogbank_delivery::{AttributeValue, MessageAttribute};
use fogbank_model::{Arn, BoxFuture};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a queue is, as far as a mapping minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFacts {
    /// Whether it keeps the order of groups.
    pub is_fifo: bool,
    /// Its visibility timeout in seconds.
    pub visibility_s: u64,
}

/// A received message.
#[derive(Debug, Clone)]
pub struct QueueMessage {
    /// Its id.
    pub id: String,
    /// For deleting it.
    pub handle: String,
    /// The body.
    pub body: String,
    /// The body's MD5, in hex.
    pub body_digest: String,
    /// System attributes by name.
    pub attributes: BTreeMap<&'static str, String>,
    /// Message attributes.
    pub message_attributes: BTreeMap<String, MessageAttribute>,
    /// Their MD5, in hex, if there are any.
    pub attributes_digest: Option<String>,
}

/// Queues, as their mappings reach them. Implemented over `queue` at the composition root.
pub trait QueueSource: Send + Sync + 'static {
    /// What the queue is.
    ///
    /// # Errors
    /// [`SourceError`].
    fn facts(&self, queue: &Arn) -> Result<QueueFacts, SourceError>;

    /// Resolves when a message may be there to receive. Takes nothing, so that waiting can be given up at any time.
    fn ready<'a>(&'a self, queue: &'a Arn) -> BoxFuture<'a, Result<(), SourceError>>;

    /// Takes at most `limit` messages that are there now, and hides them for `visibility_s` seconds.
    fn receive<'a>(
        &'a self,
        queue: &'a Arn,
        limit: usize,
        visibility_s: u64,
    ) -> BoxFuture<'a, Result<Vec<QueueMessage>, SourceError>>;

    /// Deletes messages by their handles.
    fn delete<'a>(&'a self, queue: &'a Arn, handles: Vec<String>) -> BoxFuture<'a, Result<(), SourceError>>;
}

impl QueueMessage {
    /// The message as filters see it: a JSON body by what is in it.
    pub(super) fn for_filters(&self) -> Value {
        let body = serde_json::from_str::<Value>(&self.body).ok().filter(Value::is_object);
        json!({
            "messageId": self.id,
            "body": body.unwrap_or_else(|| Value::from(self.body.as_str())),
            "attributes": self.attributes,
            "messageAttributes": self.shown_attributes(),
        })
    }

    /// The message as it stands in the event of the queue `source`.
    pub(super) fn record(self, source: &Arn) -> Record {
        let mut shown = json!({
            "messageId": self.id,
            "receiptHandle": self.handle,
            "body": self.body,
            "attributes": self.attributes,
            "messageAttributes": self.shown_attributes(),
            "md5OfBody": self.body_digest,
            "eventSource": "aws:sqs",
            "eventSourceARN": source.as_str(),
            "awsRegion": source.region(),
        });
        if let Some(digest) = self.attributes_digest {
            shown["md5OfMessageAttributes"] = digest.into();
        }
        Record { id: self.id, handle: self.handle, json: shown.to_string() }
    }

    fn shown_attributes(&self) -> Value {
        let shown = |attribute: &MessageAttribute| {
            let (name, value) = match &attribute.value {
                AttributeValue::Text(text) => ("stringValue", text),
                AttributeValue::Binary(base64) => ("binaryValue", base64),
            };
            json!({
                name: value,
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": attribute.data_type,
            })
        };
        let all = self.message_attributes.iter().map(|(name, attribute)| (name.clone(), shown(attribute)));
        Value::Object(all.collect::<Map<_, _>>())
    }
}
