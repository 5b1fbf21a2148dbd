//! Operations on what is in a role.

use super::shapes::{AttachedPolicy, Empty, encoded, page};
use crate::{Error, Identity, role_policies, roles};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutInline {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

pub(crate) async fn put_inline(
    identity: Arc<Identity>,
    context: RequestContext,
    input: PutInline,
) -> Result<Empty, Error> {
    let PutInline { role_name, policy_name, policy_document } = input;
    let put = identity.change(move |tx| {
        role_policies::put_inline(tx, &context.account, &role_name, policy_name.clone(), policy_document.clone())
    });
    put.await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inline {
    role_name: String,
    policy_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InlineDocument {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

pub(crate) async fn get_inline(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Inline,
) -> Result<InlineDocument, Error> {
    let Inline { role_name, policy_name } = input;
    let document =
        identity.look(|state| role_policies::get_inline(state, &context.account, &role_name, &policy_name))?;
    Ok(InlineDocument { role_name, policy_name, policy_document: encoded(&document) })
}

pub(crate) async fn delete_inline(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Inline,
) -> Result<Empty, Error> {
    let Inline { role_name, policy_name } = input;
    let delete =
        identity.change(move |tx| role_policies::delete_inline(tx, &context.account, &role_name, &policy_name));
    delete.await?;
    Ok(Empty {})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct List {
    role_name: String,
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Names {
    policy_names: Vec<String>,
    is_truncated: bool,
    marker: Option<String>,
}

pub(crate) async fn list_inline(identity: Arc<Identity>, context: RequestContext, input: List) -> Result<Names, Error> {
    let role = identity.look(|state| roles::get(state, &context.account, &input.role_name))?;
    let part = page(input.marker, input.max_items).of(role.inline.into_keys(), String::clone)?;
    Ok(Names { policy_names: part.items, is_truncated: part.marker.is_some(), marker: part.marker })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attachment {
    role_name: String,
    policy_arn: String,
}

pub(crate) async fn attach(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Attachment,
) -> Result<Empty, Error> {
    let Attachment { role_name, policy_arn } = input;
    identity.change(move |tx| role_policies::attach(tx, &context.account, &role_name, &policy_arn)).await?;
    Ok(Empty {})
}

pub(crate) async fn detach(
    identity: Arc<Identity>,
    context: RequestContext,
    input: Attachment,
) -> Result<Empty, Error> {
    let Attachment { role_name, policy_arn } = input;
    identity.change(move |tx| role_policies::detach(tx, &context.account, &role_name, &policy_arn)).await?;
    Ok(Empty {})
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attached {
    attached_policies: Vec<AttachedPolicy>,
    is_truncated: bool,
    marker: Option<String>,
}

pub(crate) async fn list_attached(
    identity: Arc<Identity>,
    context: RequestContext,
    input: List,
) -> Result<Attached, Error> {
    let role = identity.look(|state| roles::get(state, &context.account, &input.role_name))?;
    let prefix = format!(":policy{}", input.path_prefix.as_deref().unwrap_or("/"));
    let policies = role.attached.into_iter().filter(|arn| arn.contains(&prefix));
    let part = page(input.marker, input.max_items).of(policies, String::clone)?;
    let attached = |arn: String| AttachedPolicy {
        policy_name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
        policy_arn: arn,
    };
    let attached_policies = part.items.into_iter().map(attached).collect();
    Ok(Attached { attached_policies, is_truncated: part.marker.is_some(), marker: part.marker })
}
