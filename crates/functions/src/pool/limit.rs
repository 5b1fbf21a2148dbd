//! Calls in flight, and their limits.

use super::{Pool, Refusal, Target};
use fogbank_model::Timestamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

impl Pool {
    pub(super) fn over_limit(&self, target: &Target, shared: bool) -> Option<Refusal> {
        let count = |of: Option<&u32>| of.copied().unwrap_or(0);
        match target.reserved {
            _ if target.memory_mb > self.bounds.memory_mb => Some(Refusal::Memory),
            Some(limit) => (count(self.in_flight.get(&target.function)) >= limit).then_some(Refusal::Reserved),
            None if !shared => None,
            None => (count(self.unreserved.get(&target.scope)) >= target.unreserved).then_some(Refusal::Unreserved),
        }
    }

    pub(super) fn count(&mut self, target: &Target, shared: bool) {
        *self.in_flight.entry(target.function).or_default() += 1;
        if shared {
            *self.unreserved.entry(target.scope).or_default() += 1;
        }
    }

    pub(super) fn uncount(&mut self, target: &Target, shared: bool, now: Timestamp) {
        if less(&mut self.in_flight, target.function) {
            self.quiet(target.function, now);
        }
        if shared {
            less(&mut self.unreserved, target.scope);
        }
    }
}

/// Counts one less, and whether that was the last.
pub(super) fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) -> bool {
    let Entry::Occupied(mut count) = counts.entry(key) else { return false };
    *count.get_mut() -= 1;
    let last = *count.get() == 0;
    if last {
        count.remove();
    }
    last
}
