//! The end of instances, calls and deployments.

use super::{CallId, Decision, Deployment, DeploymentId, Instance, InstanceId, Pool, State};
use fogbank_model::Timestamp;
use std::time::Duration;

/// A provisioned instance that ends by itself this soon has not really started, and is not replaced at once.
const SETTLED: Duration = Duration::from_secs(10);

impl Pool {
    pub(super) fn stop(&mut self, id: InstanceId, decisions: &mut Vec<Decision>) {
        if self.remove(id).is_some() {
            decisions.push(Decision::Stop(id));
        }
    }

    /// Takes an instance out of every list.
    pub(super) fn remove(&mut self, id: InstanceId) -> Option<Instance> {
        self.unlist(id);
        self.launching.remove(&id);
        let instance = self.instances.remove(&id)?;
        let deployment = self.deployments.get_mut(&instance.deployment)?;
        deployment.instances -= 1;
        deployment.spare.retain(|spare| *spare != id);
        let memory_mb = deployment.reserve_mb;
        if instance.provisioned {
            deployment.provisioning.have -= 1;
            if !matches!(instance.state, State::Launching { .. }) {
                deployment.provisioning.ready -= 1;
            }
            self.check_provisioning(instance.deployment);
        }
        self.give_back(memory_mb);
        self.forget_retired(instance.deployment);
        Some(instance)
    }

    /// Takes an instance out of the lists of idle ones, if it is in them.
    pub(super) fn unlist(&mut self, id: InstanceId) {
        let Some(Instance { deployment, provisioned, state: State::Idle { turn, .. } }) = self.instances.get(&id)
        else {
            return;
        };
        let Some(deployment) = self.deployments.get_mut(deployment) else { return };
        let list = if *provisioned { &mut deployment.ready } else { &mut deployment.idle };
        if let Some(at) = list.iter().rposition(|idle| *idle == id) {
            list.remove(at);
        }
        if !provisioned {
            self.idle.remove(turn);
            self.idle_mb -= deployment.reserve_mb;
        }
    }

    /// An instance or a launch is no more.
    pub(super) fn gone(&mut self, id: InstanceId, now: Timestamp, decisions: &mut Vec<Decision>) {
        match self.instances.get(&id).map(|instance| instance.state) {
            None => return,
            Some(State::Busy { target, shared }) => self.uncount(&target, shared, now),
            Some(State::Launching { owner: Some(call), .. }) => {
                self.give_up(call, now);
                decisions.push(Decision::Fail(call, id));
            }
            Some(State::Idle { since, .. }) if since.plus(SETTLED) > now => self.start_failed(id, now),
            Some(State::Launching { owner: None, .. } | State::Idle { .. }) => {}
        }
        self.remove(id);
    }

    /// A waiting call is over.
    pub(super) fn give_up(&mut self, call: CallId, now: Timestamp) {
        self.queue.remove(call);
        if let Some(waiter) = self.waiting.remove(&call) {
            self.uncount(&waiter.target, waiter.target.reserved.is_none(), now);
            if let Some(deployment) = self.deployments.get_mut(&waiter.target.deployment) {
                deployment.waiting.retain(|waiting| *waiting != call);
            }
            self.forget_retired(waiter.target.deployment);
        }
    }

    pub(super) fn retired(&mut self, id: DeploymentId, decisions: &mut Vec<Decision>) {
        let Some(deployment) = self.deployments.get_mut(&id) else { return };
        deployment.retired = true;
        deployment.provisioning.wanted = 0;
        let idle: Vec<InstanceId> = deployment.idle.iter().chain(&deployment.ready).copied().collect();
        self.lacking.remove(&id);
        idle.into_iter().for_each(|idle| self.stop(idle, decisions));
        self.forget_retired(id);
    }

    pub(super) fn forget_retired(&mut self, id: DeploymentId) {
        let over =
            |deployment: &Deployment| deployment.retired && deployment.instances == 0 && deployment.waiting.is_empty();
        if self.deployments.get(&id).is_some_and(over) {
            self.deployments.remove(&id);
        }
    }
}
