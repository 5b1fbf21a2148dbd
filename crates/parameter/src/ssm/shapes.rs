//! Systems Manager's structures, with its member names. Times are milliseconds.

use crate::{Key, Version};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PutInput {
    pub name: String,
    pub value: String,
    pub r#type: Option<String>,
    pub description: Option<String>,
    pub allowed_pattern: Option<String>,
    pub tier: Option<String>,
    pub data_type: Option<String>,
    pub overwrite: bool,
    pub tags: Vec<Tag>,
    pub key_id: Option<String>,
    pub policies: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutOutput {
    pub version: u64,
    pub tier: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Named {
    pub name: String,
    pub names: Vec<String>,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListInput {
    pub path: String,
    pub recursive: bool,
    pub parameter_filters: Vec<Filter>,
    pub filters: Vec<Filter>,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Filter {
    pub key: String,
    pub option: Option<String>,
    pub values: Vec<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TagInput {
    pub resource_type: String,
    pub resource_id: String,
    pub tags: Vec<Tag>,
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagsOutput {
    pub tag_list: Vec<Tag>,
}

/// A parameter with its value, as `GetParameter` and its like answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ParameterView {
    pub name: String,
    pub r#type: String,
    pub value: String,
    pub version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    pub last_modified_date: i64,
    #[serde(rename = "ARN")]
    pub arn: String,
    pub data_type: String,
}

impl ParameterView {
    /// `version` of the parameter at `key`, which was asked for as `asked`.
    pub fn of(key: &Key, version: Version, asked: &str) -> Self {
        let selector = asked.strip_prefix(&key.name).filter(|selector| selector.starts_with(':'));
        Self {
            name: key.name.clone(),
            r#type: version.kind,
            value: version.value,
            version: version.number,
            selector: selector.map(str::to_owned),
            last_modified_date: version.modified.0,
            arn: key.arn().into(),
            data_type: version.data_type,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetOutput {
    pub parameter: ParameterView,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetSeveralOutput {
    pub parameters: Vec<ParameterView>,
    pub invalid_parameters: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeletedOutput {
    pub deleted_parameters: Vec<String>,
    pub invalid_parameters: Vec<String>,
}

/// A parameter as `DescribeParameters` shows it, and with its value as its history does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    pub name: String,
    #[serde(rename = "ARN", skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    pub r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    pub version: u64,
    pub last_modified_date: i64,
    pub last_modified_user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_pattern: Option<String>,
    pub tier: String,
    pub policies: [(); 0],
    pub data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<[(); 0]>,
}

impl Described {
    pub fn of(key: &Key, version: Version) -> Self {
        Self {
            name: key.name.clone(),
            arn: Some(key.arn().into()),
            r#type: version.kind,
            value: None,
            version: version.number,
            last_modified_date: version.modified.0,
            last_modified_user: version.by,
            description: version.description,
            allowed_pattern: version.allowed_pattern,
            tier: version.tier,
            policies: [],
            data_type: version.data_type,
            labels: None,
        }
    }

    pub fn past(key: &Key, version: Version) -> Self {
        let value = Some(version.value.clone());
        Self { arn: None, value, labels: Some([]), ..Self::of(key, version) }
    }
}

/// A page of what a list holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page<T> {
    pub parameters: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Empty {}
