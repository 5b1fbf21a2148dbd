//! A queue's attributes: names, defaults, limits, and how each is read and shown.

use crate::Error;
use crate::model::QueueKey;
use crate::redrive::{AllowPolicy, Redrive};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A queue's attributes that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attributes {
    /// Seconds that messages wait before they are visible.
    pub delay_s: u32,
    /// The longest message, in bytes with its attributes.
    pub max_bytes: u32,
    /// Seconds that messages are kept.
    pub retention_s: u32,
    /// Seconds that a receiver waits for a message.
    pub wait_s: u32,
    /// Seconds that received messages are hidden for.
    pub visibility_s: u32,
    /// The access policy, as it was given. Stored, not enforced.
    pub policy: Option<String>,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
    /// Which queues may name this one as their dead-letter queue.
    pub redrive_allow: Option<AllowPolicy>,
    /// Whether groups are kept in order and duplicates dropped.
    pub fifo: bool,
    /// Whether a message without a deduplication id has its body's digest as one.
    pub content_deduplication: bool,
    /// Whether deduplication is within a group, not the queue.
    pub deduplicates_groups: bool,
    /// Whether the throughput limit is a group's, not the queue's. There is no such limit here.
    pub limit_per_group: bool,
    /// The key of the encryption, accepted and kept.
    pub kms_key: Option<String>,
    /// Seconds that a data key is used, accepted and kept.
    pub kms_reuse_s: u32,
    /// Whether SQS's own encryption is on, accepted and kept.
    pub managed_sse: bool,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            delay_s: 0,
            max_bytes: 1_048_576,
            retention_s: 345_600,
            wait_s: 0,
            visibility_s: 30,
            policy: None,
            redrive: None,
            redrive_allow: None,
            fifo: false,
            content_deduplication: false,
            deduplicates_groups: false,
            limit_per_group: false,
            kms_key: None,
            kms_reuse_s: 300,
            managed_sse: true,
        }
    }
}

/// Attributes that can be set, in the order in which a difference is reported.
const SETTABLE: [&str; 15] = [
    "VisibilityTimeout",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];

/// Attributes that only tell.
pub(crate) const TOLD: [&str; 6] = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
];

impl Attributes {
    /// The attributes of a new queue, or an old one's with `given` in the place of what they were.
    ///
    /// # Errors
    /// A name or a value that SQS does not take.
    pub fn with(&self, key: &QueueKey, given: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut made = self.clone();
        for (name, value) in given {
            made.set(key, name, value)?;
        }
        if made.limit_per_group && !made.deduplicates_groups {
            let texts = "FifoThroughputLimit";
            return Err(Error::InvalidAttributeValue(texts.into()));
        }
        if given.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty()) {
            if given.get("SqsManagedSseEnabled").is_some_and(|on| on == "true") {
                let text = "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.";
                return Err(Error::invalid(text));
            }
            made.managed_sse = false;
        } else if given.get("SqsManagedSseEnabled").is_some_and(|on| on == "true") {
            made.kms_key = None;
        }
        Ok(made)
    }

    fn set(&mut self, key: &QueueKey, name: &str, value: &str) -> Result<(), Error> {
        let wrong = || Error::InvalidAttributeValue(name.to_owned());
        let number = |from: u32, to: u32| {
            value.parse::<u32>().ok().filter(|number| (from..=to).contains(number)).ok_or_else(wrong)
        };
        let truth = || match value {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(wrong()),
        };
        let given = (!value.is_empty()).then_some(value);
        match name {
            "DelaySeconds" => self.delay_s = number(0, 900)?,
            "MaximumMessageSize" => self.max_bytes = number(1024, 1_048_576)?,
            "MessageRetentionPeriod" => self.retention_s = number(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_s = number(0, 20)?,
            "VisibilityTimeout" => self.visibility_s = number(0, 43_200)?,
            "Policy" => {
                let is_document = |text: &str| serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok();
                if given.is_some_and(|text| !is_document(text)) {
                    return Err(wrong());
                }
                self.policy = given.map(str::to_owned);
            }
            "RedrivePolicy" => self.redrive = given.map(|text| Redrive::parse(text, key)).transpose()?,
            "RedriveAllowPolicy" => self.redrive_allow = given.map(AllowPolicy::parse).transpose()?,
            "KmsMasterKeyId" => self.kms_key = given.map(str::to_owned),
            "KmsDataKeyReusePeriodSeconds" => self.kms_reuse_s = number(60, 86_400)?,
            "SqsManagedSseEnabled" => self.managed_sse = truth()?,
            "FifoQueue" => self.fifo = truth()?,
            "ContentBasedDeduplication" if self.fifo || key.is_fifo() => self.content_deduplication = truth()?,
            "DeduplicationScope" if self.fifo || key.is_fifo() => {
                self.deduplicates_groups = choice(value, "queue", "messageGroup").ok_or_else(wrong)?;
            }
            "FifoThroughputLimit" if self.fifo || key.is_fifo() => {
                self.limit_per_group = choice(value, "perQueue", "perMessageGroupId").ok_or_else(wrong)?;
            }
            // Here as on AWS, a standard queue does not know the attributes of FIFO queues.
            _ => return Err(Error::UnknownAttribute(name.to_owned())),
        }
        Ok(())
    }

    /// An attribute's value, if the queue has it.
    pub fn get(&self, name: &str) -> Option<String> {
        let fifo = |value: &str| self.fifo.then(|| value.to_owned());
        match name {
            "DelaySeconds" => Some(self.delay_s.to_string()),
            "MaximumMessageSize" => Some(self.max_bytes.to_string()),
            "MessageRetentionPeriod" => Some(self.retention_s.to_string()),
            "ReceiveMessageWaitTimeSeconds" => Some(self.wait_s.to_string()),
            "VisibilityTimeout" => Some(self.visibility_s.to_string()),
            "Policy" => self.policy.clone(),
            "RedrivePolicy" => self.redrive.as_ref().map(Redrive::to_text),
            "RedriveAllowPolicy" => self.redrive_allow.as_ref().map(AllowPolicy::to_text),
            "KmsMasterKeyId" => self.kms_key.clone(),
            "KmsDataKeyReusePeriodSeconds" => self.kms_key.is_some().then(|| self.kms_reuse_s.to_string()),
            "SqsManagedSseEnabled" => Some(self.managed_sse.to_string()),
            "FifoQueue" => fifo("true"),
            "ContentBasedDeduplication" => fifo(&self.content_deduplication.to_string()),
            "DeduplicationScope" => fifo(if self.deduplicates_groups { "messageGroup" } else { "queue" }),
            "FifoThroughputLimit" => fifo(if self.limit_per_group { "perMessageGroupId" } else { "perQueue" }),
            _ => None,
        }
    }

    /// The first of the attributes `given` in which `other` differs.
    pub(crate) fn difference(&self, other: &Self, given: &BTreeMap<String, String>) -> Option<&'static str> {
        let differs = |name: &&'static str| given.contains_key(*name) && self.get(name) != other.get(name);
        SETTABLE.iter().copied().find(differs)
    }
}

/// Whether `value` is the second of two words; `None` if it is neither.
fn choice(value: &str, first: &str, second: &str) -> Option<bool> {
    (value == first || value == second).then_some(value == second)
}

/// The attributes that `names` ask for.
///
/// # Errors
/// [`Error::UnknownAttribute`].
pub(crate) fn asked(names: &[String]) -> Result<Vec<&'static str>, Error> {
    let known = || TOLD.into_iter().chain(SETTABLE);
    if names.iter().any(|name| name == "All") {
        return Ok(known().collect());
    }
    let find = |name: &String| {
        known().find(|known| known == name).ok_or_else(|| Error::UnknownAttribute(name.chars().take(256).collect()))
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(name: &str) -> QueueKey {
        QueueKey { account: "123456789012".parse().unwrap(), region: "us-east-1".parse().unwrap(), name: name.into() }
    }

    fn set(name: &str, value: &str) -> Result<Attributes, Error> {
        let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        Attributes { fifo: true, ..Attributes::default() }.with(&key("a.fifo"), &given)
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let limits = [
            ("DelaySeconds", 0, 900),
            ("MaximumMessageSize", 1024, 1_048_576),
            ("MessageRetentionPeriod", 60, 1_209_600),
            ("ReceiveMessageWaitTimeSeconds", 0, 20),
            ("VisibilityTimeout", 0, 43_200),
        ];
        for (name, from, to) in limits {
            for good in [from, to] {
                assert_eq!(set(name, &good.to_string()).unwrap().get(name), Some(good.to_string()));
            }
            for bad in [(from - 1).to_string(), (to + 1).to_string(), "x".into(), String::new(), "1.5".into()] {
                assert_eq!(set(name, &bad), Err(Error::InvalidAttributeValue(name.into())), "{bad}");
            }
        }
    }

    #[test]
    fn a_standard_queue_does_not_know_the_attributes_of_fifo_queues() {
        let given = BTreeMap::from([("ContentBasedDeduplication".to_owned(), "true".to_owned())]);
        let refused = Attributes::default().with(&key("a"), &given);
        assert_eq!(refused, Err(Error::UnknownAttribute("ContentBasedDeduplication".into())));
        assert_eq!(Attributes::default().get("DeduplicationScope"), None);
        assert_eq!(
            set("DeduplicationScope", "messageGroup").unwrap().get("DeduplicationScope").unwrap(),
            "messageGroup"
        );
    }

    #[test]
    fn an_empty_text_takes_a_document_away() {
        let policy = set("Policy", "{\"Statement\": []}").unwrap();
        let given = BTreeMap::from([("Policy".to_owned(), String::new())]);
        assert_eq!(policy.with(&key("a.fifo"), &given).unwrap().policy, None);
        assert!(set("Policy", "no document").is_err());
    }

    #[test]
    fn high_throughput_needs_deduplication_within_groups() {
        assert!(set("FifoThroughputLimit", "perMessageGroupId").is_err());
    }
}
