//! Handlers for tables.

use super::address;
use super::describe::{CREATING, description, farewell, updated};
use super::shapes::tables::{
    AttributeDefinition, CreateTable, IndexUpdate, ListTables, ListTablesOutput, OfTable, SseSpecification,
    StreamSpecification, TableChanged, TableDescribed, UpdateTable,
};
use super::shapes::unsupported::{NO_VECTORS, ONE_REGION};
use crate::policy::Policy;
use crate::schema::{Encryption, OnDemand, View};
use crate::{Draft, Error, IndexWish, Tables, Warm, Wish, registry};
use fogbank_model::RequestContext;
use fogbank_wire::{Shown, Violation, violations_message};
use sha2::{Digest, Sha256};
use std::sync::Arc;

type State = Arc<Tables>;

/// Names that one page of `ListTables` has at most.
const PAGE: usize = 100;

pub(super) async fn create(state: State, context: RequestContext, input: CreateTable) -> Result<TableChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    let draft = draft(&context, input)?;
    let is_warmed = draft.warm.is_some_and(|warm| warm.is_given());
    state.create(key.clone(), draft).await?;
    let table = state.describe(&key)?;
    let mut shown = description(&state, &key, &table, Some(CREATING))?;
    shown.warm_throughput = shown.warm_throughput.filter(|_| is_warmed);
    shown.warm_throughput.iter_mut().for_each(|warm| warm.status = "UPDATING");
    Ok(TableChanged { table_description: shown })
}

/// What a table cannot be made without; the model lets it be absent for replicas, of which there are none here.
fn check_given(input: &CreateTable) -> Result<(), Error> {
    if input.global_table_source_arn.is_some() {
        return Err(Error::validation("Replicas are not supported: the platform has one region's tables only"));
    }
    input.global_table_settings_replication_mode.refuse("GlobalTableSettingsReplicationMode", ONE_REGION)?;
    input.vector_indexes.refuse("VectorIndexes", NO_VECTORS)?;
    let members =
        [("attributeDefinitions", input.attribute_definitions.is_none()), ("keySchema", input.key_schema.is_none())];
    let absent = |(member, is_absent): (&str, bool)| {
        let (path, value) = (member.to_owned(), Shown::Missing);
        is_absent.then(|| Violation { path, value, constraint: "Member must not be null".into() })
    };
    let violations: Vec<Violation> = members.into_iter().filter_map(absent).collect();
    if violations.is_empty() { Ok(()) } else { Err(Error::validation(violations_message(&violations))) }
}

fn draft(context: &RequestContext, input: CreateTable) -> Result<Draft, Error> {
    check_given(&input)?;
    let policy = input.resource_policy.as_deref().map(|text| Policy::read(text, false)).transpose()?;
    Ok(Draft {
        attributes: input.attribute_definitions.into_iter().flatten().map(definition).collect(),
        keys: input.key_schema.into_iter().flatten().map(|one| (one.attribute_name, one.key_type)).collect(),
        local: input.local_secondary_indexes.map(|all| all.into_iter().map(Into::into).collect()),
        global: input.global_secondary_indexes.map(|all| all.into_iter().map(Into::into).collect()),
        billing: input.billing_mode,
        throughput: input.provisioned_throughput.map(Into::into),
        on_demand: input.on_demand_throughput.map(Into::into),
        warm: input.warm_throughput.map(Into::into),
        stream: input.stream_specification.map(new_stream).transpose()?.flatten(),
        encryption: input.encryption.map(|given| encryption(context, given)).transpose()?.flatten(),
        class: input.table_class,
        is_protected: input.deletion_protection_enabled,
        tags: input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        policy: policy.map(|policy| policy.text()),
    })
}

pub(super) fn definition(given: AttributeDefinition) -> (String, String) {
    (given.attribute_name, given.attribute_type)
}

fn new_stream(given: StreamSpecification) -> Result<Option<View>, Error> {
    view(given).map_err(|is_on| match is_on {
        true => Error::parameter("Table is being created with a stream enabled, UpdateViewType is required"),
        false => {
            Error::parameter("Table is being created with a stream disabled, UpdateViewType should not be specified")
        }
    })
}

fn stream(given: StreamSpecification) -> Result<Option<View>, Error> {
    view(given).map_err(|is_on| match is_on {
        true => Error::parameter("If stream is being enabled then UpdateViewType is required"),
        false => Error::parameter("If stream is being disabled, then UpdateViewType must not be specified"),
    })
}

/// The view of a stream that is to be, which is there if and only if the stream is; else whether the stream is.
fn view(given: StreamSpecification) -> Result<Option<View>, bool> {
    match (given.stream_enabled, given.stream_view_type) {
        (true, Some(view)) => Ok(View::of(&view)),
        (false, None) => Ok(None),
        (is_on, _) => Err(is_on),
    }
}

/// With a key that is not named, the account's own for tables is used.
pub(super) fn encryption(context: &RequestContext, given: SseSpecification) -> Result<Option<Encryption>, Error> {
    let is_on = given.enabled.unwrap_or(given.sse_type.is_some() || given.key.is_some());
    let wrong = match (is_on, given.sse_type.as_deref(), &given.key) {
        (false, Some(_), _) => "SSEType can not be specified if Enabled is false",
        (false, None, Some(_)) => "KMSMasterKeyId can not be specified if Enabled is false",
        (true, None, Some(_)) => "SSEType KMS is required if KMSMasterKeyId is specified",
        (true, Some("AES256"), _) => "SSEType AES256 is not supported",
        _ => {
            let key = given.key.filter(|key| key != OWN_ALIAS).unwrap_or_else(|| own_key(context));
            let key = match key.starts_with("arn:") {
                true => key,
                false if key.starts_with("alias/") => context.arn("kms", &key).to_string(),
                false => context.arn("kms", &format!("key/{key}")).to_string(),
            };
            return Ok(is_on.then_some(Encryption { key }));
        }
    };
    Err(Error::parameter(wrong))
}

/// What the key is called that AWS keeps for an account's tables.
const OWN_ALIAS: &str = "alias/aws/dynamodb";

/// The id of the key that AWS keeps for an account's tables in a region: always the same.
fn own_key(context: &RequestContext) -> String {
    let digest = Sha256::digest(format!("{}/{}/alias/aws/dynamodb", context.account, context.region));
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfTable) -> Result<TableDescribed, Error> {
    let key = address::table(&context, &input.table_name)?;
    let table = state.describe(&key)?;
    Ok(TableDescribed { table: description(&state, &key, &table, None)? })
}

pub(super) async fn update(state: State, context: RequestContext, input: UpdateTable) -> Result<TableChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    input.replica_updates.refuse("ReplicaUpdates", ONE_REGION)?;
    input.multi_region_consistency.refuse("MultiRegionConsistency", ONE_REGION)?;
    input.global_table_witness_updates.refuse("GlobalTableWitnessUpdates", ONE_REGION)?;
    input.global_table_settings_replication_mode.refuse("GlobalTableSettingsReplicationMode", ONE_REGION)?;
    input.disassociation_protection_enabled.refuse("DisassociationProtectionEnabled", ONE_REGION)?;
    input.vector_index_updates.refuse("VectorIndexUpdates", NO_VECTORS)?;
    let names_no_index = input.global_secondary_index_updates.as_ref().is_some_and(Vec::is_empty);
    let indexes: Result<Vec<_>, Error> =
        input.global_secondary_index_updates.into_iter().flatten().map(index_wish).collect();
    let names_key_arn =
        input.encryption.as_ref().and_then(|one| one.key.as_ref()).is_some_and(|key| key.starts_with("arn:"));
    let wish = Wish {
        attributes: input.attribute_definitions.map(|all| all.into_iter().map(definition).collect()),
        billing: input.billing_mode,
        throughput: input.provisioned_throughput.map(Into::into),
        on_demand: input.on_demand_throughput.map(Into::into).filter(OnDemand::is_given),
        warm: input.warm_throughput.map(Into::into).filter(Warm::is_given),
        indexes: indexes?,
        stream: input.stream_specification.map(stream).transpose()?,
        encryption: input.encryption.map(|given| encryption(&context, given)).transpose()?,
        names_key_arn,
        class: input.table_class,
        is_protected: input.deletion_protection_enabled,
    };
    // Where nothing else is asked for, that is what is said instead.
    if names_no_index && !wish.is_empty() {
        return Err(Error::parameter("List of GlobalSecondaryIndexUpdates is empty"));
    }
    let (before, after) = state.update(key.clone(), wish.clone()).await?;
    Ok(TableChanged { table_description: updated(&state, &key, (&before, &after), &wish)? })
}

fn index_wish(update: IndexUpdate) -> Result<IndexWish, Error> {
    match (update.create, update.update, update.delete) {
        (Some(index), None, None) => Ok(IndexWish::Create(index.into())),
        (None, Some(index), None) => {
            let capacity = index.capacity();
            if capacity.warm.is_some_and(|warm| !warm.is_given()) {
                return Err(Error::parameter(format!(
                    "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: {}",
                    index.index_name
                )));
            }
            Ok(IndexWish::Update(index.index_name, capacity))
        }
        (None, None, Some(index)) => Ok(IndexWish::Delete(index.index_name)),
        (None, None, None) => Err(Error::parameter(
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not \
             be null",
        )),
        _ => Err(Error::parameter(
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
        )),
    }
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfTable) -> Result<TableChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    let table = state.delete(key.clone()).await?;
    Ok(TableChanged { table_description: farewell(&state, &key, &table)? })
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
