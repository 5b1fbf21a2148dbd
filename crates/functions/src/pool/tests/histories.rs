//! Random histories against what must hold at every moment.

use super::*;
use std::collections::HashSet;

const MEMORY: u64 = MB * 5;
const SLOTS: usize = 3;

/// What a history must add up to, kept without looking into the pool.
#[derive(Default)]
struct Ledger {
    launching: HashMap<InstanceId, DeploymentId>,
    /// Those that no call waited for.
    ahead: HashSet<InstanceId>,
    busy: HashMap<InstanceId, CallId>,
    idle: HashMap<InstanceId, DeploymentId>,
    of: HashMap<InstanceId, DeploymentId>,
    waiting: HashMap<CallId, DeploymentId>,
    answered: HashSet<CallId>,
}

impl Ledger {
    fn apply(&mut self, decision: Decision) {
        match decision {
            Decision::Run(call, id) => {
                let idle = self.idle.remove(&id).is_some();
                assert!(idle, "{id:?} was not free for {call:?}");
                let deployment = self.waiting.remove(&call).expect("a call runs once");
                assert_eq!(deployment, self.of[&id], "a call runs on its own code");
                let earlier = self.waiting.iter().any(|(other, of)| *of == deployment && *other < call);
                assert!(!earlier, "{call:?} overtook another one");
                self.busy.insert(id, call);
            }
            Decision::Launch(id, call) => {
                let deployment = self.waiting[&call];
                self.of.insert(id, deployment);
                self.launching.insert(id, deployment);
                let waiting = self.waiting.values().filter(|of| **of == deployment).count();
                let for_calls =
                    |(id, of): &(&InstanceId, &DeploymentId)| **of == deployment && !self.ahead.contains(*id);
                let launching = self.launching.iter().filter(for_calls).count();
                assert!(launching <= waiting, "{launching} launches for {waiting} waiting calls");
            }
            Decision::Prepare(id, deployment, _) => {
                self.of.insert(id, deployment);
                self.launching.insert(id, deployment);
                self.ahead.insert(id);
            }
            Decision::Stop(id) => assert!(self.idle.remove(&id).is_some(), "only idle instances are stopped"),
            Decision::Refuse(call, _) | Decision::Fail(call, _) => {
                assert!(self.waiting.remove(&call).is_some());
                assert!(self.answered.insert(call), "a call is answered once");
            }
        }
    }

    fn instances(&self) -> usize {
        self.launching.len() + self.busy.len() + self.idle.len()
    }

    /// The next thing that an instance does by itself, where nothing goes wrong.
    fn next_end(&mut self) -> Option<Event> {
        if let Some(&id) = self.launching.keys().min() {
            let deployment = self.launching.remove(&id).unwrap();
            self.idle.insert(id, deployment);
            return Some(started(id));
        }
        let id = *self.busy.keys().min()?;
        self.answered.insert(self.busy.remove(&id).unwrap());
        self.idle.insert(id, self.of[&id]);
        Some(freed(id))
    }
}

/// What the pool's own figures must add up to.
fn check(bench: &Bench, ledger: &Ledger) {
    let pool = &bench.pool;
    assert_eq!(pool.instances.len(), ledger.instances());
    let reserved = |instance: &Instance| pool.deployments[&instance.deployment].reserve_mb;
    assert_eq!(pool.memory_mb, pool.instances.values().map(reserved).sum::<u64>());
    assert!(pool.memory_mb <= MEMORY || pool.idle_mb == 0, "what was outgrown is taken from idle ones");
    assert_eq!(pool.idle_mb, pool.idle.values().map(|id| reserved(&pool.instances[id])).sum::<u64>());
    assert_eq!(pool.waiting.len(), ledger.waiting.len());
    let in_flight: u32 = pool.in_flight.values().sum();
    assert_eq!(in_flight as usize, ledger.waiting.len() + ledger.busy.len());
    assert!(pool.unreserved.values().sum::<u32>() <= in_flight);
    assert!(pool.launching.len() <= SLOTS);
    let slot = pool.launching.len() < SLOTS;
    let fits = |deployment: &Deployment| {
        pool.memory_mb - pool.idle_mb + deployment.reserve_mb <= MEMORY
            && pool.headroom_mb.is_none_or(|headroom| headroom + pool.idle_mb >= deployment.reserve_mb)
    };
    if let Some(call) = pool.queue.first() {
        let deployment = &pool.deployments[&pool.waiting[&call].target.deployment];
        assert!(!(slot && fits(deployment)), "calls wait for what is there");
    }
    for (id, deployment) in &pool.deployments {
        let provisioned: Vec<&Instance> =
            pool.instances.values().filter(|instance| instance.deployment == *id && instance.provisioned).collect();
        let launching = |instance: &&&Instance| matches!(instance.state, State::Launching { .. });
        let of = &deployment.provisioning;
        assert_eq!(provisioned.len() as u32, of.have);
        assert_eq!((provisioned.len() - provisioned.iter().filter(launching).count()) as u32, of.ready);
        assert!(of.have <= of.wanted || deployment.retired);
        // Calls that wait come first.
        let lacking = of.have < of.wanted && of.failed_at.is_none() && pool.queue.is_empty();
        assert!(!(lacking && slot && fits(deployment) && pool.may_provision(*id)), "a provisioned instance is missing");
        let ready = deployment.ready.iter().all(|id| pool.is_idle(*id));
        assert!(
            ready && deployment.waiting.is_empty() || deployment.ready.is_empty(),
            "a call waits beside a ready one"
        );
    }
}

#[test]
fn random_histories_keep_the_rules() {
    for seed in 1..=300u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let mut bench = Bench::new(MEMORY);
        bench.pool.bounds.launches = SLOTS;
        if seed % 2 == 0 {
            bench.pool.bounds.keep_alive = KeepAlive::Histogram;
        }
        let mut ledger = Ledger::default();
        let mut calls = 0;
        for step in 0..400 {
            bench.now = bench.now.plus(Duration::from_millis(next(2000) as u64));
            let pick = |map: &HashMap<InstanceId, DeploymentId>, at: usize| {
                let mut ids: Vec<_> = map.keys().copied().collect();
                ids.sort();
                (!ids.is_empty()).then(|| ids[at % ids.len()])
            };
            let at = next(1000);
            // At the end of the history nothing new comes, and all must be answered.
            let event = match if step < 300 { next(13) } else { 4 + next(3) } {
                0..=3 => {
                    calls += 1;
                    let target = Target { unreserved: 8, ..target(1 + next(3) as u64) };
                    ledger.waiting.insert(CallId(calls), target.deployment);
                    Some(Event::Arrived(CallId(calls), target))
                }
                4 => pick(&ledger.launching, at).map(|id| {
                    let deployment = ledger.launching.remove(&id).unwrap();
                    if next(5) == 0 {
                        return Event::StartFailed(id);
                    }
                    ledger.idle.insert(id, deployment);
                    started(id)
                }),
                5 | 6 => {
                    let mut busy: Vec<_> = ledger.busy.keys().copied().collect();
                    busy.sort();
                    (!busy.is_empty()).then(|| {
                        let id = busy[at % busy.len()];
                        ledger.answered.insert(ledger.busy.remove(&id).unwrap());
                        if next(6) == 0 {
                            return Event::Ended(id);
                        }
                        ledger.idle.insert(id, ledger.of[&id]);
                        // Two in three seeds learn what instances use.
                        Event::Freed(id, if seed % 3 == 0 { 0 } else { 10 + next(60) as u64 })
                    })
                }
                7 => pick(&ledger.idle, at).map(|id| {
                    ledger.idle.remove(&id);
                    Event::Ended(id)
                }),
                8 => Some(Event::Tick),
                9 => (next(10) == 0).then(|| Event::Retired(DeploymentId(1 + next(3) as u64))),
                10 => Some(Event::Pulse),
                // One seed in four has a machine whose memory others use as well.
                11 => (seed % 4 == 1).then(|| {
                    let available_mb = 50 + next(600) as u64;
                    Event::Measured(Machine { total_mb: 2000, available_mb, stalled: next(5) == 0 })
                }),
                _ => (next(3) == 0).then(|| {
                    let id = 1 + next(3) as u64;
                    let (deployment, function) = (DeploymentId(id), FunctionId(id));
                    Event::Provision(Provision { deployment, function, memory_mb: MB, count: next(3) as u32 })
                }),
            };
            let Some(event) = event else { continue };
            for decision in bench.on(event) {
                ledger.apply(decision);
            }
            check(&bench, &ledger);
        }
        while let Some(event) = ledger.next_end() {
            bench.on(event).into_iter().for_each(|decision| ledger.apply(decision));
            check(&bench, &ledger);
        }
        // What provisioned instances of others leave no room for is refused in the end.
        bench.now = bench.now.plus(Duration::from_secs(61));
        bench.on(Event::Tick).into_iter().for_each(|decision| ledger.apply(decision));
        while let Some(event) = ledger.next_end() {
            bench.on(event).into_iter().for_each(|decision| ledger.apply(decision));
        }
        assert!(ledger.waiting.is_empty(), "a call was forgotten");
        assert_eq!(ledger.answered.len(), calls as usize);
    }
}
