//! SNS's structures, with its member names.

use crate::{Draft, Error, Texts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_delivery::{AttributeValue, MessageAttribute};
use fogbank_wire::Blob;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A structure without members.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Empty {}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

/// Tags as a map.
pub(super) fn tags(tags: Vec<Tag>) -> Texts {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateTopic {
    pub name: String,
    pub attributes: Texts,
    pub tags: Vec<Tag>,
    pub data_protection_policy: Option<String>,
}

/// A request or an answer that names nothing but a topic.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfTopic {
    pub topic_arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct List {
    pub topic_arn: String,
    pub platform_application_arn: String,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TopicList {
    pub topics: Vec<OfTopic>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    pub attributes: Texts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SetAttribute {
    pub topic_arn: String,
    pub subscription_arn: String,
    pub attribute_name: String,
    pub attribute_value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Permission {
    pub topic_arn: String,
    pub label: String,
    #[serde(rename = "AWSAccountId")]
    pub accounts: Vec<String>,
    #[serde(rename = "ActionName")]
    pub actions: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfResource {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
    pub tag_keys: Vec<String>,
    pub data_protection_policy: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagList {
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DataProtection {
    pub data_protection_policy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Subscribe {
    pub topic_arn: String,
    pub protocol: String,
    pub endpoint: String,
    pub attributes: Texts,
    pub return_subscription_arn: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Confirm {
    pub topic_arn: String,
    pub token: String,
    pub authenticate_on_unsubscribe: String,
}

/// A request or an answer that names nothing but a subscription.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfSubscription {
    pub subscription_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Subscription {
    pub subscription_arn: String,
    pub owner: String,
    pub protocol: &'static str,
    pub endpoint: String,
    pub topic_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SubscriptionList {
    pub subscriptions: Vec<Subscription>,
    pub next_token: Option<String>,
}

/// A message attribute's value.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Value {
    pub string_value: Option<String>,
    pub binary_value: Option<Blob>,
    pub data_type: String,
}

impl Value {
    fn into_attribute(self) -> MessageAttribute {
        let value = match (self.string_value, self.binary_value) {
            (Some(text), _) => AttributeValue::Text(text),
            (None, Some(bytes)) => AttributeValue::Binary(BASE64.encode(&bytes.0)),
            (None, None) => AttributeValue::Text(String::new()),
        };
        MessageAttribute { data_type: self.data_type, value }
    }
}

/// A message to be published: the whole request, or an entry of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Publish {
    pub id: String,
    pub topic_arn: Option<String>,
    pub target_arn: Option<String>,
    pub phone_number: Option<String>,
    pub message: String,
    pub subject: Option<String>,
    pub message_structure: Option<String>,
    pub message_attributes: BTreeMap<String, Value>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

impl Publish {
    pub fn into_draft(self) -> Result<Draft, Error> {
        let structured = match self.message_structure.as_deref() {
            None | Some("") => false,
            Some("json") => true,
            Some(_) => return Err(Error::invalid("MessageStructure")),
        };
        let attributes = self.message_attributes.into_iter().map(|(name, value)| (name, value.into_attribute()));
        Ok(Draft {
            message: self.message,
            subject: self.subject,
            structured,
            attributes: attributes.collect(),
            group: self.message_group_id,
            deduplication: self.message_deduplication_id,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Published {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub message_id: String,
    pub sequence_number: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PublishBatch {
    pub topic_arn: String,
    pub publish_batch_request_entries: Vec<Publish>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchOutput {
    pub successful: Vec<Published>,
    pub failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Failed {
    pub id: String,
    pub code: &'static str,
    pub message: String,
    pub sender_fault: bool,
}
