//! Handlers for subscriptions.

use super::address::{is_known, origin, read_token, subscription, token, topic};
use super::shapes::{
    Attributes, Confirm, Empty, List, OfSubscription, SetAttribute, Subscribe, Subscription, SubscriptionList,
};
use crate::{Error, Protocol, Subscribed, Topics, Wish};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Topics>;

pub(super) async fn subscribe(
    state: State,
    context: RequestContext,
    input: Subscribe,
) -> Result<OfSubscription, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "Subscribe")?;
    let protocol = Protocol::of(&input.protocol).ok_or_else(|| {
        Error::invalid(format!("Amazon SNS does not support this protocol string: {}", input.protocol))
    })?;
    let origin = origin(&context, Some(key.arn()));
    let wish = Wish { protocol, endpoint: input.endpoint, attributes: input.attributes, origin };
    let (key, subscribed) = state.subscribe(&key, wish).await?;
    let is_told = !subscribed.pending || input.return_subscription_arn;
    let subscription_arn = if is_told { key.arn().to_string() } else { "pending confirmation".into() };
    Ok(OfSubscription { subscription_arn })
}

pub(super) async fn confirm(state: State, context: RequestContext, input: Confirm) -> Result<OfSubscription, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "ConfirmSubscription")?;
    let guarded = input.authenticate_on_unsubscribe.eq_ignore_ascii_case("true");
    let confirmed = state.confirm(&key, &input.token, guarded, is_known(&context)).await?;
    Ok(OfSubscription { subscription_arn: confirmed.arn().to_string() })
}

pub(super) async fn unsubscribe(state: State, context: RequestContext, input: OfSubscription) -> Result<Empty, Error> {
    let key = subscription(&context, &input.subscription_arn, "Unsubscribe")?;
    state.unsubscribe(&key, is_known(&context), &context.endpoint).await?;
    Ok(Empty {})
}

fn page((found, next): (Vec<Subscribed>, Option<String>)) -> SubscriptionList {
    let shown = found.into_iter().map(|(key, found)| Subscription {
        subscription_arn: if found.pending { "PendingConfirmation".into() } else { key.arn().to_string() },
        owner: found.owner.to_string(),
        protocol: found.protocol.name(),
        endpoint: found.endpoint,
        topic_arn: key.topic.arn().to_string(),
    });
    SubscriptionList { subscriptions: shown.collect(), next_token: token(next) }
}

pub(super) async fn list(state: State, context: RequestContext, input: List) -> Result<SubscriptionList, Error> {
    let after = read_token(input.next_token)?;
    Ok(page(state.subscriptions((&context.account, &context.region), after.as_deref())?))
}

pub(super) async fn list_by_topic(
    state: State,
    context: RequestContext,
    input: List,
) -> Result<SubscriptionList, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "ListSubscriptionsByTopic")?;
    let after = read_token(input.next_token)?;
    Ok(page(state.subscriptions_of(&key, after.as_deref())?))
}

pub(super) async fn get_attributes(
    state: State,
    context: RequestContext,
    input: OfSubscription,
) -> Result<Attributes, Error> {
    let key = subscription(&context, &input.subscription_arn, "GetSubscriptionAttributes")?;
    Ok(Attributes { attributes: state.subscription_attributes(&key)? })
}

pub(super) async fn set_attributes(state: State, context: RequestContext, input: SetAttribute) -> Result<Empty, Error> {
    let key = subscription(&context, &input.subscription_arn, "SetSubscriptionAttributes")?;
    state.set_subscription_attribute(&key, input.attribute_name, input.attribute_value).await?;
    Ok(Empty {})
}
