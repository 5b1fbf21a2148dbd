//! Scheduler's structures, with its member names. Times are milliseconds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ScheduleInput {
    pub name: String,
    pub group_name: Option<String>,
    pub schedule_expression: String,
    pub schedule_expression_timezone: Option<String>,
    pub start_date: Option<i64>,
    pub end_date: Option<i64>,
    pub description: Option<String>,
    pub state: Option<String>,
    pub kms_key_arn: Option<String>,
    pub target: Value,
    pub flexible_time_window: Window,
    pub client_token: Option<String>,
    pub action_after_completion: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Window {
    pub mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_window_in_minutes: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleArn {
    pub schedule_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleOutput {
    pub arn: String,
    pub group_name: String,
    pub name: String,
    pub schedule_expression: String,
    pub schedule_expression_timezone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub state: &'static str,
    pub creation_date: i64,
    pub last_modification_date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<String>,
    pub target: Value,
    pub flexible_time_window: Window,
    pub action_after_completion: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Named {
    pub name: String,
    pub group_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListInput {
    pub group_name: Option<String>,
    pub name_prefix: Option<String>,
    pub state: Option<String>,
    pub next_token: Option<String>,
    pub max_results: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSchedulesOutput {
    pub schedules: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary {
    pub arn: String,
    pub name: String,
    pub group_name: String,
    pub state: &'static str,
    pub creation_date: i64,
    pub last_modification_date: i64,
    pub target: TargetSummary,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TargetSummary {
    pub arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GroupInput {
    pub name: String,
    pub tags: Vec<Tag>,
    pub client_token: Option<String>,
}

#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupArn {
    pub schedule_group_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupOutput {
    pub arn: String,
    pub name: String,
    pub state: &'static str,
    pub creation_date: i64,
    pub last_modification_date: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListGroupsOutput {
    pub schedule_groups: Vec<GroupOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TagInput {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagsOutput {
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
pub(super) struct Empty {}
