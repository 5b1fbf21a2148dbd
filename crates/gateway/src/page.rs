//! Pagination: a token names the last item that was given.

use crate::Error;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A part of a list, and where the next begins.
pub(crate) struct Part<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// At most `limit` of `items` after the one that `token` names. They must be in the order of their `key`s.
pub(crate) fn part<T>(
    items: impl IntoIterator<Item = T>,
    token: Option<&str>,
    limit: usize,
    key: impl Fn(&T) -> &str,
) -> Result<Part<T>, Error> {
    let after = token.map(decode).transpose()?;
    let mut rest = items.into_iter().filter(|item| after.as_ref().is_none_or(|after| key(item) > after.as_str()));
    let items: Vec<T> = rest.by_ref().take(limit.max(1)).collect();
    let more = rest.next().is_some();
    let next = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
    Ok(Part { items, next })
}

fn decode(token: &str) -> Result<String, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Error::bad("The token is not one that a previous answer gave."))
}
