//! What became of an asynchronous call, as destinations and dead-letter queues are told: "Capturing records of Lambda asynchronous invocations"
//! in the Lambda Developer Guide.

use super::Queued;
use crate::model::FunctionKey;
use bytes::Bytes;
use fogbank_delivery::{AttributeValue, Delivery, EventHead, MessageAttribute, Origin};
use fogbank_model::{Arn, Reply, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bytes of an error's message that a dead letter carries.
const ERROR_MESSAGE_BYTES: usize = 1024;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
}

impl Condition {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
        }
    }
}

/// A call that is not tried again.
#[derive(Debug)]
pub(super) struct Outcome {
    pub queued: Queued,
    /// The last answer, if the function was reached.
    pub reply: Option<Reply>,
    pub condition: Condition,
}

impl Outcome {
    /// The invocation record for the destination `target`: what a function gets as its event, and queues and topics as their message. A function is
    /// told of it as an event of its own, a bus as `detail`. `None` if this must be a loop.
    pub fn record(&self, target: &Arn, payload: &Bytes, now: Timestamp) -> Option<Delivery> {
        let function = self.function_arn();
        let mut delivery = Delivery::new(self.document(payload, now).to_string(), self.origin()?);
        if target.service() == "events" {
            let end = if self.condition == Condition::Success { "Success" } else { "Failure" };
            delivery.event = Some(EventHead {
                source: "lambda".into(),
                detail_type: format!("Lambda Function Invocation Result - {end}"),
                resources: vec![target.to_string(), function],
                forwarded: None,
            });
        }
        Some(delivery)
    }

    /// The event itself, with what went wrong as message attributes. `None` if this must be a loop.
    pub fn dead_letter(&self, payload: &Bytes) -> Option<Delivery> {
        let mut delivery = Delivery::new(String::from_utf8_lossy(payload), self.origin()?);
        let message = self.reply.as_ref().and_then(|reply| serde_json::from_slice::<Value>(&reply.payload).ok());
        let message = message.and_then(|document| document["errorMessage"].as_str().map(str::to_owned));
        let message = message.unwrap_or_else(|| self.condition.as_str().to_owned());
        let cut = message.floor_char_boundary(ERROR_MESSAGE_BYTES);
        let attribute = |data_type: &str, text: &str| MessageAttribute {
            data_type: data_type.into(),
            value: AttributeValue::Text(text.to_owned()),
        };
        delivery.attributes = BTreeMap::from([
            ("RequestID".into(), attribute("String", &self.queued.request_id)),
            ("ErrorCode".into(), attribute("Number", if self.reply.is_some() { "200" } else { "429" })),
            ("ErrorMessage".into(), attribute("String", if cut == 0 { "unknown" } else { &message[..cut] })),
        ]);
        Some(delivery)
    }

    fn document(&self, payload: &Bytes, now: Timestamp) -> Value {
        let text = |bytes: &[u8]| {
            serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
        };
        let tries = self.queued.failures + u32::from(self.condition == Condition::Success);
        let mut record = json!({
            "version": "1.0",
            "timestamp": now.to_iso_text(),
            "requestContext": {
                "requestId": self.queued.request_id,
                "functionArn": self.function_arn(),
                "condition": self.condition.as_str(),
                "approximateInvokeCount": tries,
            },
            "requestPayload": text(payload),
        });
        if let Some(reply) = &self.reply {
            record["responseContext"] = json!({"statusCode": 200, "executedVersion": reply.executed_version});
            if let Some(error) = reply.error {
                record["responseContext"]["functionError"] = error.into();
            }
            record["responsePayload"] = text(&reply.payload);
        }
        record
    }

    /// With the qualifier that was called, as AWS shows it.
    fn function_arn(&self) -> String {
        let qualifier = self.queued.qualifier.as_ref().map_or_else(|| "$LATEST".to_owned(), ToString::to_string);
        FunctionKey::of(&self.queued.function()).qualified_arn(&qualifier).into()
    }

    fn origin(&self) -> Option<Origin> {
        let queued = &self.queued;
        let origin = Origin {
            account: queued.account.clone(),
            region: queued.region.clone(),
            service: String::new(),
            source: None,
            sender: queued.sender.clone(),
            endpoint: queued.endpoint.clone(),
            trace: queued.trace.clone(),
            hops: queued.hops,
        };
        let onward = origin.onward("lambda.amazonaws.com", self.function_arn().parse().ok());
        if onward.is_none() {
            tracing::error!(function = %queued.name, "an asynchronous call's outcome is dropped: its destinations lead back to it");
        }
        onward
    }
}
