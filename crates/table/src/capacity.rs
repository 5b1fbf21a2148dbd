//! What operations take of a table's capacity ("Read and write operations" in the Developer Guide).

use crate::contents::Effort;
use crate::schema::{IndexKind, Table};
use std::collections::BTreeMap;

const WRITE_UNIT: usize = 1024;
const READ_UNIT: usize = 4096;

/// Capacity units that were taken, of a table and its indexes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Taken {
    /// Of the table itself.
    pub table: f64,
    /// Of indexes, by name.
    pub indexes: BTreeMap<String, (IndexKind, f64)>,
    /// Whether it was writing.
    pub is_write: bool,
}

impl Taken {
    /// What writing took. `factor` is 2 in transactions.
    pub fn writing(table: &Table, effort: &Effort, factor: f64) -> Self {
        let of_index = |(name, writes): (&String, &Vec<usize>)| {
            let units = writes.iter().map(|bytes| units(*bytes, WRITE_UNIT)).sum::<f64>() * factor;
            let kind = table.index(name).map_or(IndexKind::Global, |index| index.kind);
            (name.clone(), (kind, units))
        };
        let indexes = effort.indexes.iter().map(of_index).collect();
        Self { table: units(effort.bytes, WRITE_UNIT) * factor, indexes, is_write: true }
    }

    /// What reading `bytes` of a table or of one of its indexes took.
    pub fn reading(table: &Table, index: Option<&str>, bytes: usize, factor: f64) -> Self {
        let taken = units(bytes, READ_UNIT) * factor;
        match index.and_then(|name| table.index(name)) {
            Some(index) => Self {
                table: 0.0,
                indexes: BTreeMap::from([(index.name.clone(), (index.kind, taken))]),
                is_write: false,
            },
            None => Self { table: taken, indexes: BTreeMap::new(), is_write: false },
        }
    }

    /// Adds what it took to read an item of `bytes` of the table, for what an index does not show of it.
    pub fn add_fetched(&mut self, bytes: usize, factor: f64) {
        self.table += units(bytes, READ_UNIT) * factor;
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.table + self.indexes.values().map(|(_, units)| units).sum::<f64>()
    }

    /// Adds what another operation took.
    pub fn add(&mut self, other: &Self) {
        self.table += other.table;
        self.is_write |= other.is_write;
        for (name, (kind, units)) in &other.indexes {
            self.indexes.entry(name.clone()).or_insert((*kind, 0.0)).1 += units;
        }
    }
}

/// How a read's units are counted: half where it may be a moment behind, twice in a transaction.
pub(crate) fn read_factor(is_consistent: bool) -> f64 {
    if is_consistent { 1.0 } else { 0.5 }
}

/// At least one: what is not there is looked for all the same.
fn units(bytes: usize, unit: usize) -> f64 {
    bytes.div_ceil(unit).max(1) as f64
}
