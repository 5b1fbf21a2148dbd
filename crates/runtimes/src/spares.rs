//! Sandboxes that wait to be told which function they are: started or forked ahead, so that a cold start finds the slow part done. Each
//! serves one function, once.

use crate::zygote::{Zygote, says_ready};
use fogbank_functions::machine::{Memory, ThisMachine};
use fogbank_sandbox::{Assignment, Error, Fork, Sandbox, Spawner, Spec};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

/// How long a new interpreter may take until it waits.
const BEGIN_LIMIT: Duration = Duration::from_secs(10);
/// How long a spare may take to say that it has understood; it runs nothing of the function's before.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// So long nobody must have asked for a spare before more are made: those who start now need the processor more.
const QUIET: Duration = Duration::from_millis(15);
/// Spares are kept for as many starts as there were in this time,
const RECENTLY: Duration = Duration::from_secs(60);
/// and within these bounds.
const KEPT: std::ops::RangeInclusive<usize> = 1..=4;
/// What nobody has asked for in this time is given up.
const FORGOTTEN: Duration = Duration::from_secs(1800);
/// How long to wait after a failure, doubled with each that follows,
const PAUSE: Duration = Duration::from_secs(2);
/// up to this. A host that refuses to trace is not asked again and again.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// A zygote is replaced after so many forks: what chance decided at its start is the same in all of them, such as how strings are hashed and
/// where libraries lie in memory.
const RENEWED_AFTER: u32 = 200;
/// Less memory than this on the machine, in MiB, and nothing is kept for later.
const MEMORY_RESERVE_MB: u64 = 512;

/// A sandbox that waits.
pub(crate) struct Spare {
    pub(crate) sandbox: Sandbox,
    /// What it was forked from.
    pub(crate) zygote: Option<Arc<Zygote>>,
}

/// What a spare is told.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    pub(crate) environment: serde_json::Map<String, serde_json::Value>,
    pub(crate) directory: &'a str,
}

impl Spare {
    fn is_well(&self) -> bool {
        self.sandbox.control().is_well() && self.zygote.as_ref().is_none_or(|zygote| zygote.is_well())
    }

    /// Makes it serve a function. `assignment` is what it does not have yet. It has not run any code of the function if this fails.
    async fn become_function(&mut self, assignment: Option<&Assignment>, told: &Told<'_>) -> Result<(), Error> {
        let failed = |why: &str| Error::Setup(format!("a waiting interpreter {why}"));
        let mut line = serde_json::to_vec(told).map_err(|error| failed(&error.to_string()))?;
        line.push(b'\n');
        let tell = async {
            if !self.is_well() {
                return Err(failed("was killed or stopped"));
            }
            if let Some(assignment) = assignment {
                self.sandbox.control().assign(assignment.clone()).await?;
            }
            let mut socket = self.sandbox.socket.take().ok_or_else(|| failed("has no socket"))?;
            let told = async {
                socket.write_all(&line).await?;
                socket.read_u8().await
            };
            told.await.map_err(|_| failed("has ended"))?;
            // Once more: what kills a zygote takes a moment to reach its forks.
            if self.is_well() { Ok(()) } else { Err(failed("was killed")) }
        };
        tokio::time::timeout(ANSWER_LIMIT, tell).await.unwrap_or_else(|_| Err(failed("does not answer")))
    }
}

/// Where spares come from.
pub(crate) enum Source {
    /// Each is launched; its program says when it is ready.
    Launch(Spec),
    /// A zygote is launched, the rest forked from it.
    Zygote(Spec, Fork),
    /// All are forked from this zygote, which nothing can replace.
    Snapshot(Arc<Zygote>, Fork),
}

/// Keeps spares of one kind.
pub(crate) struct Spares {
    source: Source,
    spawner: Weak<Spawner>,
    state: Mutex<State>,
    wake: Arc<Notify>,
    made: Notify,
}

struct State {
    ready: VecDeque<Spare>,
    zygote: Option<Arc<Zygote>>,
    /// When spares were asked for.
    asked: VecDeque<Instant>,
    last: Instant,
}

impl Spares {
    /// Begins to keep some, until this is dropped.
    pub(crate) fn of(source: Source, spawner: &Arc<Spawner>) -> Arc<Self> {
        let zygote = match &source {
            Source::Snapshot(zygote, _) => Some(zygote.clone()),
            Source::Launch(_) | Source::Zygote(..) => None,
        };
        let state = State { ready: VecDeque::new(), zygote, asked: VecDeque::new(), last: Instant::now() };
        let spares = Arc::new(Self {
            source,
            spawner: Arc::downgrade(spawner),
            state: Mutex::new(state),
            wake: Arc::new(Notify::new()),
            made: Notify::new(),
        });
        tokio::spawn(tend(Arc::downgrade(&spares)));
        spares
    }

    /// Whether they are made from just this.
    pub(crate) fn are_of(&self, spec: &Spec) -> bool {
        match &self.source {
            Source::Launch(own) | Source::Zygote(own, _) => own.binds == spec.binds && own.command == spec.command,
            Source::Snapshot(..) => true,
        }
    }

    /// A spare with a `/tmp` of `tmp_mb`, if there is one or one can be forked.
    async fn take(&self, tmp_mb: u32) -> Option<Spare> {
        let (spare, zygote) = {
            let mut state = self.lock();
            state.ask();
            let fits = self.tmp_mb() == tmp_mb;
            (if fits { state.ready.pop_front() } else { None }, state.zygote.clone())
        };
        self.wake.notify_one();
        if spare.is_some() {
            return spare;
        }
        let zygote = zygote?;
        match zygote.fork(Fork { tmp_mb, ..self.fork()?.clone() }).await {
            Ok(spare) => Some(spare),
            Err(error) => {
                if self.blame(&zygote, &error).await {
                    self.wake.notify_one();
                }
                None
            }
        }
    }

    /// One that has been told which function it is. None of the function's code has run if there is none.
    pub(crate) async fn take_as(&self, tmp_mb: u32, assignment: Option<&Assignment>, told: &Told<'_>) -> Option<Spare> {
        // The second is a fresh one, if the first has ended or hangs.
        for _ in 0..2 {
            let mut spare = self.take(tmp_mb).await?;
            match spare.become_function(assignment, told).await {
                Ok(()) => return Some(spare),
                Err(error) => tracing::warn!(%error, "a sandbox that waits is replaced"),
            }
        }
        None
    }

    /// Waits until there is one.
    pub(crate) async fn readied(&self) {
        while self.lock().ready.is_empty() {
            let made = self.made.notified();
            if self.lock().ready.is_empty() {
                made.await;
            }
        }
    }

    /// Resolves when a snapshot's zygote can serve no more.
    pub(crate) async fn lost(&self) {
        let zygote = self.lock().zygote.clone();
        if let Some(zygote) = zygote {
            zygote.ended().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fork(&self) -> Option<&Fork> {
        match &self.source {
            Source::Launch(_) => None,
            Source::Zygote(_, fork) | Source::Snapshot(_, fork) => Some(fork),
        }
    }

    fn tmp_mb(&self) -> u32 {
        match &self.source {
            Source::Launch(spec) => spec.tmp_mb,
            Source::Zygote(_, fork) | Source::Snapshot(_, fork) => fork.tmp_mb,
        }
    }

    /// Gives a zygote up, if the error was its fault. Whether it did.
    async fn blame(&self, zygote: &Arc<Zygote>, error: &Error) -> bool {
        tracing::warn!(%error, "a sandbox was not forked");
        if !matches!(error, Error::NotForked(_)) {
            return false;
        }
        let known = self.lock().zygote.take_if(|known| Arc::ptr_eq(known, zygote));
        if known.is_some() {
            zygote.retire().await;
        }
        known.is_some()
    }

    /// How long nobody has asked.
    pub(crate) fn idle(&self) -> Duration {
        self.lock().last.elapsed()
    }

    /// Makes one more, or a zygote first. False if it failed.
    async fn make_one(&self) -> bool {
        let Some(spawner) = self.spawner.upgrade() else { return false };
        let zygote = self.lock().zygote.clone();
        let worn = zygote.as_ref().is_some_and(|zygote| zygote.forks() >= RENEWED_AFTER);
        let made = match (&self.source, zygote) {
            (Source::Launch(spec), _) => begin(&spawner, spec).await,
            (Source::Zygote(spec, _), zygote) if worn || zygote.is_none() => {
                let Ok(sandbox) = spawner.launch(spec.clone()).await else { return false };
                drop(spawner);
                let Some(new) = Zygote::begin(sandbox, BEGIN_LIMIT).await else { return false };
                let old = self.lock().zygote.replace(new);
                if let Some(old) = old {
                    old.retire().await;
                }
                return true;
            }
            (Source::Zygote(_, fork) | Source::Snapshot(_, fork), Some(zygote)) => {
                let forked = zygote.fork(fork.clone()).await;
                if let Err(error) = &forked {
                    self.blame(&zygote, error).await;
                }
                forked.ok()
            }
            (_, None) => None,
        };
        let Some(spare) = made else { return false };
        self.lock().ready.push_back(spare);
        self.made.notify_waiters();
        true
    }

    /// Lets go of what is there; what is asked for next is started anew.
    fn release(&self) {
        let mut state = self.lock();
        let ready = std::mem::take(&mut state.ready);
        let zygote = match self.source {
            Source::Snapshot(..) => None,
            Source::Launch(_) | Source::Zygote(..) => state.zygote.take(),
        };
        drop(state);
        drop(ready);
        if let Some(zygote) = zygote {
            tokio::spawn(async move { zygote.retire().await });
        }
    }
}

impl State {
    fn ask(&mut self) {
        self.last = Instant::now();
        self.asked.push_back(self.last);
        if self.asked.len() > *KEPT.end() {
            self.asked.pop_front();
        }
    }

    fn wanted(&mut self) -> usize {
        self.asked.retain(|at| at.elapsed() < RECENTLY);
        self.asked.len().clamp(*KEPT.start(), *KEPT.end())
    }
}

/// Launches an interpreter and waits until it is ready.
async fn begin(spawner: &Spawner, spec: &Spec) -> Option<Spare> {
    let mut sandbox = spawner.launch(spec.clone()).await.ok()?;
    says_ready(sandbox.socket.as_mut()?, BEGIN_LIMIT).await.then_some(Spare { sandbox, zygote: None })
}

/// Keeps as many as are wanted.
async fn tend(spares: Weak<Spares>) {
    let mut pause = PAUSE;
    loop {
        let Some(this) = spares.upgrade() else { return };
        let (missing, idle) = {
            let mut state = this.lock();
            state.ready.retain(|spare| !spare.sandbox.control().has_ended());
            let wanted = state.wanted();
            (state.ready.len() < wanted, state.last.elapsed())
        };
        let snapshot = matches!(this.source, Source::Snapshot(..));
        if (idle > FORGOTTEN && !snapshot) || is_short_of_memory() {
            this.release();
            rest(this, PAUSE).await;
        } else if missing && idle < QUIET {
            drop(this);
            tokio::time::sleep(QUIET - idle).await;
        } else if missing {
            let made = this.make_one().await;
            drop(this);
            if made {
                pause = PAUSE;
            } else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        } else {
            rest(this, RECENTLY).await;
        }
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

/// Waits until somebody asks, or some time has passed, without keeping the spares alive.
async fn rest(spares: Arc<Spares>, limit: Duration) {
    let wake = spares.wake.clone();
    drop(spares);
    let _ = tokio::time::timeout(limit, wake.notified()).await;
}

fn is_short_of_memory() -> bool {
    ThisMachine.measure().is_some_and(|machine| machine.available_mb < MEMORY_RESERVE_MB)
}
