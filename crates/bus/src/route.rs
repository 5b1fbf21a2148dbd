//! An event's way over a bus: into the archives that keep it, and to the targets of the rules that it is for, all in one transaction.

use crate::event::{Event, iso};
use crate::model::{BusKey, RuleKey, Target};
use crate::path::Path;
use crate::transform::{self, About};
use crate::{Buses, archive, call};
use fogbank_delivery::{AttributeValue, Delivery, EventHead, Forwarded, MessageAttribute, Origin, Undelivered};
use fogbank_model::Arn;
use fogbank_store::{Error as StoreError, Tx};
use serde_json::Value;
use std::collections::BTreeMap;

/// Who delivers.
pub(crate) const SERVICE: &str = "events.amazonaws.com";

/// A delivery that failed for good, as the dead-letter queue is told.
pub(crate) struct Failure {
    pub code: &'static str,
    pub message: String,
    /// Which limit ended the retries, if there were any.
    pub exhausted: Option<&'static str>,
    pub retries: u32,
}

impl Failure {
    /// One that no retry would have helped.
    pub(crate) fn at_once(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), exhausted: None, retries: 0 }
    }
}

impl Buses {
    /// Keeps `event` in the archives of `bus`, and delivers it to the targets of its rules.
    pub(crate) fn route(
        &self,
        tx: &mut Tx<'_>,
        bus: &BusKey,
        event: &Event,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let rules = self.rules_in(tx, bus)?;
        // What comes out of an archive does not go into one again.
        if event.value.get("replay-name").is_none() {
            for keeping in &rules.archives {
                if keeping.pattern.as_ref().is_none_or(|pattern| pattern.matches(&event.value)) {
                    archive::keep(tx, &keeping.place, event)?;
                }
            }
        }
        for rule in rules.matching(&event.value) {
            self.fire(tx, &rule.key, &rule.targets, event, origin)?;
        }
        Ok(())
    }

    /// Delivers `event` to all targets of a rule.
    pub(crate) fn fire(
        &self,
        tx: &mut Tx<'_>,
        rule: &RuleKey,
        targets: &[Target],
        event: &Event,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let arn = rule.arn();
        let origin = Origin { service: SERVICE.into(), source: Some(arn.clone()), ..origin.clone() };
        for target in targets {
            if let Err(failure) = self.deliver_to(tx, rule, &arn, target, event, &origin)? {
                self.bury(tx, target, &arn, event, &origin, failure)?;
            }
        }
        Ok(())
    }

    fn deliver_to(
        &self,
        tx: &mut Tx<'_>,
        rule: &RuleKey,
        rule_arn: &Arn,
        target: &Target,
        event: &Event,
        origin: &Origin,
    ) -> Result<Result<(), Failure>, StoreError> {
        let ingested = iso(tx.now());
        let about = About { rule_arn: rule_arn.as_str(), rule_name: &rule.name, ingested: &ingested };
        let payload = match transform::payload(target, event, about) {
            Ok(payload) => payload,
            Err(why) => return Ok(Err(Failure::at_once("INVALID_JSON", why))),
        };
        let Ok(arn) = target.arn.parse::<Arn>() else {
            return Ok(Err(Failure::at_once("INVALID_PARAMETER", "The target's ARN is not valid.")));
        };
        let is_bus = arn.service() == "events" && arn.resource().starts_with("event-bus/");
        // Buses know themselves whom they let in; everything else is closed to other accounts.
        if !is_bus && arn.account() != rule.bus.account.as_str() {
            let message = format!("Access to the resource {arn} is denied.");
            return Ok(Err(Failure::at_once("NO_PERMISSIONS", message)));
        }
        if arn.service() == "events" && arn.resource().starts_with("api-destination/") {
            call::enqueue(tx, rule_arn, target, payload, event, origin)?;
            return Ok(Ok(()));
        }
        let delivery = delivery(&arn, rule, target, payload, event, origin);
        let delivered = Undelivered::refusal(self.deliver.deliver(tx, &arn, &delivery))?;
        Ok(delivered.map_err(|refusal| {
            let code = match &refusal {
                Undelivered::NoTarget(_) => "NO_RESOURCE",
                Undelivered::Refused(_) | Undelivered::Store(_) => "ERROR_FROM_TARGET",
            };
            Failure::at_once(code, refusal.to_string())
        }))
    }

    /// Puts an event that cannot be delivered into the target's dead-letter queue, if it has one.
    pub(crate) fn bury(
        &self,
        tx: &mut Tx<'_>,
        target: &Target,
        rule: &Arn,
        event: &Event,
        origin: &Origin,
        failure: Failure,
    ) -> Result<(), StoreError> {
        let queue = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
        let own = |queue: &Arn| queue.account() == rule.account();
        let Some(queue) = queue.and_then(|queue| queue.parse::<Arn>().ok()).filter(own) else {
            let (id, why) = (event.id(), failure.message);
            tracing::warn!(%rule, target = target.arn, id, why, "an event could not be delivered and is dropped");
            return Ok(());
        };
        let mut delivery = Delivery::new(event.text.clone(), origin.clone());
        delivery.attributes = attributes(target, rule, failure);
        match Undelivered::refusal(self.deliver.deliver(tx, &queue, &delivery))? {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::warn!(%rule, %queue, %error, id = event.id(), "a dead-letter queue takes no event; it is dropped");
                Ok(())
            }
        }
    }
}

fn attributes(target: &Target, rule: &Arn, failure: Failure) -> BTreeMap<String, MessageAttribute> {
    let texts = [
        ("RULE_ARN", Some(rule.to_string())),
        ("TARGET_ARN", Some(target.arn.clone())),
        ("ERROR_CODE", Some(failure.code.to_owned())),
        ("ERROR_MESSAGE", Some(failure.message).filter(|message| !message.is_empty())),
        ("EXHAUSTED_RETRY_CONDITION", failure.exhausted.map(str::to_owned)),
        ("RETRY_ATTEMPTS", Some(failure.retries.to_string())),
    ];
    let attribute = |(name, text): (&str, Option<String>)| {
        let data_type = if name == "RETRY_ATTEMPTS" { "Number" } else { "String" }.to_owned();
        Some((name.to_owned(), MessageAttribute { data_type, value: AttributeValue::Text(text?) }))
    };
    texts.into_iter().filter_map(attribute).collect()
}

/// The message for a target of this kind.
fn delivery(arn: &Arn, rule: &RuleKey, target: &Target, payload: String, event: &Event, origin: &Origin) -> Delivery {
    let mut delivery = Delivery::new(payload, origin.clone());
    match arn.service() {
        "sqs" => {
            delivery.group = target.sqs_parameters.as_ref().and_then(|parameters| parameters.message_group_id.clone())
        }
        "kinesis" => {
            let path = target.kinesis_parameters.as_ref().and_then(|given| Path::parse(&given.partition_key_path));
            let found = path.and_then(|path| path.find(&event.value));
            let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            delivery.group = Some(found.map_or_else(|| event.id().to_owned(), text));
        }
        "events" => {
            let text = |member: &str| event.value[member].as_str().unwrap_or_default().to_owned();
            let resources = event.value["resources"].as_array().map_or(&[][..], Vec::as_slice);
            delivery.body = event.value["detail"].to_string();
            delivery.event = Some(EventHead {
                source: text("source"),
                detail_type: text("detail-type"),
                resources: resources.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                forwarded: Some(Forwarded {
                    text: event.text.clone(),
                    passed: event.passed.iter().cloned().chain([rule.bus.arn().to_string()]).collect(),
                }),
            });
        }
        "lambda" if serde_json::from_str::<Value>(&delivery.body).is_err() => {
            // A function's event is JSON; a plain text is a JSON string.
            delivery.body = Value::from(delivery.body).to_string();
        }
        "logs" if target.input_transformer.is_some() || target.input.is_some() => {
            if let Some(message) = log_message(&delivery.body) {
                delivery.body = message;
            }
        }
        _ => {}
    }
    delivery
}

/// The message of `{"timestamp": …, "message": …}`, the form that a log group's input has.
fn log_message(payload: &str) -> Option<String> {
    let value: Value = serde_json::from_str(payload).ok()?;
    let message = value.get("message")?;
    Some(message.as_str().map_or_else(|| message.to_string(), str::to_owned))
}
