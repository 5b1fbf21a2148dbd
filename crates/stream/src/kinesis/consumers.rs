//! Handlers for consumers.

use super::address::{by_arn, consumer_of};
use super::shapes::{ConsumerShape, Empty, Texts};
use crate::token::{Page, PageFilter};
use crate::{Error, StreamKey, Streams};
use fogbank_model::RequestContext;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

/// Consumers of a page, if the request does not say.
const PAGE: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Register {
    #[serde(rename = "StreamARN")]
    stream: String,
    #[serde(rename = "ConsumerName")]
    name: String,
    #[serde(rename = "Tags", default)]
    tags: Texts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Registered {
    consumer: ConsumerShape,
}

pub(super) async fn register(state: State, context: RequestContext, input: Register) -> Result<Registered, Error> {
    let key = by_arn(&context, &input.stream)?;
    let consumer = state.register(&key, &input.name, input.tags).await?;
    // It can subscribe at once; AWS's answer says what its own is at that moment, and clients wait for the description to say otherwise.
    Ok(Registered { consumer: ConsumerShape { status: "CREATING", ..ConsumerShape::of(&key, consumer) } })
}

/// How a request names a consumer: by its ARN, or by its stream's and its name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OfConsumer {
    #[serde(rename = "StreamARN")]
    stream: Option<String>,
    #[serde(rename = "ConsumerName")]
    name: Option<String>,
    #[serde(rename = "ConsumerARN")]
    arn: Option<String>,
}

impl OfConsumer {
    fn find(&self, state: &Streams, context: &RequestContext) -> Result<(StreamKey, crate::Consumer), Error> {
        match (&self.arn, &self.stream, &self.name) {
            (Some(arn), ..) => {
                let key = by_arn(context, arn)?;
                let name = consumer_of(arn).unwrap_or_default();
                let consumer = state.consumer(&key, name)?;
                if consumer.arn(&key) != *arn {
                    return Err(Error::NotFound(format!("Consumer {name}, account {} not found.", key.account)));
                }
                let is_other_stream = self.stream.as_ref().is_some_and(|stream| key.arn().as_str() != stream);
                if is_other_stream || self.name.as_ref().is_some_and(|given| given != name) {
                    return Err(Error::invalid(
                        "ConsumerARN does not name the consumer of StreamARN and ConsumerName.",
                    ));
                }
                Ok((key, consumer))
            }
            (None, Some(stream), Some(name)) => {
                let key = by_arn(context, stream)?;
                let consumer = state.consumer(&key, name)?;
                Ok((key, consumer))
            }
            _ => Err(Error::invalid("Either ConsumerARN, or StreamARN and ConsumerName must be specified.")),
        }
    }
}

pub(super) async fn deregister(state: State, context: RequestContext, input: OfConsumer) -> Result<Empty, Error> {
    let (key, consumer) = input.find(&state, &context)?;
    state.deregister(&key, &consumer.name).await?;
    Ok(Empty {})
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    consumer_description: ConsumerShape,
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfConsumer) -> Result<Described, Error> {
    let (key, consumer) = input.find(&state, &context)?;
    let stream = Some(key.arn().into());
    Ok(Described { consumer_description: ConsumerShape { stream, ..ConsumerShape::of(&key, consumer) } })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(rename = "StreamARN")]
    stream: String,
    next_token: Option<String>,
    max_results: Option<usize>,
    stream_creation_timestamp: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    consumers: Vec<ConsumerShape>,
    next_token: Option<String>,
}

pub(super) async fn list(state: State, context: RequestContext, input: List) -> Result<Listed, Error> {
    let key = by_arn(&context, &input.stream)?;
    let stream = state.stream(&key)?;
    if input.stream_creation_timestamp.is_some_and(|at| at.div_euclid(1000) != stream.created.0.div_euclid(1000)) {
        return Err(Error::NotFound(format!("Stream {} under account {} not found.", key.name, key.account)));
    }
    let after = match &input.next_token {
        Some(token) => {
            let page = state.page(&key, "consumers", token)?;
            if page.stream != key.name {
                return Err(Error::invalid("Invalid NextToken."));
            }
            Some(page.after)
        }
        None => None,
    };
    let (consumers, more) = state.consumers(&key, after.as_deref(), input.max_results.unwrap_or(PAGE))?;
    let last = consumers.last().map(|consumer| consumer.name.clone()).unwrap_or_default();
    let (list, stream) = ("consumers".into(), key.name.clone());
    let page = Page { list, stream, after: last, filter: PageFilter::default(), made: 0 };
    let next_token = state.next_page(&key, page, more);
    let consumers = consumers.into_iter().map(|consumer| ConsumerShape::of(&key, consumer)).collect();
    Ok(Listed { consumers, next_token })
}
