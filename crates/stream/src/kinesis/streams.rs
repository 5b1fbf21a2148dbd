//! Handlers for streams as a whole.

use super::address::{Address, own};
use super::shapes::{Empty, ModeDetails, ShardShape, Texts, WarmThroughput, whole_seconds};
use crate::model::{ON_DEMAND_SHARDS, StreamKey};
use crate::settings::provisioned_is_not_warm;
use crate::shards::Filter;
use crate::token::{Page, PageFilter};
use crate::{Distribution, Error, Make, Mode, Stream, Streams, shard_number};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

/// Streams that a list has at most, if it does not say.
const PAGE: usize = 100;
/// Shards of one description.
const SHARDS: usize = 100;
/// The largest record of a stream that says nothing, in KiB.
const RECORD_KIB: u32 = 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    stream_name: String,
    shard_count: Option<u64>,
    stream_mode_details: Option<ModeDetails>,
    #[serde(default)]
    tags: Texts,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_kib: Option<u32>,
    #[serde(rename = "WarmThroughputMiBps")]
    warm: Option<u32>,
    record_distribution_strategy: Option<Distribution>,
}

pub(super) async fn create(state: State, context: RequestContext, input: Create) -> Result<Empty, Error> {
    // Without either the number of shards is the stream's own business.
    let default = if input.shard_count.is_some() { Mode::Provisioned } else { Mode::OnDemand };
    let mode = input.stream_mode_details.map_or(default, |details| details.stream_mode);
    let shards = match (mode, input.shard_count) {
        (_, Some(count)) => count,
        (Mode::OnDemand, None) => ON_DEMAND_SHARDS,
        (Mode::Provisioned, None) => {
            return Err(Error::invalid("ShardCount must be specified for a stream in PROVISIONED mode."));
        }
    };
    if input.warm.is_some() && mode == Mode::Provisioned {
        return Err(provisioned_is_not_warm());
    }
    let make = Make {
        mode,
        shards,
        tags: input.tags,
        max_record_kib: input.max_record_kib.unwrap_or(RECORD_KIB),
        distribution: input.record_distribution_strategy.unwrap_or_default(),
        warm_mibps: input.warm,
    };
    state.create(&own(&context, input.stream_name), make).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    #[serde(flatten)]
    address: Address,
    enforce_consumer_deletion: Option<bool>,
}

pub(super) async fn delete(state: State, context: RequestContext, input: Delete) -> Result<Empty, Error> {
    let key = input.address.key(&context)?;
    state.delete(&key, input.enforce_consumer_deletion.unwrap_or(false)).await?;
    Ok(Empty {})
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Monitoring {
    shard_level_metrics: Vec<String>,
}

/// What both descriptions have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_status: &'static str,
    stream_mode_details: ModeDetails,
    retention_period_hours: u32,
    stream_creation_timestamp: i64,
    enhanced_monitoring: Vec<Monitoring>,
    encryption_type: &'static str,
    key_id: Option<String>,
}

impl Description {
    fn of(key: &StreamKey, stream: &Stream) -> Self {
        Self {
            stream_name: key.name.clone(),
            stream_arn: key.arn().into(),
            stream_status: "ACTIVE",
            stream_mode_details: ModeDetails { stream_mode: stream.mode },
            retention_period_hours: stream.retention_h,
            stream_creation_timestamp: whole_seconds(stream.created),
            enhanced_monitoring: vec![Monitoring { shard_level_metrics: stream.metrics.iter().cloned().collect() }],
            encryption_type: if stream.kms_key.is_some() { "KMS" } else { "NONE" },
            key_id: stream.kms_key.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    #[serde(flatten)]
    address: Address,
    limit: Option<usize>,
    exclusive_start_shard_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WithShards {
    #[serde(flatten)]
    description: Description,
    shards: Vec<ShardShape>,
    has_more_shards: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    stream_description: WithShards,
}

pub(super) async fn describe(state: State, context: RequestContext, input: Describe) -> Result<Described, Error> {
    let key = input.address.key(&context)?;
    let stream = state.stream(&key)?;
    let after = input.exclusive_start_shard_id.as_deref().map(|id| start_shard(&key, id)).transpose()?;
    let limit = input.limit.unwrap_or(SHARDS);
    let (shards, has_more_shards) = state.shards_of(&key, Filter::All, after, limit)?;
    let shards = shards.iter().map(|shard| ShardShape::of(stream.id, shard)).collect();
    let description = Description::of(&key, &stream);
    Ok(Described { stream_description: WithShards { description, shards, has_more_shards } })
}

/// The number of the shard behind which a list begins.
pub(super) fn start_shard(key: &StreamKey, id: &str) -> Result<u64, Error> {
    let missing = || {
        let (name, account) = (&key.name, &key.account);
        Error::NotFound(format!("Could not find shard {id} in stream {name} under account {account}."))
    };
    shard_number(id).ok_or_else(missing)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Counted {
    #[serde(flatten)]
    description: Description,
    open_shard_count: u64,
    consumer_count: u64,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_kib: u32,
    record_distribution_strategy: Distribution,
    warm_throughput: Option<WarmThroughput>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary {
    stream_description_summary: Counted,
}

pub(super) async fn summarise(state: State, context: RequestContext, input: Address) -> Result<Summary, Error> {
    let key = input.key(&context)?;
    let stream = state.stream(&key)?;
    let counted = Counted {
        description: Description::of(&key, &stream),
        open_shard_count: stream.open_shards,
        consumer_count: stream.consumers,
        max_record_kib: stream.max_record_kib,
        record_distribution_strategy: stream.distribution,
        warm_throughput: stream.warm_mibps.map(WarmThroughput::of),
    };
    Ok(Summary { stream_description_summary: counted })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct List {
    limit: Option<usize>,
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_status: &'static str,
    stream_mode_details: ModeDetails,
    stream_creation_timestamp: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    stream_names: Vec<String>,
    has_more_streams: bool,
    next_token: Option<String>,
    stream_summaries: Vec<Item>,
}

pub(super) async fn list(state: State, context: RequestContext, input: List) -> Result<Listed, Error> {
    let scope = own(&context, "");
    let after = match &input.next_token {
        Some(token) => Some(state.page(&scope, "streams", token)?.after),
        None => input.exclusive_start_stream_name,
    };
    let limit = input.limit.unwrap_or(PAGE);
    let (found, has_more_streams) = state.list(&context.account, &context.region, after.as_deref(), limit)?;
    let last = found.last().map(|(key, _)| key.name.clone()).unwrap_or_default();
    let page =
        Page { list: "streams".into(), stream: String::new(), after: last, filter: PageFilter::default(), made: 0 };
    let item = |(key, stream): (StreamKey, Stream)| Item {
        stream_arn: key.arn().into(),
        stream_name: key.name,
        stream_status: "ACTIVE",
        stream_mode_details: ModeDetails { stream_mode: stream.mode },
        stream_creation_timestamp: whole_seconds(stream.created),
    };
    Ok(Listed {
        stream_names: found.iter().map(|(key, _)| key.name.clone()).collect(),
        has_more_streams,
        next_token: state.next_page(&scope, page, has_more_streams),
        stream_summaries: found.into_iter().map(item).collect(),
    })
}
