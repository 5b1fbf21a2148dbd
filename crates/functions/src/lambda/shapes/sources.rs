//! Shapes of event source mappings.

use super::Anything;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct MappingInput {
    #[serde(rename = "UUID")]
    pub uuid: String,
    pub event_source_arn: Option<String>,
    pub function_name: Option<String>,
    pub enabled: Option<bool>,
    pub batch_size: Option<u32>,
    pub maximum_batching_window_in_seconds: Option<u32>,
    pub filter_criteria: Option<FilterCriteria>,
    pub function_response_types: Option<Vec<String>>,
    pub scaling_config: Option<ScalingConfig>,
    pub tags: Option<BTreeMap<String, String>>,
    pub destination_config: Option<super::DestinationConfig>,
    pub parallelization_factor: Option<u32>,
    pub starting_position: Option<String>,
    /// Milliseconds.
    pub starting_position_timestamp: Option<i64>,
    pub bisect_batch_on_function_error: Option<bool>,
    pub maximum_record_age_in_seconds: Option<i64>,
    pub maximum_retry_attempts: Option<i64>,
    pub tumbling_window_in_seconds: Option<u32>,
    pub topics: Option<Anything>,
    pub queues: Option<Anything>,
    pub self_managed_event_source: Option<Anything>,
    pub source_access_configurations: Option<Anything>,
    pub amazon_managed_kafka_event_source_config: Option<Anything>,
    pub self_managed_kafka_event_source_config: Option<Anything>,
    #[serde(rename = "DocumentDBEventSourceConfig")]
    pub document_db_event_source_config: Option<Anything>,
    pub metrics_config: Option<Anything>,
    pub logging_config: Option<Anything>,
    pub provisioned_poller_config: Option<Anything>,
    #[serde(rename = "KMSKeyArn")]
    pub kms_key_arn: Option<String>,
}

#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct FilterCriteria {
    pub filters: Vec<Filter>,
}

#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct ScalingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_concurrency: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct MappingOutput {
    #[serde(rename = "UUID")]
    pub uuid: String,
    pub event_source_mapping_arn: String,
    pub event_source_arn: String,
    pub function_arn: String,
    #[serde(flatten)]
    pub stream: Option<StreamMembers>,
    pub batch_size: u32,
    pub maximum_batching_window_in_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_criteria: Option<FilterCriteria>,
    pub function_response_types: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_config: Option<ScalingConfig>,
    /// Milliseconds.
    pub last_modified: i64,
    /// For SQS, AWS says nothing of it; here it says what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_processing_result: Option<String>,
    pub state: &'static str,
    pub state_transition_reason: &'static str,
}

/// What is shown of a stream's mapping only.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct StreamMembers {
    pub starting_position: &'static str,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_position_timestamp: Option<i64>,
    pub parallelization_factor: u32,
    pub bisect_batch_on_function_error: bool,
    /// -1 for as many as it takes.
    pub maximum_retry_attempts: i64,
    /// -1 for none.
    pub maximum_record_age_in_seconds: i64,
    pub tumbling_window_in_seconds: u32,
    pub destination_config: FailureDestination,
}

/// `{"OnFailure": {…}}`: of an event source mapping nothing is told of successes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct FailureDestination {
    pub on_failure: super::Destination,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::lambda) struct ListMappingsOutput {
    pub event_source_mappings: Vec<MappingOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::lambda) struct ListMappings {
    pub event_source_arn: Option<String>,
    pub function_name: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<u32>,
}
