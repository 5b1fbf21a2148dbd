//! Operations on managed policies.

use super::shapes::{Empty, Policy, PolicyVersion, Tag, page, tag_map};
use crate::aws_managed::AwsManaged;
use crate::policies::{self, NewPolicy};
use crate::{Error, Identity, ids};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreatePolicy {
    policy_name: String,
    path: Option<String>,
    policy_document: String,
    description: Option<String>,
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OnePolicy {
    policy: Policy,
}

pub(crate) async fn create(
    identity: Arc<Identity>,
    context: RequestContext,
    input: CreatePolicy,
) -> Result<OnePolicy, Error> {
    let new = NewPolicy {
        id: ids::unique("ANPA", identity.clock.as_ref()),
        name: input.policy_name,
        path: input.path.unwrap_or_else(|| "/".into()),
        document: input.policy_document,
        description: input.description,
        tags: tag_map(input.tags),
    };
    let policy = identity.change(move |tx| policies::create(tx, &context.account, new.clone())).await?;
    Ok(OnePolicy { policy: Policy::own(policy, 0) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    policy_arn: String,
}

/// A policy of AWS's own cannot be changed.
fn refuse_aws_managed(arn: &str) -> Result<(), Error> {
    match AwsManaged::owns(arn) {
        true => Err(Error::AccessDenied(format!("{arn} is managed by AWS and cannot be changed."))),
        false => Ok(()),
    }
}

pub(crate) async fn get(identity: Arc<Identity>, context: RequestContext, input: Named) -> Result<OnePolicy, Error> {
    let arn = &input.policy_arn;
    identity.look(|state| {
        let attachments = policies::attached_to(state, &context.account, arn)?.len();
        let policy = match AwsManaged::find(arn) {
            Some(policy) => Policy::of_aws(policy, attachments),
            None => Policy::own(policies::get(state, &context.account, arn)?, attachments),
        };
        Ok(OnePolicy { policy })
    })
}

pub(crate) async fn delete(identity: Arc<Identity>, context: RequestContext, input: Named) -> Result<Empty, Error> {
    refuse_aws_managed(&input.policy_arn)?;
    identity.change(move |tx| policies::delete(tx, &context.account, &input.policy_arn)).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListPolicies {
    scope: Option<String>,
    only_attached: Option<bool>,
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Policies {
    policies: Vec<Policy>,
    is_truncated: bool,
    marker: Option<String>,
}

pub(crate) async fn list(
    identity: Arc<Identity>,
    context: RequestContext,
    input: ListPolicies,
) -> Result<Policies, Error> {
    let account = &context.account;
    let scope = input.scope.as_deref().unwrap_or("All");
    let mut found = Vec::new();
    let (own, counts) =
        identity.look(|state| Ok((policies::list(state, account)?, policies::attachments(state, account)?)))?;
    let count = |arn: &str| counts.get(arn).copied().unwrap_or(0);
    if scope != "AWS" {
        found.extend(own.into_iter().map(|policy| {
            let attachments = count(policy.arn.as_str());
            Policy::own(policy, attachments).listed()
        }));
    }
    if scope != "Local" {
        found.extend(AwsManaged::all().iter().map(|policy| Policy::of_aws(policy, count(&policy.arn())).listed()));
    }
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let only_attached = input.only_attached.unwrap_or(false);
    found.retain(|policy| policy.path.starts_with(prefix) && (!only_attached || policy.attachment_count > 0));
    found.sort_by(|a, b| a.arn.cmp(&b.arn));
    let part = page(input.marker, input.max_items).of(found.into_iter(), |policy| policy.arn.clone())?;
    Ok(Policies { policies: part.items, is_truncated: part.marker.is_some(), marker: part.marker })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateVersion {
    policy_arn: String,
    policy_document: String,
    set_as_default: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneVersion {
    policy_version: PolicyVersion,
}

pub(crate) async fn create_version(
    identity: Arc<Identity>,
    context: RequestContext,
    input: CreateVersion,
) -> Result<OneVersion, Error> {
    refuse_aws_managed(&input.policy_arn)?;
    let default = input.set_as_default.unwrap_or(false);
    let create = identity.change(move |tx| {
        policies::create_version(tx, &context.account, &input.policy_arn, input.policy_document.clone(), default)
    });
    let version = create.await?;
    let number = if default { version.number } else { 0 };
    Ok(OneVersion { policy_version: PolicyVersion::listed(&version, number) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Version {
    policy_arn: String,
    version_id: String,
}

pub(crate) async fn get_version(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Version,
) -> Result<OneVersion, Error> {
    let Version { policy_arn: arn, version_id: id } = input;
    if let Some(policy) = AwsManaged::find(&arn) {
        return match id.as_str() {
            "v1" => Ok(OneVersion { policy_version: PolicyVersion::of_aws(policy) }),
            id => Err(policies::no_version(&arn, id)),
        };
    }
    let policy = identity.look(|state| policies::get(state, &context.account, &arn))?;
    let version = policies::version(&policy, &id)?;
    Ok(OneVersion { policy_version: PolicyVersion::whole(version, policy.default) })
}

pub(crate) async fn set_default(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Version,
) -> Result<Empty, Error> {
    refuse_aws_managed(&input.policy_arn)?;
    let set =
        identity.change(move |tx| policies::set_default(tx, &context.account, &input.policy_arn, &input.version_id));
    set.await?;
    Ok(Empty {})
}

pub(crate) async fn delete_version(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Version,
) -> Result<Empty, Error> {
    refuse_aws_managed(&input.policy_arn)?;
    let delete =
        identity.change(move |tx| policies::delete_version(tx, &context.account, &input.policy_arn, &input.version_id));
    delete.await?;
    Ok(Empty {})
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Versions {
    versions: Vec<PolicyVersion>,
    is_truncated: bool,
}

/// The newest first; a policy has at most five, and they come all at once.
pub(crate) async fn list_versions(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Named,
) -> Result<Versions, Error> {
    if let Some(policy) = AwsManaged::find(&input.policy_arn) {
        return Ok(Versions { versions: vec![PolicyVersion::of_aws(policy)], is_truncated: false });
    }
    let policy = identity.look(|state| policies::get(state, &context.account, &input.policy_arn))?;
    let versions = policy.versions.iter().rev().map(|version| PolicyVersion::listed(version, policy.default));
    Ok(Versions { versions: versions.collect(), is_truncated: false })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entities {
    policy_groups: Vec<String>,
    policy_users: Vec<String>,
    policy_roles: Vec<PolicyRole>,
    is_truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyRole {
    role_name: String,
    role_id: String,
}

pub(crate) async fn list_entities(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Named,
) -> Result<Entities, Error> {
    let arn = &input.policy_arn;
    let roles = identity.look(|state| {
        if AwsManaged::find(arn).is_none() {
            policies::get(state, &context.account, arn)?;
        }
        policies::attached_to(state, &context.account, arn)
    })?;
    let policy_roles = roles.into_iter().map(|role| PolicyRole { role_name: role.name, role_id: role.id }).collect();
    Ok(Entities { policy_groups: Vec::new(), policy_users: Vec::new(), policy_roles, is_truncated: false })
}
