//! The committer: one thread that runs waiting closures one after another into one write transaction and syncs once for all of
//! them. Measured against a sync for each, that is about fifty times the writes per second at 64 writers.

use crate::Error;
use crate::read::Snapshot;
use crate::tx::Tx;
use fogbank_model::Timestamp;
use redb::{Database, TableDefinition};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

/// The one map. Tables are prefixes of its keys.
pub(crate) const DATA: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("data");

/// How many closures one sync may carry; bounds how long the first of them waits.
const GROUP_LIMIT: usize = 1024;

/// How long a store that is not open waits for work before it tries to open by itself.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// Memory for pages, in bytes. Small, so that an idle platform stays small; the kernel caches the file as well.
const CACHE_BYTES: usize = 16 << 20;

/// Where the map is kept.
pub(crate) enum Source {
    /// In a file, made if it is not there.
    File(PathBuf),
    /// In a test's backend, which fails or forgets as the test says.
    #[cfg(test)]
    Backend(Box<dyn Fn() -> tests::Disk + Send>),
}

impl Source {
    fn open(&self) -> Result<Database, Error> {
        let mut builder = redb::Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        match self {
            Self::File(path) => {
                builder.create(path).map_err(|error| Error::disk(format!("{}: {error}", path.display())))
            }
            #[cfg(test)]
            Self::Backend(make) => builder.create_with_backend(make()).map_err(Error::disk),
        }
    }
}

#[cfg(test)]
use crate::tests;

/// A closure on its way to the committer: run it, then tell its caller how the commit went.
trait Job: Send {
    /// Runs the closure. Whether its changes were kept in the group's table.
    fn run(&mut self, table: &mut crate::tx::WriteTable<'_>);
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
    fn run(&mut self, table: &mut crate::tx::WriteTable<'_>) {
        let mut tx = Tx::over(table, self.now);
        let ran = catch_unwind(AssertUnwindSafe(|| (self.change)(&mut tx)));
        let mut outcome = ran.unwrap_or_else(|panic| Err(Error::Panicked(panic_text(&*panic)).into()));
        let (changes, woken) = tx.into_changes();
        if outcome.is_ok() {
            let applied = changes.into_iter().try_for_each(|(key, change)| match change {
                Some(value) => table.insert(key.as_slice(), value.as_slice()).map(drop),
                None => table.remove(key.as_slice()).map(drop),
            });
            match applied {
                Ok(()) => self.woken = woken,
                // The engine refuses to commit after a failed write, so nothing half-applied can become durable.
                Err(error) => outcome = Err(Error::disk(error).into()),
            }
        }
        self.outcome = Some(outcome);
    }

    fn finish(self: Box<Self>, committed: &Result<(), Error>) {
        let answer = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => Ok((outcome, self.woken)),
            // A closure that failed by itself changed nothing, so its own error is the whole truth.
            (Err(_), Some(Err(error))) => Ok((Err(error), Vec::new())),
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

/// The open database; `None` from a failed write until it could be opened again.
type Shared = RwLock<Option<Arc<Database>>>;

pub(crate) struct Committer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    database: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Committer {
    pub(crate) fn start(source: Source) -> Result<Self, Error> {
        let database = Arc::new(source.open()?);
        if Snapshot::of(&database).is_err() {
            commit_group(&database, &mut [])?;
        }
        let database = Arc::new(RwLock::new(Some(database)));
        let (jobs, waiting) = mpsc::channel();
        let shared = database.clone();
        let thread = std::thread::Builder::new().name("store-commit".into());
        let thread = thread.spawn(move || commit_loop(&source, &shared, &waiting)).map_err(Error::disk)?;
        Ok(Self { jobs: Some(jobs), database, thread: Some(thread) })
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

    pub(crate) fn snapshot(&self) -> Result<Snapshot, Error> {
        let database = current(&self.database)
            .ok_or_else(|| Error::disk("a write failed, and the store is not open again yet"))?;
        Snapshot::of(&database)
    }
}

fn current(shared: &Shared) -> Option<Arc<Database>> {
    shared.read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn commit_loop(source: &Source, shared: &Shared, waiting: &mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = next_job(source, shared, waiting) {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(GROUP_LIMIT - 1));
        let committed = open_again(source, shared).and_then(|database| commit_group(&database, &mut group));
        if let Err(error) = &committed {
            tracing::error!(%error, "a group of transactions was not written");
            // The engine refuses all work after a failed write; the file, opened again, holds the last committed state.
            *shared.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        group.into_iter().for_each(|job| job.finish(&committed));
    }
}

/// Waits for work; `None` at the end. While the store is not open it is tried to open it, because reads wait for that too.
fn next_job(source: &Source, shared: &Shared, waiting: &mpsc::Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
    while current(shared).is_none() {
        match waiting.recv_timeout(REOPEN_AFTER) {
            Ok(job) => return Some(job),
            Err(mpsc::RecvTimeoutError::Timeout) => drop(open_again(source, shared)),
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
        }
    }
    waiting.recv().ok()
}

/// The open database, opened again if a write has failed, so that the store goes on by itself once the disk has room.
fn open_again(source: &Source, shared: &Shared) -> Result<Arc<Database>, Error> {
    if let Some(database) = current(shared) {
        return Ok(database);
    }
    let database = Arc::new(source.open()?);
    *shared.write().unwrap_or_else(PoisonError::into_inner) = Some(database.clone());
    Ok(database)
}

fn commit_group(database: &Database, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    let transaction = database.begin_write().map_err(Error::disk)?;
    let mut table = transaction.open_table(DATA).map_err(Error::disk)?;
    group.iter_mut().for_each(|job| job.run(&mut table));
    drop(table);
    transaction.commit().map_err(Error::disk)
}
