//! Lists in pages, in the order of names.

use crate::{Error, keys};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fogbank_store::{Read, Store, Table};
use serde::de::DeserializeOwned;
use std::ops::Bound;

/// Things of one page at most, and of a list that asks for no limit.
const LARGEST: usize = 100;
/// Records that are looked at in one read.
const STEP: usize = 200;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What names begin with.
    pub prefix: String,
    /// At most so many.
    pub limit: Option<i64>,
    /// What the page before ended with.
    pub token: Option<String>,
}

impl Wanted {
    fn after(&self) -> Result<Option<String>, Error> {
        let read = |token: &String| {
            let name = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            name.ok_or_else(|| Error::invalid("Invalid token"))
        };
        self.token.as_ref().map(read).transpose()
    }

    fn limit(&self) -> usize {
        self.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LARGEST).clamp(1, LARGEST)
    }

    /// The page of `items`, sorted by what `name` gives.
    pub(crate) fn of<T>(&self, items: Vec<T>, name: impl Fn(&T) -> &str) -> Result<Page<T>, Error> {
        let after = self.after()?;
        let wanted =
            |item: &T| name(item).starts_with(&self.prefix) && after.as_deref().is_none_or(|after| name(item) > after);
        let mut items: Vec<T> = items.into_iter().filter(wanted).collect();
        let more = items.len() > self.limit();
        items.truncate(self.limit());
        let token = items.last().filter(|_| more).map(|item| BASE64.encode(name(item)));
        Ok(Page { items, token })
    }
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The things.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub token: Option<String>,
}

/// A page of the records whose keys begin with `scope` and that `keep` holds for, with their names.
pub(crate) fn page<T: DeserializeOwned>(
    store: &Store,
    table: Table,
    scope: &[u8],
    wanted: &Wanted,
    keep: impl Fn(&str, &T) -> bool,
) -> Result<Page<(String, T)>, Error> {
    let limit = wanted.limit();
    let begin = [scope, wanted.prefix.as_bytes()].concat();
    // Names are ASCII, so this is after all that begin with the prefix.
    let end = [begin.as_slice(), &[0xff]].concat();
    let mut last = wanted.after()?.map(|name| [scope, name.as_bytes()].concat()).filter(|last| *last >= begin);
    let mut items = Vec::new();
    store.read(|snapshot| {
        loop {
            let from = last.as_ref().map_or(Bound::Included(begin.as_slice()), |last| Bound::Excluded(last.as_slice()));
            let found = snapshot.scan(table, from, Bound::Excluded(&end), STEP)?;
            let is_end = found.len() < STEP;
            for (key, bytes) in found {
                let record: T = serde_json::from_slice(&bytes).map_err(|error| Error::Store(error.to_string()))?;
                let Some(name) = keys::name_of(&key).map(str::to_owned) else { continue };
                last = Some(key);
                if !keep(&name, &record) {
                    continue;
                }
                if items.len() == limit {
                    let token = items.last().map(|(name, _): &(String, T)| BASE64.encode(name));
                    return Ok(Page { items, token });
                }
                items.push((name, record));
            }
            if is_end {
                return Ok(Page { items, token: None });
            }
        }
    })
}
