//! Carries out what the pool decides: starts and stops instances, and hands them to waiting calls.

mod launch;
mod live;

use crate::code::Packages;
use crate::keep_alive::History;
use crate::machine::Memory;
use crate::model::{Function, Version};
use crate::pool::{
    Ahead, Bounds, CallId, Decision, DeploymentId, Event, FunctionId, InstanceId, Pool, Provision, Provisioned,
    Refusal, Target,
};
use crate::runtime::{Runtime, StartError};
use crate::snapstart::Snapshots;
use crate::tail::LogTail;
use fogbank_model::{Clock, LogStream};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

pub(crate) use live::Live;

/// What runs: a function and one of its versions.
#[derive(Debug, Clone)]
pub(crate) struct Deployed {
    pub function: Arc<Function>,
    pub version: Arc<Version>,
}

/// Why no instance took a call.
#[derive(Debug)]
pub(crate) enum NotRun {
    Refused(Refusal),
    /// The launch made for it failed; its lines are in this stream.
    NotStarted(StartError, LogStream),
    Closed,
}

/// How often the pool hears that time passes while calls wait for launches.
const PULSE: Duration = Duration::from_millis(10);

type Taker = oneshot::Sender<Result<Arc<Live>, NotRun>>;

struct State {
    pool: Pool,
    live: HashMap<InstanceId, (Arc<Live>, AbortHandle)>,
    launching: HashMap<InstanceId, AbortHandle>,
    waiting: HashMap<CallId, (Taker, Deployed)>,
    /// What instances can be started of without a call: what was called before, or is provisioned.
    known: HashMap<DeploymentId, Deployed>,
    /// Why provisioned instances of a deployment could not be started.
    failures: HashMap<DeploymentId, &'static str>,
    /// Whether a task feeds pulses to the pool.
    pulsing: bool,
    closed: bool,
}

/// All instances of the platform.
pub(crate) struct Instances {
    state: Mutex<State>,
    runtime: Arc<dyn Runtime>,
    clock: Arc<dyn Clock>,
    log: Arc<LogTail>,
    packages: Arc<Packages>,
    memory: Arc<dyn Memory>,
    /// What instances of versions with SnapStart are made from.
    pub snapshots: Snapshots,
    calls: AtomicU64,
    this: Weak<Self>,
}

impl Instances {
    pub fn new(
        bounds: Bounds,
        runtime: Arc<dyn Runtime>,
        clock: Arc<dyn Clock>,
        log: Arc<LogTail>,
        packages: Arc<Packages>,
        memory: Arc<dyn Memory>,
    ) -> Arc<Self> {
        let state = State {
            pool: Pool::new(bounds),
            live: HashMap::new(),
            launching: HashMap::new(),
            waiting: HashMap::new(),
            known: HashMap::new(),
            failures: HashMap::new(),
            pulsing: false,
            closed: false,
        };
        let (state, calls, snapshots) = (Mutex::new(state), AtomicU64::new(1), Snapshots::new());
        Arc::new_cyclic(|this| Self {
            state,
            runtime,
            clock,
            log,
            packages,
            memory,
            snapshots,
            calls,
            this: this.clone(),
        })
    }

    /// An instance for one call. The caller must give it back with [`Self::free`] or [`Self::end`].
    pub async fn acquire(&self, deployed: Deployed, target: Target) -> Result<Arc<Live>, NotRun> {
        let call = CallId(self.calls.fetch_add(1, Ordering::Relaxed));
        let answer = {
            let mut state = self.lock();
            if state.closed {
                return Err(NotRun::Closed);
            }
            let mut decisions = Vec::with_capacity(2);
            state.pool.handle(Event::Arrived(call, target), self.clock.now(), &mut decisions);
            // The usual case: an idle instance, taken without a detour.
            if let [Decision::Run(_, id)] = decisions[..] {
                let live = state.live.get(&id).map(|(live, _)| live.clone());
                return live.ok_or(NotRun::Closed);
            }
            let (taker, answer) = oneshot::channel();
            state.waiting.insert(call, (taker, deployed));
            let ended = self.carry_out(&mut state, decisions, None);
            drop(state);
            drop(ended);
            answer
        };
        answer.await.unwrap_or(Err(NotRun::Closed))
    }

    /// The instance has finished its call.
    pub fn free(&self, live: &Live) {
        let mut state = self.lock();
        // Read under the lock: the watcher, which comes here too, then sees the instance idle or is seen by it.
        if live.gone.load(Ordering::Acquire) {
            drop(state);
            return self.end(live.id);
        }
        let used_mb = live.peak_mb.load(Ordering::Relaxed).into();
        let ended = self.step(&mut state, Event::Freed(live.id, used_mb), None);
        drop(state);
        drop(ended);
    }

    /// The instance is of no more use.
    pub fn end(&self, id: InstanceId) {
        let mut state = self.lock();
        let ended = state.live.remove(&id);
        drop(state);
        if let Some((_, watcher)) = &ended {
            watcher.abort();
        }
        self.on(Event::Ended(id), None);
    }

    /// An instance ended by itself. Under one lock, so that no call can take it in between.
    fn forget_if_idle(&self, id: InstanceId) {
        let mut state = self.lock();
        if state.pool.is_idle(id) {
            let gone = state.live.remove(&id);
            let ended = self.step(&mut state, Event::Ended(id), None);
            drop(state);
            drop((gone, ended));
        }
    }

    /// A deployment was replaced or deleted: its instances finish what they do, and end.
    pub fn retire(&self, deployment: DeploymentId) {
        self.snapshots.retire(deployment);
        let mut state = self.lock();
        state.known.remove(&deployment);
        state.failures.remove(&deployment);
        let ended = self.step(&mut state, Event::Retired(deployment), None);
        drop(state);
        drop(ended);
    }

    /// From now on, `count` instances of a version are to be there.
    pub fn provide(&self, deployed: &Deployed, count: u32) {
        let version = &deployed.version;
        let provision = Provision {
            deployment: version.deployment,
            function: deployed.function.id,
            memory_mb: version.configuration.memory_mb.into(),
            count,
        };
        let mut state = self.lock();
        if count > 0 {
            state.known.insert(version.deployment, deployed.clone());
        }
        state.failures.remove(&version.deployment);
        let ended = self.step(&mut state, Event::Provision(provision), None);
        drop(state);
        drop(ended);
    }

    /// How far the provisioned instances of a deployment have come, and why they do not come further.
    pub fn provided(&self, deployment: DeploymentId) -> (Provisioned, Option<&'static str>) {
        let state = self.lock();
        (state.pool.provisioned(deployment, self.clock.now()), state.failures.get(&deployment).copied())
    }

    /// To be called about once a second.
    pub fn tick(&self) {
        if let Some(machine) = self.memory.measure() {
            self.on(Event::Measured(machine), None);
        }
        self.on(Event::Tick, None);
    }

    /// What is known of the idle times of functions, as far as it has changed since the last time.
    pub fn changed_histories(&self) -> Vec<(FunctionId, History)> {
        self.lock().pool.changed_histories()
    }

    /// Begins with what was known of a function before a restart.
    pub fn remember(&self, function: FunctionId, history: History) {
        self.lock().pool.remember(function, history);
    }

    /// The function is deleted.
    pub fn forget(&self, function: FunctionId) {
        self.lock().pool.forget(function);
    }

    /// Stops everything. Calls that wait are refused.
    pub fn close(&self) {
        self.snapshots.close();
        let mut state = self.lock();
        state.closed = true;
        let live = std::mem::take(&mut state.live);
        let launching = std::mem::take(&mut state.launching);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        live.values().for_each(|(_, watcher)| watcher.abort());
        launching.values().for_each(AbortHandle::abort);
        drop(waiting);
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().live.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on(&self, event: Event, failure: Option<(StartError, LogStream)>) {
        let mut state = self.lock();
        let ended = self.step(&mut state, event, failure);
        drop(state);
        drop(ended);
    }

    fn step(&self, state: &mut State, event: Event, failure: Option<(StartError, LogStream)>) -> Vec<Arc<Live>> {
        let mut decisions = Vec::new();
        state.pool.handle(event, self.clock.now(), &mut decisions);
        self.carry_out(state, decisions, failure)
    }

    /// While calls wait for launches, the pool hears often that time passes, so that slow ones make place.
    fn keep_pulsing(&self, state: &mut State) {
        if state.pulsing || state.closed || !state.pool.is_waiting() {
            return;
        }
        state.pulsing = true;
        let this = self.this.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PULSE).await;
                let Some(instances) = this.upgrade() else { return };
                let mut state = instances.lock();
                let ended = instances.step(&mut state, Event::Pulse, None);
                let over = state.closed || !state.pool.is_waiting();
                state.pulsing = !over;
                drop(state);
                drop(ended);
                if over {
                    return;
                }
            }
        });
    }

    /// Returns the instances that ended, to be dropped outside the lock: stopping one may take a moment.
    fn carry_out(
        &self,
        state: &mut State,
        decisions: Vec<Decision>,
        mut failure: Option<(StartError, LogStream)>,
    ) -> Vec<Arc<Live>> {
        let mut ended = Vec::new();
        for decision in decisions {
            match decision {
                Decision::Run(call, id) => {
                    let live = state.live.get(&id).map(|(live, _)| live.clone());
                    let taker = state.waiting.remove(&call);
                    let gone = match (live, taker) {
                        (Some(live), Some((taker, _))) => taker.send(Ok(live)).is_err(),
                        _ => true,
                    };
                    if gone {
                        ended.extend(self.step(state, Event::Freed(id, 0), None));
                    }
                }
                Decision::Launch(id, call) => {
                    if let (Some((_, deployed)), Some(this)) = (state.waiting.get(&call), self.this.upgrade()) {
                        let deployed = deployed.clone();
                        state.known.entry(deployed.version.deployment).or_insert_with(|| deployed.clone());
                        let launch = tokio::spawn(this.launch(id, deployed, None));
                        state.launching.insert(id, launch.abort_handle());
                    }
                }
                Decision::Prepare(id, deployment, ahead) => match (state.known.get(&deployment), self.this.upgrade()) {
                    (Some(deployed), Some(this)) if !state.closed => {
                        let launch = tokio::spawn(this.launch(id, deployed.clone(), Some(ahead)));
                        state.launching.insert(id, launch.abort_handle());
                    }
                    _ => ended.extend(self.step(state, Event::StartFailed(id), None)),
                },
                Decision::Stop(id) => {
                    if let Some((live, watcher)) = state.live.remove(&id) {
                        watcher.abort();
                        ended.push(live);
                    }
                }
                Decision::Refuse(call, refusal) => answer(state, call, NotRun::Refused(refusal)),
                Decision::Fail(call, _) => {
                    let failure = failure.take().map(|(error, log)| NotRun::NotStarted(error, log));
                    answer(state, call, failure.unwrap_or(NotRun::Closed));
                }
            }
        }
        self.keep_pulsing(state);
        ended
    }

    async fn launch(self: Arc<Self>, id: InstanceId, deployed: Deployed, ahead: Option<Ahead>) {
        let log = self.stream(&deployed);
        let begun = Instant::now();
        let started = self.start(id, &deployed, ahead, &log).await;
        let took = begun.elapsed();
        let mut state = self.lock();
        state.launching.remove(&id);
        let ended = match started {
            Ok(live) => {
                let watcher = tokio::spawn(watch(self.this.clone(), live.clone())).abort_handle();
                state.live.insert(id, (live, watcher));
                self.step(&mut state, Event::Started(id, took), None)
            }
            Err(error) => {
                tracing::debug!(function = %deployed.function.key.name, %error, "an instance did not start");
                if ahead == Some(Ahead::Provisioned) {
                    state.failures.insert(deployed.version.deployment, launch::reason(&error));
                }
                self.step(&mut state, Event::StartFailed(id), Some((error, log)))
            }
        };
        drop(state);
        drop(ended);
    }
}

fn answer(state: &mut State, call: CallId, why: NotRun) {
    if let Some((taker, _)) = state.waiting.remove(&call) {
        // A caller that has gone does not mind.
        drop(taker.send(Err(why)));
    }
}

/// Notes when an instance ends by itself. If that was during a call, the call finds out and ends it.
async fn watch(instances: Weak<Instances>, live: Arc<Live>) {
    live.instance.ended().await;
    live.gone.store(true, Ordering::Release);
    if let Some(instances) = instances.upgrade() {
        instances.forget_if_idle(live.id);
    }
}
