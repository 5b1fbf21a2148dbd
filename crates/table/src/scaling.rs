//! How provisioned capacity is said to be scaled: settings that are kept and described. Capacity is not enforced, so there is nothing
//! that could be scaled.

use crate::Error;
use crate::schema::Table;
use serde::{Deserialize, Serialize};

/// The utilisation that a policy may aim at, in percent ("Managing throughput capacity automatically" in the Developer Guide).
const TARGETS: std::ops::RangeInclusive<f64> = 20.0..=90.0;

/// How the capacity of a table or an index is scaled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// For reads; as it is provisioned, if absent.
    pub read: Option<AutoScaling>,
    /// For writes.
    pub write: Option<AutoScaling>,
}

/// How one kind of capacity is scaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoScaling {
    /// The fewest units.
    pub least: i64,
    /// The most units.
    pub most: i64,
    /// The ARN of the role that scales, if it is not the service's own.
    pub role: Option<String>,
    /// When it is scaled.
    pub policy: Option<Policy>,
}

/// When capacity is scaled: so that a share of it is in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// The share, in percent.
    pub target: f64,
    /// Seconds between two reductions.
    pub scale_in_s: Option<i64>,
    /// Seconds between two increases.
    pub scale_out_s: Option<i64>,
    /// Whether there are no reductions, if that was said.
    pub is_growing_only: Option<bool>,
}

/// A kind of capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads.
    Read,
    /// Writes.
    Write,
}

/// What is to be other in how one kind of capacity is scaled.
#[derive(Debug, Clone)]
pub struct ScalingChange {
    /// Of which index; of the table itself, if absent.
    pub index: Option<String>,
    /// Which kind.
    pub kind: Kind,
    /// Whether it is to be scaled no more.
    pub is_off: bool,
    /// The fewest units.
    pub least: Option<i64>,
    /// The most units.
    pub most: Option<i64>,
    /// The ARN of the role that scales.
    pub role: Option<String>,
    /// When it is scaled.
    pub policy: Option<Policy>,
}

/// Changes how capacity of `table` is scaled. The caller has made sure that there is such an index.
pub(crate) fn change(table: &mut Table, change: &ScalingChange) -> Result<(), Error> {
    if !change.is_off && table.is_on_demand() {
        return Err(Error::validation("Auto scaling cannot be set where BillingMode is PAY_PER_REQUEST"));
    }
    let of = change.index.clone().unwrap_or_default();
    let scaling = table.scaling.entry(of.clone()).or_default();
    let kept = match change.kind {
        Kind::Read => &mut scaling.read,
        Kind::Write => &mut scaling.write,
    };
    *kept = if change.is_off { None } else { Some(changed(kept.as_ref(), change)?) };
    if *scaling == Scaling::default() {
        table.scaling.remove(&of);
    }
    Ok(())
}

fn changed(kept: Option<&AutoScaling>, change: &ScalingChange) -> Result<AutoScaling, Error> {
    let least = change.least.or(kept.map(|kept| kept.least));
    let most = change.most.or(kept.map(|kept| kept.most));
    let (Some(least), Some(most)) = (least, most) else {
        return Err(Error::validation(
            "MinimumUnits and MaximumUnits must be specified where auto scaling is switched on",
        ));
    };
    if least > most {
        return Err(Error::validation(format!(
            "MinimumUnits must not be greater than MaximumUnits. MinimumUnits: {least}, MaximumUnits: {most}"
        )));
    }
    if let Some(policy) = change.policy.as_ref().filter(|policy| !TARGETS.contains(&policy.target)) {
        return Err(Error::validation(format!(
            "TargetValue must be between {} and {}. TargetValue: {}",
            TARGETS.start(),
            TARGETS.end(),
            policy.target
        )));
    }
    let policy = change.policy.clone().or_else(|| kept?.policy.clone());
    let role = change.role.clone().or_else(|| kept?.role.clone());
    Ok(AutoScaling { least, most, role, policy })
}
