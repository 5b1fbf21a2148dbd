//! Which instance gets which call: a state machine without I/O, time or tasks. `instances.rs` feeds it events and carries out
//! what it decides; tests feed it random histories.
//!
//! Rules:
//! - A call takes an idle provisioned instance of its deployment, else the most recently used idle one, so that spare ones grow old
//!   and end.
//! - Without one it waits, first come first served, for whichever comes first: an instance that becomes free, or a new one.
//! - There are never more launches for a deployment's calls than calls waiting for it.
//! - Only so many launches are under way at once. Functions take turns, and a launch that waits for its own function's initialisation
//!   stands in nobody's way.
//! - A call counts against its limit from its arrival. One that a provisioned instance takes does not count against the account's.
//! - When memory is short, idle instances that are cheapest to start again end (`room.rs`); then calls wait for room.
//! - Instances are also started ahead of calls: provisioned ones, and one for a call that is expected (`ahead.rs`).
//! - A launch that fails fails the call that it was made for, and no other.

mod ahead;
mod end;
mod event;
mod limit;
mod queue;
mod room;

use crate::keep_alive::History;
use ahead::{Demand, Provisioning};
use fogbank_model::Timestamp;
use limit::less;
use queue::Queue;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

pub use event::{
    Ahead, Bounds, CallId, Decision, DeploymentId, Event, FunctionId, InstanceId, Machine, Provision, Provisioned,
    Refusal, ScopeId, Target,
};

#[derive(Debug, Clone, Copy)]
enum State {
    /// Being started, for `owner` if that one is still waiting.
    Launching { owner: Option<CallId>, since: Timestamp },
    /// Has a call that wanted this, and that counts against its scope's limit or does not.
    Busy { target: Target, shared: bool },
    /// Has none since then. Turns number the idle instances in order.
    Idle { since: Timestamp, turn: u64 },
}

#[derive(Debug)]
struct Instance {
    deployment: DeploymentId,
    provisioned: bool,
    state: State,
}

#[derive(Debug)]
struct Waiter {
    target: Target,
    since: Timestamp,
    launch: Option<InstanceId>,
}

/// Kept until it is retired, for what was learned about it.
#[derive(Debug)]
struct Deployment {
    function: FunctionId,
    /// What an instance may use, and what is set aside for one, in MiB.
    limit_mb: u64,
    reserve_mb: u64,
    /// The most that one was seen to use, in MiB.
    seen_mb: u64,
    /// What starting one takes, as observed.
    start: Duration,
    /// Instances in any state.
    instances: usize,
    /// The most recently used one is last.
    idle: Vec<InstanceId>,
    /// Idle ones that are provisioned.
    ready: Vec<InstanceId>,
    /// Launches whose call was served by a freed instance, or that no call has asked for.
    spare: Vec<InstanceId>,
    waiting: VecDeque<CallId>,
    provisioning: Provisioning,
    retired: bool,
}

/// The state machine.
#[derive(Debug)]
pub struct Pool {
    bounds: Bounds,
    /// What is set aside for all instances, and for the idle ones that can be stopped.
    memory_mb: u64,
    idle_mb: u64,
    /// What the machine really has left for new ones, as far as it was measured.
    headroom_mb: Option<u64>,
    turn: u64,
    next_instance: u64,
    /// Launches under way.
    launching: BTreeSet<InstanceId>,
    instances: HashMap<InstanceId, Instance>,
    deployments: HashMap<DeploymentId, Deployment>,
    waiting: HashMap<CallId, Waiter>,
    /// Waiting calls that no launch was made for.
    queue: Queue,
    /// Deployments that lack provisioned instances.
    lacking: BTreeSet<DeploymentId>,
    /// Idle instances that can be stopped, of all deployments, the least recently used first.
    idle: BTreeMap<u64, InstanceId>,
    in_flight: HashMap<FunctionId, u32>,
    unreserved: HashMap<ScopeId, u32>,
    demands: HashMap<FunctionId, Demand>,
}

impl Pool {
    /// An empty pool.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            memory_mb: 0,
            idle_mb: 0,
            headroom_mb: None,
            turn: 0,
            next_instance: 0,
            launching: BTreeSet::new(),
            instances: HashMap::new(),
            deployments: HashMap::new(),
            waiting: HashMap::new(),
            queue: Queue::default(),
            lacking: BTreeSet::new(),
            idle: BTreeMap::new(),
            in_flight: HashMap::new(),
            unreserved: HashMap::new(),
            demands: HashMap::new(),
        }
    }

    /// Takes note of `event` and adds what is to be done to `decisions`.
    pub fn handle(&mut self, event: Event, now: Timestamp, decisions: &mut Vec<Decision>) {
        match event {
            Event::Arrived(call, target) => self.arrived(call, target, now, decisions),
            Event::Started(id, took) => {
                self.started(id, took);
                self.free(id, now, decisions);
            }
            Event::Freed(id, used_mb) => {
                if let Some(State::Busy { target, shared }) = self.instances.get(&id).map(|instance| instance.state) {
                    self.learn(target.deployment, used_mb);
                    self.uncount(&target, shared, now);
                    self.free(id, now, decisions);
                }
            }
            Event::StartFailed(id) => {
                self.start_failed(id, now);
                self.gone(id, now, decisions);
            }
            Event::Ended(id) => self.gone(id, now, decisions),
            Event::Retired(deployment) => self.retired(deployment, decisions),
            Event::Provision(provision) => self.provision(provision, decisions),
            Event::Measured(machine) => self.measured(machine, now, decisions),
            Event::Pulse => self.pulse(now),
            Event::Tick => self.tick(now, decisions),
        }
        self.advance(now, decisions);
    }

    /// Whether the instance is idle.
    pub fn is_idle(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(|instance| matches!(instance.state, State::Idle { .. }))
    }

    /// Whether something waits for a launch, so that [`Event::Pulse`] should come.
    pub fn is_waiting(&self) -> bool {
        !(self.launching.is_empty() || self.queue.is_empty() && self.lacking.is_empty())
    }

    fn arrived(&mut self, call: CallId, target: Target, now: Timestamp, decisions: &mut Vec<Decision>) {
        let found = self.deployments.get(&target.deployment);
        let ready = found.and_then(|deployment| deployment.ready.last()).copied();
        let shared = target.reserved.is_none() && ready.is_none();
        if let Some(refusal) = self.over_limit(&target, shared) {
            decisions.push(Decision::Refuse(call, refusal));
            return;
        }
        self.expected(&target, now);
        self.count(&target, shared);
        let deployment = self.deployment(target.deployment, target.function, target.memory_mb);
        if let Some(id) = ready.or_else(|| deployment.idle.last().copied()) {
            self.run(call, target, shared, id, decisions);
            return;
        }
        deployment.waiting.push_back(call);
        let spare = deployment.spare.pop();
        self.waiting.insert(call, Waiter { target, since: now, launch: None });
        match spare {
            Some(launch) => self.own(call, launch),
            None => self.queue.push(call, target.function, target.deployment),
        }
    }

    fn deployment(&mut self, id: DeploymentId, function: FunctionId, limit_mb: u64) -> &mut Deployment {
        let bounds = &self.bounds;
        self.deployments.entry(id).or_insert_with(|| Deployment {
            function,
            limit_mb,
            reserve_mb: room::unknown(limit_mb, bounds),
            seen_mb: 0,
            start: Duration::ZERO,
            instances: 0,
            idle: Vec::new(),
            ready: Vec::new(),
            spare: Vec::new(),
            waiting: VecDeque::new(),
            provisioning: Provisioning::default(),
            retired: false,
        })
    }

    /// Makes `launch` the one that is made for `call`.
    fn own(&mut self, call: CallId, launch: InstanceId) {
        if let (Some(waiter), Some(instance)) = (self.waiting.get_mut(&call), self.instances.get_mut(&launch))
            && let State::Launching { owner, .. } = &mut instance.state
        {
            *owner = Some(call);
            waiter.launch = Some(launch);
            self.queue.remove(call);
        }
    }

    /// Makes launches as far as there are slots and memory: for calls in turn, then for what is to be there without any.
    fn advance(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
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
    fn launch(
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

    fn run(&mut self, call: CallId, target: Target, shared: bool, id: InstanceId, decisions: &mut Vec<Decision>) {
        self.unlist(id);
        let Some(instance) = self.instances.get_mut(&id) else { return };
        let on_shared = shared && !instance.provisioned;
        instance.state = State::Busy { target, shared: on_shared };
        if shared && !on_shared {
            less(&mut self.unreserved, target.scope);
        }
        decisions.push(Decision::Run(call, id));
    }

    fn started(&mut self, id: InstanceId, took: Duration) {
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

    /// An instance is new or has finished its call: the first in line gets it, else it idles.
    fn free(&mut self, id: InstanceId, now: Timestamp, decisions: &mut Vec<Decision>) {
        let Some(instance) = self.instances.get(&id) else { return };
        let owner = match instance.state {
            State::Launching { owner, .. } => owner,
            State::Busy { .. } | State::Idle { .. } => None,
        };
        let deployment_id = instance.deployment;
        let Some(deployment) = self.deployments.get_mut(&deployment_id) else { return };
        deployment.spare.retain(|spare| *spare != id);
        let Some(call) = deployment.waiting.pop_front() else {
            self.rest(id, now, decisions);
            return;
        };
        let function = deployment.function;
        self.queue.remove(call);
        if let Some(waiter) = self.waiting.remove(&call) {
            let shared = waiter.target.reserved.is_none();
            self.run(call, waiter.target, shared, id, decisions);
            let launch = waiter.launch.filter(|launch| *launch != id);
            self.hand_over(launch, owner.filter(|owner| *owner != call), function, deployment_id);
        }
    }

    /// `launch` lost the call it was made for. It goes to the call that lost its own launch, else to one that never had one, else to
    /// the next that comes.
    fn hand_over(
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

    fn rest(&mut self, id: InstanceId, now: Timestamp, decisions: &mut Vec<Decision>) {
        self.turn += 1;
        let turn = self.turn;
        let Some(instance) = self.instances.get_mut(&id) else { return };
        let Some(deployment) = self.deployments.get_mut(&instance.deployment) else { return };
        instance.state = State::Idle { since: now, turn };
        if instance.provisioned {
            deployment.ready.push(id);
        } else {
            deployment.idle.push(id);
            self.idle.insert(turn, id);
            self.idle_mb += deployment.reserve_mb;
        }
        if deployment.retired {
            self.stop(id, decisions);
        }
    }

    /// Launches that take long make place for others.
    fn pulse(&mut self, now: Timestamp) {
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

    fn tick(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        self.pulse(now);
        self.end_idle(now, decisions);
        self.expect_calls(now, decisions);
        self.retry_provisioning(now);
        self.advance(now, decisions);
        let waited =
            |call: &CallId| self.waiting.get(call).is_some_and(|w| w.since.plus(self.bounds.capacity_wait) <= now);
        let late: Vec<CallId> = self.queue.calls().filter(waited).collect();
        for call in late {
            self.give_up(call, now);
            decisions.push(Decision::Refuse(call, Refusal::Memory));
        }
    }

    /// What is known of the function's idle times, if that has changed since it was asked for last.
    pub fn changed_histories(&mut self) -> Vec<(FunctionId, History)> {
        let changed = self.demands.iter_mut().filter_map(|(function, demand)| {
            std::mem::take(&mut demand.changed).then(|| (*function, demand.history.clone()))
        });
        changed.collect()
    }

    /// Begins with what was known before a restart.
    pub fn remember(&mut self, function: FunctionId, history: History) {
        self.demands.entry(function).or_default().history = history;
    }

    /// The function is deleted.
    pub fn forget(&mut self, function: FunctionId) {
        self.demands.remove(&function);
    }
}

#[cfg(test)]
mod tests;
