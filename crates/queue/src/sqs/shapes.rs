//! SQS's structures, with its member names.

use crate::Error;
use crate::model::Draft;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_delivery::{AttributeValue, MessageAttribute};
use fogbank_wire::Blob;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) type Texts = BTreeMap<String, String>;

/// A structure without members.
#[derive(Debug, Serialize)]
pub(super) struct Empty {}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateQueue {
    pub queue_name: String,
    pub attributes: Texts,
    #[serde(rename = "tags")]
    pub tags: Texts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Url {
    pub queue_url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GetQueueUrl {
    pub queue_name: String,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    pub queue_owner: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListQueues {
    pub queue_name_prefix: String,
    pub next_token: Option<String>,
    pub max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListQueuesOutput {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queue_urls: Vec<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListSources {
    pub queue_url: String,
    pub next_token: Option<String>,
    pub max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct ListSourcesOutput {
    #[serde(rename = "queueUrls")]
    pub queue_urls: Vec<String>,
    #[serde(rename = "NextToken")]
    pub next_token: Option<String>,
}

/// A request that names nothing but a queue.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfQueue {
    pub queue_url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GetAttributes {
    pub queue_url: String,
    pub attribute_names: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SetAttributes {
    pub queue_url: String,
    pub attributes: Texts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Texts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TagQueue {
    pub queue_url: String,
    pub tags: Texts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UntagQueue {
    pub queue_url: String,
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tags {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Texts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AddPermission {
    pub queue_url: String,
    pub label: String,
    #[serde(rename = "AWSAccountIds")]
    pub accounts: Vec<String>,
    pub actions: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RemovePermission {
    pub queue_url: String,
    pub label: String,
}

/// A message's or system attribute's value, as it comes and goes.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Value {
    pub string_value: Option<String>,
    pub binary_value: Option<Blob>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub string_list_values: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub binary_list_values: Vec<Blob>,
    pub data_type: String,
}

impl Value {
    fn into_attribute(self) -> Result<MessageAttribute, Error> {
        if !self.string_list_values.is_empty() || !self.binary_list_values.is_empty() {
            return Err(Error::invalid("Message attribute list values in SendMessage operation are not supported."));
        }
        let binary = |bytes: Blob| AttributeValue::Binary(BASE64.encode(&bytes.0));
        let value = match (self.string_value, self.binary_value) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("A message attribute must have one value, not a string and a binary one."));
            }
            (Some(text), None) => AttributeValue::Text(text),
            (None, Some(bytes)) => binary(bytes),
            (None, None) if self.data_type.starts_with("Binary") => AttributeValue::Binary(String::new()),
            (None, None) => AttributeValue::Text(String::new()),
        };
        Ok(MessageAttribute { data_type: self.data_type, value })
    }

    pub fn of(attribute: &MessageAttribute) -> Self {
        let (text, binary) = match &attribute.value {
            AttributeValue::Text(text) => (Some(text.clone()), None),
            AttributeValue::Binary(base64) => (None, Some(Blob(BASE64.decode(base64).unwrap_or_default().into()))),
        };
        Self { string_value: text, binary_value: binary, data_type: attribute.data_type.clone(), ..Self::default() }
    }
}

/// A message to be sent: the whole request, or an entry of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Send {
    pub queue_url: String,
    pub id: String,
    pub message_body: String,
    pub delay_seconds: Option<i64>,
    pub message_attributes: BTreeMap<String, Value>,
    pub message_system_attributes: BTreeMap<String, Value>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

impl Send {
    pub fn into_draft(self) -> Result<Draft, Error> {
        let mut trace = None;
        for (name, value) in self.message_system_attributes {
            if name != "AWSTraceHeader" {
                return Err(Error::invalid(format!(
                    "Message system attribute name '{name}' is invalid. The only supported one is AWSTraceHeader."
                )));
            }
            let is_text = value.data_type == "String";
            trace = value.string_value.filter(|text| is_text && !text.is_empty());
            if trace.is_none() {
                let text = "The message system attribute 'AWSTraceHeader' must contain a non-empty value of the type 'String'.";
                return Err(Error::invalid(text));
            }
        }
        let attributes = self.message_attributes.into_iter().map(|(name, value)| Ok((name, value.into_attribute()?)));
        Ok(Draft {
            body: self.message_body,
            delay_s: self.delay_seconds,
            attributes: attributes.collect::<Result<_, Error>>()?,
            trace,
            deduplication: self.message_deduplication_id,
            group: self.message_group_id,
        })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct SendOutput {
    #[serde(rename = "Id")]
    pub id: Option<String>,
    #[serde(rename = "MD5OfMessageBody")]
    pub body_digest: String,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub attributes_digest: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes")]
    pub system_digest: Option<String>,
    #[serde(rename = "MessageId")]
    pub message_id: String,
    #[serde(rename = "SequenceNumber")]
    pub sequence_number: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ReceiveMessage {
    pub queue_url: String,
    pub attribute_names: Vec<String>,
    pub message_system_attribute_names: Vec<String>,
    pub message_attribute_names: Vec<String>,
    pub max_number_of_messages: Option<i64>,
    pub visibility_timeout: Option<i64>,
    pub wait_time_seconds: Option<i64>,
    pub receive_request_attempt_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveOutput {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

#[derive(Debug, Serialize)]
pub(super) struct Message {
    #[serde(rename = "MessageId")]
    pub id: String,
    #[serde(rename = "ReceiptHandle")]
    pub handle: String,
    #[serde(rename = "MD5OfBody")]
    pub body_digest: String,
    #[serde(rename = "Body")]
    pub body: String,
    #[serde(rename = "Attributes", skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Texts,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub attributes_digest: Option<String>,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "BTreeMap::is_empty")]
    pub message_attributes: BTreeMap<String, Value>,
}

/// A receipt handle with what is to be done: the whole request, or an entry of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Handle {
    pub queue_url: String,
    pub id: String,
    pub receipt_handle: String,
    pub visibility_timeout: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", bound = "T: Deserialize<'de>")]
pub(super) struct Batch<T> {
    pub queue_url: String,
    #[serde(default = "Vec::new")]
    pub entries: Vec<T>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchOutput<T> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Done {
    pub id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Failed {
    pub id: String,
    pub sender_fault: bool,
    pub code: String,
    pub message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct StartMove {
    pub source_arn: String,
    pub destination_arn: Option<String>,
    pub max_number_of_messages_per_second: Option<i64>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TaskHandle {
    pub task_handle: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancelled {
    pub approximate_number_of_messages_moved: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListMoves {
    pub source_arn: String,
    pub max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Moves {
    pub results: Vec<Move>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Move {
    pub task_handle: Option<String>,
    pub status: &'static str,
    pub source_arn: String,
    pub destination_arn: Option<String>,
    pub max_number_of_messages_per_second: Option<u32>,
    pub approximate_number_of_messages_moved: u64,
    pub approximate_number_of_messages_to_move: u64,
    pub failure_reason: Option<String>,
    pub started_timestamp: i64,
}
