//! Handlers for contributor insights, which are switched on and off, and show nothing.

use super::address;
use super::shapes::settings::{InsightsDescribed, InsightsInput, InsightsList, InsightsOutput};
use super::transfers::{read_token, token};
use crate::schema::{Insights, Table, TableKey};
use crate::{Error, Tables, registry};
use fogbank_model::RequestContext;
use fogbank_store::Tx;
use std::sync::Arc;

type State = Arc<Tables>;

/// Entries that one page has at most.
const PAGE: usize = 100;
const MODE: &str = "ACCESSED_AND_THROTTLED_KEYS";

fn check_index(table: &Table, name: Option<&str>) -> Result<(), Error> {
    match name.is_none_or(|name| table.index(name).is_some()) {
        true => Ok(()),
        false => Err(Error::no_resource()),
    }
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    input: InsightsInput,
) -> Result<InsightsOutput, Error> {
    let key = address::table(&context, input.table_name.as_deref().unwrap_or_default())?;
    let is_on = input.contributor_insights_action == "ENABLE";
    let mode = input.contributor_insights_mode.unwrap_or_else(|| MODE.into());
    let (name, index) = (key.name.clone(), input.index_name.clone());
    let kept = mode.clone();
    let change = move |tx: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
        check_index(table, index.as_deref())?;
        let of = index.clone().unwrap_or_default();
        match is_on {
            true => drop(table.insights_of.insert(of, Insights { since: tx.now(), mode: kept.clone() })),
            false => drop(table.insights_of.remove(&of)),
        }
        Ok(())
    };
    state.alter(key, change).await?;
    Ok(InsightsOutput {
        table_name: name,
        index_name: input.index_name,
        contributor_insights_status: if is_on { "ENABLING" } else { "DISABLING" },
        contributor_insights_mode: is_on.then_some(mode),
    })
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
    check_index(&table, index)?;
    let insights = table.insights_of.get(index.unwrap_or_default());
    Ok(InsightsDescribed {
        contributor_insights_rule_list: insights.map(|insights| rules(&table, &key, index, insights)),
        last_update_date_time: insights.map(|insights| insights.since.0),
        shown: InsightsOutput {
            table_name: key.name,
            index_name: input.index_name,
            contributor_insights_status: if insights.is_some() { "ENABLED" } else { "DISABLED" },
            contributor_insights_mode: insights.map(|insights| insights.mode.clone()),
        },
    })
}

pub(super) async fn list(state: State, context: RequestContext, input: InsightsInput) -> Result<InsightsList, Error> {
    let asked = input.table_name.as_deref().map(|name| address::table(&context, name)).transpose()?;
    let all = state.store.read(|snapshot| registry::tables_of(snapshot, &context.account, &context.region))?;
    let mut summaries = Vec::new();
    for (key, table) in all.into_iter().filter(|(key, _)| asked.as_ref().is_none_or(|asked| asked == key)) {
        summaries.extend(table.insights_of.into_iter().map(|(index, insights)| InsightsOutput {
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
