//! One page of a query or a scan: at most 1 MB of items looked at, filtered as they come.

use crate::expression::Condition;
use crate::query::Span;
use crate::schema::{Index, IndexKind, Table};
use crate::value::{Item, item_size};
use crate::write::key_of;
use crate::{Error, contents, keys};
use fogbank_store::{Entry, Read, Snapshot};
use std::ops::Bound;

/// Bytes of items that a page looks at.
const PAGE_BYTES: usize = 1 << 20;
/// Bytes of whole items that a page of a local index looks at, however little of them the index shows.
const HELD_BYTES: usize = 16 << 20;

/// What a page found.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// What passed the filter. A local index's items have all their attributes, because it shows what it is asked for.
    pub items: Vec<Item>,
    /// How many items were looked at.
    pub scanned: usize,
    /// Their bytes, as the table or the index shows them.
    pub bytes: usize,
    /// The key of the last one, if there may be more.
    pub last: Option<Item>,
}

/// Reads pages.
pub(crate) struct Reader<'a> {
    pub snapshot: &'a Snapshot,
    pub table: &'a Table,
    pub index: Option<&'a Index>,
    pub filter: Option<&'a Condition>,
    pub limit: Option<usize>,
}

impl Reader<'_> {
    /// The items of `span` after the key `start`, in the keys' order or against it.
    pub fn read(&self, span: Span, start: Option<Vec<u8>>, is_forward: bool) -> Result<Page, Error> {
        let map = if self.index.is_some() { keys::ENTRY } else { keys::ITEM };
        let (from, to) = match (&start, is_forward) {
            (None, _) => (Bound::Included(&span.from), Bound::Excluded(&span.to)),
            (Some(start), true) => (Bound::Excluded(start), Bound::Excluded(&span.to)),
            (Some(start), false) => (Bound::Included(&span.from), Bound::Excluded(start)),
        };
        let mut range = self.snapshot.range(map, from.map(Vec::as_slice), to.map(Vec::as_slice))?;
        let (mut page, mut held) = (Page::default(), 0);
        while let Some(entry) = if is_forward { range.next() } else { range.next_back() } {
            let Some(item) = self.item(entry?)? else { continue };
            page.scanned += 1;
            page.bytes +=
                self.index.map_or_else(|| item_size(&item), |index| contents::shown_size(self.table, index, &item));
            held += item_size(&item);
            // A local index shows what it is asked for, so its pages hold more than they look at.
            let is_heavy = self.index.is_some_and(|index| index.kind == IndexKind::Local) && held >= HELD_BYTES;
            let is_full = is_heavy || page.bytes >= PAGE_BYTES || self.limit.is_some_and(|limit| page.scanned >= limit);
            if is_full {
                page.last = Some(self.key(&item));
            }
            if self.filter.is_none_or(|filter| filter.holds(&item)) {
                page.items.push(item);
            }
            if is_full {
                break;
            }
        }
        Ok(page)
    }

    /// The item of an entry, as the table or the index shows it.
    fn item(&self, (key, value): Entry) -> Result<Option<Item>, Error> {
        let Some(index) = self.index else { return contents::decode(&value).map(Some) };
        let length = value.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
        let own = key.get(8 + length..).unwrap_or_default();
        let item = self.snapshot.get(keys::ITEM, &keys::below(self.table.place, own))?;
        let item = item.map(|bytes| contents::decode(&bytes)).transpose()?;
        match index.kind {
            IndexKind::Local => Ok(item),
            IndexKind::Global => Ok(item.map(|item| contents::project(self.table, index, item))),
        }
    }

    /// The key that the next page begins after.
    fn key(&self, item: &Item) -> Item {
        let mut key = key_of(&self.table.keys, item);
        if let Some(index) = self.index {
            key.extend(key_of(&index.keys, item));
        }
        key
    }
}
