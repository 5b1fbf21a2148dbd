//! Handlers for what belongs to an account.

use crate::commitment::Commitment;
use crate::model::{ON_DEMAND_STREAMS, shard_limit};
use crate::{Error, Streams};
use fogbank_model::{RequestContext, Timestamp};
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

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CommitmentShape {
    status: &'static str,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    earliest_allowed_end_at: Option<i64>,
}

impl CommitmentShape {
    fn of(kept: Option<Commitment>, now: Timestamp) -> Self {
        let Some(kept) = kept else { return Self { status: "DISABLED", ..Self::default() } };
        let status = match kept.ended {
            None => "ENABLED",
            Some(_) if kept.is_over(now) => "DISABLED",
            Some(_) => "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
        };
        Self {
            status,
            started_at: Some(kept.started.0),
            ended_at: kept.ended.filter(|ended| *ended <= now).map(|at| at.0),
            earliest_allowed_end_at: Some(kept.earliest_end().0),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Settings {
    minimum_throughput_billing_commitment: CommitmentShape,
}

pub(super) async fn settings(state: State, context: RequestContext, _: Nothing) -> Result<Settings, Error> {
    let kept = state.commitment(&context.account, &context.region)?;
    Ok(Settings { minimum_throughput_billing_commitment: CommitmentShape::of(kept, state.clock.now()) })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSettings {
    minimum_throughput_billing_commitment: Wanted,
}

pub(super) async fn update_settings(
    state: State,
    context: RequestContext,
    input: UpdateSettings,
) -> Result<Settings, Error> {
    let is_on = input.minimum_throughput_billing_commitment.status == "ENABLED";
    let kept = state.commit(&context.account, &context.region, is_on).await?;
    Ok(Settings { minimum_throughput_billing_commitment: CommitmentShape::of(kept, state.clock.now()) })
}
