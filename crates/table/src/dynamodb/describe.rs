//! A table as `DescribeTable` shows it.

use super::shapes::tables::{
    AttributeDefinition, BillingModeSummary, Description, IndexDescription, KeySchemaElement, ProjectionShape,
    RestoreSummary, SseDescription, StreamSpecification, TableClassSummary, ThroughputDescription, WarmThroughput,
};
use crate::schema::{Adjusted, Index, IndexKind, Phase, Table, TableKey, Throughput};
use crate::update::IndexCapacity;
use crate::{Error, IndexWish, Tables, Wish, warm};
use fogbank_model::Timestamp;

/// The status of a table that is being made.
pub(super) const CREATING: &str = "CREATING";
const UPDATING: &str = "UPDATING";

/// What is said of a table that is being deleted: `DeleteTable` has neither its keys nor its indexes.
pub(super) fn farewell(state: &Tables, key: &TableKey, table: &Table) -> Result<Description, Error> {
    Ok(Description {
        attribute_definitions: None,
        key_schema: None,
        creation_date_time: None,
        local_secondary_indexes: None,
        global_secondary_indexes: None,
        warm_throughput: None,
        ..description(state, key, table, Some("DELETING"))?
    })
}

/// `table` as `UpdateTable` shows it, which has just changed it as `wish` says; `before` is what it was. What takes a while on AWS is shown as
/// it was, and said to be `UPDATING`.
pub(super) fn updated(
    state: &Tables,
    key: &TableKey,
    (before, table): (&Table, &Table),
    wish: &Wish,
) -> Result<Description, Error> {
    let mut shown = description(state, key, table, None)?;
    if wish.is_slow() {
        shown.table_status = UPDATING;
    }
    let is_switched = before.is_on_demand() != table.is_on_demand();
    if wish.throughput.is_some() && !is_switched {
        shown.provisioned_throughput = units_before(state, before.throughput, before.adjusted, table.adjusted);
    }
    if let Some(billing) = &mut shown.billing_mode_summary {
        billing.last_update_to_pay_per_request_date_time = before.last_on_demand.map(|at| at.0);
    }
    if let Some(asked) = wish.on_demand {
        shown.on_demand_throughput = Some(asked.or(table.on_demand).into());
    }
    shown.warm_throughput = Some(warm_before(before.throughput, before.warm, wish.warm.is_some()));
    shown.table_class_summary = class(before);
    if wish.encryption.is_some() {
        shown.encryption = Some(SseDescription { status: UPDATING, ..encryption(before).unwrap_or_default() });
    }
    let mut indexes = shown.global_secondary_indexes.take().unwrap_or_default();
    for one in &wish.indexes {
        if let (IndexWish::Delete(_), Some(index)) = (one, before.index(one.name())) {
            indexes.push(index_description(state, key, index, Some("DELETING"))?);
        }
        for shown in indexes.iter_mut().filter(|index| index.index_name == *one.name()) {
            match (one, before.index(one.name()), table.index(one.name())) {
                (IndexWish::Create(_), ..) => {
                    shown.index_status = Some(CREATING);
                    shown.backfilling = Some(false);
                }
                (IndexWish::Update(_, asked), Some(before), Some(index)) => {
                    index_updated(state, shown, (before, index), asked, is_switched);
                }
                _ => {}
            }
        }
    }
    shown.global_secondary_indexes = (!indexes.is_empty()).then_some(indexes);
    Ok(shown)
}

fn index_updated(
    state: &Tables,
    shown: &mut IndexDescription,
    (before, index): (&Index, &Index),
    asked: &IndexCapacity,
    is_switched: bool,
) {
    if asked.throughput.is_some() || asked.on_demand.is_some() {
        shown.index_status = Some(UPDATING);
    }
    if asked.throughput.is_some() && !is_switched {
        let units = units_before(state, before.throughput, before.adjusted, index.adjusted);
        shown.provisioned_throughput = Some(units);
    }
    if let Some(asked) = asked.on_demand {
        shown.on_demand_throughput = Some(asked.or(index.on_demand).into());
    }
    shown.warm_throughput = Some(warm_before(before.throughput, before.warm, asked.warm.is_some()));
}

/// Units as they were, with the times of the change.
fn units_before(state: &Tables, before: Throughput, was: Adjusted, is: Adjusted) -> ThroughputDescription {
    let now = state.clock.now();
    units(before, Adjusted { decreases: was.decreases_on(now), ..is }, now)
}

fn warm_before(throughput: Throughput, kept: Option<Throughput>, is_asked: bool) -> WarmThroughput {
    WarmThroughput { status: if is_asked { UPDATING } else { "ACTIVE" }, ..warm(throughput, kept) }
}

/// `table` with its counts. `status` is what the operation that asks makes of it; else it is active.
pub(super) fn description(
    state: &Tables,
    key: &TableKey,
    table: &Table,
    status: Option<&'static str>,
) -> Result<Description, Error> {
    let (item_count, table_size_bytes) = match status {
        Some(CREATING) => (0, 0),
        _ => state.counted(table.place)?,
    };
    let stream = table.stream.as_ref().map(|stream| StreamSpecification {
        stream_enabled: true,
        stream_view_type: Some(stream.view.as_str().to_owned()),
    });
    // Once it is whole, nothing tells a table that was restored from others.
    let is_restoring = table.loading.is_some() || status == Some(CREATING);
    let restored = table.restored.as_ref().filter(|_| is_restoring).map(|(backup, table, at)| RestoreSummary {
        source_backup_arn: backup.clone(),
        source_table_arn: table.clone(),
        restore_date_time: at.0,
        restore_in_progress: true,
    });
    let attribute = |one: &crate::schema::KeyAttribute| AttributeDefinition {
        attribute_name: one.name.clone(),
        attribute_type: one.kind.as_str().to_owned(),
    };
    let mut attributes: Vec<_> = table.attributes.iter().collect();
    attributes.sort_by_key(|attribute| &attribute.name);
    Ok(Description {
        attribute_definitions: Some(attributes.into_iter().map(attribute).collect()),
        table_name: key.name.clone(),
        key_schema: Some(KeySchemaElement::of(&table.keys)),
        table_status: match (status, &table.loading) {
            (Some(status), _) => status,
            (None, Some(_)) => "CREATING",
            (None, None) => "ACTIVE",
        },
        creation_date_time: Some(table.created.0),
        provisioned_throughput: units(table.throughput, table.adjusted, state.clock.now()),
        table_size_bytes,
        item_count,
        table_arn: key.arn().to_string(),
        table_id: table.id.clone(),
        billing_mode_summary: billing_mode(table, status == Some(CREATING)),
        local_secondary_indexes: indexes(state, key, table, IndexKind::Local, status)?,
        global_secondary_indexes: indexes(state, key, table, IndexKind::Global, status)?,
        stream_specification: stream,
        latest_stream_label: table.last_stream.clone(),
        latest_stream_arn: table
            .last_stream
            .as_ref()
            .map(|label| key.resource_arn(&format!("/stream/{label}")).to_string()),
        encryption: encryption(table),
        table_class_summary: class(table),
        deletion_protection_enabled: table.is_protected,
        on_demand_throughput: table.on_demand.map(Into::into),
        warm_throughput: Some(warm(table.throughput, table.warm)),
        restore_summary: restored,
        global_table_version: table.global_since.map(|_| "2017.11.29"),
    })
}

pub(super) fn encryption(table: &Table) -> Option<SseDescription> {
    let key = table.encryption.as_ref()?.key.clone();
    Some(SseDescription { status: "ENABLED", sse_type: Some("KMS"), key: Some(key) })
}

pub(super) fn class(table: &Table) -> Option<TableClassSummary> {
    let last_update_date_time = table.class_since.map(|at| at.0);
    table.class.clone().map(|table_class| TableClassSummary { table_class, last_update_date_time })
}

pub(super) fn billing_mode(table: &Table, is_new: bool) -> Option<BillingModeSummary> {
    table.shows_billing.then(|| BillingModeSummary {
        billing_mode: if table.is_on_demand() { "PAY_PER_REQUEST" } else { "PROVISIONED" },
        // While a table is being made, it has not changed to anything yet.
        last_update_to_pay_per_request_date_time: table.last_on_demand.filter(|_| !is_new).map(|at| at.0),
    })
}

fn units(throughput: Throughput, adjusted: Adjusted, now: Timestamp) -> ThroughputDescription {
    ThroughputDescription {
        last_increase_date_time: adjusted.increased.map(|at| at.0),
        last_decrease_date_time: adjusted.decreased.map(|at| at.0),
        number_of_decreases_today: adjusted.decreases_on(now),
        read_capacity_units: throughput.read,
        write_capacity_units: throughput.write,
    }
}

fn warm(throughput: Throughput, kept: Option<Throughput>) -> WarmThroughput {
    let shown = warm::warm(throughput, kept);
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

pub(super) fn index_status(index: &Index) -> &'static str {
    match index.phase {
        Phase::Filling(_) => CREATING,
        Phase::Active => "ACTIVE",
    }
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
    let index_status = status.unwrap_or(index_status(index));
    Ok(IndexDescription {
        index_name: index.name.clone(),
        key_schema: KeySchemaElement::of(&index.keys),
        projection: ProjectionShape::of(&index.projection),
        index_status: is_global.then_some(index_status),
        backfilling: is_filling.then_some(true),
        provisioned_throughput: is_global.then(|| units(index.throughput, index.adjusted, state.clock.now())),
        on_demand_throughput: index.on_demand.map(Into::into),
        warm_throughput: (is_global && status != Some(CREATING)).then(|| warm(index.throughput, index.warm)),
        index_size_bytes,
        item_count,
        index_arn: key.resource_arn(&format!("/index/{}", index.name)).to_string(),
    })
}
