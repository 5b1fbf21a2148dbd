//! Instances without calls: how long they stay, and which are started before a call asks for one.

use super::{
    Ahead, Decision, Deployment, DeploymentId, FunctionId, InstanceId, Pool, Provision, Provisioned, State, Target,
};
use crate::keep_alive::{History, KeepAlive, LINGER, Windows};
use fogbank_model::Timestamp;
use std::time::Duration;

/// When a provisioned instance that could not be started is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// Provisioned instances never make room for calls, so they may take no more than this part of the memory, in percent.
const PROVISIONED_PERCENT: u64 = 75;

/// When a function is called.
#[derive(Debug, Default)]
pub(super) struct Demand {
    pub history: History,
    /// Whether the history has changed since it was asked for.
    pub changed: bool,
    /// The end of the last call, while there is no other, and what it was for.
    quiet: Option<(Timestamp, DeploymentId)>,
    last: DeploymentId,
    /// Whether an instance was started ahead since then.
    prepared: bool,
}

/// The provisioned instances of a deployment.
#[derive(Debug, Default)]
pub(super) struct Provisioning {
    pub wanted: u32,
    /// Launches included.
    pub have: u32,
    pub ready: u32,
    pub failed_at: Option<Timestamp>,
    /// Since when there has been no memory for another one.
    pub short_since: Option<Timestamp>,
}

impl Pool {
    /// A call arrives: the time without any is over.
    pub(super) fn expected(&mut self, target: &Target, now: Timestamp) {
        if self.bounds.keep_alive == KeepAlive::Fixed {
            return;
        }
        let demand = self.demands.entry(target.function).or_default();
        demand.last = target.deployment;
        if let Some((since, _)) = demand.quiet.take() {
            demand.history.record(now.since(since));
            demand.changed = true;
        }
    }

    /// The function's last call has ended.
    pub(super) fn quiet(&mut self, function: FunctionId, now: Timestamp) {
        if let Some(demand) = self.demands.get_mut(&function) {
            demand.quiet = Some((now, demand.last));
            demand.prepared = false;
        }
    }

    pub(super) fn windows(&self, demand: &Demand, start: Duration) -> Windows {
        match self.bounds.keep_alive {
            KeepAlive::Fixed => Windows::fixed(self.bounds.idle),
            KeepAlive::Histogram => demand.history.windows(self.bounds.idle, start),
        }
    }

    /// Ends the instances that have been idle for long enough.
    pub(super) fn end_idle(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        let over: Vec<InstanceId> = self.idle.values().copied().filter(|id| self.is_over(*id, now)).collect();
        over.into_iter().for_each(|id| self.stop(id, decisions));
    }

    fn is_over(&self, id: InstanceId, now: Timestamp) -> bool {
        let Some(instance) = self.instances.get(&id) else { return false };
        let State::Idle { since, .. } = instance.state else { return false };
        let Some(deployment) = self.deployments.get(&instance.deployment) else { return true };
        let Some(demand) = self.demands.get(&deployment.function) else {
            return since.plus(self.bounds.idle) <= now;
        };
        let windows = self.windows(demand, deployment.start);
        match demand.quiet {
            // No call is expected before the pre-warming window ends.
            Some((quiet, _)) if !windows.prewarm.is_zero() && now < quiet.plus(windows.prewarm) => {
                since.plus(LINGER) <= now
            }
            Some((quiet, _)) if !windows.prewarm.is_zero() => quiet.plus(windows.prewarm).plus(windows.keep) <= now,
            _ => since.plus(windows.keep) <= now,
        }
    }

    /// Starts an instance for each function whose next call is expected now. Nothing is stopped for it.
    pub(super) fn expect_calls(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        if self.bounds.keep_alive == KeepAlive::Fixed {
            return;
        }
        let mut due: Vec<(FunctionId, DeploymentId)> = Vec::new();
        for (function, demand) in self.demands.iter().filter(|(_, demand)| !demand.prepared) {
            let Some((quiet, id)) = demand.quiet else { continue };
            let Some(deployment) = self.deployments.get(&id).filter(|of| of.instances == 0 && !of.retired) else {
                continue;
            };
            let windows = self.windows(demand, deployment.start);
            let from = quiet.plus(windows.prewarm);
            if !windows.prewarm.is_zero() && from <= now && now < from.plus(windows.keep) {
                due.push((*function, id));
            }
        }
        due.sort_unstable();
        for (function, id) in due {
            let memory_mb = self.deployments.get(&id).map_or(0, |deployment| deployment.reserve_mb);
            if self.launching.len() >= self.bounds.launches || !self.has_room(memory_mb) {
                return;
            }
            if let Some(launch) = self.launch(id, false, now, decisions)
                && let (Some(demand), Some(of)) = (self.demands.get_mut(&function), self.deployments.get_mut(&id))
            {
                demand.prepared = true;
                of.spare.push(launch);
                decisions.push(Decision::Prepare(launch, id, Ahead::Expected));
            }
        }
    }

    /// Sets how many instances of a deployment are to be there.
    pub(super) fn provision(&mut self, provision: Provision, decisions: &mut Vec<Decision>) {
        let Provision { deployment: id, function, memory_mb, count } = provision;
        if count == 0 && !self.deployments.contains_key(&id) {
            return;
        }
        let deployment = self.deployment(id, function, memory_mb);
        if deployment.retired {
            return;
        }
        deployment.provisioning.wanted = count;
        deployment.provisioning.failed_at = None;
        deployment.provisioning.short_since = None;
        self.give_up_surplus(id, count, decisions);
        self.check_provisioning(id);
    }

    /// Idle ones end, then those that are busy or starting become like any other.
    fn give_up_surplus(&mut self, id: DeploymentId, count: u32, decisions: &mut Vec<Decision>) {
        let surplus = |deployment: &Deployment| deployment.provisioning.have > count;
        while let Some(deployment) = self.deployments.get(&id).filter(|deployment| surplus(deployment))
            && let Some(&idle) = deployment.ready.first()
        {
            self.stop(idle, decisions);
        }
        let mut others: Vec<InstanceId> =
            self.instances.iter().filter(|(_, i)| i.deployment == id && i.provisioned).map(|(id, _)| *id).collect();
        others.sort_unstable_by(|one, other| other.cmp(one));
        for other in others {
            let Some(deployment) = self.deployments.get_mut(&id).filter(|deployment| surplus(deployment)) else {
                return;
            };
            let Some(instance) = self.instances.get_mut(&other) else { continue };
            instance.provisioned = false;
            deployment.provisioning.have -= 1;
            match instance.state {
                State::Launching { owner: None, .. } => deployment.spare.push(other),
                State::Launching { .. } => {}
                State::Busy { .. } | State::Idle { .. } => deployment.provisioning.ready -= 1,
            }
        }
    }

    /// Notes whether the deployment lacks instances that could be started now.
    pub(super) fn check_provisioning(&mut self, id: DeploymentId) {
        let lacks = |deployment: &Deployment| {
            let Provisioning { wanted, have, failed_at, .. } = &deployment.provisioning;
            have < wanted && failed_at.is_none()
        };
        match self.deployments.get(&id).is_some_and(lacks) {
            true => self.lacking.insert(id),
            false => self.lacking.remove(&id),
        };
    }

    /// Starts provisioned instances as far as there are slots and memory; deployments take turns.
    pub(super) fn fill(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        let mut lacking: Vec<DeploymentId> = self.lacking.iter().copied().collect();
        while !lacking.is_empty() {
            lacking.retain(|id| {
                if self.launching.len() >= self.bounds.launches || !self.lacking.contains(id) {
                    return false;
                }
                let fits = self.may_provision(*id);
                let launch = if fits { self.launch(*id, true, now, decisions) } else { None };
                let Some(deployment) = self.deployments.get_mut(id) else { return false };
                let Some(launch) = launch else {
                    deployment.provisioning.short_since.get_or_insert(now);
                    return false;
                };
                deployment.provisioning.have += 1;
                deployment.provisioning.short_since = None;
                self.check_provisioning(*id);
                decisions.push(Decision::Prepare(launch, *id, Ahead::Provisioned));
                true
            });
        }
    }

    /// Whether provisioned instances may take the memory of another one.
    pub(super) fn may_provision(&self, id: DeploymentId) -> bool {
        let taken = |of: &Deployment| u64::from(of.provisioning.have) * of.reserve_mb;
        let all: u64 = self.deployments.values().map(taken).sum();
        let another = self.deployments.get(&id).map_or(0, |deployment| deployment.reserve_mb);
        all + another <= self.bounds.memory_mb * PROVISIONED_PERCENT / 100
    }

    pub(super) fn start_failed(&mut self, id: InstanceId, now: Timestamp) {
        let Some(instance) = self.instances.get(&id).filter(|instance| instance.provisioned) else { return };
        if let Some(deployment) = self.deployments.get_mut(&instance.deployment) {
            deployment.provisioning.failed_at = Some(now);
        }
    }

    pub(super) fn retry_provisioning(&mut self, now: Timestamp) {
        let due = |deployment: &Deployment| deployment.provisioning.failed_at.is_some_and(|at| at.plus(RETRY) <= now);
        let due: Vec<DeploymentId> =
            self.deployments.iter().filter(|(_, deployment)| due(deployment)).map(|(id, _)| *id).collect();
        for id in due {
            if let Some(deployment) = self.deployments.get_mut(&id) {
                deployment.provisioning.failed_at = None;
            }
            self.check_provisioning(id);
        }
    }

    /// How far a deployment's provisioned instances have come.
    pub fn provisioned(&self, id: DeploymentId, now: Timestamp) -> Provisioned {
        let Some(of) = self.deployments.get(&id).map(|deployment| &deployment.provisioning) else {
            return Provisioned::default();
        };
        let short = of.short_since.is_some_and(|since| since.plus(self.bounds.capacity_wait) <= now);
        Provisioned { ready: of.ready, failed: of.failed_at.is_some(), short }
    }
}
