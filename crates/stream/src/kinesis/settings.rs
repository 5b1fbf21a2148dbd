//! Handlers for what can be changed of a stream.

use super::address::Address;
use super::shapes::{Empty, ModeDetails, WarmThroughput};
use crate::settings::provisioned_is_not_warm;
use crate::{Distribution, Error, Mode, Streams};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Retain {
    #[serde(flatten)]
    address: Address,
    retention_period_hours: i64,
}

pub(super) async fn retain_longer(state: State, context: RequestContext, input: Retain) -> Result<Empty, Error> {
    state.retain(&input.address.key(&context)?, input.retention_period_hours, true).await?;
    Ok(Empty {})
}

pub(super) async fn retain_shorter(state: State, context: RequestContext, input: Retain) -> Result<Empty, Error> {
    state.retain(&input.address.key(&context)?, input.retention_period_hours, false).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Encrypt {
    #[serde(flatten)]
    address: Address,
    encryption_type: String,
    key_id: String,
}

fn only_kms(kind: &str) -> Result<(), Error> {
    match kind {
        "KMS" => Ok(()),
        _ => Err(Error::invalid(format!("Encryption type {kind} is not valid for this request; it must be KMS."))),
    }
}

pub(super) async fn encrypt(state: State, context: RequestContext, input: Encrypt) -> Result<Empty, Error> {
    let key = input.address.key(&context)?;
    only_kms(&input.encryption_type)?;
    state.encrypt(&key, Some(input.key_id)).await?;
    Ok(Empty {})
}

pub(super) async fn stop_encrypting(state: State, context: RequestContext, input: Encrypt) -> Result<Empty, Error> {
    let key = input.address.key(&context)?;
    only_kms(&input.encryption_type)?;
    state.encrypt(&key, None).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Monitor {
    #[serde(flatten)]
    address: Address,
    shard_level_metrics: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Monitored {
    stream_name: String,
    current_shard_level_metrics: Vec<String>,
    desired_shard_level_metrics: Vec<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

async fn set_metrics(state: State, context: RequestContext, input: Monitor, on: bool) -> Result<Monitored, Error> {
    let key = input.address.key(&context)?;
    let (before, after) = state.monitor(&key, input.shard_level_metrics, on).await?;
    Ok(Monitored {
        stream_arn: key.arn().into(),
        stream_name: key.name,
        current_shard_level_metrics: before.into_iter().collect(),
        desired_shard_level_metrics: after.into_iter().collect(),
    })
}

pub(super) async fn monitor(state: State, context: RequestContext, input: Monitor) -> Result<Monitored, Error> {
    set_metrics(state, context, input, true).await
}

pub(super) async fn stop_monitoring(state: State, context: RequestContext, input: Monitor) -> Result<Monitored, Error> {
    set_metrics(state, context, input, false).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetMode {
    #[serde(flatten)]
    address: Address,
    stream_mode_details: ModeDetails,
    #[serde(rename = "WarmThroughputMiBps")]
    warm: Option<u32>,
}

pub(super) async fn set_mode(state: State, context: RequestContext, input: SetMode) -> Result<Empty, Error> {
    let mode = input.stream_mode_details.stream_mode;
    if input.warm.is_some() && mode == Mode::Provisioned {
        return Err(provisioned_is_not_warm());
    }
    state.set_mode(&input.address.key(&context)?, mode, input.warm).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
pub(super) struct Warm {
    #[serde(flatten)]
    address: Address,
    #[serde(rename = "WarmThroughputMiBps")]
    mibps: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct Warmed {
    #[serde(rename = "StreamARN")]
    arn: String,
    #[serde(rename = "StreamName")]
    name: String,
    #[serde(rename = "WarmThroughput")]
    warm: WarmThroughput,
}

pub(super) async fn warm(state: State, context: RequestContext, input: Warm) -> Result<Warmed, Error> {
    let key = input.address.key(&context)?;
    state.warm(&key, input.mibps).await?;
    Ok(Warmed { arn: key.arn().into(), name: key.name, warm: WarmThroughput::of(input.mibps) })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LimitRecords {
    #[serde(flatten)]
    address: Address,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_kib: u32,
}

pub(super) async fn limit_records(state: State, context: RequestContext, input: LimitRecords) -> Result<Empty, Error> {
    state.limit_records(&input.address.key(&context)?, input.max_record_kib).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Distribute {
    #[serde(flatten)]
    address: Address,
    record_distribution_strategy: Distribution,
}

pub(super) async fn distribute(state: State, context: RequestContext, input: Distribute) -> Result<Empty, Error> {
    state.distribute(&input.address.key(&context)?, input.record_distribution_strategy).await?;
    Ok(Empty {})
}
