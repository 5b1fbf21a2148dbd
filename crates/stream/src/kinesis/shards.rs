//! Handlers for shards.

use super::address::{Address, own};
use super::shapes::{Empty, ShardShape, whole_seconds};
use super::streams::start_shard;
use crate::shards::Filter;
use crate::token::Page;
use crate::{Error, HashKey, StreamKey, Streams};
use fogbank_model::{RequestContext, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

/// Shards of a page, if the request does not say.
const PAGE: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterShape {
    r#type: String,
    shard_id: Option<String>,
    timestamp: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(flatten)]
    address: Address,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<usize>,
    stream_creation_timestamp: Option<i64>,
    shard_filter: Option<FilterShape>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    shards: Vec<ShardShape>,
    next_token: Option<String>,
}

pub(super) async fn list(state: State, context: RequestContext, input: List) -> Result<Listed, Error> {
    let limit = input.max_results.unwrap_or(PAGE);
    let (key, filter, after) = match &input.next_token {
        Some(token) => {
            if input.address.name.is_some() || input.address.arn.is_some() {
                return Err(Error::invalid("NextToken and StreamName cannot be provided together."));
            }
            if input.exclusive_start_shard_id.is_some() || input.stream_creation_timestamp.is_some() {
                return Err(Error::invalid(
                    "NextToken cannot be provided together with ExclusiveStartShardId or StreamCreationTimestamp.",
                ));
            }
            let page = state.page(&own(&context, ""), "shards", token)?;
            let key = own(&context, page.stream);
            let after = start_shard(&key, &page.after)?;
            (key, page.filter.into(), Some(after))
        }
        None => {
            let key = input.address.key(&context)?;
            let filter = filter(&state, &key, input.shard_filter)?;
            let after = input.exclusive_start_shard_id.as_deref().map(|id| start_shard(&key, id)).transpose()?;
            (key, filter, after)
        }
    };
    let stream = state.stream(&key)?;
    if input.stream_creation_timestamp.is_some_and(|at| at.div_euclid(1000) != stream.created.0.div_euclid(1000)) {
        let text = format!("Stream {} under account {} not found.", key.name, key.account);
        return Err(Error::NotFound(text));
    }
    let (shards, more) = state.shards_of(&key, filter, after, limit)?;
    let last = shards.last().map(crate::Shard::id).unwrap_or_default();
    let page = Page { list: "shards".into(), stream: key.name.clone(), after: last, filter: filter.into(), made: 0 };
    Ok(Listed {
        shards: shards.iter().map(|shard| ShardShape::of(stream.id, shard)).collect(),
        next_token: state.next_page(&key, page, more),
    })
}

fn filter(state: &Streams, key: &StreamKey, given: Option<FilterShape>) -> Result<Filter, Error> {
    let Some(given) = given else { return Ok(Filter::All) };
    let need =
        |what: &str| Error::invalid(format!("{what} must be specified for the shard filter type {}.", given.r#type));
    let is_of = |types: &[&str]| types.contains(&given.r#type.as_str());
    let out_of_place = [
        ("ShardId", given.shard_id.is_some(), is_of(&["AFTER_SHARD_ID"])),
        ("Timestamp", given.timestamp.is_some(), is_of(&["AT_TIMESTAMP", "FROM_TIMESTAMP"])),
    ];
    if let Some((what, ..)) = out_of_place.into_iter().find(|(_, is_given, has_use)| *is_given && !has_use) {
        return Err(Error::invalid(format!("{what} cannot be specified for the shard filter type {}.", given.r#type)));
    }
    let at = || given.timestamp.map(Timestamp).ok_or_else(|| need("Timestamp"));
    let horizon = || Ok::<_, Error>(state.stream(key)?.horizon(state.clock.now()).time());
    Ok(match given.r#type.as_str() {
        "AFTER_SHARD_ID" => {
            let id = given.shard_id.as_deref().ok_or_else(|| need("ShardId"))?;
            Filter::After(start_shard(key, id)?)
        }
        // What was there when the oldest records came: streams that are younger than that begin with their first shards.
        "AT_TRIM_HORIZON" => Filter::At(horizon()?.max(state.stream(key)?.created)),
        "FROM_TRIM_HORIZON" => Filter::From(horizon()?),
        // What is said of a stream's birth has no milliseconds, but its first shards were there.
        "AT_TIMESTAMP" => {
            let (at, born) = (at()?, state.stream(key)?.created);
            Filter::At(if at.0 >= whole_seconds(born) { at.max(born) } else { at })
        }
        "FROM_TIMESTAMP" => Filter::From(at()?),
        _ => Filter::Open,
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Split {
    #[serde(flatten)]
    address: Address,
    shard_to_split: String,
    new_starting_hash_key: String,
}

pub(super) async fn split(state: State, context: RequestContext, input: Split) -> Result<Empty, Error> {
    let key = input.address.key(&context)?;
    // What is greater than all hash keys is not within the shard either.
    let at = hash_key(&input.new_starting_hash_key).unwrap_or(HashKey(u128::MAX));
    state.split(&key, &input.shard_to_split, at).await?;
    Ok(Empty {})
}

/// A hash key in a request; the model has checked that it is a number. `None` if it is greater than all that there are.
pub(super) fn hash_key(text: &str) -> Option<HashKey> {
    HashKey::try_from(text.to_owned()).ok()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Merge {
    #[serde(flatten)]
    address: Address,
    shard_to_merge: String,
    adjacent_shard_to_merge: String,
}

pub(super) async fn merge(state: State, context: RequestContext, input: Merge) -> Result<Empty, Error> {
    let key = input.address.key(&context)?;
    state.merge(&key, &input.shard_to_merge, &input.adjacent_shard_to_merge).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rescale {
    #[serde(flatten)]
    address: Address,
    target_shard_count: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rescaled {
    stream_name: String,
    current_shard_count: u64,
    target_shard_count: u64,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

pub(super) async fn rescale(state: State, context: RequestContext, input: Rescale) -> Result<Rescaled, Error> {
    let key = input.address.key(&context)?;
    let current_shard_count = state.rescale(&key, input.target_shard_count).await?;
    let stream_arn = key.arn().into();
    let target_shard_count = input.target_shard_count;
    Ok(Rescaled { stream_name: key.name, current_shard_count, target_shard_count, stream_arn })
}
