//! Handlers for archives and replays.

use super::shapes::{Empty, Part};
use crate::archive::{Archive, ArchiveSettings, Filter, Named, STATE, Tally};
use crate::replay::{Replay, Start};
use crate::route::SERVICE;
use crate::{Buses, Error};
use fogbank_delivery::Origin;
use fogbank_model::{RequestContext, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Buses>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Settings {
    archive_name: String,
    event_source_arn: String,
    description: Option<String>,
    event_pattern: Option<String>,
    retention_days: Option<i64>,
    kms_key_identifier: Option<String>,
}

impl Settings {
    fn split(self) -> ArchiveSettings {
        ArchiveSettings {
            description: self.description,
            pattern: self.event_pattern.filter(|pattern| !pattern.is_empty()),
            retention_days: self.retention_days,
            kms_key: self.kms_key_identifier,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Made {
    archive_arn: String,
    state: &'static str,
    creation_time: Timestamp,
}

impl Made {
    fn of(key: &Named, archive: &Archive) -> Self {
        Self { archive_arn: key.arn("archive").to_string(), state: STATE, creation_time: archive.created }
    }
}

pub(super) async fn create(state: State, context: RequestContext, input: Settings) -> Result<Made, Error> {
    let key = Named::of(&context, &input.archive_name);
    let source = input.event_source_arn.parse().map_err(|_| Error::bad_arn(&input.event_source_arn))?;
    let archive = state.create_archive(&key, &source, input.split()).await?;
    Ok(Made::of(&key, &archive))
}

pub(super) async fn update(state: State, context: RequestContext, input: Settings) -> Result<Made, Error> {
    let key = Named::of(&context, &input.archive_name);
    let archive = state.update_archive(&key, input.split()).await?;
    Ok(Made::of(&key, &archive))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfArchive {
    archive_name: String,
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfArchive) -> Result<Empty, Error> {
    state.delete_archive(&Named::of(&context, &input.archive_name)).await?;
    Ok(Empty {})
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    archive_arn: Option<String>,
    archive_name: String,
    event_source_arn: String,
    description: Option<String>,
    event_pattern: Option<String>,
    state: &'static str,
    kms_key_identifier: Option<String>,
    retention_days: i64,
    size_bytes: i64,
    event_count: i64,
    creation_time: Timestamp,
}

impl Described {
    fn of(name: String, archive: Archive, tally: Tally) -> Self {
        Self {
            archive_arn: None,
            archive_name: name,
            event_source_arn: archive.source.to_string(),
            description: archive.description,
            event_pattern: archive.pattern,
            state: STATE,
            kms_key_identifier: archive.kms_key,
            retention_days: archive.retention_days,
            size_bytes: tally.bytes,
            event_count: tally.events,
            creation_time: archive.created,
        }
    }
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfArchive) -> Result<Described, Error> {
    let key = Named::of(&context, &input.archive_name);
    let (archive, tally) = state.archive(&key)?;
    let archive_arn = Some(key.arn("archive").to_string());
    Ok(Described { archive_arn, ..Described::of(key.name, archive, tally) })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Wanted {
    event_source_arn: Option<String>,
    state: Option<String>,
    #[serde(flatten)]
    part: Part,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Archives {
    archives: Vec<Described>,
    next_token: Option<String>,
}

pub(super) async fn list(state: State, context: RequestContext, input: Wanted) -> Result<Archives, Error> {
    let filter = Filter { state: input.state, source: input.event_source_arn };
    let page = state.list_archives(&context.account, &context.region, &input.part.wanted(), &filter)?;
    let each = page.items.into_iter().map(|(name, (archive, tally))| Described {
        // A list is shorter than a description.
        description: None,
        event_pattern: None,
        kms_key_identifier: None,
        ..Described::of(name, archive, tally)
    });
    Ok(Archives { archives: each.collect(), next_token: page.token })
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Destination {
    arn: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filter_arns: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartReplay {
    replay_name: String,
    description: Option<String>,
    event_source_arn: String,
    event_start_time: Timestamp,
    event_end_time: Timestamp,
    destination: Destination,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Begun {
    replay_arn: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_start_time: Option<Timestamp>,
}

pub(super) async fn start_replay(state: State, context: RequestContext, input: StartReplay) -> Result<Begun, Error> {
    let key = Named::of(&context, &input.replay_name);
    let start = Start {
        source: input.event_source_arn,
        description: input.description,
        destination: input.destination.arn,
        rules: input.destination.filter_arns,
        from: input.event_start_time,
        to: input.event_end_time,
    };
    let replay = state.start_replay(&key, start, Origin::of(&context, SERVICE, None)).await?;
    let replay_arn = key.arn("replay").to_string();
    Ok(Begun { replay_arn, state: replay.state, replay_start_time: Some(replay.started) })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfReplay {
    replay_name: String,
}

pub(super) async fn cancel_replay(state: State, context: RequestContext, input: OfReplay) -> Result<Begun, Error> {
    let key = Named::of(&context, &input.replay_name);
    state.cancel_replay(&key).await?;
    Ok(Begun { replay_arn: key.arn("replay").to_string(), state: "CANCELLING".into(), replay_start_time: None })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribedReplay {
    replay_name: String,
    replay_arn: Option<String>,
    description: Option<String>,
    state: String,
    state_reason: Option<String>,
    event_source_arn: String,
    destination: Option<Destination>,
    event_start_time: Timestamp,
    event_end_time: Timestamp,
    event_last_replayed_time: Option<Timestamp>,
    replay_start_time: Timestamp,
    replay_end_time: Option<Timestamp>,
}

impl DescribedReplay {
    fn of(name: String, replay: Replay) -> Self {
        Self {
            replay_name: name,
            replay_arn: None,
            description: None,
            state: replay.state,
            state_reason: replay.reason,
            event_source_arn: replay.source.to_string(),
            destination: None,
            event_start_time: replay.from,
            event_end_time: replay.to,
            event_last_replayed_time: replay.last,
            replay_start_time: replay.started,
            replay_end_time: replay.ended,
        }
    }
}

pub(super) async fn describe_replay(
    state: State,
    context: RequestContext,
    input: OfReplay,
) -> Result<DescribedReplay, Error> {
    let key = Named::of(&context, &input.replay_name);
    let replay = state.replay(&key)?;
    let destination = Some(Destination { arn: replay.destination.to_string(), filter_arns: replay.rules.clone() });
    let (replay_arn, description) = (Some(key.arn("replay").to_string()), replay.description.clone());
    Ok(DescribedReplay { replay_arn, description, destination, ..DescribedReplay::of(key.name, replay) })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Replays {
    replays: Vec<DescribedReplay>,
    next_token: Option<String>,
}

pub(super) async fn list_replays(state: State, context: RequestContext, input: Wanted) -> Result<Replays, Error> {
    let filter = Filter { state: input.state, source: input.event_source_arn };
    let page = state.list_replays(&context.account, &context.region, &input.part.wanted(), &filter)?;
    let each = page.items.into_iter().map(|(name, replay)| DescribedReplay::of(name, replay));
    Ok(Replays { replays: each.collect(), next_token: page.token })
}
