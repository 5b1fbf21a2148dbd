//! A subscription's attributes: names, how each is checked and shown.

use crate::filter::{FilterPolicy, Scope};
use crate::model::{Protocol, Subscription, SubscriptionKey, Texts, TopicKey};
use crate::retry::DeliveryPolicy;
use crate::{Error, Topics, find, keys};
use fogbank_model::Arn;
use fogbank_store::{Read, Tx};
use serde_json::Value;

/// Attributes that can be set.
const NAMES: [&str; 7] = [
    "RawMessageDelivery",
    "FilterPolicy",
    "FilterPolicyScope",
    "RedrivePolicy",
    "DeliveryPolicy",
    "SubscriptionRoleArn",
    "ReplayPolicy",
];

impl Topics {
    /// A subscription's attributes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn subscription_attributes(&self, key: &SubscriptionKey) -> Result<Texts, Error> {
        let subscription = self.subscription(key)?;
        let topic = self.topic(&key.topic)?;
        let mut all = subscription.attributes.clone();
        all.retain(|_, value| !value.is_empty());
        if all.contains_key("FilterPolicy") {
            all.entry("FilterPolicyScope".into()).or_insert_with(|| "MessageAttributes".into());
        }
        let fixed = [
            ("SubscriptionArn", key.arn().to_string()),
            ("TopicArn", key.topic.arn().to_string()),
            ("Owner", subscription.owner.to_string()),
            ("Protocol", subscription.protocol.name().to_owned()),
            ("Endpoint", subscription.endpoint.clone()),
            ("ConfirmationWasAuthenticated", subscription.authenticated.to_string()),
            ("PendingConfirmation", subscription.pending.to_string()),
            ("SubscriptionPrincipal", subscription.principal.clone()),
        ];
        all.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
        all.entry("RawMessageDelivery".into()).or_insert_with(|| "false".into());
        if subscription.protocol.is_http() {
            let policy = DeliveryPolicy::effective(topic.attributes.get("DeliveryPolicy"), &subscription);
            all.insert("EffectiveDeliveryPolicy".into(), policy.shown_for_subscription().to_string());
        }
        Ok(all)
    }

    /// Sets one of a subscription's attributes; an empty value takes it away.
    ///
    /// # Errors
    /// [`Error::NotFound`], a name or value that SNS does not take, [`Error::Store`].
    pub async fn set_subscription_attribute(
        &self,
        key: &SubscriptionKey,
        name: String,
        value: String,
    ) -> Result<(), Error> {
        if !NAMES.contains(&name.as_str()) {
            return Err(Error::invalid("AttributeName"));
        }
        let key = key.clone();
        let set = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let record = keys::subscription(&key);
            let found: Option<Subscription> = tx.load(keys::SUBSCRIPTION, &record)?;
            let mut subscription = found.ok_or(Error::NotFound("Subscription"))?;
            find(tx, &key.topic)?;
            let scope = subscription.attributes.get("FilterPolicyScope").map_or("", String::as_str);
            check(&key.topic, subscription.protocol, (&name, &value), scope).map_err(Error::Invalid)?;
            if name == "FilterPolicyScope" {
                check_rescoped(&key.topic, &subscription, &value).map_err(Error::Invalid)?;
            }
            match (name.as_str(), value.as_str()) {
                ("FilterPolicy", "" | "{}") => drop(subscription.attributes.remove("FilterPolicy")),
                (_, "") => drop(subscription.attributes.remove(&name)),
                _ => drop(subscription.attributes.insert(name.clone(), value.clone())),
            }
            Ok(tx.save(keys::SUBSCRIPTION, &record, &subscription)?)
        };
        self.store.transact(set).await
    }
}

/// A filter policy that stands has to be one in its new scope.
fn check_rescoped(topic: &TopicKey, subscription: &Subscription, scope: &str) -> Result<(), String> {
    match subscription.attributes.get("FilterPolicy") {
        Some(policy) => check(topic, subscription.protocol, ("FilterPolicy", policy), scope),
        None => Ok(()),
    }
}

/// Holds the attributes of a new subscription against what SNS takes.
pub(crate) fn check_all(topic: &TopicKey, protocol: Protocol, attributes: &Texts) -> Result<(), Error> {
    let scope = attributes.get("FilterPolicyScope").map_or("", String::as_str);
    for (name, value) in attributes {
        if !NAMES.contains(&name.as_str()) {
            return Err(Error::because("Attributes", format!("Unknown attribute: {name}")));
        }
        check(topic, protocol, (name, value), scope).map_err(|why| Error::because("Attributes", why))?;
    }
    if protocol == Protocol::Firehose && !attributes.contains_key("SubscriptionRoleArn") {
        return Err(Error::because("Attributes", "SubscriptionRoleArn is required for firehose subscriptions"));
    }
    Ok(())
}

fn check(topic: &TopicKey, protocol: Protocol, (name, value): (&str, &str), scope: &str) -> Result<(), String> {
    let because = |why: &str| Err(format!("{name}: {why}"));
    match name {
        "RawMessageDelivery" => {
            let takes_raw = protocol.is_http() || matches!(protocol, Protocol::Sqs | Protocol::Firehose);
            match value {
                "true" if !takes_raw => {
                    because(&format!("Delivery protocol [{}] does not support raw message delivery.", protocol.name()))
                }
                "" | "true" | "false" => Ok(()),
                _ => because(&format!("Invalid value [{value}]. Must be true or false.")),
            }
        }
        "FilterPolicyScope" => match Scope::of(value) {
            None if !value.is_empty() => {
                because(&format!("Invalid value [{value}]. Please use either MessageBody or MessageAttributes"))
            }
            _ => Ok(()),
        },
        "FilterPolicy" if value.is_empty() => Ok(()),
        "FilterPolicy" => {
            let scope = Scope::of(scope).unwrap_or_default();
            FilterPolicy::parse(value, scope).map(drop).map_err(|why| format!("FilterPolicy: {why}"))
        }
        "RedrivePolicy" if value.is_empty() => Ok(()),
        "RedrivePolicy" => check_redrive(topic, value).map_err(|why| format!("RedrivePolicy: {why}")),
        "DeliveryPolicy" if value.is_empty() => Ok(()),
        "DeliveryPolicy" if !protocol.is_http() => {
            because(&format!("Delivery protocol [{}] does not support delivery policies.", protocol.name()))
        }
        "DeliveryPolicy" => DeliveryPolicy::default().with_subscription(value).map(drop),
        "SubscriptionRoleArn" => match value.parse::<Arn>() {
            Ok(arn) if arn.service() == "iam" => Ok(()),
            _ => because("must be the ARN of an IAM role"),
        },
        "ReplayPolicy" if !topic.is_fifo() => because("only FIFO topics can be replayed"),
        "ReplayPolicy" => because("replaying messages is not supported"),
        _ => Err(format!("Unknown attribute: {name}")),
    }
}

fn check_redrive(topic: &TopicKey, value: &str) -> Result<(), String> {
    let policy: serde_json::Map<String, Value> =
        serde_json::from_str(value).map_err(|_| "failed to parse JSON.".to_owned())?;
    let target = policy.get("deadLetterTargetArn").ok_or("deadLetterTargetArn is required")?;
    let arn =
        target.as_str().and_then(|text| text.parse::<Arn>().ok()).ok_or("deadLetterTargetArn is an invalid arn")?;
    if arn.service() != "sqs" {
        return Err("deadLetterTargetArn is an invalid arn".into());
    }
    if arn.account() != topic.account.as_str() || arn.region() != topic.region.as_str() {
        return Err("deadLetterTargetArn must be in the same region and account as the subscription".into());
    }
    match (topic.is_fifo(), arn.resource().ends_with(".fifo")) {
        (true, false) => Err("must use a FIFO queue as DLQ for a FIFO topic subscription".into()),
        (false, true) => Err("must use a standard queue as DLQ for a standard topic subscription".into()),
        _ => Ok(()),
    }
}
