//! The most request units that a table or an index is said to take: `OnDemandThroughput` of `CreateTable` and `UpdateTable`. Nothing of it is
//! enforced.

use crate::Error;
use crate::billing::Whose;
use serde::{Deserialize, Serialize};

/// What takes a bound away.
const NO_BOUND: i64 = -1;

/// The most request units a second; what is absent has no bound, or is not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OnDemand {
    /// Reads.
    pub read: Option<i64>,
    /// Writes.
    pub write: Option<i64>,
}

impl OnDemand {
    /// Whether it says anything.
    pub(crate) fn is_given(&self) -> bool {
        self.read.is_some() || self.write.is_some()
    }

    /// As it is shown and kept, where a bound that was taken away is none.
    fn bounds(self) -> Option<Self> {
        let bound = |units: Option<i64>| units.filter(|units| *units != NO_BOUND);
        Some(Self { read: bound(self.read), write: bound(self.write) }).filter(Self::is_given)
    }

    /// What is asked for, and what `kept` says of the rest.
    pub(crate) fn or(self, kept: Option<Self>) -> Self {
        let kept = kept.unwrap_or_default();
        Self { read: self.read.or(kept.read), write: self.write.or(kept.write) }
    }

    fn named(self) -> impl Iterator<Item = (&'static str, i64)> {
        let units = [("Read", self.read), ("Write", self.write)];
        units.into_iter().filter_map(|(kind, units)| Some((kind, units?)))
    }
}

/// Checks what a new one is asked for.
pub(crate) fn check(asked: Option<OnDemand>, is_on_demand: bool, whose: Whose<'_>) -> Result<(), Error> {
    let Some((kind, _)) = asked.and_then(|asked| asked.named().next()) else { return Ok(()) };
    if !is_on_demand {
        return Err(Error::parameter(format!(
            "Max{kind}RequestUnits for OnDemandThroughput{} cannot be specified when table BillingMode is PROVISIONED.",
            whose.of_index(": ")
        )));
    }
    check_range(asked, whose, |units| units >= 1)
}

/// What is kept of one that has `kept` and is asked for `asked`.
pub(crate) fn change(
    kept: Option<OnDemand>,
    asked: Option<OnDemand>,
    is_on_demand: bool,
    whose: Whose<'_>,
) -> Result<Option<OnDemand>, Error> {
    let Some((kind, _)) = asked.and_then(|asked| asked.named().next()) else {
        return Ok(kept.filter(|_| is_on_demand));
    };
    if !is_on_demand {
        return Err(Error::parameter(format!(
            "Max{kind}RequestUnits for OnDemandThroughput{} cannot be specified when the table BillingMode is PROVISIONED",
            whose.of_index(" : ")
        )));
    }
    check_range(asked, whose, |units| units >= 1 || units == NO_BOUND)?;
    Ok(asked.and_then(|asked| asked.or(kept).bounds()))
}

fn check_range(asked: Option<OnDemand>, whose: Whose<'_>, is_fine: impl Fn(i64) -> bool) -> Result<(), Error> {
    let wrong = asked.and_then(|asked| asked.named().find(|(_, units)| !is_fine(*units)));
    let Some((kind, _)) = wrong else { return Ok(()) };
    let whose = whose.spaced();
    Err(Error::parameter(format!(
        "Requested Max{kind}RequestUnits for OnDemandThroughput for {whose} is outside of valid range"
    )))
}
