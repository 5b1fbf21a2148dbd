//! Lines on their way to the disk. Writing takes a short lock and no more; one task writes what has gathered, at least every half
//! second, and readers have it written before they look.

use crate::error::Error;
use crate::keys;
use crate::model::{EVENT_OVERHEAD, Group, Position, Stream};
use fogbank_model::{Clock, LogSink, LogStream, Timestamp};
use fogbank_store::{Read, Store, Tx};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// How long lines gather before they are written.
const GATHER: Duration = Duration::from_millis(500);
/// What may wait to be written, in bytes. More is dropped, and the stream says so.
const BUFFER_BYTES: usize = 16 << 20;

struct Line {
    at: Timestamp,
    number: u64,
    message: String,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<Line>,
    dropped: u64,
}

#[derive(Default)]
struct Buffer {
    streams: HashMap<LogStream, Waiting>,
    bytes: usize,
}

/// Takes lines and writes them in batches.
pub(crate) struct Sink {
    store: Store,
    clock: Arc<dyn Clock>,
    buffer: Mutex<Buffer>,
    filled: Notify,
    /// One batch at a time, so that who waits for a flush waits for the batch before as well.
    writing: tokio::sync::Mutex<()>,
    numbers: AtomicU64,
}

impl Sink {
    pub fn new(store: &Store, clock: Arc<dyn Clock>) -> Self {
        // Numbers of a later process are larger, so that lines of the same millisecond stay in order.
        let first = u64::try_from(clock.now().0).unwrap_or(0) << 20;
        Self {
            store: store.clone(),
            clock,
            buffer: Mutex::default(),
            filled: Notify::new(),
            writing: tokio::sync::Mutex::default(),
            numbers: AtomicU64::new(first),
        }
    }

    /// The number of the next event.
    pub fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes everything that was taken so far, and returns when it is on disk.
    pub async fn flush(&self) -> Result<(), Error> {
        let _turn = self.writing.lock().await;
        let taken = std::mem::take(&mut *self.lock());
        if taken.streams.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let batch: Arc<BTreeMap<LogStream, Waiting>> = Arc::new(taken.streams.into_iter().collect());
        let shared = batch.clone();
        let notice = self.next_number();
        let written = self.store.transact(move |tx: &mut Tx<'_>| write(tx, &shared, now, notice)).await;
        if written.is_err() {
            self.keep(batch, taken.bytes);
        }
        written
    }

    /// A batch that was not written waits for the next time, ahead of what came since.
    fn keep(&self, batch: Arc<BTreeMap<LogStream, Waiting>>, bytes: usize) {
        let Ok(batch) = Arc::try_unwrap(batch) else { return };
        let mut buffer = self.lock();
        buffer.bytes += bytes;
        for (stream, mut earlier) in batch {
            let waiting = buffer.streams.entry(stream).or_default();
            earlier.lines.append(&mut waiting.lines);
            waiting.lines = earlier.lines;
            waiting.dropped += earlier.dropped;
        }
    }

    /// Writes batches until the platform ends.
    pub async fn work(this: Weak<Self>) {
        loop {
            let Some(sink) = this.upgrade() else { return };
            if let Err(error) = sink.flush().await {
                tracing::warn!(%error, "log lines could not be written; they wait");
            }
            let nothing = sink.lock().streams.is_empty();
            drop(sink);
            tokio::time::sleep(GATHER).await;
            if nothing && !Self::wait(&this).await {
                return;
            }
        }
    }

    /// Waits for a line. Looks up now and then, so that it does not keep the platform alive.
    async fn wait(this: &Weak<Self>) -> bool {
        loop {
            let Some(sink) = this.upgrade() else { return false };
            if !sink.lock().streams.is_empty() {
                return true;
            }
            drop(tokio::time::timeout(Duration::from_secs(5), sink.filled.notified()).await);
        }
    }
}

impl LogSink for Sink {
    fn write(&self, stream: &LogStream, at: Timestamp, message: String) {
        let mut buffer = self.lock();
        let size = message.len() + EVENT_OVERHEAD;
        let full = buffer.bytes + size > BUFFER_BYTES;
        let waiting = match buffer.streams.get_mut(stream) {
            Some(waiting) => waiting,
            None => buffer.streams.entry(stream.clone()).or_default(),
        };
        if full {
            waiting.dropped += 1;
            return;
        }
        let number = self.next_number();
        waiting.lines.push(Line { at, number, message });
        let first = buffer.bytes == 0;
        buffer.bytes += size;
        drop(buffer);
        if first {
            self.filled.notify_one();
        }
    }
}

fn write(tx: &mut Tx<'_>, batch: &BTreeMap<LogStream, Waiting>, now: Timestamp, notice: u64) -> Result<(), Error> {
    for (name, waiting) in batch {
        let group = keys::group_of(name);
        if tx.get(keys::GROUP, &keys::group(&group))?.is_none() {
            let new = Group { created: now, retention_days: None, tags: BTreeMap::new() };
            tx.save(keys::GROUP, &keys::group(&group), &new)?;
        }
        let key = keys::stream(&group, &name.stream);
        let mut stream: Stream = tx.load(keys::STREAM, &key)?.unwrap_or_else(|| Stream::new(now));
        let mut put = |tx: &mut Tx<'_>, at: Timestamp, number: u64, message: &str| {
            let position = Position { time: u64::try_from(at.0).unwrap_or(0), number };
            tx.put(keys::EVENT, &keys::event(&group, &name.stream, position), keys::encode_event(now, message));
            stream.note(at, now, message);
        };
        for line in &waiting.lines {
            put(tx, line.at, line.number, &line.message);
        }
        if waiting.dropped > 0 {
            let message =
                format!("{} lines were dropped here: they came faster than the disk took them.", waiting.dropped);
            put(tx, now, notice, &message);
        }
        tx.save(keys::STREAM, &key, &stream)?;
    }
    Ok(())
}
