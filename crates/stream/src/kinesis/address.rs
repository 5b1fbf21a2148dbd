//! Which stream or consumer a request means. Accounts are closed to each other, so it must be the caller's.

use crate::settings::Resource;
use crate::token::Page;
use crate::{Error, StreamKey, Streams};
use fogbank_model::RequestContext;
use serde::Deserialize;

/// How a request names a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    #[serde(rename = "StreamName")]
    pub name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub arn: Option<String>,
}

/// A stream of the caller's account and region.
pub(super) fn own(context: &RequestContext, name: impl Into<String>) -> StreamKey {
    StreamKey { account: context.account.clone(), region: context.region.clone(), name: name.into() }
}

/// The stream that an ARN names.
pub(super) fn by_arn(context: &RequestContext, arn: &str) -> Result<StreamKey, Error> {
    let key = StreamKey::of(arn).ok_or_else(|| Error::invalid(format!("{arn} is not the ARN of a stream.")))?;
    if key.account == context.account && key.region == context.region {
        return Ok(key);
    }
    Err(Error::NotFound(format!("Stream {} under account {} not found.", key.name, key.account)))
}

impl Address {
    pub fn key(&self, context: &RequestContext) -> Result<StreamKey, Error> {
        match (&self.name, &self.arn) {
            (name, Some(arn)) => {
                let key = by_arn(context, arn)?;
                if name.as_ref().is_some_and(|name| *name != key.name) {
                    return Err(Error::invalid("StreamName and StreamARN do not name the same stream."));
                }
                Ok(key)
            }
            (Some(name), None) => Ok(own(context, name)),
            (None, None) => Err(Error::invalid("Either StreamName or StreamARN must be specified.")),
        }
    }
}

/// The name of the consumer that an ARN ends with.
pub(super) fn consumer_of(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once("/consumer/")?;
    rest.rsplit_once(':').map(|(name, _)| name)
}

/// The stream or consumer that an ARN names.
pub(super) fn resource(context: &RequestContext, arn: &str) -> Result<Resource, Error> {
    let stream = by_arn(context, arn)?;
    let consumer = consumer_of(arn).map(|name| (name.to_owned(), arn.to_owned()));
    Ok(Resource { stream, consumer })
}

impl Streams {
    /// A token for the page behind `after`, if there is one.
    pub(super) fn next_page(&self, key: &StreamKey, page: Page, more: bool) -> Option<String> {
        more.then(|| Page { made: self.clock.now().0, ..page }.encode(key, &self.secret))
    }

    pub(super) fn page(&self, key: &StreamKey, list: &str, token: &str) -> Result<Page, Error> {
        Page::decode(token, list, key, &self.secret, self.clock.now())
    }
}
