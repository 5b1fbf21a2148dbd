//! Handlers for settings of tables: expiry, tags, history, policies; and for what is the same for all of them.

use super::address;
use super::shapes::settings::{
    ContinuousBackups, ContinuousBackupsDescription, Endpoint, Endpoints, Limits, ListTags, NoInput, Nothing, OfPolicy,
    PolicyOutput, PutPolicy, RecoveryDescription, TagResource, Tags, TimeToLiveDescribed, TimeToLiveDescription,
    TimeToLiveUpdated, UntagResource, UpdateContinuousBackups, UpdateTimeToLive,
};
use super::shapes::tables::{OfTable, Tag};
use crate::registry::next_number;
use crate::schema::{History, Phase, Table, TableKey};
use crate::{Error, Tables, create, quota, upkeep};
use fogbank_model::{RequestContext, Timestamp};
use fogbank_store::Tx;
use std::sync::Arc;

type State = Arc<Tables>;

const POLICY_BYTES: usize = 20 * 1024;
const DAYS: std::ops::RangeInclusive<u32> = 1..=35;

pub(super) async fn update_expiry(
    state: State,
    context: RequestContext,
    input: UpdateTimeToLive,
) -> Result<TimeToLiveUpdated, Error> {
    let key = address::table(&context, &input.table_name)?;
    let wanted = input.time_to_live_specification;
    if wanted.attribute_name.is_empty() {
        return Err(Error::validation("TimeToLiveSpecification AttributeName must be set"));
    }
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

/// Operations on tags and policies name what is not there by its ARN.
async fn of_resource<T: Send + 'static>(
    state: &State,
    context: &RequestContext,
    arn: &str,
    change: impl Fn(&mut Tx<'_>, &TableKey, &mut Table) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let key = address::within(context, arn)?;
    state.alter(key, change).await.map_err(|error| no_resource(error, arn))
}

fn no_resource(error: Error, arn: &str) -> Error {
    match error {
        Error::NotFound(_) => Error::NotFound(format!("Requested resource not found: ResourcArn: {arn} not found")),
        other => other,
    }
}

pub(super) async fn tag(state: State, context: RequestContext, input: TagResource) -> Result<Nothing, Error> {
    let TagResource { resource_arn, tags } = input;
    address::resource(&context, &resource_arn)?;
    if tags.is_empty() {
        return Err(Error::validation("Atleast one Tag needs to be provided as Input."));
    }
    let change = move |_: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
        table.tags.extend(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        create::check_tags(table.tags.keys().map(String::as_str)).map(|()| Nothing {})
    };
    of_resource(&state, &context, &resource_arn, change).await
}

pub(super) async fn untag(state: State, context: RequestContext, input: UntagResource) -> Result<Nothing, Error> {
    let UntagResource { resource_arn, tag_keys } = input;
    address::resource(&context, &resource_arn)?;
    if tag_keys.is_empty() {
        return Err(Error::validation("Atleast one Tag Key needs to be provided as Input."));
    }
    let change = move |_: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
        table.tags.retain(|key, _| !tag_keys.contains(key));
        Ok(Nothing {})
    };
    of_resource(&state, &context, &resource_arn, change).await
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: ListTags) -> Result<Tags, Error> {
    let key = address::resource(&context, &input.resource_arn)?;
    // All tags that a table can have are on one page, so there never was such a token.
    if input.next_token.is_some() {
        return Err(Error::validation("Invalid NextToken"));
    }
    let table = state.describe(&key).map_err(|error| no_resource(error, &input.resource_arn))?;
    let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
    Ok(Tags { tags: table.tags.iter().map(tag).collect() })
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
    let days = wanted.recovery_period_in_days.map(u32::try_from).transpose().ok().flatten();
    if wanted.recovery_period_in_days.is_some() && !days.is_some_and(|days| DAYS.contains(&days)) {
        return Err(Error::validation("RecoveryPeriodInDays must be between 1 and 35"));
    }
    let change = move |tx: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
        table.history = match (wanted.point_in_time_recovery_enabled, table.history.take()) {
            (true, Some(history)) => Some(History { days: days.unwrap_or(history.days), ..history }),
            (true, None) => {
                Some(History { place: next_number(tx)?, since: tx.now(), days: days.unwrap_or(*DAYS.end()) })
            }
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

pub(super) fn check_policy(policy: &str) -> Result<(), Error> {
    let document = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(policy);
    let is_one = document.is_ok_and(|document| document.contains_key("Statement"));
    match policy.len() > POLICY_BYTES || !is_one {
        true => Err(Error::validation("Invalid policy document: it must be JSON of at most 20 KB")),
        false => Ok(()),
    }
}

pub(super) async fn put_policy(state: State, context: RequestContext, input: PutPolicy) -> Result<PolicyOutput, Error> {
    check_policy(&input.policy)?;
    let now = state.clock.now().0;
    let PutPolicy { resource_arn, policy, expected_revision_id } = input;
    let arn = resource_arn.clone();
    let change = move |_: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        let place = policy_of(table, key, &arn)?;
        check_revision(place.as_ref(), expected_revision_id.as_deref())?;
        // Two policies within a millisecond are two revisions.
        let last = place.as_ref().and_then(|(_, revision)| revision.parse::<i64>().ok());
        let revision = last.map_or(now, |last| now.max(last.saturating_add(1))).to_string();
        *place = Some((policy.clone(), revision.clone()));
        Ok(PolicyOutput { policy: None, revision_id: Some(revision) })
    };
    of_resource(&state, &context, &resource_arn, change).await
}

/// Where the policy is of what `arn` names: the table, or the last stream that it had.
fn policy_of<'t>(table: &'t mut Table, key: &TableKey, arn: &str) -> Result<&'t mut Option<(String, String)>, Error> {
    if *key.arn().as_str() == *arn {
        return Ok(&mut table.policy);
    }
    let stream = table.last_stream.as_ref().map(|label| key.resource_arn(&format!("/stream/{label}")));
    match stream.is_some_and(|stream| *stream.as_str() == *arn) {
        true => Ok(&mut table.stream_policy),
        false => Err(Error::no_resource()),
    }
}

fn check_revision(kept: Option<&(String, String)>, expected: Option<&str>) -> Result<(), Error> {
    let is_as_expected = match expected {
        None => true,
        Some("NO_POLICY") => kept.is_none(),
        Some(revision) => kept.is_some_and(|(_, kept)| kept == revision),
    };
    if is_as_expected {
        return Ok(());
    }
    Err(Error::NoPolicy("The specified revision ID does not match the revision of the policy that is there".into()))
}

fn no_policy(arn: &str) -> Error {
    Error::NoPolicy(format!("Resource-based policy not found for the provided ResourceArn: {arn}"))
}

pub(super) async fn get_policy(state: State, context: RequestContext, input: OfPolicy) -> Result<PolicyOutput, Error> {
    let arn = input.resource_arn;
    let key = address::resource(&context, &arn)?;
    let table = state.describe(&key);
    let kept = table.and_then(|table| policy_of(&mut Arc::unwrap_or_clone(table), &key, &arn).cloned());
    let (policy, revision) = kept.map_err(|error| no_resource(error, &arn))?.ok_or_else(|| no_policy(&arn))?;
    Ok(PolicyOutput { policy: Some(policy), revision_id: Some(revision) })
}

pub(super) async fn delete_policy(
    state: State,
    context: RequestContext,
    input: OfPolicy,
) -> Result<PolicyOutput, Error> {
    let OfPolicy { resource_arn, expected_revision_id } = input;
    let arn = resource_arn.clone();
    let change = move |_: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        let place = policy_of(table, key, &arn)?;
        check_revision(place.as_ref(), expected_revision_id.as_deref())?;
        Ok(PolicyOutput { policy: None, revision_id: place.take().map(|(_, revision)| revision) })
    };
    of_resource(&state, &context, &resource_arn, change).await
}
