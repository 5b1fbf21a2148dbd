//! Structures of operations on Kinesis streams that changes go to.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Configuration {
    pub approximate_creation_date_time_precision: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DestinationChange {
    pub table_name: String,
    pub stream_arn: String,
    pub enable_kinesis_streaming_configuration: Option<Configuration>,
    pub update_kinesis_streaming_configuration: Option<Configuration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DestinationChanged {
    pub table_name: String,
    pub stream_arn: String,
    pub destination_status: &'static str,
    pub enable_kinesis_streaming_configuration: Option<Configuration>,
    pub update_kinesis_streaming_configuration: Option<Configuration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DestinationsDescribed {
    pub table_name: String,
    pub kinesis_data_stream_destinations: Vec<DestinationShown>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DestinationShown {
    pub stream_arn: String,
    pub destination_status: &'static str,
    pub destination_status_description: Option<String>,
    pub approximate_creation_date_time_precision: Option<&'static str>,
}
