//! The last lines of one call, for callers that ask for `LogType: Tail`. Stands between whoever writes a function's lines and the
//! log: the `runtimes` crate and this one both write through it.

use crate::limits;
use fogbank_model::{LogSink, LogStream, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A log sink that also remembers the end of the streams that are being watched. Costs one atomic read while none is.
pub struct LogTail {
    log: Arc<dyn LogSink>,
    watched: AtomicUsize,
    tails: Mutex<HashMap<LogStream, String>>,
}

impl LogTail {
    /// Passes everything on to `log`.
    pub fn over(log: Arc<dyn LogSink>) -> Arc<Self> {
        Arc::new(Self { log, watched: AtomicUsize::new(0), tails: Mutex::default() })
    }

    /// Begins to remember what is written to `stream`. An instance has one call at a time, so it has one watcher.
    pub(crate) fn watch(&self, stream: &LogStream) {
        let mut tails = self.lock();
        tails.insert(stream.clone(), String::new());
        self.watched.store(tails.len(), Ordering::Release);
    }

    /// Ends that, and returns the last 4 KB.
    pub(crate) fn take(&self, stream: &LogStream) -> String {
        let mut tails = self.lock();
        let mut tail = tails.remove(stream).unwrap_or_default();
        self.watched.store(tails.len(), Ordering::Release);
        cut(&mut tail);
        tail
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LogStream, String>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for LogTail {
    fn write(&self, stream: &LogStream, at: Timestamp, message: String) {
        if self.watched.load(Ordering::Acquire) > 0
            && let Some(tail) = self.lock().get_mut(stream)
        {
            tail.push_str(&message);
            if !message.ends_with('\n') {
                tail.push('\n');
            }
            if tail.len() > 4 * limits::LOG_TAIL_BYTES {
                cut(tail);
            }
        }
        self.log.write(stream, at, message);
    }
}

/// Keeps the last 4 KB, from a whole character on.
fn cut(tail: &mut String) {
    let surplus = tail.len().saturating_sub(limits::LOG_TAIL_BYTES);
    let begin = (surplus..=tail.len()).find(|at| tail.is_char_boundary(*at)).unwrap_or(tail.len());
    tail.drain(..begin);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Nowhere;
    impl LogSink for Nowhere {
        fn write(&self, _: &LogStream, _: Timestamp, _: String) {}
    }

    fn stream(name: &str) -> LogStream {
        let (account, region) = ("000000000000".parse().unwrap(), "us-east-1".parse().unwrap());
        LogStream { account, region, group: "/aws/lambda/a".into(), stream: name.into() }
    }

    #[test]
    fn a_tail_holds_the_last_4_kb_of_its_own_stream() {
        let tail = LogTail::over(Arc::new(Nowhere));
        tail.watch(&stream("a"));
        for number in 0..3000 {
            tail.write(&stream("a"), Timestamp(0), format!("ü line {number}\n"));
            tail.write(&stream("b"), Timestamp(0), "foreign\n".into());
        }
        let text = tail.take(&stream("a"));
        assert!(text.len() <= 4096 && text.len() > 4000);
        assert!(text.ends_with("ü line 2999\n") && !text.contains("foreign"));
        assert_eq!(tail.take(&stream("a")), "");
    }
}
