//! The committer: one thread that runs waiting closures one after another into one commit of the engine and syncs once for all of
//! them. Measured against a sync for each, that is about fifty times the writes per second at 64 writers.

use crate::Error;
use crate::engine::{Engine, Group, Source};
use crate::read::{Readers, Snapshot};
use crate::tx::Tx;
use fogbank_model::{Clock, Timestamp};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

/// How many closures one sync may carry; bounds how long the first of them waits.
const GROUP_LIMIT: usize = 1024;

/// How long a store that is not open waits for work before it tries to open by itself.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// How long nothing must have been asked for until the engine is settled.
const SETTLE_AFTER: Duration = Duration::from_secs(10);

/// The same after a settlement has failed, most likely for want of room: each closes the store for a moment.
const SETTLE_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A closure on its way to the committer: run it, then tell its caller how the commit went.
trait Job: Send {
    /// Runs the closure, and puts what it changed into the group.
    fn run(&mut self, group: &mut Group<'_>);
    /// Answers the caller.
    fn finish(self: Box<Self>, committed: &Result<(), Error>);
}

struct Transaction<F, T, E> {
    change: F,
    now: Timestamp,
    outcome: Option<Result<T, E>>,
    woken: Vec<String>,
    caller: oneshot::Sender<Answer<T, E>>,
}

/// The closure's result and the queues it put something into, or why it could not be committed.
type Answer<T, E> = Result<(Result<T, E>, Vec<String>), Error>;

impl<F, T, E> Job for Transaction<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, group: &mut Group<'_>) {
        let mut tx = Tx::over(group.table(), self.now);
        let ran = catch_unwind(AssertUnwindSafe(|| (self.change)(&mut tx)));
        let mut outcome = ran.unwrap_or_else(|panic| Err(Error::Panicked(panic_text(&*panic)).into()));
        let (changes, woken) = tx.into_changes();
        if outcome.is_ok() {
            match group.apply(&changes) {
                Ok(()) => self.woken = woken,
                Err(error) => outcome = Err(error.into()),
            }
        }
        self.outcome = Some(outcome);
    }

    fn finish(self: Box<Self>, committed: &Result<(), Error>) {
        let answer = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => Ok((outcome, self.woken)),
            // Even what failed by itself may have done so because of a neighbour's change that is not kept.
            (Err(error), _) => Err(error.clone()),
            (Ok(()), None) => Err(Error::Closed),
        };
        // The caller may have gone; the change stands all the same.
        drop(self.caller.send(answer));
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

pub(crate) struct Committer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    readers: Arc<Readers>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Committer {
    pub(crate) fn start(source: Source, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let readers = Arc::new(Readers::default());
        let engine = Engine::open(&source, readers.clone(), clock.clone())?;
        let (jobs, waiting) = mpsc::channel();
        let work = CommitLoop {
            source,
            clock,
            readers: readers.clone(),
            waiting,
            engine: Some(engine),
            settle_after: SETTLE_AFTER,
        };
        let thread = std::thread::Builder::new().name("store-commit".into());
        let thread = thread.spawn(move || work.run()).map_err(Error::disk)?;
        Ok(Self { jobs: Some(jobs), readers, thread: Some(thread) })
    }

    pub(crate) async fn submit<T, E, F>(&self, change: F, now: Timestamp) -> Answer<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Transaction { change, now, outcome: None, woken: Vec::new(), caller };
        let jobs = self.jobs.as_ref().ok_or(Error::Closed)?;
        jobs.send(Box::new(job)).map_err(|_| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        self.readers.snapshot()
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// What the committer's thread owns.
struct CommitLoop {
    source: Source,
    clock: Arc<dyn Clock>,
    readers: Arc<Readers>,
    waiting: mpsc::Receiver<Box<dyn Job>>,
    /// `None` from a failed write until it could be opened again.
    engine: Option<Engine>,
    settle_after: Duration,
}

impl CommitLoop {
    fn run(mut self) {
        while let Some(first) = self.next_job() {
            let mut group = vec![first];
            group.extend(self.waiting.try_iter().take(GROUP_LIMIT - 1));
            let committed =
                self.on_engine(|engine| engine.commit(|commit| group.iter_mut().for_each(|job| job.run(commit))));
            group.into_iter().for_each(|job| job.finish(&committed));
        }
        if self.engine.as_ref().is_some_and(|engine| !engine.is_settled()) {
            drop(self.on_engine(Engine::settle));
        }
    }

    /// Waits for work; `None` at the end. Meanwhile an engine that is not open is tried to open, because reads wait for that too, and one that is open is
    /// settled.
    fn next_job(&mut self) -> Option<Box<dyn Job>> {
        loop {
            let patience = match &self.engine {
                None => REOPEN_AFTER,
                Some(engine) if !engine.is_settled() => self.settle_after,
                Some(_) => return self.waiting.recv().ok(),
            };
            match self.waiting.recv_timeout(patience) {
                Ok(job) => return Some(job),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) if self.engine.is_none() => drop(self.on_engine(|_| Ok(()))),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let settled = self.on_engine(Engine::settle);
                    self.settle_after = if settled.is_ok() { SETTLE_AFTER } else { SETTLE_AGAIN_AFTER };
                }
            }
        }
    }

    /// Does `work` on the engine, which is opened again if a write has failed, so that the store goes on by itself once the disk has room.
    fn on_engine(&mut self, work: impl FnOnce(&mut Engine) -> Result<(), Error>) -> Result<(), Error> {
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::open(&self.source, self.readers.clone(), self.clock.clone())
                .inspect_err(|error| tracing::warn!(%error, "the store could not be opened yet"))?,
        };
        let done = work(&mut engine);
        match &done {
            Ok(()) => self.engine = Some(engine),
            Err(error) => {
                tracing::error!(%error, "the store could not write; its files will be opened again");
                // The engine refuses all work after a failed write; its files, opened again, hold the last committed state.
                self.readers.use_only(None);
            }
        }
        done
    }
}
