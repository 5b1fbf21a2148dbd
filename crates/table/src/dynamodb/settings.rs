//! Handlers for settings of tables: expiry, tags, history; and for what is the same for all of them.

use super::address::{self, Resource};
use super::shapes::settings::{
    ContinuousBackups, ContinuousBackupsDescription, Endpoint, Endpoints, Limits, ListTags, NoInput, Nothing,
    RecoveryDescription, TagResource, Tags, TimeToLiveDescribed, TimeToLiveDescription, TimeToLiveUpdated,
    UntagResource, UpdateContinuousBackups, UpdateTimeToLive,
};
use super::shapes::tables::{OfTable, Tag};
use crate::registry::next_number;
use crate::schema::{History, Phase, Table, TableKey};
use crate::{Error, Tables, quota, tags, upkeep};
use fogbank_model::{RequestContext, Timestamp};
use fogbank_store::Tx;
use std::collections::BTreeMap;
use std::sync::Arc;

type State = Arc<Tables>;

/// For how long a table's past is kept, unless it is said.
const DAYS: u32 = 35;

pub(super) async fn update_expiry(
    state: State,
    context: RequestContext,
    input: UpdateTimeToLive,
) -> Result<TimeToLiveUpdated, Error> {
    let key = address::table(&context, &input.table_name)?;
    let wanted = input.time_to_live_specification;
    state.set_expiry(key, wanted.attribute_name.clone(), wanted.enabled).await?;
    Ok(TimeToLiveUpdated { time_to_live_specification: wanted })
}

pub(super) async fn describe_expiry(
    state: State,
    context: RequestContext,
    input: OfTable,
) -> Result<TimeToLiveDescribed, Error> {
    let table = state.describe(&address::table(&context, &input.table_name)?)?;
    let (status, attribute) = match &table.expiry {
        None => ("DISABLED", None),
        Some(expiry) if expiry.phase == Phase::Active => ("ENABLED", Some(expiry.attribute.clone())),
        Some(expiry) => ("ENABLING", Some(expiry.attribute.clone())),
    };
    let description = TimeToLiveDescription { time_to_live_status: status, attribute_name: attribute };
    Ok(TimeToLiveDescribed { time_to_live_description: description })
}

/// The tags of what a request names, whose text is `arn`.
fn tags_of<'t>(table: &'t mut Table, of: &Resource, arn: &str) -> Result<&'t mut BTreeMap<String, String>, Error> {
    match &of.stream {
        None => Ok(&mut table.tags),
        Some(label) if table.last_stream.as_ref() == Some(label) => {
            Ok(table.stream_tags.entry(label.clone()).or_default())
        }
        Some(_) => Err(no_resource(arn)),
    }
}

fn no_resource(arn: &str) -> Error {
    Error::NotFound(format!("Requested resource not found: ResourceArn: {arn} not found"))
}

/// Operations on tags name what is not there by its ARN.
fn by_arn(error: Error, arn: &str) -> Error {
    match error {
        Error::NotFound(_) => no_resource(arn),
        other => other,
    }
}

async fn retag(
    state: &State,
    context: &RequestContext,
    arn: String,
    change: impl Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Send + 'static,
) -> Result<Nothing, Error> {
    let of = address::tagged(context, &arn)?;
    let (key, name) = (of.table.clone(), arn.clone());
    let alter = move |_: &mut Tx<'_>, _: &TableKey, table: &mut Table| change(tags_of(table, &of, &name)?);
    state.alter(key, alter).await.map_err(|error| by_arn(error, &arn))?;
    Ok(Nothing {})
}

pub(super) async fn tag(state: State, context: RequestContext, input: TagResource) -> Result<Nothing, Error> {
    let given: Vec<(String, String)> = input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    address::tagged(&context, &input.resource_arn)?;
    if given.is_empty() {
        return Err(Error::validation("Atleast one Tag needs to be provided as Input."));
    }
    tags::check_given(&given)?;
    let add = move |tags: &mut BTreeMap<String, String>| {
        tags.extend(given.iter().cloned());
        tags::check_all(tags)
    };
    retag(&state, &context, input.resource_arn, add).await
}

pub(super) async fn untag(state: State, context: RequestContext, input: UntagResource) -> Result<Nothing, Error> {
    let keys = input.tag_keys;
    address::tagged(&context, &input.resource_arn)?;
    if keys.is_empty() {
        return Err(Error::validation("Atleast one Tag Key needs to be provided as Input."));
    }
    tags::check_keys(&keys)?;
    let remove = move |tags: &mut BTreeMap<String, String>| {
        tags.retain(|key, _| !keys.contains(key));
        Ok(())
    };
    retag(&state, &context, input.resource_arn, remove).await
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: ListTags) -> Result<Tags, Error> {
    let arn = input.resource_arn;
    let of = address::tagged(&context, &arn)?;
    // All tags that a table can have are on one page, so there never was such a token.
    if input.next_token.is_some() {
        return Err(Error::validation("Invalid NextToken"));
    }
    let table = state.describe(&of.table).map_err(|error| by_arn(error, &arn))?;
    let tags = tags_of(&mut Arc::unwrap_or_clone(table), &of, &arn)?.clone();
    Ok(Tags { tags: tags.into_iter().map(|(key, value)| Tag { key, value }).collect() })
}

pub(super) async fn limits(_: State, _: RequestContext, _: NoInput) -> Result<Limits, Error> {
    Ok(Limits {
        account_max_read_capacity_units: 80_000,
        account_max_write_capacity_units: 80_000,
        table_max_read_capacity_units: quota::UNITS,
        table_max_write_capacity_units: quota::UNITS,
    })
}

/// Clients that look for an endpoint find the one that they have.
pub(super) async fn endpoints(_: State, context: RequestContext, _: NoInput) -> Result<Endpoints, Error> {
    let address = context.endpoint.split_once("://").map_or(&*context.endpoint, |(_, address)| address).to_owned();
    Ok(Endpoints { endpoints: vec![Endpoint { address, cache_period_in_minutes: 1440 }] })
}

pub(super) async fn describe_history(
    state: State,
    context: RequestContext,
    input: OfTable,
) -> Result<ContinuousBackups, Error> {
    let key = address::table(&context, &input.table_name)?;
    let table = state.describe(&key).map_err(|error| no_named_table(error, &key.name))?;
    Ok(shown_history(&table, state.clock.now()))
}

fn no_named_table(error: Error, name: &str) -> Error {
    match error {
        Error::NotFound(_) => Error::NoTable(format!("Table not found: {name}")),
        other => other,
    }
}

fn shown_history(table: &Table, now: Timestamp) -> ContinuousBackups {
    let history = table.history.as_ref();
    ContinuousBackups {
        continuous_backups_description: ContinuousBackupsDescription {
            continuous_backups_status: "ENABLED",
            point_in_time_recovery_description: RecoveryDescription {
                point_in_time_recovery_status: if history.is_some() { "ENABLED" } else { "DISABLED" },
                recovery_period_in_days: history.map(|history| history.days.into()),
                earliest_restorable_date_time: history.map(|history| history.earliest(now).0),
                latest_restorable_date_time: history.map(|_| now.0),
            },
        },
    }
}

pub(super) async fn update_history(
    state: State,
    context: RequestContext,
    input: UpdateContinuousBackups,
) -> Result<ContinuousBackups, Error> {
    let key = address::table(&context, &input.table_name)?;
    let name = key.name.clone();
    let wanted = input.point_in_time_recovery_specification;
    let days = wanted.recovery_period_in_days.and_then(|days| u32::try_from(days).ok());
    if !wanted.point_in_time_recovery_enabled && days.is_some() {
        return Err(Error::request("Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery."));
    }
    let change = move |tx: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
        table.history = match (wanted.point_in_time_recovery_enabled, table.history.take()) {
            (true, Some(history)) => Some(History { days: days.unwrap_or(history.days), ..history }),
            (true, None) => Some(History { place: next_number(tx)?, since: tx.now(), days: days.unwrap_or(DAYS) }),
            (false, history) => {
                // What was kept is of no use with a gap after it.
                history.iter().for_each(|history| upkeep::leave(tx, history.place));
                None
            }
        };
        Ok(shown_history(table, tx.now()))
    };
    state.alter(key, change).await.map_err(|error| no_named_table(error, &name))
}
