//! Handlers for queues as a whole.

use super::address::{queue, url};
use super::shapes::{
    CreateQueue, Empty, GetQueueUrl, ListQueues, ListQueuesOutput, ListSources, ListSourcesOutput, OfQueue, Url,
};
use crate::model::QueueKey;
use crate::{Error, Queues};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Queues>;

fn named(context: &RequestContext, name: String) -> QueueKey {
    QueueKey { account: context.account.clone(), region: context.region.clone(), name }
}

pub(super) async fn create(state: State, context: RequestContext, input: CreateQueue) -> Result<Url, Error> {
    let key = named(&context, input.queue_name);
    state.create(&key, input.attributes, input.tags).await?;
    Ok(Url { queue_url: url(&context, &key) })
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfQueue) -> Result<Empty, Error> {
    state.delete(&queue(&context, &input.queue_url)?).await?;
    Ok(Empty {})
}

pub(super) async fn purge(state: State, context: RequestContext, input: OfQueue) -> Result<Empty, Error> {
    state.purge(&queue(&context, &input.queue_url)?).await?;
    Ok(Empty {})
}

pub(super) async fn get_url(state: State, context: RequestContext, input: GetQueueUrl) -> Result<Url, Error> {
    let key = named(&context, input.queue_name);
    if input.queue_owner.is_some_and(|owner| owner != context.account.as_str()) {
        // As for any queue that the caller may not see.
        return Err(Error::NoQueue);
    }
    state.queue(&key)?;
    Ok(Url { queue_url: url(&context, &key) })
}

pub(super) async fn list(state: State, context: RequestContext, input: ListQueues) -> Result<ListQueuesOutput, Error> {
    let limit = page(input.max_results)?;
    let after = input.next_token.as_deref().map(read_token).transpose()?;
    let scope = (&context.account, &context.region);
    let (found, more) = state.list(scope, &input.queue_name_prefix, after.as_deref(), limit)?;
    let next_token = token(&found, more && limit.is_some());
    Ok(ListQueuesOutput { queue_urls: found.iter().map(|key| url(&context, key)).collect(), next_token })
}

pub(super) async fn list_sources(
    state: State,
    context: RequestContext,
    input: ListSources,
) -> Result<ListSourcesOutput, Error> {
    let key = queue(&context, &input.queue_url)?;
    let limit = page(input.max_results)?;
    let after = input.next_token.as_deref().map(read_token).transpose()?;
    let (found, more) = state.dead_letter_sources(&key, after.as_deref(), limit)?;
    let next_token = token(&found, more && limit.is_some());
    Ok(ListSourcesOutput { queue_urls: found.iter().map(|key| url(&context, key)).collect(), next_token })
}

fn page(wanted: Option<i64>) -> Result<Option<usize>, Error> {
    let limit = |wanted: i64| usize::try_from(wanted).ok().filter(|limit| (1..=1000).contains(limit));
    let wrong = |wanted| Error::value("MaxResults", wanted, "MaxResults must be an integer between 1 and 1000.");
    wanted.map(|wanted| limit(wanted).ok_or_else(|| wrong(wanted))).transpose()
}

/// Where the next page begins, if there is one.
fn token(found: &[QueueKey], more: bool) -> Option<String> {
    found.last().filter(|_| more).map(|key| BASE64.encode(&key.name))
}

fn read_token(token: &str) -> Result<String, Error> {
    let bytes = BASE64.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|name| name.len() <= 80);
    text.ok_or_else(|| Error::invalid("Invalid or expired next token."))
}
