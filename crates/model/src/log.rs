//! Where log lines of functions go.

use crate::{AccountId, Region, Timestamp};

/// Names one log stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogStream {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The group, such as `/aws/lambda/orders`.
    pub group: String,
    /// The stream in it, such as `2026/05/04/[$LATEST]0123456789abcdef0123456789abcdef`.
    pub stream: String,
}

/// Takes log lines without making the writer wait. Implemented by `logs`; tests collect the lines.
pub trait LogSink: Send + Sync + 'static {
    /// Adds `message` to `stream`, making group and stream if there are none yet. Written within a second; may drop lines,
    /// and says so in the stream, when the writer is far ahead of the disk.
    fn write(&self, stream: &LogStream, at: Timestamp, message: String);
}
