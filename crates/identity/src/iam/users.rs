//! Operations on users and their access keys.

use super::shapes::{AccessKey, Empty, Tag, User, page, tag_map};
use crate::{Error, Identity, access_keys, ids, users};
use fogbank_model::{Caller, RequestContext};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateUser {
    user_name: String,
    path: Option<String>,
    permissions_boundary: Option<String>,
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneUser {
    user: User,
}

pub(crate) async fn create(
    identity: Arc<Identity>,
    context: RequestContext,
    input: CreateUser,
) -> Result<OneUser, Error> {
    if input.permissions_boundary.is_some() {
        return Err(Error::InvalidInput("Fogbank does not support permissions boundaries yet; leave it out.".into()));
    }
    let id = ids::unique("AIDA", identity.clock.as_ref());
    let path = input.path.unwrap_or_else(|| "/".into());
    let tags = tag_map(input.tags);
    let create =
        identity.change(move |tx| users::create(tx, &context.account, &id, &input.user_name, &path, tags.clone()));
    Ok(OneUser { user: create.await?.into() })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    user_name: Option<String>,
}

/// The user that is named, or else the one who calls; `None` is the account's root.
fn meant(named: Option<String>, context: &RequestContext) -> Result<Option<String>, Error> {
    match (named, &context.caller) {
        (Some(name), _) => Ok(Some(name)),
        (None, Caller::Root) => Ok(None),
        (None, Caller::User { arn, .. }) => Ok(arn.resource().rsplit('/').next().map(str::to_owned)),
        (None, Caller::Role { .. } | Caller::Service(_)) => {
            Err(Error::InvalidInput("Must specify userName when calling with non-User credentials".into()))
        }
    }
}

/// As [`meant`], where the root will not do.
fn meant_user(named: Option<String>, context: &RequestContext) -> Result<String, Error> {
    let user = meant(named, context)?;
    user.ok_or_else(|| {
        Error::InvalidInput("Fogbank makes the access key of an account's root itself; name a user.".into())
    })
}

pub(crate) async fn get(identity: Arc<Identity>, context: RequestContext, input: Named) -> Result<OneUser, Error> {
    let user = match meant(input.user_name, &context)? {
        Some(name) => identity.look(|state| users::get(state, &context.account, &name))?.into(),
        None => User::root(&context.account),
    };
    Ok(OneUser { user })
}

pub(crate) async fn delete(identity: Arc<Identity>, context: RequestContext, input: Named) -> Result<Empty, Error> {
    let name = meant_user(input.user_name, &context)?;
    identity.change(move |tx| users::delete(tx, &context.account, &name)).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListUsers {
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Users {
    users: Vec<User>,
    is_truncated: bool,
    marker: Option<String>,
}

pub(crate) async fn list(identity: Arc<Identity>, context: RequestContext, input: ListUsers) -> Result<Users, Error> {
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = page(input.marker, input.max_items);
    let part = identity.look(|state| users::list(state, &context.account, prefix, &page))?;
    let users = part.items.into_iter().map(User::listed).collect();
    Ok(Users { users, is_truncated: part.marker.is_some(), marker: part.marker })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneKey {
    access_key: AccessKey,
}

pub(crate) async fn create_access_key(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Named,
) -> Result<OneKey, Error> {
    let name = meant_user(input.user_name, &context)?;
    let clock = identity.clock.as_ref();
    let (id, secret) = (ids::access_key("AKIA", clock), ids::secret(clock));
    let key = identity.change(move |tx| access_keys::create(tx, &context.account, &name, &id, &secret)).await?;
    Ok(OneKey { access_key: AccessKey::new(key) })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Keys {
    access_key_metadata: Vec<AccessKey>,
    is_truncated: bool,
}

pub(crate) async fn list_access_keys(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Named,
) -> Result<Keys, Error> {
    let name = meant_user(input.user_name, &context)?;
    let keys = identity.look(|state| access_keys::list(state, &context.account, &name))?;
    Ok(Keys { access_key_metadata: keys.into_iter().map(AccessKey::listed).collect(), is_truncated: false })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateKey {
    user_name: Option<String>,
    access_key_id: String,
    status: String,
}

pub(crate) async fn update_access_key(
    identity: Arc<Identity>,
    context: RequestContext,
    input: UpdateKey,
) -> Result<Empty, Error> {
    let name = meant_user(input.user_name, &context)?;
    let active = match input.status.as_str() {
        "Active" => true,
        "Inactive" => false,
        other => return Err(Error::InvalidInput(format!("The status {other} cannot be set; use Active or Inactive."))),
    };
    let id = input.access_key_id;
    identity.change(move |tx| access_keys::set_active(tx, &context.account, &name, &id, active)).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteKey {
    user_name: Option<String>,
    access_key_id: String,
}

pub(crate) async fn delete_access_key(
    identity: Arc<Identity>,
    context: RequestContext,
    input: DeleteKey,
) -> Result<Empty, Error> {
    let name = meant_user(input.user_name, &context)?;
    identity.change(move |tx| access_keys::delete(tx, &context.account, &name, &input.access_key_id)).await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Aliases {
    account_aliases: Vec<String>,
    is_truncated: bool,
}

/// An account has no alias, since none can be made.
pub(crate) async fn list_account_aliases(_: Arc<Identity>, _: RequestContext, _: Nothing) -> Result<Aliases, Error> {
    Ok(Aliases { account_aliases: Vec::new(), is_truncated: false })
}
