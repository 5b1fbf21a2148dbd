//! A topic's attributes: names, defaults, and how each is checked and shown.

use crate::model::{Texts, Topic, TopicKey};
use crate::retry::DeliveryPolicy;
use crate::{Error, Topics};
use serde_json::{Value, json};

/// Attributes that are kept and change nothing here: roles and rates of the delivery logs, the encryption's key.
const KEPT: [&str; 16] = [
    "HTTPSuccessFeedbackRoleArn",
    "HTTPSuccessFeedbackSampleRate",
    "HTTPFailureFeedbackRoleArn",
    "SQSSuccessFeedbackRoleArn",
    "SQSSuccessFeedbackSampleRate",
    "SQSFailureFeedbackRoleArn",
    "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate",
    "LambdaFailureFeedbackRoleArn",
    "ApplicationSuccessFeedbackRoleArn",
    "ApplicationSuccessFeedbackSampleRate",
    "ApplicationFailureFeedbackRoleArn",
    "FirehoseSuccessFeedbackRoleArn",
    "FirehoseSuccessFeedbackSampleRate",
    "FirehoseFailureFeedbackRoleArn",
    "KmsMasterKeyId",
];

/// Actions that the policy of a new topic permits its owner.
const OWN_ACTIONS: [&str; 8] = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
];

/// Why an attribute is not taken.
pub(crate) enum Wrong {
    /// Topics have none of this name.
    Name,
    /// It cannot have the value.
    Value(String),
}

impl Wrong {
    /// As `CreateTopic` says it.
    pub fn of_creation(self, name: &str) -> Error {
        match self {
            Self::Name => Error::because("Attributes", format!("Unknown attribute {name}")),
            Self::Value(why) => Error::because("Attributes", format!("{name}: {why}")),
        }
    }

    /// As `SetTopicAttributes` says it.
    fn of_change(self, name: &str) -> Error {
        match self {
            Self::Name => Error::invalid("AttributeName"),
            Self::Value(why) if matches!(name, "DisplayName" | "Policy") => Error::because(name, why),
            Self::Value(why) => Error::because("AttributeValue", format!("{name}: {why}")),
        }
    }
}

impl Topics {
    /// A topic's attributes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn attributes(&self, key: &TopicKey) -> Result<Texts, Error> {
        let topic = self.topic(key)?;
        let mut attributes = shown(key, &topic);
        attributes.insert("SubscriptionsConfirmed".into(), topic.confirmed.to_string());
        attributes.insert("SubscriptionsPending".into(), topic.pending.to_string());
        attributes.insert("SubscriptionsDeleted".into(), topic.deleted.to_string());
        Ok(attributes)
    }

    /// Sets one of a topic's attributes.
    ///
    /// # Errors
    /// [`Error::NotFound`], a name or value that SNS does not take, [`Error::Store`].
    pub async fn set_attribute(&self, key: &TopicKey, name: String, value: String) -> Result<(), Error> {
        if name == "FifoTopic" {
            return Err(Error::invalid("AttributeName"));
        }
        check(key, &name, &value).map_err(|wrong| wrong.of_change(&name))?;
        self.change(key, move |topic| {
            topic.attributes.insert(name.clone(), value.clone());
            Ok(())
        })
        .await
    }
}

/// Holds an attribute against what SNS takes.
pub(crate) fn check(key: &TopicKey, name: &str, value: &str) -> Result<(), Wrong> {
    let one_of = |words: &[&str]| match words.contains(&value) {
        true => Ok(()),
        false => Err(Wrong::Value(format!("must be one of {}", words.join(", ")))),
    };
    let document = || match serde_json::from_str::<serde_json::Map<String, Value>>(value) {
        _ if value.is_empty() => Ok(()),
        Ok(_) => Ok(()),
        Err(error) => Err(Wrong::Value(format!("the value is not a JSON document: {error}"))),
    };
    match name {
        "DisplayName" if value.chars().count() > 100 => Err(Wrong::Value("must be at most 100 characters long".into())),
        "DisplayName" => Ok(()),
        "Policy" => match serde_json::from_str::<serde_json::Map<String, Value>>(value) {
            _ if value.is_empty() => Ok(()),
            Ok(policy) if policy.contains_key("Statement") => Ok(()),
            _ => Err(Wrong::Value("Policy is not a policy document: failed to parse JSON".into())),
        },
        "DeliveryPolicy" if value.is_empty() => Ok(()),
        "DeliveryPolicy" => DeliveryPolicy::of_topic(value).map(drop).map_err(Wrong::Value),
        "TracingConfig" => one_of(&["PassThrough", "Active"]),
        "SignatureVersion" => one_of(&["1", "2"]),
        "FifoTopic" => one_of(&["true", "false"]),
        "ContentBasedDeduplication" if key.is_fifo() => one_of(&["true", "false"]),
        "FifoThroughputScope" if key.is_fifo() => one_of(&["Topic", "MessageGroup"]),
        "ArchivePolicy" if key.is_fifo() => document(),
        _ if name.ends_with("FeedbackSampleRate") && KEPT.contains(&name) => match value.parse::<u8>() {
            Ok(0..=100) => Ok(()),
            _ => Err(Wrong::Value("must be a number from 0 to 100".into())),
        },
        _ if KEPT.contains(&name) => Ok(()),
        _ => Err(Wrong::Name),
    }
}

/// A topic's attributes without the counts.
pub(crate) fn shown(key: &TopicKey, topic: &Topic) -> Texts {
    let arn = key.arn();
    let mut all = topic.attributes.clone();
    all.retain(|name, value| !value.is_empty() || name == "DisplayName");
    all.insert("TopicArn".into(), arn.to_string());
    all.insert("Owner".into(), key.account.to_string());
    all.entry("DisplayName".into()).or_default();
    all.entry("Policy".into()).or_insert_with(|| policy(key).to_string());
    let effective = DeliveryPolicy::of_topic(topic.attributes.get("DeliveryPolicy").map_or("", String::as_str));
    all.insert("EffectiveDeliveryPolicy".into(), effective.unwrap_or_default().shown_for_topic().to_string());
    if key.is_fifo() {
        all.insert("FifoTopic".into(), "true".into());
        all.entry("ContentBasedDeduplication".into()).or_insert_with(|| "false".into());
    }
    all
}

/// The policy of a topic that was given none.
pub(crate) fn policy(key: &TopicKey) -> Value {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": OWN_ACTIONS,
            "Resource": key.arn().as_str(),
            "Condition": {"StringEquals": {"AWS:SourceOwner": key.account.as_str()}},
        }],
    })
}

/// Whether two values mean the same: as texts, or as JSON documents.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let document = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    one == other || document(one).is_some_and(|one| document(other).is_some_and(|other| one == other))
}
