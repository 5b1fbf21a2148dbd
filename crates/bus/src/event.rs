//! An event on its way: its JSON, and how it comes to be.

use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde_json::{Value, json};

/// An event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub value: Value,
    /// The same as text.
    pub text: String,
    /// The ARNs of the buses that it has been on before it came to this one.
    pub passed: Vec<String>,
}

impl Event {
    /// Takes an event that is there already.
    pub(crate) fn of(value: Value) -> Self {
        Self { text: value.to_string(), value, passed: Vec::new() }
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.value["id"].as_str().unwrap_or_default()
    }

    /// When it happened.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        let at: jiff::Timestamp = self.value["time"].as_str()?.parse().ok()?;
        Some(Timestamp(at.as_millisecond()))
    }
}

/// What an event is made of.
pub(crate) struct New<'a> {
    pub id: &'a str,
    pub source: &'a str,
    pub detail_type: &'a str,
    pub account: &'a AccountId,
    pub region: &'a Region,
    pub at: Timestamp,
    pub resources: &'a [String],
    pub detail: Value,
}

impl New<'_> {
    pub(crate) fn event(self) -> Event {
        Event::of(json!({
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": self.account.as_str(),
            "time": iso(self.at),
            "region": self.region.as_str(),
            "resources": self.resources,
            "detail": self.detail,
        }))
    }
}

/// The event of a rule whose schedule is due.
pub(crate) fn scheduled(id: &str, rule: &Arn, account: &AccountId, region: &Region, at: Timestamp) -> Event {
    let resources = [rule.to_string()];
    let (source, detail_type, detail) = ("aws.events", "Scheduled Event", json!({}));
    New { id, source, detail_type, account, region, at, resources: &resources, detail }.event()
}

/// `2026-05-04T10:20:30Z`
pub(crate) fn iso(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
