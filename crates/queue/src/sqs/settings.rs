//! Handlers for a queue's attributes, tags and permissions.

use super::address::queue;
use super::shapes::{
    AddPermission, Attributes, Empty, GetAttributes, OfQueue, RemovePermission, SetAttributes, TagQueue, Tags,
    UntagQueue,
};
use crate::{Error, Queues};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Queues>;

pub(super) async fn get_attributes(
    state: State,
    context: RequestContext,
    input: GetAttributes,
) -> Result<Attributes, Error> {
    let key = queue(&context, &input.queue_url)?;
    Ok(Attributes { attributes: state.attributes(&key, &input.attribute_names).await? })
}

pub(super) async fn set_attributes(
    state: State,
    context: RequestContext,
    input: SetAttributes,
) -> Result<Empty, Error> {
    state.set_attributes(&queue(&context, &input.queue_url)?, input.attributes).await?;
    Ok(Empty {})
}

pub(super) async fn tag(state: State, context: RequestContext, input: TagQueue) -> Result<Empty, Error> {
    if input.tags.is_empty() {
        return Err(Error::Missing("Tags".into()));
    }
    state.tag(&queue(&context, &input.queue_url)?, input.tags).await?;
    Ok(Empty {})
}

pub(super) async fn untag(state: State, context: RequestContext, input: UntagQueue) -> Result<Empty, Error> {
    if input.tag_keys.is_empty() {
        return Err(Error::invalid("Tag keys must be between 1 and 128 characters in length."));
    }
    state.untag(&queue(&context, &input.queue_url)?, input.tag_keys).await?;
    Ok(Empty {})
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: OfQueue) -> Result<Tags, Error> {
    Ok(Tags { tags: state.queue(&queue(&context, &input.queue_url)?)?.tags })
}

pub(super) async fn add_permission(
    state: State,
    context: RequestContext,
    input: AddPermission,
) -> Result<Empty, Error> {
    let key = queue(&context, &input.queue_url)?;
    state.add_permission(&key, input.label, &input.accounts, &input.actions).await?;
    Ok(Empty {})
}

pub(super) async fn remove_permission(
    state: State,
    context: RequestContext,
    input: RemovePermission,
) -> Result<Empty, Error> {
    state.remove_permission(&queue(&context, &input.queue_url)?, input.label).await?;
    Ok(Empty {})
}
