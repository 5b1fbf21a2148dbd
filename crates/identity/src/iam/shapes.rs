//! IAM's structures, as far as the operations here read and write them.

use crate::aws_managed::AwsManaged;
use crate::model;
use crate::page::Page;
use fogbank_model::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer of operations that have nothing to say.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// IAM hands documents out percent-encoded (RFC 3986).
pub(crate) fn encoded(document: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(document, RESERVED).to_string()
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

/// The tags as a map; a later one wins.
pub(crate) fn tag_map(tags: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// The tags as a list, or nothing if there are none.
pub(crate) fn tag_list(tags: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    let list: Vec<Tag> = tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
    (!list.is_empty()).then_some(list)
}

/// The members that every listing reads. (`flatten` would lose the integers' type, so listings repeat them.)
pub(crate) fn page(marker: Option<String>, max_items: Option<i64>) -> Page {
    Page { marker, max_items }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Role {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: Timestamp,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: i64,
    tags: Option<Vec<Tag>>,
}

impl From<model::Role> for Role {
    fn from(role: model::Role) -> Self {
        Self {
            tags: tag_list(&role.tags),
            path: role.path,
            role_name: role.name,
            role_id: role.id,
            arn: role.arn.to_string(),
            create_date: role.created,
            assume_role_policy_document: encoded(&role.trust),
            description: role.description,
            max_session_duration: role.longest_session,
        }
    }
}

impl Role {
    /// As listings have it: without tags.
    pub fn listed(role: model::Role) -> Self {
        Self { tags: None, ..role.into() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct User {
    path: String,
    user_name: Option<String>,
    user_id: String,
    arn: String,
    create_date: Timestamp,
    tags: Option<Vec<Tag>>,
}

impl User {
    /// The account itself, as `GetUser` shows it to its root.
    pub fn root(account: &fogbank_model::AccountId) -> Self {
        Self {
            path: "/".into(),
            user_name: None,
            user_id: account.to_string(),
            arn: fogbank_model::Arn::global("iam", account, "root").to_string(),
            create_date: Timestamp(0),
            tags: None,
        }
    }

    pub fn listed(user: model::User) -> Self {
        Self { tags: None, ..user.into() }
    }
}

impl From<model::User> for User {
    fn from(user: model::User) -> Self {
        Self {
            tags: tag_list(&user.tags),
            path: user.path,
            user_name: Some(user.name),
            user_id: user.id,
            arn: user.arn.to_string(),
            create_date: user.created,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Policy {
    pub policy_name: String,
    policy_id: Option<String>,
    pub arn: String,
    pub path: String,
    default_version_id: String,
    pub attachment_count: i64,
    permissions_boundary_usage_count: i64,
    is_attachable: bool,
    description: Option<String>,
    create_date: Option<Timestamp>,
    update_date: Option<Timestamp>,
    tags: Option<Vec<Tag>>,
}

impl Policy {
    pub fn own(policy: model::Policy, attachments: usize) -> Self {
        Self {
            tags: tag_list(&policy.tags),
            policy_name: policy.name,
            policy_id: Some(policy.id),
            arn: policy.arn.to_string(),
            path: policy.path,
            default_version_id: format!("v{}", policy.default),
            attachment_count: i64::try_from(attachments).unwrap_or(i64::MAX),
            permissions_boundary_usage_count: 0,
            is_attachable: true,
            description: policy.description,
            create_date: Some(policy.created),
            update_date: Some(policy.updated),
        }
    }

    pub fn of_aws(policy: &AwsManaged, attachments: usize) -> Self {
        Self {
            policy_name: policy.name().into(),
            policy_id: None,
            arn: policy.arn(),
            path: policy.folder().into(),
            default_version_id: "v1".into(),
            attachment_count: i64::try_from(attachments).unwrap_or(i64::MAX),
            permissions_boundary_usage_count: 0,
            is_attachable: true,
            description: Some(policy.description.into()),
            create_date: None,
            update_date: None,
            tags: None,
        }
    }

    /// As listings have it: without description and tags.
    pub fn listed(self) -> Self {
        Self { description: None, tags: None, ..self }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyVersion {
    document: Option<String>,
    version_id: String,
    is_default_version: bool,
    create_date: Option<Timestamp>,
}

impl PolicyVersion {
    /// With its document.
    pub fn whole(version: &model::PolicyVersion, default: u32) -> Self {
        Self { document: Some(encoded(&version.document)), ..Self::listed(version, default) }
    }

    pub fn listed(version: &model::PolicyVersion, default: u32) -> Self {
        Self {
            document: None,
            version_id: format!("v{}", version.number),
            is_default_version: version.number == default,
            create_date: Some(version.created),
        }
    }

    pub fn of_aws(policy: &AwsManaged) -> Self {
        let document = Some(encoded(&policy.document()));
        Self { document, version_id: "v1".into(), is_default_version: true, create_date: None }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedPolicy {
    pub policy_name: String,
    pub policy_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AccessKey {
    user_name: String,
    access_key_id: String,
    status: &'static str,
    /// Told once, when the key is made.
    secret_access_key: Option<String>,
    create_date: Timestamp,
}

impl AccessKey {
    pub fn new(key: model::AccessKey) -> Self {
        Self { secret_access_key: Some(key.secret.clone()), ..Self::listed(key) }
    }

    pub fn listed(key: model::AccessKey) -> Self {
        Self {
            user_name: key.user.map(|user| user.name).unwrap_or_default(),
            access_key_id: key.id,
            status: if key.active { "Active" } else { "Inactive" },
            secret_access_key: None,
            create_date: key.created,
        }
    }
}
