//! Structures of operations on items. Attribute values are read by the operation, which says where a wrong one was.

use crate::capacity::Taken;
use crate::expression::legacy::{AttributeUpdate, Expectation};
use crate::schema::IndexKind;
use crate::value::{AttributeValue, Item};
use fogbank_wire::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub type Names = Option<BTreeMap<String, String>>;
pub type Expectations = Option<BTreeMap<String, Expectation>>;

/// `PutItem`, which has an item, and `DeleteItem`, which has a key.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReplaceItem {
    pub table_name: String,
    pub item: Value,
    pub key: Value,
    pub expected: Expectations,
    pub conditional_operator: Option<String>,
    pub condition_expression: Option<String>,
    pub expression_attribute_names: Names,
    pub expression_attribute_values: Option<Value>,
    pub return_values: Option<String>,
    pub return_consumed_capacity: Option<String>,
    pub return_item_collection_metrics: Option<String>,
    pub return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateItem {
    pub table_name: String,
    pub key: Value,
    pub attribute_updates: Option<BTreeMap<String, AttributeUpdate>>,
    pub expected: Expectations,
    pub conditional_operator: Option<String>,
    pub update_expression: Option<String>,
    pub condition_expression: Option<String>,
    pub expression_attribute_names: Names,
    pub expression_attribute_values: Option<Value>,
    pub return_values: Option<String>,
    pub return_consumed_capacity: Option<String>,
    pub return_item_collection_metrics: Option<String>,
    pub return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetItem {
    pub table_name: String,
    pub key: Value,
    pub attributes_to_get: Option<Vec<String>>,
    pub consistent_read: bool,
    pub projection_expression: Option<String>,
    pub expression_attribute_names: Names,
    pub return_consumed_capacity: Option<String>,
}

/// What a write answers.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Changed {
    pub attributes: Option<Item>,
    pub consumed_capacity: Option<Capacity>,
    pub item_collection_metrics: Option<CollectionMetrics>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Got {
    pub item: Option<Item>,
    pub consumed_capacity: Option<Capacity>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CollectionMetrics {
    pub item_collection_key: BTreeMap<String, AttributeValue>,
    #[serde(rename = "SizeEstimateRangeGB")]
    pub size_estimate_range_gb: [f64; 2],
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Capacity {
    pub table_name: String,
    pub capacity_units: f64,
    pub read_capacity_units: Option<f64>,
    pub write_capacity_units: Option<f64>,
    pub table: Option<Units>,
    pub local_secondary_indexes: Option<BTreeMap<String, Units>>,
    pub global_secondary_indexes: Option<BTreeMap<String, Units>>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Units {
    pub capacity_units: f64,
    pub read_capacity_units: Option<f64>,
    pub write_capacity_units: Option<f64>,
}

impl Capacity {
    /// What `taken` looks like for who asked for `wanted`: `INDEXES`, `TOTAL` or nothing. In transactions reads and writes are named.
    pub fn of(table: &str, taken: &Taken, wanted: Option<&str>, names_kind: bool) -> Option<Self> {
        let is_detailed = match wanted {
            Some("INDEXES") => true,
            Some("TOTAL") => false,
            _ => return None,
        };
        let named = |units: f64, is_write: bool| (names_kind && taken.is_write == is_write).then_some(units);
        let units = |units: f64| Units {
            capacity_units: units,
            read_capacity_units: named(units, false),
            write_capacity_units: named(units, true),
        };
        let of_kind = |kind: IndexKind| {
            let all = taken.indexes.iter().filter(|(_, (of, _))| *of == kind);
            let all: BTreeMap<_, _> = all.map(|(name, (_, taken))| (name.clone(), units(*taken))).collect();
            (is_detailed && !all.is_empty()).then_some(all)
        };
        let total = taken.total();
        Some(Self {
            table_name: table.to_owned(),
            capacity_units: total,
            read_capacity_units: named(total, false),
            write_capacity_units: named(total, true),
            table: is_detailed.then(|| units(taken.table)),
            local_secondary_indexes: of_kind(IndexKind::Local),
            global_secondary_indexes: of_kind(IndexKind::Global),
        })
    }

    /// The same of several operations, for each table once.
    pub fn of_all<'a>(
        taken: impl Iterator<Item = (&'a String, Taken)>,
        wanted: Option<&str>,
        names_kind: bool,
    ) -> Option<Vec<Self>> {
        let mut by_table: BTreeMap<&str, Taken> = BTreeMap::new();
        taken.for_each(|(table, taken)| by_table.entry(table).or_default().add(&taken));
        let all = by_table.into_iter().filter_map(|(table, taken)| Self::of(table, &taken, wanted, names_kind));
        Some(all.collect::<Vec<_>>()).filter(|all| !all.is_empty())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BatchGet {
    pub request_items: BTreeMap<String, KeysAndAttributes>,
    pub return_consumed_capacity: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeysAndAttributes {
    pub keys: Vec<Value>,
    pub attributes_to_get: Option<Vec<String>>,
    pub consistent_read: bool,
    pub projection_expression: Option<String>,
    pub expression_attribute_names: Names,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchGot {
    pub responses: BTreeMap<String, Vec<Item>>,
    pub unprocessed_keys: BTreeMap<String, Unprocessed>,
    pub consumed_capacity: Option<Vec<Capacity>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Unprocessed {
    pub keys: Vec<Item>,
    pub attributes_to_get: Option<Vec<String>>,
    pub consistent_read: bool,
    pub projection_expression: Option<String>,
    pub expression_attribute_names: Names,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BatchWrite {
    pub request_items: BTreeMap<String, Vec<WriteRequest>>,
    pub return_consumed_capacity: Option<String>,
    pub return_item_collection_metrics: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WriteRequest {
    pub put_request: Option<PutRequest>,
    pub delete_request: Option<DeleteRequest>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PutRequest {
    pub item: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeleteRequest {
    pub key: Value,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchWritten {
    pub unprocessed_items: BTreeMap<String, Vec<Item>>,
    pub item_collection_metrics: Option<BTreeMap<String, Vec<CollectionMetrics>>>,
    pub consumed_capacity: Option<Vec<Capacity>>,
}

/// The input of `Query` and of `Scan`; each has some of the members alone.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SearchInput {
    pub table_name: String,
    pub index_name: Option<String>,
    pub select: Option<String>,
    pub attributes_to_get: Option<Vec<String>>,
    pub limit: Option<usize>,
    pub consistent_read: bool,
    pub key_conditions: Expectations,
    pub query_filter: Expectations,
    pub scan_filter: Expectations,
    pub conditional_operator: Option<String>,
    pub scan_index_forward: Option<bool>,
    pub total_segments: Option<u64>,
    pub segment: Option<u64>,
    pub exclusive_start_key: Option<Value>,
    pub return_consumed_capacity: Option<String>,
    pub projection_expression: Option<String>,
    pub filter_expression: Option<String>,
    pub key_condition_expression: Option<String>,
    pub expression_attribute_names: Names,
    pub expression_attribute_values: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Found {
    pub items: Option<Vec<Item>>,
    pub count: usize,
    pub scanned_count: usize,
    pub last_evaluated_key: Option<Item>,
    pub consumed_capacity: Option<Capacity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TransactWrite {
    pub transact_items: Vec<TransactWriteItem>,
    pub return_consumed_capacity: Option<String>,
    pub return_item_collection_metrics: Option<String>,
    pub client_request_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TransactWriteItem {
    pub condition_check: Option<TransactPart>,
    pub put: Option<TransactPart>,
    pub delete: Option<TransactPart>,
    pub update: Option<TransactPart>,
}

/// Any of a transaction's parts: each has some of the members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TransactPart {
    pub table_name: String,
    pub item: Value,
    pub key: Value,
    pub update_expression: Option<String>,
    pub condition_expression: Option<String>,
    pub expression_attribute_names: Names,
    pub expression_attribute_values: Option<Value>,
    pub return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Transacted {
    pub consumed_capacity: Option<Vec<Capacity>>,
    pub item_collection_metrics: Option<BTreeMap<String, Vec<CollectionMetrics>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TransactGet {
    pub transact_items: Vec<TransactGetItem>,
    pub return_consumed_capacity: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TransactGetItem {
    pub get: GetPart,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetPart {
    pub table_name: String,
    pub key: Value,
    pub projection_expression: Option<String>,
    pub expression_attribute_names: Names,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactGot {
    pub responses: Vec<ItemResponse>,
    pub consumed_capacity: Option<Vec<Capacity>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItemResponse {
    pub item: Option<Item>,
}
