//! Structures of operations on exports and imports.

use super::items::Names;
use super::tables::{
    AttributeDefinition, IndexInput, KeySchemaElement, OnDemandThroughput, ProvisionedThroughput, SseSpecification,
};
use super::unsupported::Unsupported;
use crate::value::Item;
use fogbank_wire::Value;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExportTable {
    pub table_arn: String,
    pub export_time: Option<i64>,
    pub client_token: Option<String>,
    #[serde(rename = "S3Bucket")]
    pub bucket: String,
    #[serde(rename = "S3BucketOwner")]
    pub owner: Option<String>,
    #[serde(rename = "S3Prefix")]
    pub prefix: Option<String>,
    #[serde(rename = "S3SseAlgorithm")]
    pub encryption: Option<String>,
    #[serde(rename = "S3SseKmsKeyId")]
    pub encryption_key: Option<String>,
    pub export_format: Option<String>,
    pub export_type: Option<String>,
    pub incremental_export_specification: Option<IncrementalExport>,
    pub filter_specification: Option<FilterSpecification>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FilterSpecification {
    pub filter_expression: Option<String>,
    pub projection_expression: Option<String>,
    pub key_condition_expression: Option<String>,
    pub expression_attribute_names: Names,
    pub expression_attribute_values: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownFilter {
    pub filter_expression: Option<String>,
    pub projection_expression: Option<String>,
    pub key_condition_expression: Option<String>,
    pub expression_attribute_names: Names,
    pub expression_attribute_values: Option<Item>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IncrementalExport {
    pub export_from_time: Option<i64>,
    pub export_to_time: Option<i64>,
    pub export_view_type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExportDescribed {
    pub export_description: ExportDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExportDescription {
    pub export_arn: String,
    pub export_status: &'static str,
    pub start_time: i64,
    pub end_time: Option<i64>,
    pub export_manifest: Option<String>,
    pub table_arn: String,
    pub table_id: String,
    pub export_time: Option<i64>,
    pub client_token: Option<String>,
    #[serde(rename = "S3Bucket")]
    pub bucket: String,
    #[serde(rename = "S3BucketOwner")]
    pub owner: Option<String>,
    #[serde(rename = "S3Prefix")]
    pub prefix: Option<String>,
    #[serde(rename = "S3SseAlgorithm")]
    pub encryption: String,
    #[serde(rename = "S3SseKmsKeyId")]
    pub encryption_key: Option<String>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub export_format: &'static str,
    pub export_type: Option<&'static str>,
    pub incremental_export_specification: Option<IncrementalExport>,
    pub filter_specification: Option<ShownFilter>,
    pub billed_size_bytes: Option<u64>,
    pub item_count: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OfExport {
    pub export_arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListTransfers {
    pub table_arn: Option<String>,
    pub max_results: Option<usize>,
    pub page_size: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExportList {
    pub export_summaries: Vec<ExportSummary>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExportSummary {
    pub export_arn: String,
    pub export_status: &'static str,
    pub export_type: &'static str,
}

/// An import as it is asked for; kept as it is, because it is shown again.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImportTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    #[serde(rename = "S3BucketSource")]
    pub source: BucketSource,
    pub input_format: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_format_options: Option<FormatOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_compression_type: Option<String>,
    pub table_creation_parameters: TableParameters,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct BucketSource {
    #[serde(rename = "S3BucketOwner")]
    pub owner: Option<String>,
    #[serde(rename = "S3Bucket")]
    pub bucket: String,
    #[serde(rename = "S3KeyPrefix")]
    pub prefix: Option<String>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FormatOptions {
    pub csv: Option<CsvOptions>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsvOptions {
    pub delimiter: Option<String>,
    pub header_list: Option<Vec<String>>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TableParameters {
    pub table_name: String,
    pub attribute_definitions: Vec<AttributeDefinition>,
    pub key_schema: Vec<KeySchemaElement>,
    pub billing_mode: Option<String>,
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    pub on_demand_throughput: Option<OnDemandThroughput>,
    #[serde(rename = "SSESpecification")]
    pub encryption: Option<SseSpecification>,
    pub global_secondary_indexes: Option<Vec<IndexInput>>,
    #[serde(skip_serializing)]
    pub vector_indexes: Unsupported,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportDescribed {
    pub import_table_description: ImportDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportDescription {
    #[serde(flatten)]
    pub asked: ImportTable,
    pub import_arn: String,
    #[serde(rename = "CloudWatchLogGroupArn")]
    pub log_group: String,
    pub import_status: &'static str,
    pub table_arn: String,
    pub table_id: String,
    pub error_count: u64,
    pub start_time: i64,
    pub end_time: Option<i64>,
    pub processed_size_bytes: u64,
    pub processed_item_count: u64,
    pub imported_item_count: u64,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OfImport {
    pub import_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportList {
    pub import_summary_list: Vec<ImportSummary>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportSummary {
    pub import_arn: String,
    #[serde(rename = "CloudWatchLogGroupArn")]
    pub log_group: String,
    pub import_status: &'static str,
    pub table_arn: String,
    #[serde(rename = "S3BucketSource")]
    pub source: BucketSource,
    pub input_format: String,
    pub start_time: i64,
    pub end_time: Option<i64>,
}
