//! Handlers for global tables. The platform has one region's tables only, so a global table is one that has its own region as its replica.

use super::address;
use super::shapes::global::{
    GlobalDescribed, GlobalDescription, GlobalList, GlobalTable, ListGlobals, MakeGlobal, OfGlobal, Replica,
    ReplicaShown, ReplicaUpdate, UpdateGlobal,
};
use crate::schema::{Table, TableKey};
use crate::{Error, Tables, registry};
use fogbank_model::RequestContext;
use fogbank_store::Tx;
use std::sync::Arc;

type State = Arc<Tables>;

const PAGE: usize = 100;

pub(super) fn no_global(name: &str) -> Error {
    Error::Other("GlobalTableNotFoundException", format!("Global table with name: '{name}' does not exist."))
}

pub(super) fn no_replica(region: &str, name: &str) -> Error {
    Error::Other(
        "ReplicaNotFoundException",
        format!("Replica in region {region} does not exist for global table {name}"),
    )
}

fn other_region(region: &str) -> Error {
    Error::validation(format!(
        "Replicas in other regions are not supported: {region} is not the region of the table, and the platform does not replicate"
    ))
}

fn shown(key: &TableKey, table: &Table) -> Option<GlobalDescription> {
    let since = table.global_since?;
    Some(GlobalDescription {
        replication_group: vec![ReplicaShown { region_name: key.region.to_string(), replica_status: "ACTIVE" }],
        global_table_arn: format!("arn:aws:dynamodb::{}:global-table/{}", key.account, key.name),
        creation_date_time: since.0,
        global_table_status: "ACTIVE",
        global_table_name: key.name.clone(),
    })
}

pub(super) fn find(state: &Tables, context: &RequestContext, name: &str) -> Result<(TableKey, Arc<Table>), Error> {
    let key = address::table(context, name)?;
    let table = state.describe(&key).map_err(|_| no_global(name))?;
    if table.global_since.is_some() { Ok((key, table)) } else { Err(no_global(name)) }
}

pub(super) async fn create(state: State, context: RequestContext, input: MakeGlobal) -> Result<GlobalDescribed, Error> {
    let key = address::table(&context, &input.global_table_name)?;
    let other = input.replication_group.iter().find(|one| one.region_name != key.region.as_str());
    if let Some(other) = other {
        return Err(other_region(&other.region_name));
    }
    let name = key.name.clone();
    let make = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        if table.global_since.is_some() {
            return Err(Error::Other(
                "GlobalTableAlreadyExistsException",
                format!("Global table with name: '{}' already exists.", key.name),
            ));
        }
        table.global_since = Some(tx.now());
        shown(key, table).ok_or_else(|| no_global(&key.name))
    };
    let made = state.alter(key, make).await.map_err(|error| match error {
        Error::NotFound(_) => Error::NoTable(format!("Table not found: {name}")),
        other => other,
    })?;
    Ok(GlobalDescribed { global_table_description: made })
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfGlobal) -> Result<GlobalDescribed, Error> {
    let found = find(&state, &context, &input.global_table_name);
    let (key, table) = found.map_err(|error| match error {
        Error::Other(code, why) => Error::Other(code, format!("Global table not found: {why}")),
        other => other,
    })?;
    let shown = shown(&key, &table).ok_or_else(|| no_global(&key.name))?;
    Ok(GlobalDescribed { global_table_description: shown })
}

pub(super) async fn list(state: State, context: RequestContext, input: ListGlobals) -> Result<GlobalList, Error> {
    let all = state.store.read(|snapshot| registry::tables_of(snapshot, &context.account, &context.region))?;
    let after = input.exclusive_start_global_table_name.unwrap_or_default();
    let is_here = input.region_name.is_none_or(|region| region == context.region.as_str());
    let is_asked = |(key, table): &(TableKey, Table)| is_here && table.global_since.is_some() && key.name > after;
    let mut names: Vec<String> = all.into_iter().filter(is_asked).map(|(key, _)| key.name).collect();
    let limit = input.limit.unwrap_or(PAGE);
    let is_more = names.len() > limit;
    names.truncate(limit);
    let last = names.last().filter(|_| is_more).cloned();
    let replica = || Replica { region_name: context.region.to_string() };
    let global = |name| GlobalTable { global_table_name: name, replication_group: vec![replica()] };
    Ok(GlobalList { global_tables: names.into_iter().map(global).collect(), last_evaluated_global_table_name: last })
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    input: UpdateGlobal,
) -> Result<GlobalDescribed, Error> {
    let says_nothing = |update: &ReplicaUpdate| update.create.is_none() && update.delete.is_none();
    if input.replica_updates.iter().all(says_nothing) {
        return Err(Error::validation("One or more parameter values were invalid"));
    }
    let (key, _) = find(&state, &context, &input.global_table_name)?;
    for update in &input.replica_updates {
        let own = key.region.as_str();
        match (&update.create, &update.delete) {
            (Some(new), _) if new.region_name == own => {
                return Err(Error::Other(
                    "ReplicaAlreadyExistsException",
                    format!(
                        "Failed to create a the new replica of table with name: '{}' because one or more replicas already existed as tables.",
                        key.name
                    ),
                ));
            }
            (Some(new), _) => return Err(other_region(&new.region_name)),
            (None, Some(old)) if old.region_name != own => {
                return Err(no_replica(&old.region_name, &key.name));
            }
            (None, Some(_)) => {
                return Err(Error::validation(
                    "The last replica of a global table cannot be removed: delete the table",
                ));
            }
            (None, None) => {}
        }
    }
    describe(state, context, OfGlobal { global_table_name: input.global_table_name }).await
}
