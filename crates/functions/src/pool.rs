//! Which instance gets which call: a state machine without I/O, time or tasks. `instances.rs` feeds it events and carries out
//! what it decides; tests feed it random histories.
//!
//! Rules:
//! - A call takes an idle provisioned instance of its deployment, else the most recently used idle one, so that spare ones grow old
//!   and end.
//! - Without one it waits, first come first served, for whichever comes first: an instance that becomes free, or a new one.
//! - There are never more launches for a deployment's calls than calls waiting for it.
//! - Only so many launches are under way at once (`launch.rs`). Functions take turns, and a launch that waits for its own function's initialisation
//!   stands in nobody's way.
//! - A call counts against its limit from its arrival. One that a provisioned instance takes does not count against the account's.
//! - When memory is short, idle instances that are cheapest to start again end (`room.rs`); then calls wait for room.
//! - Instances are also started ahead of calls: provisioned ones, and one for a call that is expected (`ahead.rs`).
//! - A launch that fails fails the call that it was made for, and no other.

mod ahead;
mod end;
mod event;
mod launch;
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
