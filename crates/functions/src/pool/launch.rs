//! Launches under way: how many there are, and which waiting call each is for.

use super::{CallId, Decision, DeploymentId, FunctionId, Instance, InstanceId, Pool, State, Waiter};
use fogbank_model::Timestamp;
use std::time::Duration;

impl Pool {
    /// Whether something waits for a launch, so that [`Pulse`](super::Event::Pulse) should come.
    pub fn is_waiting(&self) -> bool {
        !(self.launching.is_empty() || self.queue.is_empty() && self.lacking.is_empty())
    }

    /// Makes launches as far as there are slots and memory: for calls in turn, then for what is to be there without any.
    pub(super) fn advance(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        self.shrink(now, decisions);
        while self.launching.len() < self.bounds.launches
            && let Some(call) = self.queue.first()
        {
            let Some(Waiter { target, .. }) = self.waiting.get(&call) else { return self.queue.remove(call) };
            let deployment = target.deployment;
            let Some(id) = self.launch(deployment, false, now, decisions) else { return };
            self.queue.served(call);
            self.own(call, id);
            decisions.push(Decision::Launch(id, call));
        }
        self.fill(now, decisions);
    }

    /// Takes room for a new instance, if there is some or some can be made.
    pub(super) fn launch(
        &mut self,
        deployment_id: DeploymentId,
        provisioned: bool,
        now: Timestamp,
        decisions: &mut Vec<Decision>,
    ) -> Option<InstanceId> {
        let memory_mb = self.deployments.get(&deployment_id)?.reserve_mb;
        if !self.make_room(memory_mb, now, decisions) {
            return None;
        }
        self.next_instance += 1;
        let id = InstanceId(self.next_instance);
        self.take(memory_mb);
        let state = State::Launching { owner: None, since: now };
        self.instances.insert(id, Instance { deployment: deployment_id, provisioned, state });
        self.deployments.get_mut(&deployment_id)?.instances += 1;
        self.launching.insert(id);
        Some(id)
    }

    /// Makes `launch` the one that is made for `call`.
    pub(super) fn own(&mut self, call: CallId, launch: InstanceId) {
        if let (Some(waiter), Some(instance)) = (self.waiting.get_mut(&call), self.instances.get_mut(&launch))
            && let State::Launching { owner, .. } = &mut instance.state
        {
            *owner = Some(call);
            waiter.launch = Some(launch);
            self.queue.remove(call);
        }
    }

    /// `launch` lost the call it was made for. It goes to the call that lost its own launch, else to one that never had one, else to
    /// the next that comes.
    pub(super) fn hand_over(
        &mut self,
        launch: Option<InstanceId>,
        orphan: Option<CallId>,
        function: FunctionId,
        deployment: DeploymentId,
    ) {
        let Some(launch) = launch else {
            // The first in line never had a launch; now the orphan waits in its place.
            if let Some(call) = orphan {
                if let Some(waiter) = self.waiting.get_mut(&call) {
                    waiter.launch = None;
                }
                self.queue.push(call, function, deployment);
            }
            return;
        };
        match orphan.or_else(|| self.queue.first_of(function, deployment)) {
            Some(call) => self.own(call, launch),
            None => {
                if let Some(instance) = self.instances.get_mut(&launch)
                    && let State::Launching { owner, .. } = &mut instance.state
                {
                    *owner = None;
                    if let Some(deployment) = self.deployments.get_mut(&deployment) {
                        deployment.spare.push(launch);
                    }
                }
            }
        }
    }

    pub(super) fn started(&mut self, id: InstanceId, took: Duration) {
        self.launching.remove(&id);
        let Some(instance) = self.instances.get(&id) else { return };
        if let Some(deployment) = self.deployments.get_mut(&instance.deployment) {
            // The latest one counts half, so that a slow first one is soon forgotten.
            let before = if deployment.start.is_zero() { took } else { deployment.start };
            deployment.start = before.saturating_add(took) / 2;
            if instance.provisioned {
                deployment.provisioning.ready += 1;
                deployment.provisioning.failed_at = None;
                let id = instance.deployment;
                self.check_provisioning(id);
            }
        }
    }

    /// Launches that take long make place for others.
    pub(super) fn pulse(&mut self, now: Timestamp) {
        let time = self.bounds.launch_time;
        let slow = |id: &InstanceId| match self.instances.get(id).map(|instance| instance.state) {
            Some(State::Launching { since, .. }) => since.plus(time) <= now,
            _ => true,
        };
        let slow: Vec<InstanceId> = self.launching.iter().copied().filter(slow).collect();
        for id in slow {
            self.launching.remove(&id);
        }
    }
}
