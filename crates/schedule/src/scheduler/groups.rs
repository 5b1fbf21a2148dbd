//! Handlers for groups and their tags.

use super::schedules::{from_token, to_token};
use super::shapes::{
    Empty, GroupArn, GroupInput, GroupOutput, ListGroupsOutput, ListInput, Named, Tag, TagInput, TagsOutput,
};
use crate::model::{Group, GroupKey};
use crate::{Error, Schedules};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Schedules>;

const PAGE: usize = 100;

fn key(context: &RequestContext, name: String) -> GroupKey {
    GroupKey { account: context.account.clone(), region: context.region.clone(), name }
}

fn shown(group: Group) -> GroupOutput {
    GroupOutput {
        arn: group.key.arn().into(),
        name: group.key.name,
        state: "ACTIVE",
        creation_date: group.created.0,
        last_modification_date: group.modified.0,
    }
}

pub(super) async fn create(state: State, context: RequestContext, input: GroupInput) -> Result<GroupArn, Error> {
    let key = key(&context, input.name);
    let tags = input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    state.create_group(&key, tags, input.client_token).await?;
    Ok(GroupArn { schedule_group_arn: key.arn().into() })
}

pub(super) async fn get(state: State, context: RequestContext, input: Named) -> Result<GroupOutput, Error> {
    Ok(shown(state.group(&key(&context, input.name))?))
}

pub(super) async fn delete(state: State, context: RequestContext, input: Named) -> Result<Empty, Error> {
    state.delete_group(&key(&context, input.name)).await?;
    Ok(Empty {})
}

pub(super) async fn list(state: State, context: RequestContext, input: ListInput) -> Result<ListGroupsOutput, Error> {
    let after = input.next_token.as_deref().map(from_token).transpose()?;
    let mut groups = state.groups(&context.account, &context.region)?;
    groups.retain(|group| input.name_prefix.as_ref().is_none_or(|prefix| group.key.name.starts_with(prefix)));
    groups.retain(|group| after.as_ref().is_none_or(|after| group.key.name.as_bytes() > after.as_slice()));
    let limit = input.max_results.unwrap_or(PAGE).min(PAGE);
    let more = groups.len() > limit;
    groups.truncate(limit);
    let next_token = groups.last().filter(|_| more).map(|last| to_token(last.key.name.as_bytes()));
    Ok(ListGroupsOutput { schedule_groups: groups.into_iter().map(shown).collect(), next_token })
}

/// The group that a tagging operation names. The model has checked the ARN's form.
fn tagged(context: &RequestContext, arn: &str) -> Result<GroupKey, Error> {
    let name = arn.rsplit_once("schedule-group/").map(|(_, name)| name.to_owned()).unwrap_or_default();
    let key = key(context, name);
    // What belongs to somebody else is not there.
    if key.arn().as_str() == arn { Ok(key) } else { Err(Error::NoGroup(arn.to_owned())) }
}

pub(super) async fn tag(state: State, context: RequestContext, input: TagInput) -> Result<Empty, Error> {
    let added = input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    state.tag(&tagged(&context, &input.resource_arn)?, added, Vec::new()).await?;
    Ok(Empty {})
}

pub(super) async fn untag(state: State, context: RequestContext, input: TagInput) -> Result<Empty, Error> {
    state.tag(&tagged(&context, &input.resource_arn)?, Default::default(), input.tag_keys).await?;
    Ok(Empty {})
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: TagInput) -> Result<TagsOutput, Error> {
    let group = state.group(&tagged(&context, &input.resource_arn)?)?;
    Ok(TagsOutput { tags: group.tags.into_iter().map(|(key, value)| Tag { key, value }).collect() })
}
