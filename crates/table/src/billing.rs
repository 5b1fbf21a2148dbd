//! What a table and its indexes are said to take, and how they are billed for it: `BillingMode` and `ProvisionedThroughput` of `CreateTable`
//! and `UpdateTable`. Nothing of it is enforced.

use crate::create::{Draft, IndexDraft};
use crate::schema::{Adjusted, Index, IndexKind, Table, Throughput};
use crate::update::{IndexCapacity, IndexWish, Wish};
use crate::{Error, create, on_demand, warm};
use fogbank_model::Timestamp;
use std::fmt::{self, Display, Formatter};

/// Capacity units that can be written down.
const MOST_UNITS: i64 = 1_000_000_000_000;
const DAY_MS: i64 = 86_400_000;

/// Whose capacity it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'n> {
    /// The table's.
    Table,
    /// The index's of this name.
    Index(&'n str),
}

impl Display for Whose<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("table"),
            Self::Index(name) => write!(f, "index {name}"),
        }
    }
}

impl Whose<'_> {
    /// As some of AWS's texts write it: `table`, `index : NAME`.
    pub fn spaced(self) -> String {
        match self {
            Self::Table => "table".into(),
            Self::Index(name) => format!("index : {name}"),
        }
    }

    /// ` for index`, `sign` and the name; nothing for a table.
    pub fn of_index(self, sign: &str) -> String {
        match self {
            Self::Table => String::new(),
            Self::Index(name) => format!(" for index{sign}{name}"),
        }
    }
}

/// Checks how a new table is to be billed.
pub(crate) fn check(draft: &Draft) -> Result<(), Error> {
    let is_on_demand = create::is_on_demand(draft);
    match draft.throughput {
        Some(_) if is_on_demand => return Err(neither_unit()),
        Some(throughput) => check_bounds(throughput, "")?,
        None if is_on_demand => {}
        None => return Err(both_units()),
    }
    on_demand::check(draft.on_demand, is_on_demand, Whose::Table)
}

pub(crate) fn neither_unit() -> Error {
    Error::parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    )
}

pub(crate) fn both_units() -> Error {
    Error::parameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
}

fn check_bounds(throughput: Throughput, whose: &str) -> Result<(), Error> {
    let units = [("ReadCapacityUnits", throughput.read), ("WriteCapacityUnits", throughput.write)];
    match units.into_iter().find(|(_, units)| *units > MOST_UNITS) {
        Some((name, units)) => {
            Err(Error::validation(format!("Given value {units} for {name} is out of bounds{whose}")))
        }
        None => Ok(()),
    }
}

/// Checks what a global index of a new table is said to take.
pub(crate) fn check_index(index: &IndexDraft, is_on_demand: bool) -> Result<(), Error> {
    let name = &index.name;
    check_index_units(index, is_on_demand, |is_given| match is_given {
        true => format!(
            "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        ),
        false => format!("ProvisionedThroughput is not specified for index: {name}"),
    })
}

/// Checks what a new global index of a table is said to take that is there; it is said in other words.
pub(crate) fn check_late_index(index: &IndexDraft, is_on_demand: bool) -> Result<(), Error> {
    let name = &index.name;
    check_index_units(index, is_on_demand, |is_given| match is_given {
        true => format!(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        ),
        false => format!("Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}"),
    })
}

fn check_index_units(index: &IndexDraft, is_on_demand: bool, why: impl Fn(bool) -> String) -> Result<(), Error> {
    match index.throughput {
        Some(throughput) if !is_on_demand => check_bounds(throughput, &format!(" for index {}", index.name))?,
        None if is_on_demand => {}
        given => return Err(Error::parameter(why(given.is_some()))),
    }
    on_demand::check(index.on_demand, is_on_demand, Whose::Index(&index.name))
}

/// Checks what a global index of a table that is restored is said to take; what is not said is as it was.
pub(crate) fn check_override(index: &IndexDraft, is_on_demand: bool) -> Result<(), Error> {
    match index.throughput {
        None => on_demand::check(index.on_demand, is_on_demand, Whose::Index(&index.name)),
        Some(_) => check_index(index, is_on_demand),
    }
}

impl Adjusted {
    /// With a change from `from` to `to` at `now`.
    fn with(self, from: Throughput, to: Throughput, now: Timestamp) -> Self {
        let has_grown = to.read > from.read || to.write > from.write;
        let has_shrunk = to.read < from.read || to.write < from.write;
        let decreases = self.decreases_on(now) + u32::from(has_shrunk);
        Self {
            increased: if has_grown { Some(now) } else { self.increased },
            decreased: if has_shrunk { Some(now) } else { self.decreased },
            decreases,
        }
    }

    /// How often units were taken away on the day of `now`.
    pub fn decreases_on(&self, now: Timestamp) -> u32 {
        let is_today = self.decreased.is_some_and(|at| at.0.div_euclid(DAY_MS) == now.0.div_euclid(DAY_MS));
        if is_today { self.decreases } else { 0 }
    }
}

/// Changes how `table` is billed, and what it takes, as `wish` says.
pub(crate) fn change(table: &mut Table, wish: &Wish, now: Timestamp) -> Result<(), Error> {
    let (was_on_demand, was_warm) = (table.is_on_demand(), warm::warm(table.throughput, table.warm));
    match wish.billing.as_deref() {
        Some("PAY_PER_REQUEST") => bill_by_request(table, now),
        Some(_) => bill_by_units(table, wish)?,
        None => {}
    }
    table.on_demand = on_demand::change(table.on_demand, wish.on_demand, table.is_on_demand(), Whose::Table)?;
    if let Some(throughput) = wish.throughput {
        if table.is_on_demand() {
            return Err(neither_unit());
        }
        check_bounds(throughput, "")?;
        if throughput == table.throughput && !was_on_demand && wish.indexes.is_empty() {
            return Err(no_change("the table", "the table", throughput));
        }
        if !was_on_demand {
            table.adjusted = table.adjusted.with(table.throughput, throughput, now);
        }
        table.throughput = throughput;
    }
    if wish.throughput.is_some() || was_on_demand != table.is_on_demand() {
        table.warm = Some(warm::warm(table.throughput, Some(was_warm)));
    }
    let wanted = warm::warmer(warm::warm(table.throughput, table.warm), wish.warm, Whose::Table)?;
    table.warm = wanted.or(table.warm);
    Ok(())
}

fn bill_by_request(table: &mut Table, now: Timestamp) {
    table.last_on_demand = Some(*table.on_demand_since.get_or_insert(now));
    table.shows_billing = true;
    table.throughput = Throughput::default();
    for index in table.indexes.iter_mut().filter(|index| index.throughput != Throughput::default()) {
        let was_warm = warm::warm(index.throughput, index.warm);
        index.adjusted = index.adjusted.with(index.throughput, Throughput::default(), now);
        index.throughput = Throughput::default();
        index.warm = Some(warm::warm(index.throughput, Some(was_warm)));
    }
}

fn bill_by_units(table: &mut Table, wish: &Wish) -> Result<(), Error> {
    if table.is_on_demand() && wish.throughput.is_none() {
        return Err(both_units());
    }
    let is_given = |index: &Index| {
        wish.indexes.iter().any(|one| match one {
            IndexWish::Update(name, capacity) => *name == index.name && capacity.throughput.is_some(),
            IndexWish::Create(_) | IndexWish::Delete(_) => false,
        })
    };
    if table.is_on_demand()
        && let Some(index) = table.indexes_of(IndexKind::Global).find(|index| !is_given(index))
    {
        return Err(Error::parameter(format!("ProvisionedThroughput must be specified for index: {}", index.name)));
    }
    table.on_demand_since = None;
    table.indexes.iter_mut().for_each(|index| index.on_demand = None);
    Ok(())
}

/// Changes what an index takes; `is_on_demand` says how its table is billed, `is_billing_new` whether that is part of the same change.
pub(crate) fn change_index(
    index: &mut Index,
    wish: &IndexCapacity,
    (is_on_demand, is_billing_new): (bool, bool),
    now: Timestamp,
) -> Result<(), Error> {
    let whose = Whose::Index(&index.name);
    let is_nothing = wish.throughput.is_none() && wish.on_demand.is_none() && wish.warm.is_none();
    if is_on_demand && (is_nothing || wish.throughput.is_some()) {
        return Err(Error::parameter(format!(
            "The only Updates for index: {} when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput",
            index.name
        )));
    }
    if is_nothing {
        return Err(Error::parameter(format!(
            "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {}",
            index.name
        )));
    }
    let was_warm = warm::warm(index.throughput, index.warm);
    if let Some(throughput) = wish.throughput {
        check_bounds(throughput, &whose.of_index(" "))?;
        if throughput == index.throughput && !is_billing_new {
            return Err(no_change(&format!("the {whose}"), &whose.to_string(), throughput));
        }
        if !is_billing_new {
            index.adjusted = index.adjusted.with(index.throughput, throughput, now);
        }
        index.throughput = throughput;
        index.warm = Some(warm::warm(throughput, Some(was_warm)));
    }
    index.on_demand = on_demand::change(index.on_demand, wish.on_demand, is_on_demand, whose)?;
    index.warm = warm::warmer(warm::warm(index.throughput, index.warm), wish.warm, whose)?.or(index.warm);
    Ok(())
}

/// `what` will not change; `whose` it is that has the units, in AWS's words.
fn no_change(what: &str, whose: &str, Throughput { read, write }: Throughput) -> Error {
    Error::validation(format!(
        "The provisioned throughput for {what} will not change. The requested value equals the current value. Current \
         ReadCapacityUnits provisioned for {whose}: {read}. Requested ReadCapacityUnits: {read}. Current WriteCapacityUnits \
         provisioned for {whose}: {write}. Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB Developer Guide \
         for current limits and how to request higher limits."
    ))
}
