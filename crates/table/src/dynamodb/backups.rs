//! Handlers for backups and what is made of them.

use super::describe::{CREATING, description};
use super::shapes::backups::{
    BackupCreated, BackupDescribed, BackupDescription, BackupDetails, BackupList, BackupSummary, CreateBackup,
    ListBackups, OfBackup, Restore, Restored, SourceFeatures, SourceIndex, SourceTable,
};
use super::shapes::settings::TimeToLiveDescription;
use super::shapes::tables::{KeySchemaElement, ProjectionShape, ProvisionedThroughput, StreamSpecification};
use super::shapes::unsupported::NO_VECTORS;
use super::{address, tables};
use crate::backup::{Backup, BackupKey, no_backup};
use crate::overrides::Overrides;
use crate::schema::{IndexKind, Table, TableKey, Throughput};
use crate::{Error, Tables};
use fogbank_model::{Arn, RequestContext, Timestamp};
use std::sync::Arc;

type State = Arc<Tables>;

const PAGE: usize = 100;

fn details(key: &BackupKey, backup: &Backup, status: &'static str) -> BackupDetails {
    BackupDetails {
        backup_arn: key.arn(),
        backup_name: backup.name.clone(),
        backup_size_bytes: backup.bytes,
        backup_status: status,
        backup_type: backup.kind(),
        backup_creation_date_time: backup.created.0,
        backup_expiry_date_time: backup.expires.map(|at| at.0),
    }
}

fn units(throughput: Throughput) -> ProvisionedThroughput {
    ProvisionedThroughput { read_capacity_units: throughput.read, write_capacity_units: throughput.write }
}

fn shown(key: &BackupKey, backup: &Backup, status: &'static str) -> BackupDescription {
    let table = &backup.table;
    let expiry = table.expiry.as_ref();
    BackupDescription {
        backup_details: details(key, backup, status),
        source_table_details: SourceTable {
            table_name: key.table.name.clone(),
            table_id: table.id.clone(),
            table_arn: key.table.arn().to_string(),
            table_size_bytes: backup.bytes,
            key_schema: KeySchemaElement::of(&table.keys),
            table_creation_date_time: table.created.0,
            provisioned_throughput: units(table.throughput),
            on_demand_throughput: table.on_demand.map(Into::into),
            item_count: backup.items,
            billing_mode: if table.is_on_demand() { "PAY_PER_REQUEST" } else { "PROVISIONED" },
        },
        source_table_feature_details: SourceFeatures {
            local_secondary_indexes: indexes(table, IndexKind::Local),
            global_secondary_indexes: indexes(table, IndexKind::Global),
            stream_description: table.stream.as_ref().map(|stream| StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some(stream.view.as_str().to_owned()),
            }),
            time_to_live_description: expiry.map(|expiry| TimeToLiveDescription {
                time_to_live_status: "ENABLED",
                attribute_name: Some(expiry.attribute.clone()),
            }),
            encryption: super::describe::encryption(table),
        },
    }
}

fn indexes(table: &Table, kind: IndexKind) -> Option<Vec<SourceIndex>> {
    let index = |index: &crate::schema::Index| SourceIndex {
        index_name: index.name.clone(),
        key_schema: KeySchemaElement::of(&index.keys),
        projection: ProjectionShape::of(&index.projection),
        provisioned_throughput: (kind == IndexKind::Global).then(|| units(index.throughput)),
        on_demand_throughput: index.on_demand.map(Into::into),
    };
    let all: Vec<_> = table.indexes_of(kind).map(index).collect();
    (!all.is_empty()).then_some(all)
}

pub(super) async fn create(state: State, context: RequestContext, input: CreateBackup) -> Result<BackupCreated, Error> {
    let table = address::table(&context, &input.table_name)?;
    let (key, backup) = state.back_up(table, input.backup_name).await?;
    Ok(BackupCreated { backup_details: details(&key, &backup, "CREATING") })
}

/// The backup that `arn` names, in the region that it names.
fn named(context: &RequestContext, arn: &str) -> Result<BackupKey, Error> {
    let parsed = arn.parse::<Arn>().ok().filter(|_| arn.contains("/backup/"));
    let parsed = parsed.ok_or_else(|| Error::validation("Invalid Backup ARN"))?;
    let is_ours = arn.starts_with("arn:aws:") && parsed.service() == "dynamodb";
    let key = BackupKey::of(arn).filter(|_| is_ours).ok_or_else(|| Error::request("BackupArn is not valid"))?;
    address::own(context, key.table.clone()).map(|_| key)
}

/// The backup that `arn` names; which region it names does not count, because it is looked for where it is asked for.
fn key(context: &RequestContext, arn: &str) -> Result<BackupKey, Error> {
    let named = named(context, arn)?;
    let table = address::named(context, &named.table.name);
    Ok(BackupKey { table, ..named })
}

/// What is asked for by an ARN is shown by it, as it was written.
fn as_asked(mut shown: BackupDescription, arn: String) -> BackupDescribed {
    shown.backup_details.backup_arn = arn;
    BackupDescribed { backup_description: shown }
}

fn missing(error: Error, arn: &str) -> Error {
    match error {
        Error::NoBackup(_) => no_backup(arn),
        other => other,
    }
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfBackup) -> Result<BackupDescribed, Error> {
    let key = key(&context, &input.backup_arn)?;
    let backup = state.backup(&key).map_err(|error| missing(error, &input.backup_arn))?;
    Ok(as_asked(shown(&key, &backup, "AVAILABLE"), input.backup_arn))
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfBackup) -> Result<BackupDescribed, Error> {
    let key = key(&context, &input.backup_arn)?;
    let backup = state.delete_backup(&key).await.map_err(|error| missing(error, &input.backup_arn))?;
    Ok(as_asked(shown(&key, &backup, "DELETED"), input.backup_arn))
}

pub(super) async fn list(state: State, context: RequestContext, input: ListBackups) -> Result<BackupList, Error> {
    let name = input.table_name.as_deref().map(|name| address::table(&context, name)).transpose()?;
    let bounds = input.time_range_lower_bound.zip(input.time_range_upper_bound);
    if bounds.is_some_and(|(lower, upper)| lower > upper) {
        return Err(Error::parameter("Time range lower bound must be less than or equal to upper bound"));
    }
    let after = input.exclusive_start_backup_arn.unwrap_or_default();
    if BackupKey::of(&after).is_some_and(|after| after.table.region != context.region) {
        return Err(Error::request("The supplied ExclusiveStartBackupArn does not match the region"));
    }
    let limit = input.limit.unwrap_or(PAGE);
    let is_asked = |(key, backup): &(BackupKey, Backup)| {
        let is_of_table = name.as_ref().is_none_or(|table| key.table == *table);
        let is_late = input.time_range_lower_bound.is_none_or(|from| backup.created.0 >= from);
        let is_early = input.time_range_upper_bound.is_none_or(|to| backup.created.0 < to);
        let is_of_kind =
            matches!(input.backup_type.as_deref().unwrap_or("USER"), kind if kind == "ALL" || kind == backup.kind());
        is_of_table && is_late && is_early && is_of_kind && key.arn() > after
    };
    let mut found: Vec<_> = state.backups(&context.account, &context.region)?.into_iter().filter(is_asked).collect();
    // Pages go on behind an ARN, and tables are not kept in the order of their ARNs.
    found.sort_by_cached_key(|(key, _)| key.arn());
    let is_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| is_more).map(|(key, _)| key.arn());
    Ok(BackupList {
        backup_summaries: found.iter().map(|(key, backup)| summary(key, backup)).collect(),
        last_evaluated_backup_arn: last,
    })
}

fn summary(key: &BackupKey, backup: &Backup) -> BackupSummary {
    BackupSummary {
        table_name: key.table.name.clone(),
        table_id: backup.table.id.clone(),
        table_arn: key.table.arn().to_string(),
        backup_arn: key.arn(),
        backup_name: backup.name.clone(),
        backup_creation_date_time: backup.created.0,
        backup_status: "AVAILABLE",
        backup_type: backup.kind(),
        backup_expiry_date_time: backup.expires.map(|at| at.0),
        backup_size_bytes: backup.bytes,
    }
}

fn overrides(context: &RequestContext, input: &Restore) -> Result<Overrides, Error> {
    let drafts = |indexes: &Option<Vec<super::shapes::tables::IndexInput>>| {
        indexes.as_ref().map(|all| all.iter().cloned().map(Into::into).collect())
    };
    input.vector_index_override.refuse("VectorIndexOverride", NO_VECTORS)?;
    Ok(Overrides {
        billing: input.billing_mode_override.clone(),
        throughput: input.provisioned_throughput_override.map(Into::into),
        on_demand: input.on_demand_throughput_override.map(Into::into),
        local: drafts(&input.local_secondary_index_override),
        global: drafts(&input.global_secondary_index_override),
        encryption: input.encryption.clone().map(|given| tables::encryption(context, given)).transpose()?,
    })
}

fn answer(state: &Tables, target: &TableKey) -> Result<Restored, Error> {
    let table = state.describe(target)?;
    Ok(Restored { table_description: description(state, target, &table, Some(CREATING))? })
}

fn check_region(context: &RequestContext, source: &TableKey, input: &Restore) -> Result<(), Error> {
    match source.region == context.region || input.encryption.is_some() {
        true => Ok(()),
        false => Err(Error::request("sseSpecificationOverride must be provided for cross-region restores")),
    }
}

pub(super) async fn restore(state: State, context: RequestContext, input: Restore) -> Result<Restored, Error> {
    let target = address::table(&context, &input.target_table_name)?;
    let key = named(&context, &input.backup_arn)?;
    check_region(&context, &key.table, &input)?;
    state.restore_backup(&key, target.clone(), overrides(&context, &input)?).await?;
    answer(&state, &target)
}

pub(super) async fn restore_past(state: State, context: RequestContext, input: Restore) -> Result<Restored, Error> {
    let target = address::table(&context, &input.target_table_name)?;
    let at = moment(&input)?;
    let source = source(&context, &input)?;
    check_region(&context, &source, &input)?;
    let restored = state.restore_past(source, target.clone(), at, overrides(&context, &input)?).await;
    restored.map_err(|error| match (error, &input.source_table_arn) {
        (Error::NoTable(_), Some(_)) => Error::NoTable("Table not found".into()),
        (other, _) => other,
    })?;
    answer(&state, &target)
}

/// The moment that is asked for; `None` for the latest one.
fn moment(input: &Restore) -> Result<Option<Timestamp>, Error> {
    match (input.use_latest_restorable_time, input.restore_date_time) {
        (true, None) => Ok(None),
        (false, Some(at)) => Ok(Some(Timestamp(at))),
        (true, Some(_)) => Err(Error::request(
            "Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore request. Please set one of them",
        )),
        (false, None) => Err(Error::request(
            "Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both",
        )),
    }
}

fn source(context: &RequestContext, input: &Restore) -> Result<TableKey, Error> {
    match (&input.source_table_name, &input.source_table_arn) {
        (Some(_), Some(_)) => Err(Error::validation("Must provide exactly one of: sourceTableArn, sourceTableName")),
        (None, None) => {
            Err(Error::validation("The parameter 'TableName' is required but was not present in the request"))
        }
        (Some(name), None) => address::table(context, name),
        (None, Some(arn)) => {
            let key = TableKey::of(arn).filter(|key| *key.arn().as_str() == **arn);
            let key = key.ok_or_else(|| Error::parameter("sourceTableArn is not a valid ARN"))?;
            address::own(context, key).map_err(|_| address::not_the_owner())
        }
    }
}
