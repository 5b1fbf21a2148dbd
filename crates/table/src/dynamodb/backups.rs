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
use crate::backup::{Backup, BackupKey};
use crate::overrides::Overrides;
use crate::schema::{IndexKind, Table, TableKey, Throughput};
use crate::{Error, Tables};
use fogbank_model::{RequestContext, Timestamp};
use std::sync::Arc;

type State = Arc<Tables>;

const PAGE: usize = 100;

fn details(key: &BackupKey, backup: &Backup, status: &'static str) -> BackupDetails {
    BackupDetails {
        backup_arn: key.arn(),
        backup_name: backup.name.clone(),
        backup_size_bytes: backup.bytes,
        backup_status: status,
        backup_type: "USER",
        backup_creation_date_time: backup.created.0,
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

/// The backup that `arn` names. Other accounts' are not there.
fn key(context: &RequestContext, arn: &str) -> Result<BackupKey, Error> {
    let key = BackupKey::of(arn).ok_or_else(|| Error::validation(format!("Invalid BackupArn: {arn}")))?;
    match key.table.account == context.account && key.table.region == context.region {
        true => Ok(key),
        false => Err(Error::NoBackup(format!("Backup not found: {arn}"))),
    }
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfBackup) -> Result<BackupDescribed, Error> {
    let key = key(&context, &input.backup_arn)?;
    Ok(BackupDescribed { backup_description: shown(&key, &state.backup(&key)?, "AVAILABLE") })
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfBackup) -> Result<BackupDescribed, Error> {
    let key = key(&context, &input.backup_arn)?;
    let backup = state.delete_backup(&key).await?;
    Ok(BackupDescribed { backup_description: shown(&key, &backup, "DELETED") })
}

pub(super) async fn list(state: State, context: RequestContext, input: ListBackups) -> Result<BackupList, Error> {
    let name = input.table_name.as_deref().map(|name| address::table(&context, name)).transpose()?;
    let after = input.exclusive_start_backup_arn.unwrap_or_default();
    let limit = input.limit.unwrap_or(PAGE);
    let is_asked = |(key, backup): &(BackupKey, Backup)| {
        let is_of_table = name.as_ref().is_none_or(|table| key.table == *table);
        let is_late = input.time_range_lower_bound.is_none_or(|from| backup.created.0 >= from);
        let is_early = input.time_range_upper_bound.is_none_or(|to| backup.created.0 < to);
        let is_users = input.backup_type.as_deref().is_none_or(|kind| matches!(kind, "USER" | "ALL"));
        is_of_table && is_late && is_early && is_users && key.arn() > after
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
        backup_type: "USER",
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

pub(super) async fn restore(state: State, context: RequestContext, input: Restore) -> Result<Restored, Error> {
    let target = address::table(&context, &input.target_table_name)?;
    let key = key(&context, &input.backup_arn)?;
    state.restore_backup(&key, target.clone(), overrides(&context, &input)?).await?;
    answer(&state, &target)
}

pub(super) async fn restore_past(state: State, context: RequestContext, input: Restore) -> Result<Restored, Error> {
    let target = address::table(&context, &input.target_table_name)?;
    let source = input.source_table_name.as_deref().or(input.source_table_arn.as_deref());
    let source = source.ok_or_else(|| Error::validation("SourceTableName or SourceTableArn must be specified"))?;
    let source = address::table(&context, source)?;
    let at = match (input.use_latest_restorable_time, input.restore_date_time) {
        (true, None) => None,
        (false, Some(at)) => Some(Timestamp(at)),
        _ => {
            return Err(Error::validation(
                "Exactly one of RestoreDateTime and UseLatestRestorableTime must be specified",
            ));
        }
    };
    state.restore_past(source, target.clone(), at, overrides(&context, &input)?).await?;
    answer(&state, &target)
}
