//! EventBridge's structures that several operations share, with its member names.

use crate::model::Tags;
use crate::page::Wanted;
use serde::{Deserialize, Serialize};

/// A structure without members.
#[derive(Debug, Serialize)]
pub(super) struct Empty {}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

pub(super) fn tags(list: Vec<Tag>) -> Tags {
    list.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub(super) fn tag_list(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

/// A request that names nothing but one thing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfName {
    pub name: String,
}

/// What every listing takes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Part {
    pub name_prefix: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<i64>,
}

impl Part {
    pub(super) fn wanted(self) -> Wanted {
        Wanted { prefix: self.name_prefix.unwrap_or_default(), limit: self.limit, token: self.next_token }
    }
}
