//! Handlers for what belongs to an account.

use crate::model::{ON_DEMAND_STREAMS, shard_limit};
use crate::{Error, Streams};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

/// A request without members.
#[derive(Debug, Deserialize)]
pub(super) struct Nothing {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Limits {
    shard_limit: u64,
    open_shard_count: u64,
    on_demand_stream_count: u64,
    on_demand_stream_count_limit: u64,
}

pub(super) async fn limits(state: State, context: RequestContext, _: Nothing) -> Result<Limits, Error> {
    let counts = state.counts(&context.account, &context.region)?;
    Ok(Limits {
        shard_limit: shard_limit(&context.region),
        open_shard_count: counts.provisioned_shards + counts.on_demand_shards,
        on_demand_stream_count: counts.on_demand_streams,
        on_demand_stream_count_limit: ON_DEMAND_STREAMS,
    })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Commitment {
    status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Settings {
    minimum_throughput_billing_commitment: Commitment,
}

/// Nobody commits to anything here.
pub(super) async fn settings(_: State, _: RequestContext, _: Nothing) -> Result<Settings, Error> {
    Ok(Settings { minimum_throughput_billing_commitment: Commitment { status: "DISABLED" } })
}
