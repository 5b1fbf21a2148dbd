//! Handlers for tags and resource policies.

use super::address::{Address, resource};
use super::shapes::{Empty, Tag, Texts};
use crate::settings::Resource;
use crate::{Error, StreamKey, Streams};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

/// The longest policy, in bytes.
const POLICY: usize = 20_480;

fn whole(stream: StreamKey) -> Resource {
    Resource { stream, consumer: None }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddToStream {
    #[serde(flatten)]
    address: Address,
    tags: Texts,
}

pub(super) async fn add_to_stream(state: State, context: RequestContext, input: AddToStream) -> Result<Empty, Error> {
    state.tag(whole(input.address.key(&context)?), input.tags, Vec::new()).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoveFromStream {
    #[serde(flatten)]
    address: Address,
    tag_keys: Vec<String>,
}

pub(super) async fn remove_from_stream(
    state: State,
    context: RequestContext,
    input: RemoveFromStream,
) -> Result<Empty, Error> {
    state.tag(whole(input.address.key(&context)?), Texts::new(), input.tag_keys).await?;
    Ok(Empty {})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListOfStream {
    #[serde(flatten)]
    address: Address,
    exclusive_start_tag_key: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamTags {
    tags: Vec<Tag>,
    has_more_tags: bool,
}

fn shown(tags: Texts) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

pub(super) async fn list_of_stream(
    state: State,
    context: RequestContext,
    input: ListOfStream,
) -> Result<StreamTags, Error> {
    let (mut tags, _) = state.tags_and_policy(&whole(input.address.key(&context)?))?;
    tags.retain(|key, _| input.exclusive_start_tag_key.as_ref().is_none_or(|after| key > after));
    let mut tags = shown(tags);
    let limit = input.limit.unwrap_or(usize::MAX);
    let has_more_tags = tags.len() > limit;
    tags.truncate(limit);
    Ok(StreamTags { tags, has_more_tags })
}

#[derive(Debug, Deserialize)]
pub(super) struct OfResource {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(rename = "Tags", default)]
    tags: Texts,
    #[serde(rename = "TagKeys", default)]
    tag_keys: Vec<String>,
    #[serde(rename = "Policy", default)]
    policy: String,
}

pub(super) async fn tag(state: State, context: RequestContext, input: OfResource) -> Result<Empty, Error> {
    state.tag(resource(&context, &input.arn)?, input.tags, Vec::new()).await?;
    Ok(Empty {})
}

pub(super) async fn untag(state: State, context: RequestContext, input: OfResource) -> Result<Empty, Error> {
    state.tag(resource(&context, &input.arn)?, Texts::new(), input.tag_keys).await?;
    Ok(Empty {})
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tags {
    tags: Vec<Tag>,
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: OfResource) -> Result<Tags, Error> {
    let (tags, _) = state.tags_and_policy(&resource(&context, &input.arn)?)?;
    Ok(Tags { tags: shown(tags) })
}

pub(super) async fn put_policy(state: State, context: RequestContext, input: OfResource) -> Result<Empty, Error> {
    let resource = resource(&context, &input.arn)?;
    let is_document = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&input.policy)
        .is_ok_and(|document| document.contains_key("Statement"));
    if !is_document {
        return Err(Error::invalid("The policy is not a valid policy document."));
    }
    if input.policy.len() > POLICY {
        return Err(Error::Limit(format!("The policy has more than {POLICY} bytes.")));
    }
    state.set_policy(resource, Some(input.policy)).await?;
    Ok(Empty {})
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy {
    policy: String,
}

pub(super) async fn get_policy(state: State, context: RequestContext, input: OfResource) -> Result<Policy, Error> {
    let (_, policy) = state.tags_and_policy(&resource(&context, &input.arn)?)?;
    // A resource without a policy has an empty one.
    Ok(Policy { policy: policy.unwrap_or_else(|| "{}".into()) })
}

pub(super) async fn delete_policy(state: State, context: RequestContext, input: OfResource) -> Result<Empty, Error> {
    let resource = resource(&context, &input.arn)?;
    if state.tags_and_policy(&resource)?.1.is_none() {
        return Err(Error::NotFound(format!("No resource policy found for resource ARN {}", input.arn)));
    }
    state.set_policy(resource, None).await?;
    Ok(Empty {})
}
