//! Topics, subscriptions and what is published.

use fogbank_delivery::MessageAttribute;
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Topics, subscriptions and everything else of one page.
pub(crate) const PAGE: usize = 100;
/// Bytes of a message with its attributes, and of a batch's messages together.
pub(crate) const MESSAGE_BYTES: usize = 256 * 1024;
/// Entries of a batch.
pub(crate) const BATCH: usize = 10;
/// Characters of a subject.
pub(crate) const SUBJECT: usize = 100;
/// Tags of one topic.
pub(crate) const TAGS: usize = 50;
/// Subscriptions of one FIFO topic.
pub(crate) const FIFO_SUBSCRIPTIONS: usize = 100;
/// Subscriptions that are served within the publishing transaction. The rest of a larger topic is served in pieces of this size.
pub(crate) const AT_ONCE: usize = 64;

/// Attributes by name, as SNS takes and shows them.
pub type Texts = BTreeMap<String, String>;

/// Names one topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicKey {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The topic's name.
    pub name: String,
}

impl TopicKey {
    /// `arn:aws:sns:REGION:ACCOUNT:NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("sns", &self.region, &self.account, &self.name)
    }

    /// The topic that an ARN names; `None` if it is no topic's.
    pub fn of(arn: &Arn) -> Option<Self> {
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        let is_topic = arn.service() == "sns" && is_name(arn.resource());
        is_topic.then(|| Self { account, region, name: arn.resource().to_owned() })
    }

    /// Whether the name is a FIFO topic's.
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

/// Whether `name` can be a topic's.
pub(crate) fn is_name(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !stem.is_empty() && name.len() <= 256 && stem.bytes().all(plain)
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// Another for each topic, also of the same name.
    pub id: u64,
    /// When it was made.
    pub created: Timestamp,
    /// The attributes that were set.
    pub attributes: Texts,
    /// Tags.
    pub tags: Texts,
    /// The data protection policy, if one was put.
    pub data_protection: Option<String>,
    /// How many subscriptions are confirmed.
    pub confirmed: u64,
    /// How many wait for their confirmation.
    pub pending: u64,
    /// How many were ended.
    pub deleted: u64,
}

impl Topic {
    /// Whether an attribute that is `true` or `false` was set to `true`.
    pub(crate) fn is_set(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|value| value == "true")
    }
}

/// Names one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionKey {
    /// What is subscribed to.
    pub topic: TopicKey,
    /// A UUID.
    pub id: String,
}

impl SubscriptionKey {
    /// `arn:aws:sns:REGION:ACCOUNT:TOPIC:ID`
    pub fn arn(&self) -> Arn {
        let resource = format!("{}:{}", self.topic.name, self.id);
        Arn::new("sns", &self.topic.region, &self.topic.account, &resource)
    }

    /// The subscription that an ARN names; `None` if it is none's.
    pub fn of(arn: &Arn) -> Option<Self> {
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        let (name, id) = arn.resource().split_once(':')?;
        let is_id = !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_one = arn.service() == "sns" && is_name(name) && is_id;
        is_one.then(|| Self { topic: TopicKey { account, region, name: name.to_owned() }, id: id.to_owned() })
    }
}

/// How a subscription's messages reach their endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A function.
    Lambda,
    /// A queue.
    Sqs,
    /// A POST to a URL.
    Http,
    /// The same over TLS.
    Https,
    /// A letter. Kept; nothing is sent.
    Email,
    /// The same with the whole notification. Kept; nothing is sent.
    EmailJson,
    /// A text message. Kept; nothing is sent.
    Sms,
    /// A mobile application. Kept; nothing is sent.
    Application,
    /// A delivery stream. Kept; nothing is sent.
    Firehose,
}

impl Protocol {
    /// Every protocol, by the name that SNS gives it.
    pub(crate) const ALL: [(&str, Self); 9] = [
        ("lambda", Self::Lambda),
        ("sqs", Self::Sqs),
        ("http", Self::Http),
        ("https", Self::Https),
        ("email", Self::Email),
        ("email-json", Self::EmailJson),
        ("sms", Self::Sms),
        ("application", Self::Application),
        ("firehose", Self::Firehose),
    ];

    /// The protocol called `name`.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, protocol)| protocol)
    }

    /// As SNS calls it.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// Whether the endpoint is an HTTP server.
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether whoever owns the endpoint has to agree first.
    pub fn needs_confirmation(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Email | Self::EmailJson)
    }
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// How messages go.
    pub protocol: Protocol,
    /// Where they go.
    pub endpoint: String,
    /// The account that subscribed.
    pub owner: AccountId,
    /// The ARN of whoever subscribed.
    pub principal: String,
    /// Whether it waits for its confirmation.
    pub pending: bool,
    /// What confirms it.
    pub token: String,
    /// When the token was made.
    pub offered: Timestamp,
    /// Whether the one who confirmed was known to the platform.
    pub authenticated: bool,
    /// Whether only the owner ends it.
    pub guarded: bool,
    /// The attributes that were set.
    pub attributes: Texts,
}

impl Subscription {
    /// Whether the endpoint takes the message alone, not a notification around it.
    pub fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|value| value == "true")
    }

    /// The queue for messages that the endpoint does not take.
    pub fn dead_letters(&self) -> Option<Arn> {
        let policy: serde_json::Value = serde_json::from_str(self.attributes.get("RedrivePolicy")?).ok()?;
        policy.get("deadLetterTargetArn")?.as_str()?.parse().ok()
    }
}

/// A message to be published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The message, or the messages by protocol if `structured`.
    pub message: String,
    /// The subject.
    pub subject: Option<String>,
    /// Whether the message is `MessageStructure=json`.
    pub structured: bool,
    /// Message attributes.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// `MessageGroupId`.
    pub group: Option<String>,
    /// `MessageDeduplicationId`, for FIFO topics.
    pub deduplication: Option<String>,
}

/// What the publisher learns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The message's id; a duplicate has the first one's.
    pub id: String,
    /// In FIFO topics, where the message is in their order.
    pub sequence: Option<String>,
}

/// The twenty digits of a sequence number.
pub(crate) fn sequence(number: u64) -> String {
    (10_000_000_000_000_000_000_u128 + u128::from(number) * 1000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_topics_and_subscriptions() {
        let topic: Arn = "arn:aws:sns:us-east-1:000000000000:news.fifo".parse().unwrap();
        let key = TopicKey::of(&topic).unwrap();
        assert!(key.is_fifo() && key.arn() == topic && SubscriptionKey::of(&topic).is_none());
        let one: Arn = "arn:aws:sns:us-east-1:000000000000:news:3f0c-77".parse().unwrap();
        assert_eq!(SubscriptionKey::of(&one).unwrap().arn(), one);
        for wrong in ["arn:aws:sqs:us-east-1:000000000000:news", "arn:aws:sns:us-east-1:000000000000:a.b"] {
            assert!(TopicKey::of(&wrong.parse().unwrap()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_protocol_has_a_name() {
        for (name, protocol) in Protocol::ALL {
            assert_eq!((Protocol::of(name), protocol.name()), (Some(protocol), name));
        }
    }
}
