//! Which instance gets which call: a state machine without I/O, time or tasks. `instances.rs` feeds it events and carries out
//! what it decides; tests feed it random histories.
//!
//! Rules:
//! - A call takes the most recently used idle instance of its deployment, so that spare ones grow old and end.
//! - Without one it waits, first come first served, for whichever comes first: an instance that becomes free, or a new one.
//! - There are never more launches for a deployment than calls waiting for it.
//! - A call counts against its limit from its arrival, so launches run side by side up to that limit and the memory of the machine.
//! - When memory is short, idle instances of other deployments end, the least recently used first; then calls wait for room.
//! - A launch that fails fails the call that it was made for, and no other.

mod event;

use fogbank_model::Timestamp;
use std::collections::{BTreeMap, HashMap, VecDeque};

pub use event::{Bounds, CallId, Decision, DeploymentId, Event, FunctionId, InstanceId, Refusal, ScopeId, Target};

#[derive(Debug, Clone, Copy)]
enum State {
    /// Being started, for `owner` if that one is still waiting.
    Launching { owner: Option<CallId> },
    /// Has a call that wanted this.
    Busy(Target),
    /// Has none since then. Turns number the idle instances in order.
    Idle { since: Timestamp, turn: u64 },
}

#[derive(Debug)]
struct Instance {
    deployment: DeploymentId,
    memory_mb: u64,
    state: State,
}

#[derive(Debug)]
struct Waiter {
    target: Target,
    since: Timestamp,
    launch: Option<InstanceId>,
}

#[derive(Debug, Default)]
struct Deployment {
    /// Instances in any state.
    instances: usize,
    /// The most recently used one is last.
    idle: Vec<InstanceId>,
    /// Launches whose call was served by a freed instance.
    spare: Vec<InstanceId>,
    waiting: VecDeque<CallId>,
    retired: bool,
}

/// The state machine.
#[derive(Debug)]
pub struct Pool {
    bounds: Bounds,
    memory_mb: u64,
    turn: u64,
    next_instance: u64,
    instances: HashMap<InstanceId, Instance>,
    deployments: HashMap<DeploymentId, Deployment>,
    waiting: HashMap<CallId, Waiter>,
    /// Idle instances of all deployments, the least recently used first.
    idle: BTreeMap<u64, InstanceId>,
    idle_mb: u64,
    in_flight: HashMap<FunctionId, u32>,
    unreserved: HashMap<ScopeId, u32>,
    /// Waiting calls that no launch was made for, because there was no memory.
    without_launch: BTreeMap<CallId, DeploymentId>,
}

impl Pool {
    /// An empty pool.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            memory_mb: 0,
            turn: 0,
            next_instance: 0,
            instances: HashMap::new(),
            deployments: HashMap::new(),
            waiting: HashMap::new(),
            idle: BTreeMap::new(),
            idle_mb: 0,
            in_flight: HashMap::new(),
            unreserved: HashMap::new(),
            without_launch: BTreeMap::new(),
        }
    }

    /// Takes note of `event` and adds what is to be done to `decisions`.
    pub fn handle(&mut self, event: Event, now: Timestamp, decisions: &mut Vec<Decision>) {
        match event {
            Event::Arrived(call, target) => self.arrived(call, target, now, decisions),
            Event::Started(id) => self.free(id, now, decisions),
            Event::Freed(id) => {
                if let Some(State::Busy(target)) = self.instances.get(&id).map(|instance| instance.state) {
                    self.uncount(&target);
                    self.free(id, now, decisions);
                }
            }
            Event::StartFailed(id) | Event::Ended(id) => self.gone(id, decisions),
            Event::Retired(deployment) => self.retired(deployment, decisions),
            Event::Tick => self.tick(now, decisions),
        }
    }

    /// Whether the instance is idle.
    pub fn is_idle(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(|instance| matches!(instance.state, State::Idle { .. }))
    }

    fn arrived(&mut self, call: CallId, target: Target, now: Timestamp, decisions: &mut Vec<Decision>) {
        if let Some(refusal) = self.over_limit(&target) {
            decisions.push(Decision::Refuse(call, refusal));
            return;
        }
        self.count(&target);
        let deployment = self.deployments.entry(target.deployment).or_default();
        if let Some(id) = deployment.idle.last().copied() {
            self.run(call, target, id, decisions);
            return;
        }
        deployment.waiting.push_back(call);
        let spare = deployment.spare.pop();
        self.waiting.insert(call, Waiter { target, since: now, launch: None });
        match spare {
            Some(launch) => self.own(call, launch),
            // Those who wait for memory longer come first.
            None if !self.without_launch.is_empty() => drop(self.without_launch.insert(call, target.deployment)),
            None => drop(self.launch_for(call, decisions)),
        }
    }

    fn over_limit(&self, target: &Target) -> Option<Refusal> {
        let count = |of: Option<&u32>| of.copied().unwrap_or(0);
        match target.reserved {
            _ if target.memory_mb > self.bounds.memory_mb => Some(Refusal::Memory),
            Some(limit) => (count(self.in_flight.get(&target.function)) >= limit).then_some(Refusal::Reserved),
            None => (count(self.unreserved.get(&target.scope)) >= target.unreserved).then_some(Refusal::Unreserved),
        }
    }

    fn count(&mut self, target: &Target) {
        *self.in_flight.entry(target.function).or_default() += 1;
        if target.reserved.is_none() {
            *self.unreserved.entry(target.scope).or_default() += 1;
        }
    }

    fn uncount(&mut self, target: &Target) {
        fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) {
            if let std::collections::hash_map::Entry::Occupied(mut count) = counts.entry(key) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
        less(&mut self.in_flight, target.function);
        if target.reserved.is_none() {
            less(&mut self.unreserved, target.scope);
        }
    }

    /// Makes `launch` the one that is made for `call`.
    fn own(&mut self, call: CallId, launch: InstanceId) {
        if let (Some(waiter), Some(instance)) = (self.waiting.get_mut(&call), self.instances.get_mut(&launch)) {
            waiter.launch = Some(launch);
            instance.state = State::Launching { owner: Some(call) };
            self.without_launch.remove(&call);
        }
    }

    /// Starts an instance for a waiting call, if there is memory or some can be made. Whether it did.
    fn launch_for(&mut self, call: CallId, decisions: &mut Vec<Decision>) -> bool {
        let Some(Waiter { target, .. }) = self.waiting.get(&call) else { return false };
        let (deployment, memory_mb) = (target.deployment, target.memory_mb);
        if !self.make_room(memory_mb, decisions) {
            self.without_launch.insert(call, deployment);
            return false;
        }
        self.next_instance += 1;
        let id = InstanceId(self.next_instance);
        self.memory_mb += memory_mb;
        self.instances.insert(id, Instance { deployment, memory_mb, state: State::Launching { owner: Some(call) } });
        self.deployments.entry(deployment).or_default().instances += 1;
        self.own(call, id);
        decisions.push(Decision::Launch(id, call));
        true
    }

    /// Ends idle instances until `memory_mb` fits; none, if that would not help. They are of other deployments: calls that wait
    /// for one of their own would have got it.
    fn make_room(&mut self, memory_mb: u64, decisions: &mut Vec<Decision>) -> bool {
        let busy_mb = self.memory_mb - self.idle_mb;
        if busy_mb + memory_mb > self.bounds.memory_mb {
            return false;
        }
        while self.memory_mb + memory_mb > self.bounds.memory_mb {
            let Some((_, &oldest)) = self.idle.first_key_value() else { return false };
            self.stop(oldest, decisions);
        }
        true
    }

    fn stop(&mut self, id: InstanceId, decisions: &mut Vec<Decision>) {
        if self.remove(id).is_some() {
            decisions.push(Decision::Stop(id));
        }
    }

    /// Takes an instance out of every list.
    fn remove(&mut self, id: InstanceId) -> Option<Instance> {
        self.unlist(id);
        let instance = self.instances.remove(&id)?;
        self.memory_mb -= instance.memory_mb;
        if let Some(deployment) = self.deployments.get_mut(&instance.deployment) {
            deployment.instances -= 1;
            deployment.spare.retain(|spare| *spare != id);
            if deployment.instances == 0 && deployment.waiting.is_empty() {
                self.deployments.remove(&instance.deployment);
            }
        }
        Some(instance)
    }

    /// Takes an instance out of the lists of idle ones, if it is in them.
    fn unlist(&mut self, id: InstanceId) {
        let Some(Instance { deployment, memory_mb, state: State::Idle { turn, .. } }) = self.instances.get(&id) else {
            return;
        };
        self.idle.remove(turn);
        self.idle_mb -= memory_mb;
        if let Some(deployment) = self.deployments.get_mut(deployment)
            && let Some(at) = deployment.idle.iter().rposition(|idle| *idle == id)
        {
            deployment.idle.remove(at);
        }
    }

    fn run(&mut self, call: CallId, target: Target, id: InstanceId, decisions: &mut Vec<Decision>) {
        self.unlist(id);
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.state = State::Busy(target);
            decisions.push(Decision::Run(call, id));
        }
    }

    /// An instance is new or has finished its call: the first in line gets it, else it idles.
    fn free(&mut self, id: InstanceId, now: Timestamp, decisions: &mut Vec<Decision>) {
        let Some(instance) = self.instances.get(&id) else { return };
        let owner = match instance.state {
            State::Launching { owner } => owner,
            State::Busy(_) | State::Idle { .. } => None,
        };
        let deployment_id = instance.deployment;
        let deployment = self.deployments.entry(deployment_id).or_default();
        deployment.spare.retain(|spare| *spare != id);
        let Some(call) = deployment.waiting.pop_front() else {
            self.rest(id, now, decisions);
            return;
        };
        self.without_launch.remove(&call);
        if let Some(waiter) = self.waiting.remove(&call) {
            self.run(call, waiter.target, id, decisions);
            let launch = waiter.launch.filter(|launch| *launch != id);
            self.hand_over(launch, owner.filter(|owner| *owner != call), deployment_id);
        }
    }

    /// `launch` lost the call it was made for. It goes to the call that lost its own launch, else to one that never had one, else to
    /// the next that comes.
    fn hand_over(&mut self, launch: Option<InstanceId>, orphan: Option<CallId>, deployment: DeploymentId) {
        let Some(launch) = launch else {
            // The first in line never had a launch; now the orphan waits in its place.
            if let Some(call) = orphan {
                self.without_launch.insert(call, deployment);
            }
            return;
        };
        let without = || self.without_launch.iter().find(|(_, of)| **of == deployment).map(|(call, _)| *call);
        match orphan.or_else(without) {
            Some(call) => self.own(call, launch),
            None => {
                if let Some(instance) = self.instances.get_mut(&launch) {
                    instance.state = State::Launching { owner: None };
                    self.deployments.entry(deployment).or_default().spare.push(launch);
                }
            }
        }
    }

    fn rest(&mut self, id: InstanceId, now: Timestamp, decisions: &mut Vec<Decision>) {
        self.turn += 1;
        let turn = self.turn;
        let Some(instance) = self.instances.get_mut(&id) else { return };
        instance.state = State::Idle { since: now, turn };
        self.idle.insert(turn, id);
        self.idle_mb += instance.memory_mb;
        let deployment = self.deployments.entry(instance.deployment).or_default();
        deployment.idle.push(id);
        if deployment.retired {
            self.stop(id, decisions);
        }
        self.use_room(decisions);
    }

    /// There may be memory now for calls that wait for it; the first come are served first.
    fn use_room(&mut self, decisions: &mut Vec<Decision>) {
        while let Some((&call, _)) = self.without_launch.first_key_value() {
            if !self.launch_for(call, decisions) {
                return;
            }
        }
    }

    /// An instance or a launch is no more.
    fn gone(&mut self, id: InstanceId, decisions: &mut Vec<Decision>) {
        match self.instances.get(&id).map(|instance| instance.state) {
            None => return,
            Some(State::Busy(target)) => self.uncount(&target),
            Some(State::Launching { owner: Some(call) }) => {
                self.give_up(call);
                decisions.push(Decision::Fail(call, id));
            }
            Some(State::Launching { owner: None } | State::Idle { .. }) => {}
        }
        self.remove(id);
        self.use_room(decisions);
    }

    /// A waiting call is over.
    fn give_up(&mut self, call: CallId) {
        self.without_launch.remove(&call);
        if let Some(waiter) = self.waiting.remove(&call) {
            self.uncount(&waiter.target);
            if let Some(deployment) = self.deployments.get_mut(&waiter.target.deployment) {
                deployment.waiting.retain(|waiting| *waiting != call);
                if deployment.instances == 0 && deployment.waiting.is_empty() {
                    self.deployments.remove(&waiter.target.deployment);
                }
            }
        }
    }

    fn retired(&mut self, id: DeploymentId, decisions: &mut Vec<Decision>) {
        let Some(deployment) = self.deployments.get_mut(&id) else { return };
        deployment.retired = true;
        for idle in deployment.idle.clone() {
            self.stop(idle, decisions);
        }
        self.use_room(decisions);
    }

    fn tick(&mut self, now: Timestamp, decisions: &mut Vec<Decision>) {
        while let Some((_, &oldest)) = self.idle.first_key_value() {
            match self.instances.get(&oldest).map(|instance| instance.state) {
                Some(State::Idle { since, .. }) if since.plus(self.bounds.idle) <= now => self.stop(oldest, decisions),
                _ => break,
            }
        }
        self.use_room(decisions);
        let waited =
            |call: &CallId| self.waiting.get(call).is_some_and(|w| w.since.plus(self.bounds.capacity_wait) <= now);
        let late: Vec<CallId> = self.without_launch.keys().copied().filter(waited).collect();
        for call in late {
            self.give_up(call);
            decisions.push(Decision::Refuse(call, Refusal::Memory));
        }
    }
}

#[cfg(test)]
mod tests;
