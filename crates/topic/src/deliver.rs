//! Giving a notice to subscriptions, within a transaction.

use crate::filter::{FilterPolicy, Scope};
use crate::model::{AT_ONCE, FIFO_SUBSCRIPTIONS, Protocol, Subscription, SubscriptionKey, Topic};
use crate::notice::Notice;
use crate::outbox::{self, Post};
use crate::signing::Signer;
use crate::{fan_out, keys};
use fogbank_delivery::{AttributeValue, Deliver, Delivery, MessageAttribute, Undelivered};
use fogbank_model::Arn;
use fogbank_store::{Error, Read, Tx};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Message attributes that a queue takes.
const ATTRIBUTES: usize = 10;

/// Whether what the subscription is sent is signed.
pub(crate) fn needs_signature(subscription: &Subscription) -> bool {
    let protocol = subscription.protocol;
    !subscription.pending
        && (protocol == Protocol::Lambda || (protocol == Protocol::Sqs || protocol.is_http()) && !subscription.is_raw())
}

/// Gives the notice to the topic's subscriptions, those after the id `after`. What are too many for one transaction are left to the fan-out, but never
/// a FIFO topic's, which has few.
pub(crate) fn to_subscriptions(
    tx: &mut Tx<'_>,
    deliver: &dyn Deliver,
    signer: &Signer,
    mut notice: Notice,
    topic: &Topic,
    after: Option<&str>,
) -> Result<(), Error> {
    let limit = if notice.topic.is_fifo() { FIFO_SUBSCRIPTIONS } else { AT_ONCE };
    let prefix = keys::subscriptions(&notice.topic);
    let from = [prefix.as_slice(), after.unwrap_or_default().as_bytes()].concat();
    let to = [prefix.as_slice(), &[0xff]].concat();
    let found = tx.scan(keys::SUBSCRIPTION, Bound::Excluded(&from), Bound::Excluded(&to), limit + 1)?;
    let mut last = None;
    for (name, bytes) in found.iter().take(limit) {
        let Some(key) = keys::subscription_of(name) else { continue };
        let subscription: Subscription = serde_json::from_slice(bytes)
            .map_err(|error| Error::Damaged { table: keys::SUBSCRIPTION.0, why: error.to_string() })?;
        if takes(&subscription, &notice) {
            if needs_signature(&subscription) && !notice.is_signed(subscription.protocol) {
                let ready = signer.known()?.ok_or(Error::Damaged {
                    table: keys::SIGNING.0,
                    why: "there is a subscription, and no key".into(),
                })?;
                notice.sign(&ready, [subscription.protocol]);
            }
            give(tx, deliver, &notice, topic, &key, &subscription)?;
        }
        last = Some(key.id);
    }
    match last.filter(|_| found.len() > limit) {
        Some(last) => fan_out::enqueue(tx, &notice, Some(last)),
        None => Ok(()),
    }
}

/// Whether the subscription is confirmed and its filter takes the message.
fn takes(subscription: &Subscription, notice: &Notice) -> bool {
    if subscription.pending {
        return false;
    }
    let Some(policy) = subscription.attributes.get("FilterPolicy") else { return true };
    let scope = subscription.attributes.get("FilterPolicyScope").and_then(|name| Scope::of(name)).unwrap_or_default();
    // It was read when it was set, so it reads now.
    FilterPolicy::parse(policy, scope)
        .is_ok_and(|policy| policy.accepts(&notice.attributes, notice.message(subscription.protocol)))
}

fn give(
    tx: &mut Tx<'_>,
    deliver: &dyn Deliver,
    notice: &Notice,
    topic: &Topic,
    key: &SubscriptionKey,
    subscription: &Subscription,
) -> Result<(), Error> {
    let protocol = subscription.protocol;
    if protocol.is_http() {
        return outbox::add(tx, key, &Post::notification(notice, topic, key, subscription));
    }
    let mut delivery = match protocol {
        Protocol::Lambda => Delivery::new(notice.event(key), notice.origin.clone()),
        Protocol::Sqs if subscription.is_raw() => {
            let mut delivery = Delivery::new(notice.message(protocol), notice.origin.clone());
            delivery.attributes = notice.attributes.clone();
            delivery
        }
        Protocol::Sqs => Delivery::new(notice.envelope(protocol, key), notice.origin.clone()),
        // There is nobody here who would take letters, text messages or pushes.
        _ => return Ok(()),
    };
    let Ok(target) = subscription.endpoint.parse::<Arn>() else { return Ok(()) };
    order(&mut delivery, notice, &target);
    // Accounts are closed to each other.
    let delivered = match target.account() == key.topic.account.as_str() {
        true => deliver.deliver(tx, &target, &delivery),
        false => Err(Undelivered::Refused(format!("Access to the resource {target} is denied."))),
    };
    if let Err(refusal) = Undelivered::refusal(delivered)? {
        let code = match refusal {
            Undelivered::NoTarget(_) => "NoSuchEndpoint",
            _ => "EndpointRefused",
        };
        dead_letter(tx, deliver, subscription, delivery, (code, &refusal.to_string()))?;
    }
    Ok(())
}

/// A FIFO queue gets the group and the deduplication id, a standard queue the group alone.
fn order(delivery: &mut Delivery, notice: &Notice, target: &Arn) {
    delivery.group.clone_from(&notice.group);
    delivery.deduplication = notice.deduplication.clone().filter(|_| target.resource().ends_with(".fifo"));
}

/// Gives what an endpoint did not take to the subscription's dead-letter queue, if it has one.
pub(crate) fn dead_letter(
    tx: &mut Tx<'_>,
    deliver: &dyn Deliver,
    subscription: &Subscription,
    mut delivery: Delivery,
    (code, message): (&str, &str),
) -> Result<(), Error> {
    let (endpoint, protocol) = (&subscription.endpoint, subscription.protocol.name());
    let Some(queue) = subscription.dead_letters() else {
        tracing::warn!(
            endpoint,
            protocol,
            code,
            message,
            "a notification was not taken, and there is no dead-letter queue"
        );
        return Ok(());
    };
    let text = |value: &str| MessageAttribute { data_type: "String".into(), value: AttributeValue::Text(value.into()) };
    let why = BTreeMap::from([("ErrorCode".to_owned(), text(code)), ("ErrorMessage".to_owned(), text(message))]);
    if delivery.attributes.len() + why.len() <= ATTRIBUTES {
        delivery.attributes.extend(why);
    } else if delivery.attributes.len() > ATTRIBUTES {
        delivery.attributes = why;
    }
    if let Err(refusal) = Undelivered::refusal(deliver.deliver(tx, &queue, &delivery))? {
        tracing::warn!(endpoint, protocol, code, message, %refusal, "a notification was taken by neither its endpoint nor the dead-letter queue");
    }
    Ok(())
}
