//! What a table and its indexes are said to take, and how they are billed for it: `BillingMode`, `ProvisionedThroughput`,
//! `OnDemandThroughput` and `WarmThroughput` of `CreateTable` and `UpdateTable`. Nothing of it is enforced.

use crate::create::{Draft, IndexDraft};
use crate::schema::{Adjusted, Index, IndexKind, OnDemand, Table, Throughput};
use crate::update::{IndexCapacity, IndexWish, Wish};
use crate::{Error, create};
use fogbank_model::Timestamp;

/// Capacity units that can be written down.
const MOST_UNITS: i64 = 1_000_000_000_000;
/// What a table without provisioned capacity is said to take at once.
const WARM: Throughput = Throughput { read: 12_000, write: 4_000 };
const DAY_MS: i64 = 86_400_000;

/// What a table is to be able to take at once; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Warm {
    /// Reads.
    pub read: Option<i64>,
    /// Writes.
    pub write: Option<i64>,
}

/// Checks how a new table is to be billed.
pub(crate) fn check(draft: &Draft) -> Result<(), Error> {
    let is_on_demand = create::is_on_demand(draft);
    match draft.throughput {
        Some(_) if is_on_demand => return Err(neither_unit()),
        Some(throughput) => check_bounds(throughput, "")?,
        None if is_on_demand => {}
        None if draft.billing.is_none() => {
            return Err(Error::validation("No provisioned throughput specified for the table"));
        }
        None => return Err(both_units()),
    }
    check_on_demand(draft.on_demand, is_on_demand)
}

pub(crate) fn neither_unit() -> Error {
    Error::parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    )
}

pub(crate) fn both_units() -> Error {
    Error::parameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
}

fn no_units_on_demand(index: &str) -> Error {
    Error::parameter(format!(
        "ProvisionedThroughput should not be specified for index: {index} when BillingMode is PAY_PER_REQUEST"
    ))
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

pub(crate) fn check_on_demand(given: Option<OnDemand>, is_on_demand: bool) -> Result<(), Error> {
    if given.is_some() && !is_on_demand {
        return Err(Error::parameter("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST"));
    }
    match given.is_some_and(|most| [most.read, most.write].iter().any(|units| *units < 1 && *units != -1)) {
        true => {
            Err(Error::parameter("MaxReadRequestUnits and MaxWriteRequestUnits must be at least 1, or -1 for no limit"))
        }
        false => Ok(()),
    }
}

/// Checks what a new global index is said to take.
pub(crate) fn check_index(index: &IndexDraft, is_on_demand: bool) -> Result<(), Error> {
    match index.throughput {
        Some(_) if is_on_demand => return Err(no_units_on_demand(&index.name)),
        Some(throughput) => check_bounds(throughput, &format!(" for index {}", index.name))?,
        None if is_on_demand => {}
        None => {
            return Err(Error::parameter(format!("ProvisionedThroughput is not specified for index: {}", index.name)));
        }
    }
    check_on_demand(index.on_demand, is_on_demand)
}

/// Checks what a global index of a table that is restored is said to take; what is not said is as it was.
pub(crate) fn check_override(index: &IndexDraft, is_on_demand: bool) -> Result<(), Error> {
    match index.throughput {
        Some(_) if is_on_demand => return Err(no_units_on_demand(&index.name)),
        Some(throughput) => check_bounds(throughput, &format!(" for index {}", index.name))?,
        None => {}
    }
    check_on_demand(index.on_demand, is_on_demand)
}

/// What a table or an index with these units takes at once, where `kept` was asked for.
pub(crate) fn warm(throughput: Throughput, kept: Option<Throughput>) -> Throughput {
    let own = if throughput == Throughput::default() { WARM } else { throughput };
    let kept = kept.unwrap_or(own);
    Throughput { read: own.read.max(kept.read), write: own.write.max(kept.write) }
}

/// What is asked for to be taken at once, if it is not less than what already is. `whose` is `table` or `index: NAME`.
pub(crate) fn warmer(now: Throughput, asked: Option<Warm>, whose: &str) -> Result<Option<Throughput>, Error> {
    let Some(asked) = asked else { return Ok(None) };
    let wanted = Throughput { read: asked.read.unwrap_or(now.read), write: asked.write.unwrap_or(now.write) };
    let units = [("Read", wanted.read, now.read), ("Write", wanted.write, now.write)];
    match units.into_iter().find(|(_, wanted, now)| wanted < now) {
        Some((kind, ..)) => Err(Error::parameter(format!(
            "Requested {kind}UnitsPerSecond for WarmThroughput for {whose} is lower than current WarmThroughput, decreasing \
             WarmThroughput is not supported"
        ))),
        None => Ok(Some(wanted)),
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
    let was_on_demand = table.is_on_demand();
    match wish.billing.as_deref() {
        Some("PAY_PER_REQUEST") => bill_by_request(table, wish, now)?,
        Some(_) => bill_by_units(table, wish)?,
        None => {}
    }
    check_on_demand(wish.on_demand, table.is_on_demand())?;
    table.on_demand = wish.on_demand.or(table.on_demand).filter(|_| table.is_on_demand());
    if let Some(throughput) = wish.throughput {
        if table.is_on_demand() {
            return Err(neither_unit());
        }
        check_bounds(throughput, "")?;
        if throughput == table.throughput && wish.billing.is_none() && wish.indexes.is_empty() {
            return Err(no_change("table", "table", throughput));
        }
        if !was_on_demand {
            table.adjusted = table.adjusted.with(table.throughput, throughput, now);
        }
        table.throughput = throughput;
    }
    let wanted = warmer(warm(table.throughput, table.warm), wish.warm, "table")?;
    table.warm = wanted.or(table.warm);
    Ok(())
}

fn bill_by_request(table: &mut Table, wish: &Wish, now: Timestamp) -> Result<(), Error> {
    if wish.throughput.is_some() {
        return Err(neither_unit());
    }
    table.last_on_demand = Some(*table.on_demand_since.get_or_insert(now));
    table.shows_billing = true;
    table.throughput = Throughput::default();
    table.indexes.iter_mut().for_each(|index| index.throughput = Throughput::default());
    Ok(())
}

fn bill_by_units(table: &mut Table, wish: &Wish) -> Result<(), Error> {
    if table.is_on_demand() {
        if wish.throughput.is_none() {
            return Err(both_units());
        }
        let is_given = |index: &Index| {
            wish.indexes.iter().any(|one| match one {
                IndexWish::Update(name, capacity) => *name == index.name && capacity.throughput.is_some(),
                IndexWish::Delete(name) => *name == index.name,
                IndexWish::Create(_) => false,
            })
        };
        if let Some(index) = table.indexes_of(IndexKind::Global).find(|index| !is_given(index)) {
            return Err(Error::parameter(format!("ProvisionedThroughput must be specified for index: {}", index.name)));
        }
    }
    table.on_demand_since = None;
    table.shows_billing = true;
    Ok(())
}

/// Changes what an index takes; `is_on_demand` says how its table is billed, `is_billing_new` whether that is part of the same change.
pub(crate) fn change_index(
    index: &mut Index,
    wish: &IndexCapacity,
    (is_on_demand, is_billing_new): (bool, bool),
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(throughput) = wish.throughput {
        if is_on_demand {
            return Err(no_units_on_demand(&index.name));
        }
        check_bounds(throughput, &format!(" for index {}", index.name))?;
        if throughput == index.throughput && !is_billing_new {
            return Err(no_change("index", &format!("index {}", index.name), throughput));
        }
        if !is_billing_new {
            index.adjusted = index.adjusted.with(index.throughput, throughput, now);
        }
        index.throughput = throughput;
    }
    check_on_demand(wish.on_demand, is_on_demand)?;
    index.on_demand = wish.on_demand.or(index.on_demand).filter(|_| is_on_demand);
    let wanted = warmer(warm(index.throughput, index.warm), wish.warm, &format!("index: {}", index.name))?;
    index.warm = wanted.or(index.warm);
    Ok(())
}

/// `kind` is `table` or `index`, `whose` the same with its name if it has to be told from others.
fn no_change(kind: &str, whose: &str, Throughput { read, write }: Throughput) -> Error {
    Error::validation(format!(
        "The provisioned throughput for the {whose} will not change. The requested value equals the current value. Current \
         ReadCapacityUnits provisioned for the {kind}: {read}. Requested ReadCapacityUnits: {read}. Current WriteCapacityUnits \
         provisioned for the {kind}: {write}. Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB Developer Guide \
         for current limits and how to request higher limits."
    ))
}
