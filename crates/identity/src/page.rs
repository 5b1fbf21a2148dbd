//! IAM's pagination: a marker names the last item that was given.

use crate::Error;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How many items an answer has where the request does not say.
const DEFAULT_ITEMS: i64 = 100;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

/// A part of a list, and where the next begins.
#[derive(Debug)]
pub(crate) struct Part<T> {
    pub items: Vec<T>,
    pub marker: Option<String>,
}

impl Page {
    /// The part of `items` that is asked for. They must be in the order of their `name`s.
    pub fn of<T>(&self, items: impl Iterator<Item = T>, name: impl Fn(&T) -> String) -> Result<Part<T>, Error> {
        let after = self.marker.as_deref().map(decode).transpose()?;
        let count = usize::try_from(self.max_items.unwrap_or(DEFAULT_ITEMS).clamp(1, 1000)).unwrap_or(1);
        let mut rest = items.filter(|item| after.as_ref().is_none_or(|after| name(item) > *after));
        let items: Vec<T> = rest.by_ref().take(count).collect();
        let more = rest.next().is_some();
        let marker = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(name(last)));
        Ok(Part { items, marker })
    }
}

fn decode(marker: &str) -> Result<String, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Error::InvalidInput("The marker is not one that a previous answer gave.".into()))
}
