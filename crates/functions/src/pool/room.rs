//! Memory: what is set aside for instances, and which idle ones end when it is short.
//!
//! Limits add up to far more than instances use, so limits are not what is set aside. For each instance it is what its deployment was
//! seen to use at most, with a margin; until something was seen, a share of the limit. Two things bound the sum: the platform's own
//! share of the machine, and what the machine really has available, measured every second. A limit is enforced all the same: an
//! instance that passes its own is killed, whatever is set aside for it.

use super::{Bounds, Decision, Deployment, DeploymentId, InstanceId, Machine, Pool, State};
use fogbank_model::Timestamp;
use std::time::Duration;

/// Set aside for an instance in any case, in MiB: the smallest interpreter with its sandbox.
const LEAST_MB: u64 = 16;
/// The same for one that nothing is known of.
const LEAST_UNKNOWN_MB: u64 = 32;
/// Added to what was seen: a quarter of it and this, in MiB.
const MARGIN_MB: u64 = 8;
/// The part of the machine's memory that no new instance may take.
const UNTOUCHED: u64 = 20;
/// While processes wait for memory, each measurement ends this part of what is idle.
const RELIEF: u64 = 8;

/// What is set aside for an instance of which nothing is known, in MiB.
pub(super) fn unknown(limit_mb: u64, bounds: &Bounds) -> u64 {
    (limit_mb * bounds.unknown_percent / 100).max(LEAST_UNKNOWN_MB).min(limit_mb)
}

impl Pool {
    /// An instance of a deployment has used as much as that.
    pub(super) fn learn(&mut self, id: DeploymentId, used_mb: u64) {
        let Some(deployment) = self.deployments.get_mut(&id) else { return };
        let seen = used_mb.max(deployment.seen_mb);
        if used_mb == 0 || seen == deployment.seen_mb {
            return;
        }
        deployment.seen_mb = seen;
        let before = deployment.reserve_mb;
        let after = (seen + seen / 4 + MARGIN_MB).max(LEAST_MB).min(deployment.limit_mb);
        deployment.reserve_mb = after;
        let (instances, idle) = (deployment.instances as u64, deployment.idle.len() as u64);
        self.memory_mb = self.memory_mb + after * instances - before * instances;
        self.idle_mb = self.idle_mb + after * idle - before * idle;
    }

    pub(super) fn take(&mut self, memory_mb: u64) {
        self.memory_mb += memory_mb;
        self.headroom_mb = self.headroom_mb.map(|headroom| headroom.saturating_sub(memory_mb));
    }

    pub(super) fn give_back(&mut self, memory_mb: u64) {
        self.memory_mb -= memory_mb;
        // Believed until the next measurement says what it really was.
        self.headroom_mb = self.headroom_mb.map(|headroom| headroom.saturating_add(memory_mb));
    }

    /// Whether `memory_mb` fits without stopping anything.
    pub(super) fn has_room(&self, memory_mb: u64) -> bool {
        self.memory_mb + memory_mb <= self.bounds.memory_mb
            && self.headroom_mb.is_none_or(|headroom| headroom >= memory_mb)
    }

    /// Ends idle instances until `memory_mb` fits; none, if that would not help. They are of other deployments: calls that wait
    /// for one of their own would have got it.
    pub(super) fn make_room(&mut self, memory_mb: u64, now: Timestamp, decisions: &mut Vec<Decision>) -> bool {
        let bounded = (self.memory_mb - self.idle_mb) + memory_mb > self.bounds.memory_mb;
        if bounded || self.headroom_mb.is_some_and(|headroom| headroom + self.idle_mb < memory_mb) {
            return false;
        }
        while !self.has_room(memory_mb) {
            let Some(cheapest) = self.cheapest(now) else { return false };
            self.stop(cheapest, decisions);
        }
        true
    }

    /// Ends idle instances after others turned out to need more than was set aside for them.
    pub(super) fn shrink(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        while self.memory_mb > self.bounds.memory_mb
            && let Some(cheapest) = self.cheapest(now)
        {
            self.stop(cheapest, decisions);
        }
    }

    /// The idle instance whose end costs least: the time that starting it again takes, as likely as that is, for the memory it frees.
    /// Of equals the least recently used one. Of a deployment's instances only the oldest can be it.
    fn cheapest(&self, now: Timestamp) -> Option<InstanceId> {
        let oldest = self.deployments.values().filter_map(|deployment| Some((deployment, *deployment.idle.first()?)));
        let costs = oldest.filter_map(|(deployment, id)| match self.instances.get(&id)?.state {
            State::Idle { since, turn } => Some((self.cost(deployment, now.since(since)), turn, id)),
            State::Launching { .. } | State::Busy { .. } => None,
        });
        let cheapest = costs.min_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        cheapest.map(|(_, _, id)| id)
    }

    /// What the end of a deployment's oldest idle instance costs.
    fn cost(&self, deployment: &Deployment, idle: Duration) -> f64 {
        let likelihood = self.demands.get(&deployment.function).map_or(0.0, |demand| {
            let windows = self.windows(demand, deployment.start);
            demand.history.likelihood(idle, windows.prewarm + windows.keep)
        });
        let start_ms = deployment.start.as_secs_f64() * 1000.0;
        // The one used last is taken first; the others are needed only if calls come together.
        let taken_as = deployment.idle.len().max(1) as f64;
        start_ms * likelihood / taken_as / deployment.reserve_mb.max(1) as f64
    }

    /// What the machine has now. If that is little, idle instances end at once.
    pub(super) fn measured(&mut self, machine: Machine, now: Timestamp, decisions: &mut Vec<Decision>) {
        let untouched = machine.total_mb / UNTOUCHED;
        // What was just launched does not use yet what it was given.
        let launching = self.launching.iter().filter_map(|id| self.instances.get(id));
        let due: u64 = launching.filter_map(|i| self.deployments.get(&i.deployment)).map(|of| of.reserve_mb).sum();
        self.headroom_mb = Some(machine.available_mb.saturating_sub(untouched + due));
        let relief = if machine.stalled { (self.idle_mb / RELIEF).max(1) } else { 0 };
        let short = untouched.saturating_sub(machine.available_mb).max(relief);
        let enough = self.idle_mb.saturating_sub(short);
        while short > 0
            && self.idle_mb > enough
            && let Some(cheapest) = self.cheapest(now)
        {
            self.stop(cheapest, decisions);
        }
    }
}
