//! A table as `DescribeTable` shows it.

use super::shapes::tables::{
    AttributeDefinition, BillingModeSummary, Description, IndexDescription, KeySchemaElement, ProjectionShape,
    RestoreSummary, SseDescription, StreamSpecification, TableClassSummary, WarmThroughput,
};
use crate::schema::{Index, IndexKind, Phase, Table, TableKey, Throughput};
use crate::{Error, Tables};

/// What a table without provisioned capacity is said to take at once.
const WARM: Throughput = Throughput { read: 12_000, write: 4_000 };

/// `table` with its counts. `status` is what the operation that asks makes of it; else it is active.
pub(super) fn description(
    state: &Tables,
    key: &TableKey,
    table: &Table,
    status: Option<&'static str>,
) -> Result<Description, Error> {
    let (item_count, table_size_bytes) = match status {
        Some("CREATING") => (0, 0),
        _ => state.counted(table.place)?,
    };
    let is_filling = table.indexes.iter().any(|index| matches!(index.phase, Phase::Filling(_)));
    let stream = table.stream.as_ref().map(|stream| StreamSpecification {
        stream_enabled: true,
        stream_view_type: Some(stream.view.as_str().to_owned()),
    });
    let billing = table.shows_billing.then(|| BillingModeSummary {
        billing_mode: if table.is_on_demand() { "PAY_PER_REQUEST" } else { "PROVISIONED" },
        last_update_to_pay_per_request_date_time: table.on_demand_since.map(|at| at.0),
    });
    let restoring = table.loading.is_some();
    let restored = table.restored.as_ref().map(|(backup, table, at)| RestoreSummary {
        source_backup_arn: backup.clone(),
        source_table_arn: table.clone(),
        restore_date_time: at.0,
        restore_in_progress: restoring,
    });
    let attribute = |one: &crate::schema::KeyAttribute| AttributeDefinition {
        attribute_name: one.name.clone(),
        attribute_type: one.kind.as_str().to_owned(),
    };
    Ok(Description {
        attribute_definitions: table.attributes.iter().map(attribute).collect(),
        table_name: key.name.clone(),
        key_schema: KeySchemaElement::of(&table.keys),
        table_status: match (status, &table.loading) {
            (Some(status), _) => status,
            (None, Some(_)) => "CREATING",
            (None, None) if is_filling => "UPDATING",
            (None, None) => "ACTIVE",
        },
        creation_date_time: table.created.0,
        provisioned_throughput: table.throughput.into(),
        table_size_bytes,
        item_count,
        table_arn: key.arn().to_string(),
        table_id: table.id.clone(),
        billing_mode_summary: billing,
        local_secondary_indexes: indexes(state, key, table, IndexKind::Local, status)?,
        global_secondary_indexes: indexes(state, key, table, IndexKind::Global, status)?,
        stream_specification: stream,
        latest_stream_label: table.last_stream.clone(),
        latest_stream_arn: table
            .last_stream
            .as_ref()
            .map(|label| key.resource_arn(&format!("/stream/{label}")).to_string()),
        encryption: encryption(table),
        table_class_summary: table.class.clone().map(|table_class| TableClassSummary { table_class }),
        deletion_protection_enabled: table.is_protected,
        on_demand_throughput: table.on_demand.map(Into::into),
        warm_throughput: warm(table.throughput),
        restore_summary: restored,
    })
}

pub(super) fn encryption(table: &Table) -> Option<SseDescription> {
    let key = table.encryption.as_ref()?.key.clone();
    Some(SseDescription { status: "ENABLED", sse_type: "KMS", key })
}

fn warm(throughput: Throughput) -> WarmThroughput {
    let shown = if throughput == Throughput::default() { WARM } else { throughput };
    WarmThroughput { read_units_per_second: shown.read, write_units_per_second: shown.write, status: "ACTIVE" }
}

fn indexes(
    state: &Tables,
    key: &TableKey,
    table: &Table,
    kind: IndexKind,
    status: Option<&'static str>,
) -> Result<Option<Vec<IndexDescription>>, Error> {
    let shown: Result<Vec<_>, Error> =
        table.indexes_of(kind).map(|index| index_description(state, key, index, status)).collect();
    let shown = shown?;
    Ok((!shown.is_empty()).then_some(shown))
}

fn index_description(
    state: &Tables,
    key: &TableKey,
    index: &Index,
    status: Option<&'static str>,
) -> Result<IndexDescription, Error> {
    let is_global = index.kind == IndexKind::Global;
    let is_filling = matches!(index.phase, Phase::Filling(_));
    let (item_count, index_size_bytes) = state.counted(index.place)?;
    let index_status = status.unwrap_or(if is_filling { "CREATING" } else { "ACTIVE" });
    Ok(IndexDescription {
        index_name: index.name.clone(),
        key_schema: KeySchemaElement::of(&index.keys),
        projection: ProjectionShape::of(&index.projection),
        index_status: is_global.then_some(index_status),
        backfilling: is_filling.then_some(true),
        provisioned_throughput: is_global.then(|| index.throughput.into()),
        on_demand_throughput: index.on_demand.map(Into::into),
        warm_throughput: is_global.then(|| warm(index.throughput)),
        index_size_bytes,
        item_count,
        index_arn: key.resource_arn(&format!("/index/{}", index.name)).to_string(),
    })
}
