//! Handlers for tables.

use super::address;
use super::describe::description;
use super::shapes::tables::{
    AttributeDefinition, CreateTable, IndexUpdate, ListTables, ListTablesOutput, OfTable, SseSpecification,
    StreamSpecification, TableChanged, TableDescribed, UpdateTable,
};
use crate::schema::{Encryption, View};
use crate::{Draft, Error, IndexWish, Tables, Wish, registry};
use fogbank_model::RequestContext;
use fogbank_wire::Value;
use std::sync::Arc;

type State = Arc<Tables>;

/// Names that one page of `ListTables` has at most.
const PAGE: usize = 100;

pub(super) async fn create(state: State, context: RequestContext, input: CreateTable) -> Result<TableChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    state.create(key.clone(), draft(&context, input)?).await?;
    let table = state.describe(&key)?;
    Ok(TableChanged { table_description: description(&state, &key, &table, Some("CREATING"))? })
}

fn draft(context: &RequestContext, input: CreateTable) -> Result<Draft, Error> {
    Ok(Draft {
        attributes: input.attribute_definitions.into_iter().map(definition).collect(),
        keys: input.key_schema.into_iter().map(|one| (one.attribute_name, one.key_type)).collect(),
        local: input.local_secondary_indexes.map(|all| all.into_iter().map(Into::into).collect()),
        global: input.global_secondary_indexes.map(|all| all.into_iter().map(Into::into).collect()),
        billing: input.billing_mode,
        throughput: input.provisioned_throughput.map(Into::into),
        on_demand: input.on_demand_throughput.map(Into::into),
        stream: input.stream_specification.map(stream).transpose()?.flatten(),
        encryption: input.encryption.and_then(|given| encryption(context, given)),
        class: input.table_class,
        is_protected: input.deletion_protection_enabled,
        tags: input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        policy: input.resource_policy,
    })
}

pub(super) fn definition(given: AttributeDefinition) -> (String, String) {
    (given.attribute_name, given.attribute_type)
}

fn stream(given: StreamSpecification) -> Result<Option<View>, Error> {
    match (given.stream_enabled, given.stream_view_type) {
        (true, Some(view)) => Ok(View::of(&view)),
        (true, None) => Err(Error::parameter("StreamViewType is required when StreamEnabled is true")),
        (false, Some(_)) => Err(Error::parameter("StreamViewType cannot be specified when StreamEnabled is false")),
        (false, None) => Ok(None),
    }
}

/// With a key that is not named, AWS's own is used.
pub(super) fn encryption(context: &RequestContext, given: SseSpecification) -> Option<Encryption> {
    let is_on = given.enabled.unwrap_or_default();
    let key = given.key.unwrap_or_else(|| "alias/aws/dynamodb".into());
    let key = match key.starts_with("arn:") {
        true => key,
        false if key.starts_with("alias/") => context.arn("kms", &key).to_string(),
        false => context.arn("kms", &format!("key/{key}")).to_string(),
    };
    is_on.then_some(Encryption { key })
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfTable) -> Result<TableDescribed, Error> {
    let key = address::table(&context, &input.table_name)?;
    let table = state.describe(&key)?;
    Ok(TableDescribed { table: description(&state, &key, &table, None)? })
}

pub(super) async fn update(state: State, context: RequestContext, input: UpdateTable) -> Result<TableChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    if input.replica_updates.is_some_and(|updates| updates != Value::Null) {
        return Err(Error::validation("Replicas are not supported: the platform has one region's tables only"));
    }
    let indexes: Result<Vec<_>, Error> = input.global_secondary_index_updates.into_iter().map(index_wish).collect();
    let wish = Wish {
        attributes: input.attribute_definitions.map(|all| all.into_iter().map(definition).collect()),
        billing: input.billing_mode,
        throughput: input.provisioned_throughput.map(Into::into),
        on_demand: input.on_demand_throughput.map(Into::into),
        indexes: indexes?,
        stream: input.stream_specification.map(stream).transpose()?,
        encryption: input.encryption.map(|given| encryption(&context, given)),
        class: input.table_class,
        is_protected: input.deletion_protection_enabled,
    };
    state.update(key.clone(), wish).await?;
    let table = state.describe(&key)?;
    Ok(TableChanged { table_description: description(&state, &key, &table, None)? })
}

fn index_wish(update: IndexUpdate) -> Result<IndexWish, Error> {
    match (update.create, update.update, update.delete) {
        (Some(index), None, None) => Ok(IndexWish::Create(index.into())),
        (None, Some(index), None) => Ok(IndexWish::Update(
            index.index_name,
            index.provisioned_throughput.map(Into::into),
            index.on_demand_throughput.map(Into::into),
        )),
        (None, None, Some(index)) => Ok(IndexWish::Delete(index.index_name)),
        _ => Err(Error::parameter(
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not \
             be null",
        )),
    }
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfTable) -> Result<TableChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    let table = state.delete(key.clone()).await?;
    Ok(TableChanged { table_description: description(&state, &key, &table, Some("DELETING"))? })
}

pub(super) async fn list(state: State, context: RequestContext, input: ListTables) -> Result<ListTablesOutput, Error> {
    let all = state.store.read(|snapshot| registry::tables_of(snapshot, &context.account, &context.region))?;
    let after = input.exclusive_start_table_name.unwrap_or_default();
    let limit = input.limit.unwrap_or(PAGE);
    let mut names: Vec<String> = all.into_iter().map(|(key, _)| key.name).filter(|name| *name > after).collect();
    let is_more = names.len() > limit;
    names.truncate(limit);
    let last = names.last().filter(|_| is_more).cloned();
    Ok(ListTablesOutput { table_names: names, last_evaluated_table_name: last })
}
