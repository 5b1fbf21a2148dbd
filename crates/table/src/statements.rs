//! What statements of PartiQL do to tables ("PartiQL – a SQL-compatible query language for Amazon DynamoDB" in the Developer Guide):
//! selections become queries or scans, changes become writes.

use crate::capacity::{Taken, read_factor};
use crate::expression::{Comparator, Condition, KeyCondition, KeyTest, Path};
use crate::partiql::{Access, OrderBy, Returning, Select, Statement, key_of};
use crate::query::{Reach, Search, find_index};
use crate::schema::{Index, IndexKind, KeyAttribute, KeySchema, Table, TableKey};
use crate::value::{AttributeValue, Item};
use crate::write::{Action, Write, Written, perform};
use crate::{Error, Tables, contents};
use fogbank_store::Tx;
use std::sync::Arc;

/// Bytes of items that one page of a selection looks at, over all partitions.
const PAGE_BYTES: usize = 1 << 20;

/// Partitions that one selection reads.
const PARTITIONS: usize = 50;

/// Where a selection goes on: which of its partitions, and after which key in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Position {
    pub partition: usize,
    pub after: Option<Item>,
}

/// How a selection is to be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub is_consistent: bool,
    /// Items that are looked at, at most.
    pub limit: Option<usize>,
    pub from: Position,
}

/// A page of a selection.
#[derive(Debug)]
pub(crate) struct Selected {
    pub items: Vec<Item>,
    pub taken: Taken,
    /// Where the next page begins, if there may be more.
    pub next: Option<Position>,
}

impl Tables {
    /// The table that a statement works on, as it is now.
    pub(crate) fn table_of(&self, key: &TableKey) -> Result<Arc<Table>, Error> {
        self.store.read(|snapshot| self.registry.find_committed(snapshot, key))
    }

    /// A page of what `select` selects.
    pub(crate) fn select(&self, key: &TableKey, select: &Select, how: &Reading) -> Result<Selected, Error> {
        let table = self.table_of(key)?;
        let index = select.source.index.as_deref().map(|name| find_index(&table, name)).transpose()?;
        let keys = index.map_or(&table.keys, |index| &index.keys);
        check_shown(&table, index, select, how.is_consistent)?;
        let access = Access::of(select.condition.clone(), names(keys.hash.attributes()), names(keys.ranges()));
        if access.count() > PARTITIONS {
            return Err(Error::validation(format!("The IN operator takes at most {PARTITIONS} values for a hash key")));
        }
        let (is_descending, is_forward) = directions(&access, select, keys)?;
        let mut partitions = access.partitions();
        if is_descending {
            partitions.reverse();
        }
        let count = partitions.len().max(1);
        let mut found = Selected { items: Vec::new(), taken: Taken::default(), next: None };
        let (mut left, mut bytes) = (how.limit, 0);
        for partition in how.from.partition..count {
            let reach = match partitions.get(partition) {
                None => Reach::Everything { segment: None },
                Some(values) => Reach::Partition { condition: condition(keys, values, &access.ranges), is_forward },
            };
            let after = how.from.after.clone().filter(|_| partition == how.from.partition);
            let (source, filter) = (select.source.index.clone(), access.filter.clone());
            let search = Search { table: key.clone(), index: source, reach, after, filter, limit: left };
            let (table, page) = self.search(&search, |_, _| Ok(()))?;
            let index = search.index.as_deref().and_then(|name| table.index(name));
            let factor = read_factor(how.is_consistent);
            found.taken.add(&Taken::reading(&table, search.index.as_deref(), page.bytes, factor));
            found.items.extend(page.items.into_iter().map(|item| shown(&table, index, select, item)));
            bytes += page.bytes;
            left = left.map(|left| left.saturating_sub(page.scanned));
            let is_full = bytes >= PAGE_BYTES || left == Some(0);
            found.next = match page.last {
                Some(last) => Some(Position { partition, after: Some(last) }),
                None if is_full && partition + 1 < count => Some(Position { partition: partition + 1, after: None }),
                None => continue,
            };
            break;
        }
        Ok(found)
    }

    /// Makes the writes one by one; each fails on its own.
    pub(crate) async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Result<Written, Error>>, Error> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let registry = self.registry.clone();
        let each = move |tx: &mut Tx<'_>| {
            let made = writes.iter().map(|write| match perform(tx, &registry, write) {
                Err(error @ Error::Store(_)) => Err(error),
                other => Ok(other),
            });
            made.collect::<Result<Vec<_>, Error>>()
        };
        self.store.transact(each).await
    }
}

/// What is answered of an item that was found.
fn shown(table: &Table, index: Option<&Index>, select: &Select, item: Item) -> Item {
    match index {
        Some(index) if select.columns.is_none() => contents::project(table, index, item),
        _ => select.of(&item),
    }
}

/// Whether the index can show what is selected.
fn check_shown(table: &Table, index: Option<&Index>, select: &Select, is_consistent: bool) -> Result<(), Error> {
    let Some(index) = index.filter(|index| index.kind == IndexKind::Global) else { return Ok(()) };
    if is_consistent {
        return Err(Error::validation("Consistent reads are not supported on global secondary indexes"));
    }
    let columns = select.columns.iter().flatten();
    contents::check_projects(table, index, columns.map(|column| column.path.name.as_str()))
}

fn names<'k>(attributes: impl Iterator<Item = &'k KeyAttribute>) -> impl Iterator<Item = &'k str> {
    attributes.map(|attribute| attribute.name.as_str())
}

/// That the partition key has these values and the sort key passes these tests.
fn condition(keys: &KeySchema, hash: &[AttributeValue], ranges: &[KeyTest]) -> KeyCondition {
    let is_equal = |value: &AttributeValue| KeyTest::Compare(Comparator::Equal, value.clone());
    let hash = names(keys.hash.attributes()).zip(hash.iter().map(is_equal));
    let ranges = names(keys.ranges()).zip(ranges.iter().cloned());
    KeyCondition::of(hash.chain(ranges).map(|(name, test)| (name.to_owned(), test)).collect())
}

/// Whether partitions are to be read from the last to the first, and whether each is read from low to high.
fn directions(access: &Access, select: &Select, keys: &KeySchema) -> Result<(bool, bool), Error> {
    if select.order.is_empty() {
        return Ok((false, true));
    }
    if select.condition.is_none() {
        return Err(Error::validation("Must have WHERE clause in the statement when using ORDER BY clause."));
    }
    if access.hashes.is_empty() {
        return Err(Error::validation(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ));
    }
    if let Some(other) = select.order.iter().find(|one| !keys.has(&one.key)) {
        return Err(Error::validation(format!(
            "Variable reference {} in ORDER BY clause must be part of the primary key",
            other.key
        )));
    }
    // Of what has but one value, nothing is in any order.
    let several = names(keys.hash.attributes()).zip(&access.hashes).filter(|(_, values)| values.len() > 1);
    let several: Vec<&str> = several.map(|(name, _)| name).collect();
    let fixed = access.ranges.iter().filter(|test| test.value().is_some()).count();
    let open: Vec<&str> = names(keys.ranges()).skip(fixed).collect();
    let order: Vec<_> =
        select.order.iter().filter(|one| several.iter().chain(&open).any(|name| *name == one.key)).collect();
    let is_sorted = order.iter().zip(several.iter().chain(&open)).all(|(one, name)| one.key == *name);
    let (hashes, ranges) = order.split_at(several.len().min(order.len()));
    let is_descending = |part: &[&OrderBy]| part.first().is_some_and(|one| one.is_descending);
    let is_uniform = |part: &[&OrderBy]| part.iter().all(|one| one.is_descending == is_descending(part));
    if !is_sorted || !is_uniform(hashes) || !is_uniform(ranges) {
        return Err(Error::validation(
            "ORDER BY must name the hash keys that the WHERE clause has several values for, then the sort keys, in the key's order and \
             each in one direction",
        ));
    }
    Ok((is_descending(hashes), !is_descending(ranges)))
}

/// What `statement` does to an item of `table`; nothing where it only reads.
pub(crate) fn write_of(
    statement: Statement,
    key: TableKey,
    table: &Table,
    tells_on_failure: bool,
) -> Result<Option<(Write, Returning)>, Error> {
    let is_there = || Condition::Exists(Path::of(table.keys.hash.first.name.clone()));
    let (action, condition, returning) = match statement {
        Statement::Select(_) => return Ok(None),
        Statement::Insert { item, .. } => (Action::Insert(item), None, Returning::Nothing),
        Statement::Update { update, condition, returning, .. } => {
            let (item, rest) = key_of(condition, table.keys.names())?;
            (Action::Update(item, update), Condition::both(Some(is_there()), rest), returning)
        }
        Statement::Delete { condition, returning, .. } => {
            let (item, rest) = key_of(condition, table.keys.names())?;
            // Nothing is removed where nothing is, whatever else is asked for.
            let or_nothing = |rest| Condition::Or(Box::new(Condition::Not(Box::new(is_there()))), Box::new(rest));
            (Action::Delete(item), rest.map(or_nothing), returning)
        }
        Statement::Exists(select) => {
            let (item, rest) = item_of(select, table, TRANSACTION)?;
            (Action::Check(item), Condition::both(Some(is_there()), rest), Returning::Nothing)
        }
    };
    Ok(Some((Write { table: key, action, condition, tells_on_failure }, returning)))
}

/// The operation whose statements are a transaction.
pub(crate) const TRANSACTION: &str = "ExecuteTransaction";

/// The key of the one item that a selection is of, and what else must hold; `operation` is the one that wants it.
pub(crate) fn item_of(select: Select, table: &Table, operation: &str) -> Result<(Item, Option<Condition>), Error> {
    let whole = || {
        Error::validation(format!(
            "Select statements within {operation} must specify the primary key in the where clause."
        ))
    };
    if select.source.index.is_some() {
        return Err(whole());
    }
    let condition = select.condition.ok_or_else(whole)?;
    key_of(condition, table.keys.names()).map_err(|_| whole())
}

/// What a change answers.
pub(crate) fn returned(returning: Returning, written: &Written) -> Vec<Item> {
    let updated = written.updated.as_ref();
    let item = match returning {
        Returning::Nothing => None,
        Returning::AllOld => written.old.clone(),
        Returning::AllNew => written.new.clone(),
        Returning::ModifiedOld => updated.map(|updated| updated.old.clone()),
        Returning::ModifiedNew => updated.map(|updated| updated.new.clone()),
    };
    item.into_iter().collect()
}
