//! Delivery policies: when a message is sent again that an HTTP endpoint did not take.

use crate::model::Subscription;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The longest that all retries of a message may take together, in seconds.
const LONGEST_S: u64 = 3600;

/// How waiting times grow between the least and the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backoff {
    Linear,
    Arithmetic,
    Geometric,
    Exponential,
}

/// When to send again, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicy {
    min_delay_s: u64,
    max_delay_s: u64,
    retries: u64,
    at_once: u64,
    at_min: u64,
    at_max: u64,
    backoff: Backoff,
    /// Whether the topic's policy is in the place of its subscriptions' own.
    no_overrides: bool,
    content_type: String,
    throttle: Option<u64>,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            min_delay_s: 20,
            max_delay_s: 20,
            retries: 3,
            at_once: 0,
            at_min: 0,
            at_max: 0,
            backoff: Backoff::Linear,
            no_overrides: false,
            content_type: "text/plain; charset=UTF-8".into(),
            throttle: None,
        }
    }
}

impl DeliveryPolicy {
    /// Reads a topic's policy; an empty text is the default.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_topic(text: &str) -> Result<Self, String> {
        let mut policy = Self::default();
        let document = document(text)?;
        let Some(http) = document.get("http") else { return Ok(policy) };
        let http = http.as_object().ok_or("DeliveryPolicy: http must be an object")?;
        policy.no_overrides = http.get("disableSubscriptionOverrides").and_then(Value::as_bool).unwrap_or(false);
        policy.read(http, "defaultHealthyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy")?;
        Ok(policy)
    }

    /// Reads a subscription's policy over this one, its topic's; an empty text changes nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn with_subscription(&self, text: &str) -> Result<Self, String> {
        let mut policy = self.clone();
        policy.read(&document(text)?, "healthyRetryPolicy", "throttlePolicy", "requestPolicy")?;
        Ok(if self.no_overrides { self.clone() } else { policy })
    }

    /// What holds for a subscription, whose topic has the attribute `topics`.
    pub fn effective(topics: Option<&String>, subscription: &Subscription) -> Self {
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let policy = Self::of_topic(&text(topics)).unwrap_or_default();
        let own = text(subscription.attributes.get("DeliveryPolicy"));
        policy.with_subscription(&own).unwrap_or(policy)
    }

    fn read(&mut self, from: &Map<String, Value>, retry: &str, throttle: &str, request: &str) -> Result<(), String> {
        if let Some(retry) = from.get(retry).filter(|value| !value.is_null()) {
            self.read_retry(retry)?;
        }
        if let Some(throttle) = from.get(throttle).and_then(Value::as_object) {
            let rate = throttle.get("maxReceivesPerSecond").and_then(Value::as_u64).filter(|rate| *rate > 0);
            self.throttle = Some(rate.ok_or("DeliveryPolicy: throttlePolicy.maxReceivesPerSecond must be at least 1")?);
        }
        let kind = from.get(request).and_then(|request| request.get("headerContentType"));
        if let Some(kind) = kind.filter(|kind| !kind.is_null()) {
            let kind = kind.as_str().filter(|kind| http::HeaderValue::from_str(kind).is_ok());
            self.content_type = kind.ok_or("DeliveryPolicy: headerContentType is no content type")?.to_owned();
        }
        Ok(())
    }

    fn read_retry(&mut self, from: &Value) -> Result<(), String> {
        let from = from.as_object().ok_or("DeliveryPolicy: healthyRetryPolicy must be an object")?;
        let number = |name: &str, default: u64, most: u64| match from.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value.as_u64().filter(|number| *number <= most).ok_or_else(|| {
                format!(
                    "DeliveryPolicy: healthyRetryPolicy.{name} must be greater than or equal to 0 and at most {most}"
                )
            }),
        };
        self.min_delay_s = number("minDelayTarget", self.min_delay_s, LONGEST_S)?;
        self.max_delay_s = number("maxDelayTarget", self.max_delay_s, LONGEST_S)?;
        self.retries = number("numRetries", self.retries, 100)?;
        self.at_once = number("numNoDelayRetries", 0, 100)?;
        self.at_min = number("numMinDelayRetries", 0, 100)?;
        self.at_max = number("numMaxDelayRetries", 0, 100)?;
        self.backoff = match from.get("backoffFunction").and_then(Value::as_str) {
            None => self.backoff,
            Some("linear") => Backoff::Linear,
            Some("arithmetic") => Backoff::Arithmetic,
            Some("geometric") => Backoff::Geometric,
            Some("exponential") => Backoff::Exponential,
            Some(_) => {
                let text = "DeliveryPolicy: healthyRetryPolicy.backoffFunction must be one of linear, arithmetic, geometric, exponential";
                return Err(text.into());
            }
        };
        if self.min_delay_s == 0 {
            return Err("DeliveryPolicy: healthyRetryPolicy.minDelayTarget must be specified".into());
        }
        if self.max_delay_s < self.min_delay_s {
            return Err(
                "DeliveryPolicy: healthyRetryPolicy.maxDelayTarget must be greater than or equal to minDelayTarget"
                    .into(),
            );
        }
        if self.at_once + self.at_min + self.at_max > self.retries {
            return Err(
                "DeliveryPolicy: healthyRetryPolicy.numRetries must be greater than or equal to the sum of its phases"
                    .into(),
            );
        }
        let total: Duration = (1..=self.retries).filter_map(|attempt| self.delay(attempt)).sum();
        if total.as_secs() > LONGEST_S {
            return Err(format!("DeliveryPolicy: the retries may take {LONGEST_S} seconds at most"));
        }
        Ok(())
    }

    /// How long to wait before the retry of that number, 1 for the first; `None` if there is none.
    pub fn delay(&self, retry: u64) -> Option<Duration> {
        if retry == 0 || retry > self.retries {
            return None;
        }
        let seconds = if retry <= self.at_once {
            0.0
        } else if retry <= self.at_once + self.at_min {
            self.min_delay_s as f64
        } else if retry > self.retries - self.at_max {
            self.max_delay_s as f64
        } else {
            let steps = self.retries - self.at_once - self.at_min - self.at_max;
            self.between(retry - self.at_once - self.at_min, steps)
        };
        Some(Duration::from_secs_f64(seconds))
    }

    /// The waiting time of `step` (from 1) out of `steps` between the least and the greatest.
    fn between(&self, step: u64, steps: u64) -> f64 {
        let (min, max) = (self.min_delay_s as f64, self.max_delay_s as f64);
        if steps <= 1 {
            return min;
        }
        let part = (step - 1) as f64 / (steps - 1) as f64;
        match self.backoff {
            Backoff::Linear => min + (max - min) * part,
            Backoff::Arithmetic => min + (max - min) * part * (step as f64) / (steps as f64),
            Backoff::Geometric => min + (max - min) * part * part,
            Backoff::Exponential => min * (max / min).powf(part),
        }
    }

    /// What the endpoint is told the body is.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// How long to wait between one handful of messages and the next, where a rate is given.
    pub fn pause(&self) -> Option<Duration> {
        self.throttle.map(|rate| Duration::from_secs_f64(crate::outbox::POSTS as f64 / rate as f64))
    }

    fn retry(&self) -> Value {
        let backoff = match self.backoff {
            Backoff::Linear => "linear",
            Backoff::Arithmetic => "arithmetic",
            Backoff::Geometric => "geometric",
            Backoff::Exponential => "exponential",
        };
        json!({
            "minDelayTarget": self.min_delay_s,
            "maxDelayTarget": self.max_delay_s,
            "numRetries": self.retries,
            "numMaxDelayRetries": self.at_max,
            "numNoDelayRetries": self.at_once,
            "numMinDelayRetries": self.at_min,
            "backoffFunction": backoff,
        })
    }

    /// A topic's `EffectiveDeliveryPolicy`.
    pub fn shown_for_topic(&self) -> Value {
        let mut http = json!({
            "defaultHealthyRetryPolicy": self.retry(),
            "disableSubscriptionOverrides": self.no_overrides,
            "defaultRequestPolicy": {"headerContentType": self.content_type},
        });
        if let Some(rate) = self.throttle {
            http["defaultThrottlePolicy"] = json!({"maxReceivesPerSecond": rate});
        }
        json!({"http": http})
    }

    /// A subscription's `EffectiveDeliveryPolicy`.
    pub fn shown_for_subscription(&self) -> Value {
        json!({
            "healthyRetryPolicy": self.retry(),
            "sicklyRetryPolicy": null,
            "throttlePolicy": self.throttle.map(|rate| json!({"maxReceivesPerSecond": rate})),
            "requestPolicy": {"headerContentType": self.content_type},
            "guaranteed": false,
        })
    }
}

fn document(text: &str) -> Result<Map<String, Value>, String> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|error| format!("DeliveryPolicy: failed to parse JSON. {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(policy: &str) -> Vec<u64> {
        let policy = DeliveryPolicy::default().with_subscription(policy).unwrap();
        (1..).map_while(|retry| policy.delay(retry)).map(|delay| delay.as_secs()).collect()
    }

    #[test]
    fn retries_go_through_their_phases() {
        assert_eq!(seconds(""), [20, 20, 20]);
        let phases = r#"{"healthyRetryPolicy": {"numRetries": 7, "numNoDelayRetries": 1, "numMinDelayRetries": 1,
            "numMaxDelayRetries": 2, "minDelayTarget": 2, "maxDelayTarget": 10, "backoffFunction": "linear"}}"#;
        assert_eq!(seconds(phases), [0, 2, 2, 6, 10, 10, 10]);
    }

    #[test]
    fn a_policy_that_cannot_be_is_refused() {
        for wrong in [
            "x",
            r#"{"healthyRetryPolicy": 1}"#,
            r#"{"healthyRetryPolicy": {"minDelayTarget": 0}}"#,
            r#"{"healthyRetryPolicy": {"minDelayTarget": 30}}"#,
            r#"{"healthyRetryPolicy": {"numRetries": 101}}"#,
            r#"{"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 2}}"#,
            r#"{"healthyRetryPolicy": {"backoffFunction": "random"}}"#,
            r#"{"healthyRetryPolicy": {"numRetries": 100, "minDelayTarget": 60, "maxDelayTarget": 60}}"#,
            r#"{"throttlePolicy": {"maxReceivesPerSecond": 0}}"#,
        ] {
            assert!(DeliveryPolicy::default().with_subscription(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_topic_can_forbid_policies_of_subscriptions() {
        let topic = DeliveryPolicy::of_topic(r#"{"http": {"disableSubscriptionOverrides": true}}"#).unwrap();
        let own = topic.with_subscription(r#"{"healthyRetryPolicy": {"numRetries": 9}}"#).unwrap();
        assert_eq!(own, topic);
    }
}
