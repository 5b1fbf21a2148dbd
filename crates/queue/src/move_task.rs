//! Message move tasks: what is in a dead-letter queue goes back to where it came from, or somewhere else, in the background. A task
//! is on record, so it goes on after a restart.

use crate::contents::Contents;
use crate::model::{Message, QueueKey};
use crate::send::arriving;
use crate::signed::check_sender;
use crate::{Error, Queues, find, keys, lookup, redrive};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::{Arrivals, Clock, Timestamp};
use fogbank_store::{Read, Store, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What the worker listens to.
const WAKER: &str = "sqs/moves";
/// Messages that one transaction moves.
const AT_ONCE: usize = 100;
/// Tasks of one listing.
const LISTED: usize = 10;
/// How long the worker waits after a failure of the store, and a task with a rate for its next second.
const PAUSE: Duration = Duration::from_secs(1);

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveStatus {
    /// Under way.
    Running,
    /// Asked to end.
    Cancelling,
    /// Ended because it was asked to.
    Cancelled,
    /// Everything was moved.
    Completed,
    /// Ended because there was nowhere to move a message to.
    Failed,
}

/// A message move task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTask {
    /// A UUID.
    pub id: String,
    /// The dead-letter queue.
    pub source: QueueKey,
    /// Where everything goes; if `None`, each message goes where it came from.
    pub destination: Option<QueueKey>,
    /// Messages per second at most.
    pub rate: Option<u32>,
    /// Messages moved so far.
    pub moved: u64,
    /// Messages to move, as of the start.
    pub to_move: u64,
    /// How far it is.
    pub status: MoveStatus,
    /// Why it failed.
    pub reason: Option<String>,
    /// When it was started.
    pub started: Timestamp,
}

impl MoveTask {
    fn key(&self) -> Vec<u8> {
        let started = self.started.0.max(0).to_be_bytes();
        [in_source(&self.source).as_slice(), &started, self.id.as_bytes()].concat()
    }

    /// What names the task to `CancelMessageMoveTask`.
    pub fn handle(&self) -> String {
        BASE64.encode(json!({"taskId": self.id, "sourceArn": self.source.arn().as_str()}).to_string())
    }
}

/// What the keys of a source's tasks begin with.
fn in_source(source: &QueueKey) -> Vec<u8> {
    [keys::queue(source).as_slice(), b"\0"].concat()
}

/// A source's tasks, the newest first.
fn tasks(read: &impl Read, source: &QueueKey) -> Result<Vec<MoveTask>, Error> {
    let mut found: Vec<MoveTask> =
        read.load_prefix(keys::MOVE, &in_source(source))?.into_iter().map(|(_, task)| task).collect();
    found.reverse();
    Ok(found)
}

fn is_active(task: &MoveTask) -> bool {
    matches!(task.status, MoveStatus::Running | MoveStatus::Cancelling)
}

fn no_queue() -> Error {
    Error::NotFound("The resource that you specified for the SourceArn parameter doesn't exist.".into())
}

impl Queues {
    /// Starts to move everything that is in the dead-letter queue `source`. Returns the task's handle.
    ///
    /// # Errors
    /// A queue that is not there or is no dead-letter queue, a task that is under way, a rate out of 1 to 500, [`Error::Store`].
    pub async fn start_move(
        &self,
        source: &QueueKey,
        destination: Option<&QueueKey>,
        rate: Option<i64>,
    ) -> Result<String, Error> {
        let rate = rate.map(check_rate).transpose()?;
        let (id, source, destination) = (self.clock.uuid(), source.clone(), destination.cloned());
        let start = move |tx: &mut Tx<'_>| -> Result<String, Error> {
            let queue = lookup(tx, &source)?.ok_or_else(no_queue)?;
            if redrive::sources(tx, &source)?.is_empty() {
                return Err(Error::invalid("Source queue must be configured as a Dead Letter Queue."));
            }
            if let Some(destination) = &destination {
                let text = "The resource that you specified for the DestinationArn parameter doesn't exist.";
                lookup(tx, destination)?.ok_or_else(|| Error::NotFound(text.into()))?;
                if destination.is_fifo() != source.is_fifo() || *destination == source {
                    let text = "Source and destination must be two queues of the same type.";
                    return Err(Error::invalid(text));
                }
            }
            if tasks(tx, &source)?.iter().any(is_active) {
                let text = "There is already a task running. Only one active task is allowed for a source queue arn at a given time.";
                return Err(Error::Unsupported(text.into()));
            }
            let to_move = crate::contents::counters(tx, &queue)?.visible;
            let task = MoveTask {
                id: id.clone(),
                source: source.clone(),
                destination: destination.clone(),
                rate,
                moved: 0,
                to_move,
                status: MoveStatus::Running,
                reason: None,
                started: tx.now(),
            };
            tx.save(keys::MOVE, &task.key(), &task)?;
            tx.put(keys::MOVING, &task.key(), []);
            for old in tasks(tx, &source)?.iter().skip(LISTED).filter(|task| !is_active(task)) {
                tx.delete(keys::MOVE, &old.key());
            }
            tx.wake(WAKER);
            Ok(task.handle())
        };
        self.store.transact(start).await
    }

    /// Asks a task to end. Returns how many messages it has moved.
    ///
    /// # Errors
    /// [`Error::NotFound`], a task that has ended, [`Error::Store`].
    pub async fn cancel_move(&self, source: &QueueKey, id: &str) -> Result<u64, Error> {
        let (source, id) = (source.clone(), id.to_owned());
        let cancel = move |tx: &mut Tx<'_>| -> Result<u64, Error> {
            let found = tasks(tx, &source)?.into_iter().find(|task| task.id == id);
            let mut task = found.ok_or_else(|| Error::NotFound("Task does not exist.".into()))?;
            if task.status != MoveStatus::Running {
                return Err(Error::Unsupported("Only active tasks can be cancelled.".into()));
            }
            task.status = MoveStatus::Cancelling;
            tx.save(keys::MOVE, &task.key(), &task)?;
            tx.wake(WAKER);
            Ok(task.moved)
        };
        self.store.transact(cancel).await
    }

    /// The newest tasks of a source queue.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn moves(&self, source: &QueueKey, limit: usize) -> Result<Vec<MoveTask>, Error> {
        self.store.read(|snapshot| {
            lookup(snapshot, source)?.ok_or_else(no_queue)?;
            let mut found = tasks(snapshot, source)?;
            found.truncate(limit.min(LISTED));
            Ok(found)
        })
    }
}

/// What a task's handle says: its source and its id.
pub(crate) fn read_handle(handle: &str) -> Option<(QueueKey, String)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Handle {
        task_id: String,
        source_arn: String,
    }
    let bytes = BASE64.decode(handle).ok()?;
    let handle: Handle = serde_json::from_slice(&bytes).ok()?;
    Some((QueueKey::of(&handle.source_arn)?, handle.task_id))
}

fn check_rate(rate: i64) -> Result<u32, Error> {
    let rate_in_limits = u32::try_from(rate).ok().filter(|rate| (1..=500).contains(rate));
    rate_in_limits
        .ok_or_else(|| Error::value("MaxNumberOfMessagesPerSecond", rate, "Must be between 1 and 500, if provided."))
}

/// Runs tasks until the platform ends.
pub(crate) async fn work(store: Store, clock: Arc<dyn Clock>) {
    let mut arrivals = Arrivals::of(store.arrivals(WAKER));
    // When each task with a rate may go on.
    let mut rested: BTreeMap<Vec<u8>, Timestamp> = BTreeMap::new();
    loop {
        let next = step_all(&store, &clock, &mut rested).await.unwrap_or_else(|error| {
            tracing::error!(%error, "messages could not be moved; it will be tried again");
            Some(clock.now().plus(PAUSE))
        });
        arrivals.next_or_at(clock.as_ref(), next).await;
    }
}

/// Moves some messages of each active task. Returns when to go on, if any task is left.
async fn step_all(
    store: &Store,
    clock: &Arc<dyn Clock>,
    rested: &mut BTreeMap<Vec<u8>, Timestamp>,
) -> Result<Option<Timestamp>, Error> {
    let active = store.read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::MOVING, &[], usize::MAX)?))?;
    let mut next: Option<Timestamp> = None;
    for (key, _) in active {
        let now = clock.now();
        let may = rested.get(&key).copied().unwrap_or(now);
        let mut again = may;
        if may <= now {
            let (name, ids) = (key.clone(), clock.clone());
            let task = store.transact(move |tx: &mut Tx<'_>| step(tx, &name, ids.as_ref())).await?;
            match task.filter(is_active) {
                Some(task) if task.rate.is_some() && task.status == MoveStatus::Running => {
                    again = now.plus(PAUSE);
                    rested.insert(key, again);
                }
                Some(_) => again = now,
                None => {
                    rested.remove(&key);
                    continue;
                }
            }
        }
        next = Some(next.map_or(again, |next| next.min(again)));
    }
    Ok(next)
}

fn step(tx: &mut Tx<'_>, key: &[u8], clock: &dyn Clock) -> Result<Option<MoveTask>, Error> {
    let Some(mut task) = tx.load::<MoveTask>(keys::MOVE, key)? else {
        tx.delete(keys::MOVING, key);
        return Ok(None);
    };
    if task.status == MoveStatus::Cancelling {
        task.status = MoveStatus::Cancelled;
    } else if let Err(error) = move_some(tx, &mut task, clock) {
        if matches!(error, Error::Store(_)) {
            return Err(error);
        }
        task.status = MoveStatus::Failed;
        task.reason = Some(error.to_string());
    }
    if !is_active(&task) {
        tx.delete(keys::MOVING, key);
    }
    tx.save(keys::MOVE, key, &task)?;
    Ok(Some(task))
}

fn move_some(tx: &mut Tx<'_>, task: &mut MoveTask, clock: &dyn Clock) -> Result<(), Error> {
    let source = find(tx, &task.source)?;
    let mut contents = Contents::open(tx, &source)?;
    let limit = task.rate.map_or(AT_ONCE, |rate| rate as usize);
    contents.promote(tx, limit)?;
    let next = contents.next(tx, limit)?;
    if next.is_empty() {
        task.status = MoveStatus::Completed;
    }
    let mut failed = Ok(());
    for (number, state) in next {
        let message = contents.message(tx, number)?;
        let origin = || message.source.as_ref().and_then(|arn| QueueKey::of(arn.as_str()));
        let Some(target) = task.destination.clone().or_else(origin) else {
            failed = Err(Error::Unsupported("A message did not come from another queue; name a destination.".into()));
            break;
        };
        let Some(queue) = lookup(tx, &target)? else {
            failed = Err(Error::NoQueue);
            break;
        };
        // It may have come to the source by way of a queue that lists nobody.
        if let Err(error) = check_sender(&target, &queue, &message.principal) {
            failed = Err(error);
            break;
        }
        contents.remove(tx, number, &state)?;
        let mut goal = Contents::open(tx, &queue)?;
        // As on AWS, a moved message is a new one.
        let fresh = Message { id: clock.uuid(), source: None, ..message };
        goal.add(tx, &fresh, arriving(tx.now(), tx.now()))?;
        goal.close(tx);
        task.moved += 1;
    }
    contents.close(tx);
    failed
}
