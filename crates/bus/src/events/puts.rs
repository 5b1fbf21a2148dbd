//! Handlers for events that come in, and for trying patterns.

use crate::put::Entry;
use crate::{Buses, Error};
use fogbank_expressions::Pattern;
use fogbank_model::{RequestContext, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Buses>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Given {
    time: Option<Timestamp>,
    source: Option<String>,
    resources: Vec<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    trace_header: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PutEvents {
    entries: Vec<Given>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    event_id: Option<String>,
    error_code: Option<&'static str>,
    error_message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Outcomes {
    failed_entry_count: usize,
    entries: Vec<Outcome>,
}

pub(super) async fn put_events(state: State, context: RequestContext, input: PutEvents) -> Result<Outcomes, Error> {
    let entry = |given: Given| Entry {
        time: given.time,
        source: given.source,
        resources: given.resources,
        detail_type: given.detail_type,
        detail: given.detail,
        bus: given.event_bus_name,
        trace: given.trace_header,
    };
    let outcomes = state.put(&context, input.entries.into_iter().map(entry).collect()).await?;
    let failed_entry_count = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let each = outcomes.into_iter().map(|outcome| match outcome {
        Ok(id) => Outcome { event_id: Some(id), ..Outcome::default() },
        Err(rejected) => {
            Outcome { event_id: None, error_code: Some(rejected.code), error_message: Some(rejected.message) }
        }
    });
    Ok(Outcomes { failed_entry_count, entries: each.collect() })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TestPattern {
    event_pattern: String,
    event: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    result: bool,
}

/// What an event must have to be tried.
const REQUIRED: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

pub(super) async fn test_pattern(_: State, _: RequestContext, input: TestPattern) -> Result<Answer, Error> {
    let pattern = Pattern::parse(&input.event_pattern)?;
    let event: serde_json::Value = serde_json::from_str(&input.event)
        .map_err(|_| Error::invalid("Parameter Event is not valid."))
        .and_then(|event: serde_json::Value| match event.is_object() {
            true => Ok(event),
            false => Err(Error::invalid("Parameter Event is not valid.")),
        })?;
    if let Some(missing) = REQUIRED.iter().find(|name| event.get(**name).is_none()) {
        return Err(Error::invalid(format!("Parameter Event is not valid. Reason: {missing} is a required field.")));
    }
    Ok(Answer { result: pattern.matches(&event) })
}
