//! How much capacity one table or index may be said to take ("Service, account, and table quotas" in the DynamoDB Developer Guide).

use crate::billing::Whose;
use crate::create::Draft;
use crate::update::{IndexCapacity, IndexWish, Wish};
use crate::{Error, IndexDraft};
use fogbank_model::Region;

/// Units of one table or index.
pub(crate) const UNITS: i64 = 40_000;

/// Checks what a new table and its indexes are said to take.
pub(crate) fn check_draft(region: &Region, draft: &Draft) -> Result<(), Error> {
    let table = IndexCapacity { throughput: draft.throughput, on_demand: draft.on_demand, warm: draft.warm };
    check(region, Whose::Table, table)?;
    draft.global.iter().flatten().try_for_each(|index| check_index(region, index))
}

/// Checks what a table and its indexes are to take.
pub(crate) fn check_wish(region: &Region, wish: &Wish) -> Result<(), Error> {
    let table = IndexCapacity { throughput: wish.throughput, on_demand: wish.on_demand, warm: wish.warm };
    check(region, Whose::Table, table)?;
    wish.indexes.iter().try_for_each(|index| match index {
        IndexWish::Create(draft) => check_index(region, draft),
        IndexWish::Update(name, capacity) => check(region, Whose::Index(name), *capacity),
        IndexWish::Delete(_) => Ok(()),
    })
}

fn check_index(region: &Region, index: &IndexDraft) -> Result<(), Error> {
    let asked = IndexCapacity { throughput: index.throughput, on_demand: index.on_demand, warm: index.warm };
    check(region, Whose::Index(&index.name), asked)
}

fn check(region: &Region, whose: Whose<'_>, asked: IndexCapacity) -> Result<(), Error> {
    let too_many = |read: Option<i64>, write: Option<i64>| {
        let units = [("Read", read), ("Write", write)];
        units.into_iter().find_map(|(kind, units)| Some((kind, units.filter(|units| *units > UNITS)?)))
    };
    if let Some((kind, units)) = asked.throughput.and_then(|one| too_many(Some(one.read), Some(one.write))) {
        let per = if matches!(whose, Whose::Table) { "table" } else { "index" };
        return Err(Error::LimitExceeded(format!(
            "The requested {kind}CapacityUnits{}, {units}, is above the per {per} maximum for the account in {region}. Per table \
             maximum: {UNITS}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
            whose.of_index(" ")
        )));
    }
    if let Some((kind, _)) = asked.on_demand.and_then(|one| too_many(one.read, one.write)) {
        let what = format!("Max{kind}RequestUnits for OnDemandThroughput for {}", whose.spaced());
        return Err(exceeds(&what, kind, region));
    }
    match asked.warm.and_then(|one| too_many(one.read, one.write)) {
        Some((kind, _)) => Err(exceeds(&format!("{kind}UnitsPerSecond for WarmThroughput for {whose}"), kind, region)),
        None => Ok(()),
    }
}

fn exceeds(what: &str, kind: &str, region: &Region) -> Error {
    Error::LimitExceeded(format!(
        "Subscriber limit exceeded: Requested {what} exceeds TableMax{kind}CapacityUnits of the account in region {region}"
    ))
}
