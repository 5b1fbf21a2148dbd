//! Listing keys in order, those below a delimiter rolled up to their common prefix.

use crate::keys;
use crate::model::Bucket;
use fogbank_store::{Error as StoreError, Read, Table};
use std::ops::Bound;

/// How many records are read at once.
const BATCH: usize = 512;

/// Which keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    pub prefix: String,
    pub delimiter: String,
    /// Keys begin after this one.
    pub after: Option<String>,
    /// The most keys and common prefixes.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found<T> {
    Key(String, T),
    Prefix(String),
}

impl<T> Found<T> {
    /// Its key, or the common prefix.
    pub fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page<T> {
    pub found: Vec<Found<T>>,
    pub truncated: bool,
}

/// How a table's keys are read: the bytes that keys with a prefix begin with, and the key of a record.
pub(crate) struct Layout {
    pub table: Table,
    pub start: fn(&Bucket, &str) -> Vec<u8>,
    pub key: fn(&[u8]) -> String,
}

/// `s3.object`: one record a key.
pub(crate) const OBJECTS: Layout = Layout {
    table: keys::OBJECT,
    start: keys::in_bucket,
    key: |bytes| String::from_utf8_lossy(bytes.get(8..).unwrap_or_default()).into_owned(),
};
/// `s3.version`: the versions of each key, the newest first.
pub(crate) const VERSIONS: Layout = Layout { table: keys::VERSION, start: keys::escaped, key: keys::key_of };
/// `s3.upload`: the uploads to each key, the oldest first.
pub(crate) const UPLOADS: Layout = Layout { table: keys::UPLOAD, start: keys::escaped, key: keys::key_of };

/// Reads a page. `from` is where the records begin in the table, if not with the prefix; `read_record` may pass over a record.
pub(crate) fn page<T>(
    read: &impl Read,
    bucket: &Bucket,
    layout: &Layout,
    range: &Range,
    from: Option<Bound<Vec<u8>>>,
    mut read_record: impl FnMut(&str, &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<Page<T>, StoreError> {
    let start = (layout.start)(bucket, &range.prefix);
    let end = after_all(&start);
    let mut from = match from {
        Some(Bound::Included(key) | Bound::Excluded(key)) if key < start => Bound::Included(start),
        Some(from) => from,
        None => Bound::Included(start),
    };
    let mut page = Page { found: Vec::new(), truncated: false };
    'batches: loop {
        let batch = read.scan(layout.table, borrowed(&from), Bound::Excluded(&end), BATCH)?;
        let is_last = batch.len() < BATCH;
        let mut skipped: Option<Vec<u8>> = None;
        for (bytes, value) in batch {
            if skipped.as_ref().is_some_and(|skipped| bytes.starts_with(skipped)) {
                continue;
            }
            let key = (layout.key)(&bytes);
            let common = common_prefix(&key, range);
            let is_seen = common.is_some_and(|common| range.after.as_deref().is_some_and(|after| common <= after));
            let found = match common {
                Some(_) if is_seen => None,
                Some(common) => Some(Found::Prefix(common.to_owned())),
                None => read_record(&key, &value)?.map(|record| Found::Key(key.clone(), record)),
            };
            if let Some(found) = found {
                if page.found.len() == range.limit {
                    page.truncated = true;
                    return Ok(page);
                }
                page.found.push(found);
            }
            if let Some(common) = common {
                let prefix = (layout.start)(bucket, common);
                from = Bound::Included(after_all(&prefix));
                skipped = Some(prefix);
            } else {
                from = Bound::Excluded(bytes);
                skipped = None;
            }
        }
        if is_last && skipped.is_none() {
            break 'batches;
        }
        if is_last {
            // What follows the prefix was in the batch too, or there is nothing.
            break 'batches;
        }
    }
    Ok(page)
}

/// What `key` is rolled up to.
fn common_prefix<'k>(key: &'k str, range: &Range) -> Option<&'k str> {
    if range.delimiter.is_empty() {
        return None;
    }
    let rest = key.get(range.prefix.len()..)?;
    let at = rest.find(&range.delimiter)?;
    key.get(..range.prefix.len() + at + range.delimiter.len())
}

/// The first key after all that begin with `prefix`, which begins with a bucket's number, so that there is one.
pub(crate) fn after_all(prefix: &[u8]) -> Vec<u8> {
    let kept = prefix.iter().rposition(|byte| *byte != 255).unwrap_or_default();
    let mut end = prefix.get(..=kept).unwrap_or_default().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}
