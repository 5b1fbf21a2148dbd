//! Handlers for tags.

use super::parameters::key;
use super::shapes::{Empty, Tag, TagInput, TagsOutput};
use crate::{Error, Key, Parameters};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Parameters>;

fn tagged(context: &RequestContext, input: &TagInput) -> Result<Key, Error> {
    match input.resource_type.as_str() {
        "Parameter" => Ok(key(context, input.resource_id.clone())),
        _ => Err(Error::InvalidResourceType),
    }
}

pub(super) async fn add(state: State, context: RequestContext, input: TagInput) -> Result<Empty, Error> {
    let key = tagged(&context, &input)?;
    let added = input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    state.tag(&key, added, Vec::new()).await?;
    Ok(Empty {})
}

pub(super) async fn remove(state: State, context: RequestContext, input: TagInput) -> Result<Empty, Error> {
    state.tag(&tagged(&context, &input)?, Default::default(), input.tag_keys).await?;
    Ok(Empty {})
}

pub(super) async fn list(state: State, context: RequestContext, input: TagInput) -> Result<TagsOutput, Error> {
    let parameter = state.tagged(&tagged(&context, &input)?)?;
    Ok(TagsOutput { tag_list: parameter.tags.into_iter().map(|(key, value)| Tag { key, value }).collect() })
}
