//! Handlers for groups.

use super::shapes::{
    CreateLogGroup, DescribeLogGroups, DescribeLogGroupsOutput, Empty, GroupName, LogGroup, Resource, Retention,
    TagLogGroup, Tags, UntagLogGroup,
};
use crate::groups::GroupFilter;
use crate::model::{Group, GroupKey};
use crate::{Error, Logs};
use fogbank_model::{Arn, RequestContext};
use std::sync::Arc;

type State = Arc<Logs>;

pub(super) fn named(context: &RequestContext, name: &str) -> GroupKey {
    GroupKey { account: context.account.clone(), region: context.region.clone(), name: name.to_owned() }
}

/// A group named by its name, or identified by its name or ARN.
pub(super) fn identified(context: &RequestContext, name: Option<&str>, id: Option<&str>) -> Result<GroupKey, Error> {
    match (name, id) {
        (Some(name), None) => Ok(named(context, name)),
        (None, Some(id)) if id.starts_with("arn:") => by_arn(id),
        (None, Some(id)) => Ok(named(context, id)),
        _ => Err(Error::invalid("Exactly one of logGroupName and logGroupIdentifier must be given.")),
    }
}

fn by_arn(text: &str) -> Result<GroupKey, Error> {
    let wrong = || Error::invalid(format!("'{text}' is not the ARN of a log group"));
    let arn: Arn = text.parse().map_err(|_| wrong())?;
    let name = arn.resource().strip_prefix("log-group:").ok_or_else(wrong)?;
    let account = arn.account().parse().map_err(|_| wrong())?;
    let region = arn.region().parse().map_err(|_| wrong())?;
    Ok(GroupKey { account, region, name: name.strip_suffix(":*").unwrap_or(name).to_owned() })
}

fn shown(key: &GroupKey, group: &Group, stored_bytes: u64) -> LogGroup {
    LogGroup {
        log_group_name: key.name.clone(),
        creation_time: group.created.0,
        retention_in_days: group.retention_days,
        metric_filter_count: 0,
        arn: format!("{}:*", key.arn()),
        stored_bytes,
        log_group_class: "STANDARD",
        log_group_arn: key.arn().into(),
    }
}

pub(super) async fn create(state: State, context: RequestContext, input: CreateLogGroup) -> Result<Empty, Error> {
    if input.kms_key_id.is_some() {
        return Err(Error::unsupported("kmsKeyId"));
    }
    if input.log_group_class.is_some_and(|class| class != "STANDARD") {
        return Err(Error::unsupported("A logGroupClass other than STANDARD"));
    }
    if input.deletion_protection_enabled {
        return Err(Error::unsupported("deletionProtectionEnabled"));
    }
    state.create_group(&named(&context, &input.log_group_name), input.tags).await?;
    Ok(Empty {})
}

pub(super) async fn delete(state: State, context: RequestContext, input: GroupName) -> Result<Empty, Error> {
    state.delete_group(&named(&context, &input.log_group_name)).await?;
    Ok(Empty {})
}

pub(super) async fn describe(
    state: State,
    context: RequestContext,
    input: DescribeLogGroups,
) -> Result<DescribeLogGroupsOutput, Error> {
    if input.include_linked_accounts || input.account_identifiers.iter().any(|id| id != context.account.as_str()) {
        return Err(Error::unsupported("A search in other accounts"));
    }
    if input.log_group_class.is_some_and(|class| class != "STANDARD") {
        return Ok(DescribeLogGroupsOutput { log_groups: Vec::new(), next_token: None });
    }
    let names = input.log_group_identifiers.map(|ids| {
        ids.iter().map(|id| identified(&context, None, Some(id)).map(|key| key.name)).collect::<Result<Vec<_>, _>>()
    });
    let filter = GroupFilter {
        prefix: input.log_group_name_prefix,
        pattern: input.log_group_name_pattern,
        names: names.transpose()?,
        after: input.next_token,
        limit: input.limit,
    };
    let (groups, next_token) = state.groups(&context.account, &context.region, filter).await?;
    let bytes = state.stored_bytes(groups.iter().map(|(key, _)| key.clone()).collect()).await?;
    let log_groups = groups.iter().zip(bytes).map(|((key, group), bytes)| shown(key, group, bytes)).collect();
    Ok(DescribeLogGroupsOutput { log_groups, next_token })
}

pub(super) async fn put_retention(state: State, context: RequestContext, input: Retention) -> Result<Empty, Error> {
    state.set_retention(&named(&context, &input.log_group_name), Some(input.retention_in_days)).await?;
    Ok(Empty {})
}

pub(super) async fn delete_retention(state: State, context: RequestContext, input: GroupName) -> Result<Empty, Error> {
    state.set_retention(&named(&context, &input.log_group_name), None).await?;
    Ok(Empty {})
}

pub(super) async fn tag_group(state: State, context: RequestContext, input: TagLogGroup) -> Result<Empty, Error> {
    state.tag(&named(&context, &input.log_group_name), input.tags).await?;
    Ok(Empty {})
}

pub(super) async fn untag_group(state: State, context: RequestContext, input: UntagLogGroup) -> Result<Empty, Error> {
    state.untag(&named(&context, &input.log_group_name), input.tags).await?;
    Ok(Empty {})
}

pub(super) async fn list_group_tags(state: State, context: RequestContext, input: GroupName) -> Result<Tags, Error> {
    Ok(Tags { tags: state.group(&named(&context, &input.log_group_name)).await?.tags })
}

pub(super) async fn tag(state: State, _: RequestContext, input: Resource) -> Result<Empty, Error> {
    state.tag(&by_arn(&input.resource_arn)?, input.tags).await?;
    Ok(Empty {})
}

pub(super) async fn untag(state: State, _: RequestContext, input: Resource) -> Result<Empty, Error> {
    state.untag(&by_arn(&input.resource_arn)?, input.tag_keys).await?;
    Ok(Empty {})
}

pub(super) async fn list_tags(state: State, _: RequestContext, input: Resource) -> Result<Tags, Error> {
    Ok(Tags { tags: state.group(&by_arn(&input.resource_arn)?).await?.tags })
}
