//! Operations on roles.

use super::shapes::{Empty, Role, Tag, page, tag_list, tag_map};
use crate::roles::{self, NewRole};
use crate::{Error, Identity, ids};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An hour, in seconds.
const DEFAULT_SESSION: i64 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateRole {
    role_name: String,
    path: Option<String>,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
    permissions_boundary: Option<String>,
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneRole {
    role: Role,
}

pub(crate) async fn create(
    identity: Arc<Identity>,
    context: RequestContext,
    input: CreateRole,
) -> Result<OneRole, Error> {
    if input.permissions_boundary.is_some() {
        return Err(Error::InvalidInput("Fogbank does not support permissions boundaries yet; leave it out.".into()));
    }
    let new = NewRole {
        id: ids::unique("AROA", identity.clock.as_ref()),
        name: input.role_name,
        path: input.path.unwrap_or_else(|| "/".into()),
        trust: input.assume_role_policy_document,
        description: input.description,
        longest_session: input.max_session_duration.unwrap_or(DEFAULT_SESSION),
        tags: tag_map(input.tags),
    };
    let role = identity.change(move |tx| roles::create(tx, &context.account, new.clone())).await?;
    Ok(OneRole { role: role.into() })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    role_name: String,
}

pub(crate) async fn get(identity: Arc<Identity>, context: RequestContext, input: Named) -> Result<OneRole, Error> {
    let role = identity.look(|state| roles::get(state, &context.account, &input.role_name))?;
    Ok(OneRole { role: role.into() })
}

pub(crate) async fn delete(identity: Arc<Identity>, context: RequestContext, input: Named) -> Result<Empty, Error> {
    identity.change(move |tx| roles::delete(tx, &context.account, &input.role_name)).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRoles {
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Roles {
    roles: Vec<Role>,
    is_truncated: bool,
    marker: Option<String>,
}

pub(crate) async fn list(identity: Arc<Identity>, context: RequestContext, input: ListRoles) -> Result<Roles, Error> {
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = page(input.marker, input.max_items);
    let part = identity.look(|state| roles::list(state, &context.account, prefix, &page))?;
    let roles = part.items.into_iter().map(Role::listed).collect();
    Ok(Roles { roles, is_truncated: part.marker.is_some(), marker: part.marker })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateRole {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
}

pub(crate) async fn update(
    identity: Arc<Identity>,
    context: RequestContext,
    input: UpdateRole,
) -> Result<Empty, Error> {
    let change = move |role: &mut crate::model::Role| {
        role.description = input.description.clone().or(role.description.take());
        role.longest_session = input.max_session_duration.unwrap_or(role.longest_session);
        Ok(())
    };
    identity.change(move |tx| roles::update(tx, &context.account, &input.role_name, &change)).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Described {
    role_name: String,
    description: String,
}

pub(crate) async fn update_description(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Described,
) -> Result<OneRole, Error> {
    let change = move |role: &mut crate::model::Role| {
        role.description = Some(input.description.clone());
        Ok(role.clone())
    };
    let role = identity.change(move |tx| roles::update(tx, &context.account, &input.role_name, &change)).await?;
    Ok(OneRole { role: role.into() })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Trust {
    role_name: String,
    policy_document: String,
}

pub(crate) async fn update_trust(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Trust,
) -> Result<Empty, Error> {
    let change = move |role: &mut crate::model::Role| {
        roles::check_trust(&input.policy_document)?;
        role.trust = input.policy_document.clone();
        Ok(())
    };
    identity.change(move |tx| roles::update(tx, &context.account, &input.role_name, &change)).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagRole {
    role_name: String,
    tags: Option<Vec<Tag>>,
}

pub(crate) async fn tag(identity: Arc<Identity>, context: RequestContext, input: TagRole) -> Result<Empty, Error> {
    let tags = tag_map(input.tags);
    identity.change(move |tx| roles::tag(tx, &context.account, &input.role_name, tags.clone())).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagRole {
    role_name: String,
    tag_keys: Vec<String>,
}

pub(crate) async fn untag(identity: Arc<Identity>, context: RequestContext, input: UntagRole) -> Result<Empty, Error> {
    identity.change(move |tx| roles::untag(tx, &context.account, &input.role_name, &input.tag_keys)).await?;
    Ok(Empty {})
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tags {
    tags: Vec<Tag>,
    is_truncated: bool,
}

/// A role has at most fifty tags, and they come all at once.
pub(crate) async fn list_tags(identity: Arc<Identity>, context: RequestContext, input: Named) -> Result<Tags, Error> {
    let role = identity.look(|state| roles::get(state, &context.account, &input.role_name))?;
    Ok(Tags { tags: tag_list(&role.tags).unwrap_or_default(), is_truncated: false })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InstanceProfiles {
    instance_profiles: Vec<String>,
    is_truncated: bool,
}

/// There are no instance profiles, since there are no virtual machines; tools ask before they delete a role.
pub(crate) async fn list_instance_profiles(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Named,
) -> Result<InstanceProfiles, Error> {
    identity.look(|state| roles::get(state, &context.account, &input.role_name))?;
    Ok(InstanceProfiles { instance_profiles: Vec::new(), is_truncated: false })
}
