//! Handlers for topics, their attributes, tags and permissions.

use super::address::{is_known, origin, read_token, token, topic};
use super::shapes::{
    Attributes, CreateTopic, DataProtection, Empty, List, OfResource, OfTopic, Permission, SetAttribute, Tag, TagList,
    TopicList, tags,
};
use crate::{Error, TopicKey, Topics};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Topics>;

pub(super) async fn create(state: State, context: RequestContext, input: CreateTopic) -> Result<OfTopic, Error> {
    let key = TopicKey { account: context.account.clone(), region: context.region.clone(), name: input.name };
    state.create(&key, input.attributes, tags(input.tags), input.data_protection_policy).await?;
    Ok(OfTopic { topic_arn: key.arn().to_string() })
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfTopic) -> Result<Empty, Error> {
    state.delete(&topic(&context, "TopicArn", &input.topic_arn, "DeleteTopic")?).await?;
    Ok(Empty {})
}

pub(super) async fn list(state: State, context: RequestContext, input: List) -> Result<TopicList, Error> {
    let after = read_token(input.next_token)?;
    let (topics, next) = state.list((&context.account, &context.region), after.as_deref())?;
    let topics = topics.iter().map(|key| OfTopic { topic_arn: key.arn().to_string() }).collect();
    Ok(TopicList { topics, next_token: token(next) })
}

pub(super) async fn get_attributes(state: State, context: RequestContext, input: OfTopic) -> Result<Attributes, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "GetTopicAttributes")?;
    Ok(Attributes { attributes: state.attributes(&key)? })
}

pub(super) async fn set_attributes(state: State, context: RequestContext, input: SetAttribute) -> Result<Empty, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "SetTopicAttributes")?;
    state.set_attribute(&key, input.attribute_name, input.attribute_value).await?;
    Ok(Empty {})
}

pub(super) async fn add_permission(state: State, context: RequestContext, input: Permission) -> Result<Empty, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "AddPermission")?;
    state.add_permission(&key, input.label, input.accounts, input.actions).await?;
    Ok(Empty {})
}

pub(super) async fn remove_permission(
    state: State,
    context: RequestContext,
    input: Permission,
) -> Result<Empty, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "RemovePermission")?;
    state.remove_permission(&key, input.label).await?;
    Ok(Empty {})
}

/// The topic whose tags are asked for: another account's, or none, does not exist.
fn resource(context: &RequestContext, arn: &str) -> Result<TopicKey, Error> {
    let key = arn.parse().ok().and_then(|arn| TopicKey::of(&arn));
    let own = key.filter(|key| is_known(context) && key.account == context.account && key.region == context.region);
    own.ok_or(Error::NoResource)
}

pub(super) async fn tag(state: State, context: RequestContext, input: OfResource) -> Result<Empty, Error> {
    state.tag(&resource(&context, &input.resource_arn)?, tags(input.tags)).await?;
    Ok(Empty {})
}

pub(super) async fn untag(state: State, context: RequestContext, input: OfResource) -> Result<Empty, Error> {
    state.untag(&resource(&context, &input.resource_arn)?, input.tag_keys).await?;
    Ok(Empty {})
}

pub(super) async fn list_tags(state: State, context: RequestContext, input: OfResource) -> Result<TagList, Error> {
    let topic = state.topic(&resource(&context, &input.resource_arn)?);
    let topic = topic.map_err(|error| if matches!(error, Error::NotFound(_)) { Error::NoResource } else { error })?;
    Ok(TagList { tags: topic.tags.into_iter().map(|(key, value)| Tag { key, value }).collect() })
}

pub(super) async fn get_data_protection(
    state: State,
    context: RequestContext,
    input: OfResource,
) -> Result<DataProtection, Error> {
    let key = topic(&context, "ResourceArn", &input.resource_arn, "GetDataProtectionPolicy")?;
    Ok(DataProtection { data_protection_policy: state.topic(&key)?.data_protection })
}

pub(super) async fn put_data_protection(
    state: State,
    context: RequestContext,
    input: OfResource,
) -> Result<Empty, Error> {
    let key = topic(&context, "ResourceArn", &input.resource_arn, "PutDataProtectionPolicy")?;
    tracing::debug!(sender = origin(&context, None).sender, "a data protection policy is kept, not enforced");
    state.put_data_protection(&key, input.data_protection_policy).await?;
    Ok(Empty {})
}
