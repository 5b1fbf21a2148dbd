//! What is kept: buses, rules and their targets. Members that clients give and get have AWS's names.

use fogbank_model::{AccountId, Arn, Region, RequestContext, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The bus that every account has in every region.
pub const DEFAULT: &str = "default";
/// Rules of one bus at most.
pub(crate) const RULES: usize = 300;
/// Targets of one rule at most.
pub(crate) const TARGETS: usize = 5;
/// Buses of an account in a region at most, the default one aside.
pub(crate) const BUSES: usize = 100;
/// Tags of one resource at most.
pub(crate) const TAGS: usize = 50;

/// Names a bus.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BusKey {
    /// The account that it belongs to.
    pub account: AccountId,
    /// The region that it is in.
    pub region: Region,
    /// Its name.
    pub name: String,
}

impl BusKey {
    /// The bus called `name` of the request's account and region.
    pub fn of(context: &RequestContext, name: &str) -> Self {
        Self { account: context.account.clone(), region: context.region.clone(), name: name.into() }
    }

    /// The bus that an ARN names.
    pub fn from_arn(arn: &Arn) -> Option<Self> {
        let name = arn.resource().strip_prefix("event-bus/").filter(|_| arn.service() == "events")?;
        Some(Self { account: arn.account().parse().ok()?, region: arn.region().parse().ok()?, name: name.into() })
    }

    /// `arn:aws:events:REGION:ACCOUNT:event-bus/NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("events", &self.region, &self.account, &format!("event-bus/{}", self.name))
    }
}

/// Names a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RuleKey {
    /// Its bus.
    pub bus: BusKey,
    /// Its name.
    pub name: String,
}

impl RuleKey {
    /// `…:rule/NAME` on the default bus, `…:rule/BUS/NAME` on others.
    pub fn arn(&self) -> Arn {
        let BusKey { account, region, name: bus } = &self.bus;
        let resource = match bus.as_str() {
            DEFAULT => format!("rule/{}", self.name),
            bus => format!("rule/{bus}/{}", self.name),
        };
        Arn::new("events", region, account, &resource)
    }

    /// The rule that an ARN names.
    pub fn from_arn(arn: &Arn) -> Option<Self> {
        let path = arn.resource().strip_prefix("rule/").filter(|_| arn.service() == "events")?;
        let (bus, name) = path.rsplit_once('/').unwrap_or((DEFAULT, path));
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        Some(Self { bus: BusKey { account, region, name: bus.into() }, name: name.into() })
    }
}

/// Tags, by their keys.
pub type Tags = BTreeMap<String, String>;

/// A bus as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bus {
    /// What its owner says of it.
    pub description: Option<String>,
    /// The key that AWS would encrypt with; kept only.
    pub kms_key: Option<String>,
    /// What AWS would send events to that it cannot encrypt; kept only.
    pub dead_letter: Option<DeadLetterConfig>,
    /// Kept only.
    pub log_config: Option<serde_json::Value>,
    /// Who may send to it: a policy document.
    pub policy: Option<serde_json::Value>,
    /// Its tags.
    pub tags: Tags,
    /// When it was made; unknown of the default bus.
    pub created: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// A rule as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The events that it is for.
    pub pattern: Option<String>,
    /// When it makes an event of its own.
    pub schedule: Option<String>,
    /// `ENABLED`, `DISABLED` or `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The role that AWS would deliver with; kept only.
    pub role: Option<String>,
    /// Where events go, in the order they were added in.
    pub targets: Vec<Target>,
    /// Its tags.
    pub tags: Tags,
    /// Which timer counts: one that was replaced, or of a rule that had the name before, does nothing when it is due.
    pub timer: String,
}

impl Rule {
    /// Whether it acts at all.
    pub fn is_enabled(&self) -> bool {
        self.state != "DISABLED"
    }
}

/// Where a rule's events go, and in which form. With AWS's member names, on the wire and in the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Target {
    /// Its name within the rule.
    pub id: String,
    /// What takes the events.
    pub arn: String,
    /// The role that AWS would deliver with; kept only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// A constant in the event's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The part of the event that is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_path: Option<String>,
    /// A text made from parts of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_transformer: Option<InputTransformer>,
    /// For FIFO queues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqs_parameters: Option<SqsParameters>,
    /// For streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinesis_parameters: Option<KinesisParameters>,
    /// For API destinations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_parameters: Option<HttpParameters>,
    /// The queue for what cannot be delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_config: Option<DeadLetterConfig>,
    /// How long to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Parameters for services that are not here; kept only.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// `InputTransformer`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InputTransformer {
    /// Variables, and the paths of their values in the event.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub input_paths_map: BTreeMap<String, String>,
    /// The text, with variables in angle brackets.
    pub input_template: String,
}

/// `SqsParameters`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SqsParameters {
    /// The group of every message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_group_id: Option<String>,
}

/// `KinesisParameters`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KinesisParameters {
    /// The path of the partition key in the event.
    pub partition_key_path: String,
}

/// `HttpParameters`: what a request to an API destination has beside its body. Values that begin with `$.` are paths in the event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpParameters {
    /// What stands for the `*`s of the endpoint's path, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path_parameter_values: Vec<String>,
    /// Headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub header_parameters: BTreeMap<String, String>,
    /// Members of the query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query_string_parameters: BTreeMap<String, String>,
}

/// `DeadLetterConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeadLetterConfig {
    /// A queue's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

/// `RetryPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RetryPolicy {
    /// 0 to 185, which is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_retry_attempts: Option<i64>,
    /// 60 to 86400 seconds, which is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_event_age_in_seconds: Option<i64>,
}
