//! Partners' event sources. No partner sends events here, so there are none, and none can be made.

use super::shapes::Empty;
use crate::{Buses, Error};
use fogbank_model::RequestContext;
use fogbank_wire::Service;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Buses>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct OfSource {
    name: String,
    event_source_name: String,
}

async fn none(_: State, _: RequestContext, input: OfSource) -> Result<Empty, Error> {
    let name = if input.name.is_empty() { input.event_source_name } else { input.name };
    Err(Error::NotFound(format!("Event source {name} does not exist.")))
}

async fn disabled(_: State, _: RequestContext, _: OfSource) -> Result<Empty, Error> {
    Err(Error::Disabled(
        "The operation you are attempting is not available: there are no event sources of partners.".into(),
    ))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sources {
    event_sources: Vec<String>,
}

async fn list(_: State, _: RequestContext, _: OfSource) -> Result<Sources, Error> {
    Ok(Sources { event_sources: Vec::new() })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PartnerSources {
    partner_event_sources: Vec<String>,
}

async fn list_own(_: State, _: RequestContext, _: OfSource) -> Result<PartnerSources, Error> {
    Ok(PartnerSources { partner_event_sources: Vec::new() })
}

pub(super) fn add(service: Service, state: &State) -> Service {
    service
        .operation("ActivateEventSource", state, none)
        .operation("DeactivateEventSource", state, none)
        .operation("DescribeEventSource", state, none)
        .operation("ListEventSources", state, list)
        .operation("CreatePartnerEventSource", state, disabled)
        .operation("DeletePartnerEventSource", state, disabled)
        .operation("DescribePartnerEventSource", state, none)
        .operation("ListPartnerEventSources", state, list_own)
        .operation("ListPartnerEventSourceAccounts", state, none)
        .operation("PutPartnerEvents", state, disabled)
}
