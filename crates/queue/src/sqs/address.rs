//! Queue URLs: `ENDPOINT/ACCOUNT/NAME`, with the endpoint that the request came by. What is in front of the account does not matter
//! when one is read, so a URL holds wherever the platform is reached.

use crate::Error;
use crate::model::QueueKey;
use fogbank_model::{AccountId, RequestContext};

/// The URL of a queue.
pub(super) fn url(context: &RequestContext, key: &QueueKey) -> String {
    format!("{}/{}/{}", context.endpoint, key.account, key.name)
}

/// The queue that a URL names. Accounts are closed to each other, so it must be the caller's.
pub(super) fn queue(context: &RequestContext, url: &str) -> Result<QueueKey, Error> {
    let shown = || url.chars().take(512).collect::<String>();
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut parts = path.rsplit('/');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let account: AccountId = account.parse().map_err(|_| Error::InvalidAddress(shown()))?;
    // The first part is a host, or empty before a path.
    if name.is_empty() || parts.next().is_none() {
        return Err(Error::InvalidAddress(shown()));
    }
    if account != context.account {
        return Err(Error::Denied(shown()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() > 80 || !name.chars().all(plain) {
        return Err(Error::NoQueue);
    }
    Ok(QueueKey { account, region: context.region.clone(), name: name.to_owned() })
}

/// The queue that an ARN names in `parameter`, which must be of the caller's account and region.
pub(super) fn by_arn(context: &RequestContext, arn: &str, parameter: &str) -> Result<QueueKey, Error> {
    let key = QueueKey::of(arn);
    let own = key.filter(|key| key.account == context.account && key.region == context.region);
    own.ok_or_else(|| {
        let text = format!("The resource that you specified for the {parameter} parameter doesn't exist.");
        Error::NotFound(text)
    })
}
