//! Handlers for contributor insights, which are switched on and off, and show nothing.

use super::address;
use super::shapes::settings::{InsightsDescribed, InsightsInput, InsightsList, InsightsOutput};
use super::transfers::{read_token, token};
use crate::schema::{Index, Insights, Phase, Table, TableKey};
use crate::{Error, Tables, registry};
use fogbank_model::{RequestContext, Timestamp};
use fogbank_store::Tx;
use std::sync::Arc;

type State = Arc<Tables>;

/// Entries that one page has at most.
const PAGE: usize = 100;
const MODE: &str = "ACCESSED_AND_THROTTLED_KEYS";

/// Only global indexes have insights of their own.
fn check_index(table: &Table, key: &TableKey, name: Option<&str>) -> Result<(), Error> {
    match name.filter(|name| table.global_index(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(Error::NotFound(format!(
            "Requested resource not found: Index: {name} not found for table: {}",
            key.name
        ))),
    }
}

fn check_active(table: &Table, name: Option<&str>) -> Result<(), Error> {
    let is_filling = |index: &Index| matches!(index.phase, Phase::Filling(_));
    match name.and_then(|name| table.index(name)).is_some_and(is_filling) {
        false => Ok(()),
        true => Err(Error::validation(
            "Table or Index is not in a valid state to update Key Access Insights: IndexStatus must be ACTIVE to enable \
             ContributorInsights.",
        )),
    }
}

/// Switches insights of `place`, an index's name or nothing, on or off, and answers what is said of them then.
fn switch(
    table: &mut Table,
    place: Option<&str>,
    is_on: bool,
    mode: &str,
    now: Timestamp,
) -> Result<&'static str, Error> {
    let kept = table.insights_of.get(place.unwrap_or_default()).cloned();
    let running = kept.as_ref().filter(|insights| !insights.is_off);
    let (status, changed) = match (is_on, running) {
        (true, Some(running)) if running.mode == mode => return Ok("ENABLED"),
        (false, None) => return Ok("DISABLED"),
        (true, running) => {
            check_active(table, place)?;
            // Rules that stay keep their names.
            let since = running.map_or(now, |running| running.since);
            ("ENABLING", Insights { since, mode: mode.to_owned(), changed: Some(now), is_off: false })
        }
        (false, Some(running)) => ("DISABLING", Insights { changed: Some(now), is_off: true, ..running.clone() }),
    };
    table.insights_of.insert(place.unwrap_or_default().to_owned(), changed);
    Ok(status)
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    input: InsightsInput,
) -> Result<InsightsOutput, Error> {
    let key = address::table(&context, input.table_name.as_deref().unwrap_or_default())?;
    let is_on = input.contributor_insights_action == "ENABLE";
    let mode = input.contributor_insights_mode.unwrap_or_else(|| MODE.into());
    let index = input.index_name;
    let change = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        let place = index.as_deref();
        check_index(table, key, place)?;
        let contributor_insights_status = switch(table, place, is_on, &mode, tx.now())?;
        let kept = table.insights_of.get(place.unwrap_or_default());
        Ok(InsightsOutput {
            table_name: key.name.clone(),
            index_name: index.clone(),
            contributor_insights_status,
            contributor_insights_mode: kept.map(|kept| kept.mode.clone()),
        })
    };
    state.alter(key, change).await
}

/// The names of the rules that there are for a key: what is accessed most, and what is throttled most.
fn rules(table: &Table, key: &TableKey, index: Option<&str>, insights: &Insights) -> Vec<String> {
    let keys = index.and_then(|name| table.index(name)).map_or(&table.keys, |index| &index.keys);
    let name = index.map_or_else(|| key.name.clone(), |index| format!("{}-{index}", key.name));
    let parts = ["PK", "SK"].into_iter().take(keys.attributes().count());
    let kinds = if insights.mode == MODE { &["C", "T"][..] } else { &["T"] };
    let rule = |part: &str, kind: &str| format!("DynamoDBContributorInsights-{part}{kind}-{name}-{}", insights.since.0);
    parts.flat_map(|part| kinds.iter().map(move |kind| rule(part, kind))).collect()
}

pub(super) async fn describe(
    state: State,
    context: RequestContext,
    input: InsightsInput,
) -> Result<InsightsDescribed, Error> {
    let key = address::table(&context, input.table_name.as_deref().unwrap_or_default())?;
    let table = state.describe(&key)?;
    let index = input.index_name.as_deref();
    check_index(&table, &key, index)?;
    // What was switched off is still said to have been there.
    let kept = table.insights_of.get(index.unwrap_or_default());
    let running = kept.filter(|insights| !insights.is_off);
    Ok(InsightsDescribed {
        contributor_insights_rule_list: running.map(|insights| rules(&table, &key, index, insights)),
        last_update_date_time: kept.map(|insights| insights.changed.unwrap_or(insights.since).0),
        shown: InsightsOutput {
            table_name: key.name,
            index_name: input.index_name,
            contributor_insights_status: if running.is_some() { "ENABLED" } else { "DISABLED" },
            contributor_insights_mode: kept.map(|insights| insights.mode.clone()),
        },
    })
}

pub(super) async fn list(state: State, context: RequestContext, input: InsightsInput) -> Result<InsightsList, Error> {
    let asked = input.table_name.as_deref().map(|name| address::table(&context, name)).transpose()?;
    asked.as_ref().map(|key| state.describe(key)).transpose()?;
    let all = state.store.read(|snapshot| registry::tables_of(snapshot, &context.account, &context.region))?;
    let mut summaries = Vec::new();
    for (key, table) in all.into_iter().filter(|(key, _)| asked.as_ref().is_none_or(|asked| asked == key)) {
        let running = table.insights_of.into_iter().filter(|(_, insights)| !insights.is_off);
        summaries.extend(running.map(|(index, insights)| InsightsOutput {
            table_name: key.name.clone(),
            index_name: Some(index).filter(|index| !index.is_empty()),
            contributor_insights_status: "ENABLED",
            contributor_insights_mode: Some(insights.mode),
        }));
    }
    let limit = input.max_results.filter(|limit| *limit > 0).unwrap_or(PAGE);
    let after = input.next_token.as_deref().map(read_token).transpose()?.unwrap_or_default();
    summaries.retain(|one| after.is_empty() || place(one) > after);
    summaries.sort_by_cached_key(place);
    let is_more = summaries.len() > limit;
    summaries.truncate(limit);
    let next_token = summaries.last().filter(|_| is_more).map(|last| token(&place(last)));
    Ok(InsightsList { contributor_insights_summaries: summaries, next_token })
}

/// Where an entry is in the list: behind its table, in the order of its indexes.
fn place(one: &InsightsOutput) -> String {
    format!("{}/{}", one.table_name, one.index_name.as_deref().unwrap_or_default())
}
