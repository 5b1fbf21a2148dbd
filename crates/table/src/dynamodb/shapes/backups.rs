//! Structures of operations on backups.

use super::settings::TimeToLiveDescription;
use super::tables::{
    Description, IndexInput, KeySchemaElement, OnDemandThroughput, ProjectionShape, ProvisionedThroughput,
    SseDescription, SseSpecification, StreamSpecification,
};
use super::unsupported::Unsupported;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateBackup {
    pub table_name: String,
    pub backup_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupCreated {
    pub backup_details: BackupDetails,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupDetails {
    pub backup_arn: String,
    pub backup_name: String,
    pub backup_size_bytes: u64,
    pub backup_status: &'static str,
    pub backup_type: &'static str,
    pub backup_creation_date_time: i64,
    pub backup_expiry_date_time: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OfBackup {
    pub backup_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupDescribed {
    pub backup_description: BackupDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupDescription {
    pub backup_details: BackupDetails,
    pub source_table_details: SourceTable,
    pub source_table_feature_details: SourceFeatures,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SourceTable {
    pub table_name: String,
    pub table_id: String,
    pub table_arn: String,
    pub table_size_bytes: u64,
    pub key_schema: Vec<KeySchemaElement>,
    pub table_creation_date_time: i64,
    pub provisioned_throughput: ProvisionedThroughput,
    pub on_demand_throughput: Option<OnDemandThroughput>,
    pub item_count: u64,
    pub billing_mode: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SourceFeatures {
    pub local_secondary_indexes: Option<Vec<SourceIndex>>,
    pub global_secondary_indexes: Option<Vec<SourceIndex>>,
    pub stream_description: Option<StreamSpecification>,
    pub time_to_live_description: Option<TimeToLiveDescription>,
    #[serde(rename = "SSEDescription")]
    pub encryption: Option<SseDescription>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SourceIndex {
    pub index_name: String,
    pub key_schema: Vec<KeySchemaElement>,
    pub projection: ProjectionShape,
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    pub on_demand_throughput: Option<OnDemandThroughput>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListBackups {
    pub table_name: Option<String>,
    pub limit: Option<usize>,
    pub time_range_lower_bound: Option<i64>,
    pub time_range_upper_bound: Option<i64>,
    pub exclusive_start_backup_arn: Option<String>,
    pub backup_type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupList {
    pub backup_summaries: Vec<BackupSummary>,
    pub last_evaluated_backup_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupSummary {
    pub table_name: String,
    pub table_id: String,
    pub table_arn: String,
    pub backup_arn: String,
    pub backup_name: String,
    pub backup_creation_date_time: i64,
    pub backup_expiry_date_time: Option<i64>,
    pub backup_status: &'static str,
    pub backup_type: &'static str,
    pub backup_size_bytes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Restore {
    pub target_table_name: String,
    pub backup_arn: String,
    pub source_table_name: Option<String>,
    pub source_table_arn: Option<String>,
    pub use_latest_restorable_time: bool,
    pub restore_date_time: Option<i64>,
    pub billing_mode_override: Option<String>,
    pub provisioned_throughput_override: Option<ProvisionedThroughput>,
    pub local_secondary_index_override: Option<Vec<IndexInput>>,
    pub global_secondary_index_override: Option<Vec<IndexInput>>,
    pub on_demand_throughput_override: Option<OnDemandThroughput>,
    pub vector_index_override: Unsupported,
    #[serde(rename = "SSESpecificationOverride")]
    pub encryption: Option<SseSpecification>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Restored {
    pub table_description: Description,
}
