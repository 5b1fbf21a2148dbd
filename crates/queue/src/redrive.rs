//! Dead-letter queues: the policy that sends messages there, and the one that says who may.

use crate::model::QueueKey;
use crate::{Error, lookup};
use fogbank_store::{Error as StoreError, Read};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where messages go that were received too often (`RedrivePolicy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// The dead-letter queue.
    pub target: QueueKey,
    /// How often a message is received before it goes there.
    pub max_receives: u32,
}

/// Which queues may name this one as their dead-letter queue (`RedriveAllowPolicy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AllowPolicy {
    /// Every queue of the account.
    AllowAll,
    /// None.
    DenyAll,
    /// Those with these ARNs.
    ByQueue(Vec<String>),
}

impl Redrive {
    /// Reads the policy that the queue `source` is to have.
    pub(crate) fn parse(text: &str, source: &QueueKey) -> Result<Self, Error> {
        let wrong = |reason: String| Error::value("RedrivePolicy", text, reason);
        let policy: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| wrong("Redrive policy is not a valid JSON map.".into()))?;
        let missing = |name: &str| wrong(format!("Redrive policy does not contain mandatory attribute: {name}."));
        let target = policy.get("deadLetterTargetArn").ok_or_else(|| missing("deadLetterTargetArn"))?;
        let max = policy.get("maxReceiveCount").ok_or_else(|| missing("maxReceiveCount"))?;
        if let Some(name) =
            policy.keys().find(|name| !["deadLetterTargetArn", "maxReceiveCount"].contains(&name.as_str()))
        {
            return Err(wrong(format!(
                "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]. Found {name}."
            )));
        }
        let number = max.as_u64().or_else(|| max.as_str()?.parse().ok());
        let max_receives = number.and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=1000).contains(n));
        let max_receives = max_receives.ok_or_else(|| {
            wrong(format!("Invalid value for maxReceiveCount: {max}, valid values are from 1 to 1000 both inclusive."))
        })?;
        let invalid = || wrong("Invalid value for deadLetterTargetArn.".into());
        let target = target.as_str().and_then(QueueKey::of).ok_or_else(invalid)?;
        if (&target.account, &target.region) != (&source.account, &source.region) {
            return Err(wrong("Dead-letter target owner should be same as the source.".into()));
        }
        if target == *source {
            return Err(wrong("A queue cannot be its own dead-letter target.".into()));
        }
        if target.is_fifo() != source.is_fifo() {
            return Err(wrong("Dead-letter queue must be same type of queue as the source.".into()));
        }
        Ok(Self { target, max_receives })
    }

    pub(crate) fn to_text(&self) -> String {
        json!({"deadLetterTargetArn": self.target.arn().as_str(), "maxReceiveCount": self.max_receives}).to_string()
    }

    /// Holds the policy against the queue that it names.
    pub(crate) fn check(&self, read: &impl Read, source: &QueueKey) -> Result<(), Error> {
        let wrong = |reason: &str| Error::value("RedrivePolicy", self.to_text(), reason);
        let Some(target) = lookup(read, &self.target)? else {
            return Err(wrong("Dead letter target does not exist."));
        };
        match target.attributes.redrive_allow {
            Some(policy) if !policy.allows(source) => {
                Err(wrong("The dead-letter queue's redrive allow policy does not permit this source queue."))
            }
            _ => Ok(()),
        }
    }
}

impl AllowPolicy {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::value("RedriveAllowPolicy", text, reason);
        let policy: Map<String, Value> = serde_json::from_str(text).map_err(|_| {
            wrong("Amazon SQS can't create the redrive allow policy, as it's not in the correct JSON format.")
        })?;
        let sources = policy.get("sourceQueueArns");
        match (policy.get("redrivePermission").and_then(Value::as_str), sources) {
            (Some("allowAll"), None) => Ok(Self::AllowAll),
            (Some("denyAll"), None) => Ok(Self::DenyAll),
            (Some("byQueue"), Some(Value::Array(arns))) if (1..=10).contains(&arns.len()) => {
                let arn = |arn: &Value| arn.as_str().filter(|arn| QueueKey::of(arn).is_some()).map(str::to_owned);
                let arns: Option<Vec<String>> = arns.iter().map(arn).collect();
                arns.map(Self::ByQueue).ok_or_else(|| wrong("sourceQueueArns must be ARNs of queues."))
            }
            (Some("byQueue"), _) => {
                Err(wrong("sourceQueueArns must hold 1 to 10 ARNs of queues with redrivePermission byQueue."))
            }
            (Some("allowAll" | "denyAll"), Some(_)) => {
                Err(wrong("sourceQueueArns is allowed with redrivePermission byQueue only."))
            }
            _ => Err(wrong("redrivePermission must be one of allowAll, denyAll and byQueue.")),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::AllowAll => json!({"redrivePermission": "allowAll"}),
            Self::DenyAll => json!({"redrivePermission": "denyAll"}),
            Self::ByQueue(arns) => json!({"redrivePermission": "byQueue", "sourceQueueArns": arns}),
        }
        .to_string()
    }

    fn allows(&self, source: &QueueKey) -> bool {
        match self {
            Self::AllowAll => true,
            Self::DenyAll => false,
            Self::ByQueue(arns) => arns.iter().any(|arn| arn == source.arn().as_str()),
        }
    }
}

/// The queues whose dead-letter queue is `target`, in the order of their names.
pub(crate) fn sources(read: &impl Read, target: &QueueKey) -> Result<Vec<QueueKey>, StoreError> {
    let all = crate::queues_of(read, &target.account, &target.region)?;
    let names = |queue: &crate::Queue| queue.attributes.redrive.as_ref().is_some_and(|policy| policy.target == *target);
    Ok(all.into_iter().filter(|(_, queue)| names(queue)).map(|(key, _)| key).collect())
}
