//! What statements of PartiQL do to tables ("PartiQL – a SQL-compatible query language for Amazon DynamoDB" in the Developer Guide):
//! selections become queries or scans, changes become writes.

use crate::capacity::{Taken, read_factor};
use crate::expression::{Comparator, Condition, KeyCondition, KeyTest, Path};
use crate::partiql::{Access, OrderBy, Returning, Select, Statement, key_of};
use crate::query::{Reach, Search, find_index};
use crate::schema::{Index, IndexKind, Table, TableKey};
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
        let range = keys.range.as_ref().map(|range| range.name.as_str());
        let access = Access::of(select.condition.clone(), &keys.hash.name, range);
        if access.hashes.len() > PARTITIONS {
            return Err(Error::validation(format!("The IN operator takes at most {PARTITIONS} values for a hash key")));
        }
        let (mut hashes, is_forward) = ordered(access.hashes, &select.order, (&keys.hash.name, range), select)?;
        let partitions = hashes.len().max(1);
        let mut found = Selected { items: Vec::new(), taken: Taken::default(), next: None };
        let (mut left, mut bytes) = (how.limit, 0);
        for partition in how.from.partition..partitions {
            let reach = match hashes.get_mut(partition) {
                None => Reach::Everything { segment: None },
                Some(hash) => {
                    let mut tests = vec![(keys.hash.name.clone(), KeyTest::Compare(Comparator::Equal, hash.clone()))];
                    tests.extend(range.map(str::to_owned).zip(access.range.clone()));
                    Reach::Partition { condition: KeyCondition::of(tests), is_forward }
                }
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
                None if is_full && partition + 1 < partitions => {
                    Some(Position { partition: partition + 1, after: None })
                }
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

/// The partitions in the order that is asked for, and whether each is read from low to high.
fn ordered(
    mut hashes: Vec<AttributeValue>,
    order: &[OrderBy],
    (hash, range): (&str, Option<&str>),
    select: &Select,
) -> Result<(Vec<AttributeValue>, bool), Error> {
    let Some(first) = order.first() else { return Ok((hashes, true)) };
    if select.condition.is_none() {
        return Err(Error::validation("Must have WHERE clause in the statement when using ORDER BY clause."));
    }
    if hashes.is_empty() {
        return Err(Error::validation(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ));
    }
    if let Some(other) = order.iter().find(|one| one.key != hash && Some(one.key.as_str()) != range) {
        return Err(Error::validation(format!(
            "Variable reference {} in ORDER BY clause must be part of the primary key",
            other.key
        )));
    }
    if hashes.len() > 1 && first.key != hash {
        return Err(Error::validation(
            "ORDER BY must begin with the hash key where the WHERE clause has several values for it",
        ));
    }
    let descends = |name: &str| order.iter().any(|one| one.key == name && one.is_descending);
    if descends(hash) {
        hashes.reverse();
    }
    Ok((hashes, !range.is_some_and(descends)))
}

/// What `statement` does to an item of `table`; nothing where it only reads.
pub(crate) fn write_of(
    statement: Statement,
    key: TableKey,
    table: &Table,
    tells_on_failure: bool,
) -> Result<Option<(Write, Returning)>, Error> {
    let hash = table.keys.hash.name.as_str();
    let range = table.keys.range.as_ref().map(|range| range.name.as_str());
    let is_there = || Condition::Exists(Path::of(hash.to_owned()));
    let (action, condition, returning) = match statement {
        Statement::Select(_) => return Ok(None),
        Statement::Insert { item, .. } => (Action::Insert(item), None, Returning::Nothing),
        Statement::Update { update, condition, returning, .. } => {
            let (item, rest) = key_of(condition, hash, range)?;
            (Action::Update(item, update), Condition::both(Some(is_there()), rest), returning)
        }
        Statement::Delete { condition, returning, .. } => {
            let (item, rest) = key_of(condition, hash, range)?;
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
    let range = table.keys.range.as_ref().map(|range| range.name.as_str());
    if select.source.index.is_some() {
        return Err(whole());
    }
    let condition = select.condition.ok_or_else(whole)?;
    key_of(condition, &table.keys.hash.name, range).map_err(|_| whole())
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
