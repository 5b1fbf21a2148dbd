//! Numbers as patterns compare them: by value, whatever their form. Whole numbers are compared exactly, others as doubles.

use serde_json::Number;
use std::cmp::Ordering;

/// How `a` is to `b`.
pub(super) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// An interval; each end with whether it belongs to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Range {
    pub from: Option<(Number, bool)>,
    pub to: Option<(Number, bool)>,
}

impl Range {
    pub(super) fn contains(&self, value: &Number) -> bool {
        let within = |end: &Option<(Number, bool)>, side: Ordering| {
            end.as_ref().is_none_or(|(end, closed)| {
                compare(value, end).is_some_and(|order| order == side || (*closed && order.is_eq()))
            })
        };
        within(&self.from, Ordering::Greater) && within(&self.to, Ordering::Less)
    }
}
