//! Does the work on one of the store's work queues: claims what is due, runs it, and commits what follows from it together with its end.
//!
//! A claim is renewed while its work runs, so that only a platform that died lets go of it. Since one process owns the store, every claim that is
//! found at the start is a dead one's, and is taken over at once.

use fogbank_model::{Arrivals, BoxFuture, Clock, Timestamp};
use fogbank_store::{Claimed, Error, Store, Tx};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

/// How long claimed work is hidden from the next claim; renewed while it runs.
const LEASE: Duration = Duration::from_secs(60);
/// Messages that one claim takes at most.
const CLAIM: usize = 32;
/// How long to wait after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often it is tried to commit the end of finished work, before the work is left to be done again.
const SETTLE_TRIES: u32 = 30;

type Change = dyn FnMut(&mut Tx<'_>) -> Result<(), Error> + Send;

/// What follows from a piece of work, done in the transaction that takes it off its queue. May run more than once.
pub struct Settle(Box<Change>);

impl Settle {
    /// Nothing follows.
    pub fn done() -> Self {
        Self::with(|_| Ok(()))
    }

    /// `change` follows.
    pub fn with(change: impl FnMut(&mut Tx<'_>) -> Result<(), Error> + Send + 'static) -> Self {
        Self(Box::new(change))
    }

    /// The work is to be done again at `at`, with `message` in its place on `queue`.
    pub fn again(queue: &'static str, at: Timestamp, message: Vec<u8>) -> Self {
        Self::with(move |tx| tx.enqueue(queue, at, &message))
    }
}

/// One kind of work.
pub trait Work: Send + Sync + 'static {
    /// The work queue.
    fn queue(&self) -> &'static str;
    /// How many pieces of work run at once.
    fn at_once(&self) -> usize;
    /// Does the work that `message` describes. May be called again for the same message if the platform dies, or the store fails, before it is
    /// settled.
    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle>;
}

/// A task that does one kind of work until it is dropped; what it has begun is then left to the next one.
pub struct Worker(JoinHandle<()>);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Worker {
    /// Begins to do `work`, first what an earlier process left. To be called within a Tokio runtime. Ends with `work`, which it does not keep.
    pub fn start<W: Work>(store: Store, clock: Arc<dyn Clock>, work: &Arc<W>) -> Self {
        let running = Arc::new(Semaphore::new(work.at_once()));
        let desk = Arc::new(Desk { store, clock, queue: work.queue(), running });
        Self(tokio::spawn(desk.work(Arc::downgrade(work))))
    }
}

struct Desk {
    store: Store,
    clock: Arc<dyn Clock>,
    queue: &'static str,
    running: Arc<Semaphore>,
}

impl Desk {
    async fn work<W: Work>(self: Arc<Self>, work: Weak<W>) {
        self.take_over().await;
        let mut arrivals = Arrivals::of(self.store.arrivals(self.queue));
        let mut begun = JoinSet::new();
        while work.strong_count() > 0 {
            while begun.try_join_next().is_some() {}
            let next = self.step(&work, &mut begun).await.unwrap_or_else(|error| {
                tracing::error!(%error, queue = self.queue, "work could not be taken from its queue");
                Some(self.clock.now().plus(AFTER_FAILURE))
            });
            arrivals.next_or_at(self.clock.as_ref(), next).await;
        }
    }

    /// Makes due what was claimed by a process that is gone.
    async fn take_over(&self) {
        let queue = self.queue;
        while let Err(error) = self.store.transact(move |tx: &mut Tx<'_>| tx.release_claimed(queue, LEASE)).await {
            tracing::error!(%error, queue, "work that was left over could not be taken over yet");
            self.clock.sleep_until(self.clock.now().plus(AFTER_FAILURE)).await;
        }
    }

    /// Starts what is due. Returns when to look again, if something is queued.
    async fn step<W: Work>(
        self: &Arc<Self>,
        work: &Weak<W>,
        begun: &mut JoinSet<()>,
    ) -> Result<Option<Timestamp>, Error> {
        let due = self.store.next_due(self.queue)?;
        if due.is_none_or(|due| due > self.clock.now()) {
            return Ok(due);
        }
        let Ok(first) = self.running.clone().acquire_owned().await else { return Ok(None) };
        let mut permits = vec![first];
        permits.extend((1..CLAIM).map_while(|_| self.running.clone().try_acquire_owned().ok()));
        let (queue, limit) = (self.queue, permits.len());
        let claimed = self.store.transact(move |tx: &mut Tx<'_>| tx.claim(queue, limit, LEASE)).await?;
        let Some(work) = work.upgrade() else { return Ok(None) };
        for (claimed, permit) in claimed.into_iter().zip(permits) {
            begun.spawn(self.clone().run(work.clone(), claimed, permit));
        }
        self.store.next_due(self.queue)
    }

    async fn run<W: Work>(self: Arc<Self>, work: Arc<W>, claimed: Claimed, _permit: OwnedSemaphorePermit) {
        let mut running = work.run(claimed.message.clone());
        let settle = loop {
            tokio::select! {
                settle = &mut running => break settle,
                () = tokio::time::sleep(LEASE / 3) => self.extend(&claimed).await,
            }
        };
        self.settle(&claimed, settle).await;
    }

    async fn extend(&self, claimed: &Claimed) {
        let receipt = claimed.receipt.clone();
        if let Err(error) = self.store.transact(move |tx: &mut Tx<'_>| tx.extend(&receipt, LEASE)).await {
            tracing::warn!(%error, queue = self.queue, "the lease on work could not be renewed");
        }
    }

    /// Takes the message off the queue and does what follows. A store that fails is given time, because doing the work again costs more.
    async fn settle(&self, claimed: &Claimed, settle: Settle) {
        let settle = Arc::new(Mutex::new(settle));
        for _ in 0..SETTLE_TRIES {
            let (receipt, settle) = (claimed.receipt.clone(), settle.clone());
            let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
                tx.ack(&receipt)?;
                (settle.lock().unwrap_or_else(PoisonError::into_inner).0)(tx)
            };
            let Err(error) = self.store.transact(change).await else { return };
            tracing::error!(%error, queue = self.queue, "finished work could not be taken off its queue");
            if matches!(error, Error::LeaseLost) {
                return;
            }
            tokio::time::sleep(AFTER_FAILURE).await;
            self.extend(claimed).await;
        }
        tracing::error!(queue = self.queue, "finished work is given up and will be done again");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use fogbank_model::TestClock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const QUEUE: &str = "test.work";

    /// Hangs on `hang`, fails to be settled `broken` times, and remembers what it did.
    #[derive(Default)]
    struct Errands {
        done: Mutex<Vec<String>>,
        begun: AtomicUsize,
        broken: Arc<AtomicUsize>,
    }

    impl Work for Errands {
        fn queue(&self) -> &'static str {
            QUEUE
        }

        fn at_once(&self) -> usize {
            2
        }

        fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
            Box::pin(async move {
                self.begun.fetch_add(1, Ordering::SeqCst);
                let message = String::from_utf8(message).unwrap();
                if message == "hang" {
                    std::future::pending::<()>().await;
                }
                self.done.lock().unwrap().push(message);
                let broken = self.broken.clone();
                Settle::with(move |_| {
                    let fails =
                        broken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
                    if fails { Err(Error::Disk("full".into())) } else { Ok(()) }
                })
            })
        }
    }

    fn clock() -> Arc<TestClock> {
        Arc::new(TestClock::new(Timestamp(1_000_000), 1))
    }

    async fn put(store: &Store, message: &'static str, at: Timestamp) {
        store.transact(move |tx: &mut Tx<'_>| tx.enqueue(QUEUE, at, message.as_bytes())).await.unwrap();
    }

    async fn until(mut condition: impl FnMut() -> bool) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !condition() {
            assert!(std::time::Instant::now() < deadline, "it never came true");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    #[tokio::test]
    async fn work_is_done_when_it_is_due_and_leaves_the_queue() {
        let (home, clock) = (tempfile::tempdir().unwrap(), clock());
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let errands = Arc::new(Errands::default());
        let _worker = Worker::start(store.clone(), clock.clone(), &errands);
        put(&store, "later", clock.now().plus(Duration::from_secs(60))).await;
        put(&store, "now", clock.now()).await;
        until(|| *errands.done.lock().unwrap() == ["now"]).await;
        clock.advance(Duration::from_secs(60));
        until(|| *errands.done.lock().unwrap() == ["now", "later"]).await;
        until(|| store.next_due(QUEUE).unwrap().is_none()).await;
    }

    #[tokio::test]
    async fn what_a_worker_that_is_gone_had_begun_is_taken_over_at_once() {
        let (home, clock) = (tempfile::tempdir().unwrap(), clock());
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let errands = Arc::new(Errands::default());
        let worker = Worker::start(store.clone(), clock.clone(), &errands);
        put(&store, "hang", clock.now()).await;
        until(|| errands.begun.load(Ordering::SeqCst) == 1).await;
        drop(worker);
        // The clock stands still: no lease ends.
        let _worker = Worker::start(store.clone(), clock.clone(), &errands);
        until(|| errands.begun.load(Ordering::SeqCst) == 2).await;
    }

    #[tokio::test]
    async fn the_end_of_work_is_committed_once_the_store_lets_it() {
        let (home, clock) = (tempfile::tempdir().unwrap(), clock());
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let errands = Arc::new(Errands::default());
        errands.broken.store(1, Ordering::SeqCst);
        let _worker = Worker::start(store.clone(), clock.clone(), &errands);
        put(&store, "once", clock.now()).await;
        until(|| store.next_due(QUEUE).unwrap().is_none()).await;
        assert_eq!(errands.begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn no_more_work_runs_at_once_than_is_allowed() {
        let (home, clock) = (tempfile::tempdir().unwrap(), clock());
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let errands = Arc::new(Errands::default());
        for message in ["hang", "hang", "now"] {
            put(&store, message, clock.now()).await;
        }
        let _worker = Worker::start(store.clone(), clock.clone(), &errands);
        until(|| errands.begun.load(Ordering::SeqCst) == 2).await;
        tokio::task::yield_now().await;
        assert!(errands.done.lock().unwrap().is_empty());
    }
}
