//! Reading many items: a partition by its sort key, or a whole table or index, page by page.

#[cfg(test)]
mod tests;

use crate::expression::{Comparator, Condition, KeyCondition, KeyTest};
use crate::keys::{self, ItemKey};
use crate::page::{Page, Reader};
use crate::schema::{Index, KeyAttribute, KeySchema, Table, TableKey};
use crate::value::{AttributeValue, Item};
use crate::write::{check_hash_size, check_range_size, emptiness, empty_index_key, empty_key, key_given, key_of};
use crate::{Error, Tables, contents};
use std::sync::Arc;

/// Which items are read, and in which order.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// Those of one partition, whose sort keys satisfy a test.
    Partition { condition: KeyCondition, is_forward: bool },
    /// All, or one of several segments of all.
    Everything { segment: Option<(u64, u64)> },
}

/// A query or a scan, read from a request.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub table: TableKey,
    pub index: Option<String>,
    pub reach: Reach,
    pub after: Option<Item>,
    pub filter: Option<Condition>,
    /// Items that are looked at, at most.
    pub limit: Option<usize>,
}

/// A range of keys in the store.
pub(crate) struct Span {
    pub from: Vec<u8>,
    /// Excluded.
    pub to: Vec<u8>,
}

impl Tables {
    /// A page of what `search` finds.
    pub(crate) fn search(
        &self,
        search: &Search,
        check: impl FnOnce(&Table, Option<&Index>) -> Result<(), Error>,
    ) -> Result<(Arc<Table>, Page), Error> {
        self.store.read(|snapshot| {
            let table = self.registry.find_committed(snapshot, &search.table)?;
            let index = search.index.as_deref().map(|name| find_index(&table, name)).transpose()?;
            check(&table, index)?;
            let span = span(&table, index, &search.reach)?;
            let is_forward = !matches!(search.reach, Reach::Partition { is_forward: false, .. });
            let start =
                search.after.as_ref().map(|key| start(&table, index, key, (&search.reach, &span))).transpose()?;
            let reader = Reader { snapshot, table: &table, index, filter: search.filter.as_ref(), limit: search.limit };
            let page = reader.read(span, start, is_forward)?;
            Ok((table.clone(), page))
        })
    }
}

pub(crate) fn find_index<'a>(table: &'a Table, name: &str) -> Result<&'a Index, Error> {
    table.index(name).ok_or_else(|| Error::validation(format!("The table does not have the specified index: {name}")))
}

fn span(table: &Table, index: Option<&Index>, reach: &Reach) -> Result<Span, Error> {
    let place = index.map_or(table.place, |index| index.place);
    Ok(match reach {
        Reach::Everything { segment } => {
            let (from, to) = keys::segment(place, segment.unwrap_or((0, 1)));
            Span { from, to }
        }
        Reach::Partition { condition, .. } => {
            let keys = index.map_or(&table.keys, |index| &index.keys);
            check_condition(index, keys, condition)?;
            partition_span(place, keys, condition).ok_or_else(wrong_type)?
        }
    })
}

fn wrong_type() -> Error {
    Error::parameter("Condition parameter type does not match schema type")
}

/// Whether `condition` asks of `keys` what a query can ask, with values that such keys can have.
pub(crate) fn check_condition(index: Option<&Index>, keys: &KeySchema, condition: &KeyCondition) -> Result<(), Error> {
    condition.check(keys.hash.attributes().map(name), keys.ranges().map(name))?;
    let mut size = 0;
    for (attribute, value) in keys.hash.attributes().filter_map(|one| Some((one, condition.value(&one.name)?))) {
        check_value(index, attribute, value)?;
        size += value.size();
        check_hash_size(size)?;
    }
    size = 0;
    for (attribute, test) in keys.ranges().filter_map(|one| Some((one, condition.test(&one.name)?))) {
        check_test(index, attribute, test, size)?;
        size += test.value().map_or(0, AttributeValue::size);
    }
    Ok(())
}

fn name(attribute: &KeyAttribute) -> &str {
    &attribute.name
}

fn check_value(index: Option<&Index>, attribute: &KeyAttribute, value: &AttributeValue) -> Result<(), Error> {
    if value.type_name() != attribute.kind.as_str() {
        return Err(wrong_type());
    }
    match (emptiness(value), index) {
        (None, _) => Ok(()),
        (Some(what), None) => Err(empty_key(&attribute.name, what)),
        (Some(what), Some(index)) => Err(empty_index_key(&index.name, &attribute.name, what)),
    }
}

/// Checks what is asked of an attribute of a sort key; those before it have `size` bytes.
fn check_test(index: Option<&Index>, attribute: &KeyAttribute, test: &KeyTest, size: usize) -> Result<(), Error> {
    for value in test.values() {
        check_value(index, attribute, value)?;
        check_range_size(size + value.size())?;
    }
    match test {
        KeyTest::Between(low, high) if low > high => Err(Error::validation(format!(
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower \
             bound operand: AttributeValue: {{{}}}, upper bound operand: AttributeValue: {{{}}}",
            shown(low),
            shown(high)
        ))),
        _ => Ok(()),
    }
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::N(number) => format!("N:{number}"),
        AttributeValue::S(text) => format!("S:{text}"),
        other => other.type_name().to_owned(),
    }
}

/// The keys below `place` that satisfy `condition`: all attributes but the last one asked for have one value, so they are together.
fn partition_span(place: u64, keys: &KeySchema, condition: &KeyCondition) -> Option<Span> {
    let partition = ItemKey::partition(keys.hash.attributes().map(|one| condition.value(&one.name)))?;
    let mut prefix = keys::below(place, &partition.0);
    for test in keys.ranges().map_while(|one| condition.test(&one.name)) {
        match test.value() {
            Some(value) => keys::encode(value, &mut prefix)?,
            None => return range_span(&prefix, test),
        }
    }
    Some(Span { to: after(&prefix), from: prefix })
}

/// The keys below `prefix` whose next attribute satisfies `test`. Values are encoded so that none is the beginning of another.
fn range_span(prefix: &[u8], test: &KeyTest) -> Option<Span> {
    let at = |value: &AttributeValue| {
        let mut key = prefix.to_vec();
        keys::encode(value, &mut key).map(|()| key)
    };
    let (from, to) = match test {
        KeyTest::Compare(comparator, value) => match comparator {
            Comparator::Equal | Comparator::NotEqual => (at(value)?, after(&at(value)?)),
            Comparator::Less => (prefix.to_vec(), at(value)?),
            Comparator::LessOrEqual => (prefix.to_vec(), after(&at(value)?)),
            Comparator::Greater => (after(&at(value)?), after(prefix)),
            Comparator::GreaterOrEqual => (at(value)?, after(prefix)),
        },
        KeyTest::Between(low, high) => (at(low)?, after(&at(high)?)),
        KeyTest::BeginsWith(value) => {
            let mut beginning = prefix.to_vec();
            keys::encode_beginning(value, &mut beginning)?;
            (beginning.clone(), after(&beginning))
        }
    };
    Some(Span { from, to })
}

/// The first key after all that begin with `prefix`. A place comes first, so there is one.
fn after(prefix: &[u8]) -> Vec<u8> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff).unwrap_or_default();
    let mut end = prefix[..=kept].to_vec();
    end[kept] = end[kept].saturating_add(1);
    end
}

/// The key in the store that a page begins after.
fn start(table: &Table, index: Option<&Index>, key: &Item, (reach, span): (&Reach, &Span)) -> Result<Vec<u8>, Error> {
    let invalid = |why: &str| Error::validation(format!("The provided starting key is invalid{why}"));
    let is_scan = matches!(reach, Reach::Everything { .. });
    let of_index = index.into_iter().flat_map(|index| index.keys.attributes());
    let wanted: Vec<_> =
        table.keys.attributes().chain(of_index.filter(|attribute| !table.keys.has(&attribute.name))).collect();
    if key.len() != wanted.len() || !wanted.into_iter().all(|attribute| attribute.of(key).is_some()) {
        return Err(match is_scan && index.is_none() {
            true => invalid(": The provided key element does not match the schema"),
            false => invalid(""),
        });
    }
    let own = key_of(&table.keys, key);
    let at = key_given(table, &own).map_err(|error| invalid(&format!(": {error}")))?;
    let place = match index {
        None => keys::below(table.place, &at.0),
        Some(index) => {
            let entry = ItemKey::of(&index.keys, key).ok_or_else(|| invalid(""))?;
            contents::entry_key(index, &entry, &at)
        }
    };
    // Beyond its end, or before its beginning, a key is another partition's or another segment's.
    if place < span.from || place >= span.to {
        let is_of_partition = |condition: &KeyCondition| {
            let keys = index.map_or(&table.keys, |index| &index.keys);
            keys.hash.attributes().all(|one| key.get(&one.name) == condition.value(&one.name))
        };
        return Err(Error::validation(match reach {
            Reach::Everything { .. } => {
                "The provided Exclusive start key does not map to the provided Segment and TotalSegments values."
            }
            Reach::Partition { condition, .. } if is_of_partition(condition) => {
                "The provided starting key does not match the range key predicate"
            }
            Reach::Partition { .. } => {
                "The provided starting key is outside query boundaries based on provided conditions"
            }
        }));
    }
    Ok(place)
}
