//! Structures of operations on tables.

use super::unsupported::Unsupported;
use crate::create::IndexDraft;
use crate::schema::{KeyAttribute, KeySchema, OnDemand, Projection, Throughput};
use crate::update::IndexCapacity;
use crate::warm::Warm;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AttributeDefinition {
    pub attribute_name: String,
    pub attribute_type: String,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeySchemaElement {
    pub attribute_name: String,
    pub key_type: String,
}

impl KeySchemaElement {
    /// A key as the API shows it.
    pub fn of(keys: &KeySchema) -> Vec<Self> {
        let element = |attribute: &KeyAttribute, role: &str| Self {
            attribute_name: attribute.name.clone(),
            key_type: role.to_owned(),
        };
        let hash = keys.hash.attributes().map(|attribute| element(attribute, "HASH"));
        hash.chain(keys.ranges().map(|attribute| element(attribute, "RANGE"))).collect()
    }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProjectionShape {
    pub projection_type: Option<String>,
    pub non_key_attributes: Option<Vec<String>>,
}

impl ProjectionShape {
    pub fn of(projection: &Projection) -> Self {
        let (kind, included) = match projection {
            Projection::All => ("ALL", None),
            Projection::KeysOnly => ("KEYS_ONLY", None),
            Projection::Include(names) => ("INCLUDE", Some(sorted(names.clone()))),
        };
        Self { projection_type: Some(kind.into()), non_key_attributes: included }
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProvisionedThroughput {
    pub read_capacity_units: i64,
    pub write_capacity_units: i64,
}

impl From<ProvisionedThroughput> for Throughput {
    fn from(given: ProvisionedThroughput) -> Self {
        Self { read: given.read_capacity_units, write: given.write_capacity_units }
    }
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OnDemandThroughput {
    pub max_read_request_units: Option<i64>,
    pub max_write_request_units: Option<i64>,
}

impl From<OnDemandThroughput> for OnDemand {
    fn from(given: OnDemandThroughput) -> Self {
        Self { read: given.max_read_request_units, write: given.max_write_request_units }
    }
}

impl From<OnDemand> for OnDemandThroughput {
    fn from(kept: OnDemand) -> Self {
        Self { max_read_request_units: kept.read, max_write_request_units: kept.write }
    }
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WarmInput {
    pub read_units_per_second: Option<i64>,
    pub write_units_per_second: Option<i64>,
}

impl From<WarmInput> for Warm {
    fn from(given: WarmInput) -> Self {
        Self { read: given.read_units_per_second, write: given.write_units_per_second }
    }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StreamSpecification {
    pub stream_enabled: bool,
    pub stream_view_type: Option<String>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SseSpecification {
    pub enabled: Option<bool>,
    #[serde(rename = "SSEType")]
    pub sse_type: Option<String>,
    #[serde(rename = "KMSMasterKeyId")]
    pub key: Option<String>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IndexInput {
    pub index_name: String,
    pub key_schema: Vec<KeySchemaElement>,
    pub projection: ProjectionShape,
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    pub on_demand_throughput: Option<OnDemandThroughput>,
    pub warm_throughput: Option<WarmInput>,
}

impl IndexInput {
    /// What it is to take.
    pub fn capacity(&self) -> IndexCapacity {
        IndexCapacity {
            throughput: self.provisioned_throughput.map(Into::into),
            on_demand: self.on_demand_throughput.map(Into::into).filter(OnDemand::is_given),
            warm: self.warm_throughput.map(Into::into),
        }
    }
}

impl From<IndexInput> for IndexDraft {
    fn from(given: IndexInput) -> Self {
        Self {
            name: given.index_name,
            keys: given.key_schema.into_iter().map(|one| (one.attribute_name, one.key_type)).collect(),
            projection: given.projection.projection_type,
            included: given.projection.non_key_attributes,
            throughput: given.provisioned_throughput.map(Into::into),
            on_demand: given.on_demand_throughput.map(Into::into),
            warm: given.warm_throughput.map(Into::into),
        }
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateTable {
    pub table_name: String,
    pub attribute_definitions: Option<Vec<AttributeDefinition>>,
    pub key_schema: Option<Vec<KeySchemaElement>>,
    pub local_secondary_indexes: Option<Vec<IndexInput>>,
    pub global_secondary_indexes: Option<Vec<IndexInput>>,
    pub billing_mode: Option<String>,
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    pub on_demand_throughput: Option<OnDemandThroughput>,
    pub warm_throughput: Option<WarmInput>,
    pub stream_specification: Option<StreamSpecification>,
    #[serde(rename = "SSESpecification")]
    pub encryption: Option<SseSpecification>,
    pub tags: Vec<Tag>,
    pub table_class: Option<String>,
    pub deletion_protection_enabled: bool,
    pub resource_policy: Option<String>,
    pub global_table_source_arn: Option<String>,
    pub global_table_settings_replication_mode: Unsupported,
    pub vector_indexes: Unsupported,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateTable {
    pub table_name: String,
    pub attribute_definitions: Option<Vec<AttributeDefinition>>,
    pub billing_mode: Option<String>,
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    pub on_demand_throughput: Option<OnDemandThroughput>,
    pub warm_throughput: Option<WarmInput>,
    pub global_secondary_index_updates: Option<Vec<IndexUpdate>>,
    pub stream_specification: Option<StreamSpecification>,
    #[serde(rename = "SSESpecification")]
    pub encryption: Option<SseSpecification>,
    pub replica_updates: Unsupported,
    pub table_class: Option<String>,
    pub deletion_protection_enabled: Option<bool>,
    pub multi_region_consistency: Unsupported,
    pub global_table_witness_updates: Unsupported,
    pub global_table_settings_replication_mode: Unsupported,
    pub disassociation_protection_enabled: Unsupported,
    pub vector_index_updates: Unsupported,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IndexUpdate {
    pub create: Option<IndexInput>,
    pub update: Option<IndexInput>,
    pub delete: Option<IndexInput>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OfTable {
    pub table_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListTables {
    pub exclusive_start_table_name: Option<String>,
    pub limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTablesOutput {
    pub table_names: Vec<String>,
    pub last_evaluated_table_name: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct TableDescribed {
    #[serde(rename = "Table")]
    pub table: Description,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TableChanged {
    pub table_description: Description,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ThroughputDescription {
    pub last_increase_date_time: Option<i64>,
    pub last_decrease_date_time: Option<i64>,
    pub number_of_decreases_today: u32,
    pub read_capacity_units: i64,
    pub write_capacity_units: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BillingModeSummary {
    pub billing_mode: &'static str,
    pub last_update_to_pay_per_request_date_time: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct IndexDescription {
    pub index_name: String,
    pub key_schema: Vec<KeySchemaElement>,
    pub projection: ProjectionShape,
    pub index_status: Option<&'static str>,
    pub backfilling: Option<bool>,
    pub provisioned_throughput: Option<ThroughputDescription>,
    pub on_demand_throughput: Option<OnDemandThroughput>,
    pub warm_throughput: Option<WarmThroughput>,
    pub index_size_bytes: u64,
    pub item_count: u64,
    pub index_arn: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct WarmThroughput {
    pub read_units_per_second: i64,
    pub write_units_per_second: i64,
    pub status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Description {
    pub attribute_definitions: Option<Vec<AttributeDefinition>>,
    pub table_name: String,
    pub key_schema: Option<Vec<KeySchemaElement>>,
    pub table_status: &'static str,
    pub creation_date_time: Option<i64>,
    pub provisioned_throughput: ThroughputDescription,
    pub table_size_bytes: u64,
    pub item_count: u64,
    pub table_arn: String,
    pub table_id: String,
    pub billing_mode_summary: Option<BillingModeSummary>,
    pub local_secondary_indexes: Option<Vec<IndexDescription>>,
    pub global_secondary_indexes: Option<Vec<IndexDescription>>,
    pub stream_specification: Option<StreamSpecification>,
    pub latest_stream_label: Option<String>,
    pub latest_stream_arn: Option<String>,
    #[serde(rename = "SSEDescription")]
    pub encryption: Option<SseDescription>,
    pub table_class_summary: Option<TableClassSummary>,
    pub deletion_protection_enabled: bool,
    pub on_demand_throughput: Option<OnDemandThroughput>,
    pub warm_throughput: Option<WarmThroughput>,
    pub restore_summary: Option<RestoreSummary>,
    pub global_table_version: Option<&'static str>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SseDescription {
    pub status: &'static str,
    #[serde(rename = "SSEType")]
    pub sse_type: Option<&'static str>,
    #[serde(rename = "KMSMasterKeyArn")]
    pub key: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TableClassSummary {
    pub table_class: String,
    pub last_update_date_time: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RestoreSummary {
    pub source_backup_arn: Option<String>,
    pub source_table_arn: String,
    pub restore_date_time: i64,
    pub restore_in_progress: bool,
}
