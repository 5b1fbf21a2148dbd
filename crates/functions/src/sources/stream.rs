//! Streams as event sources: Kinesis data streams and DynamoDB streams. "Using Lambda with Amazon Kinesis" and "… DynamoDB" in the Lambda Developer Guide.
//!
//! Ten lines on how it works. A stream is a list of shards, a shard a list of records that somebody else keeps. A mapping is one task
//! (`follow.rs`), which begins a task for each shard whose parents are finished (`shard.rs`). A shard's task reads ahead a little and deals the
//! records out to as many lanes as the mapping's parallelisation factor, by the hash of their key, so that the records of a key stay in one
//! lane and in order. What happens next in a lane (call, wait, split, retry, give up, end a window) is decided by a state machine without I/O
//! (`lanes.rs`). How far each lane has come, and the state of its window, is the shard's checkpoint (`checkpoint.rs`); it is committed after
//! calls, together with the messages about records that were given up (`failure.rs`). Nothing is committed that says more than what was done,
//! so after a crash some records come again and none is left out. Nobody polls: a shard's task waits for its source to say that there may be
//! something, and shards that are new are looked for when one has ended.

mod checkpoint;
mod failure;
mod follow;
mod lanes;
mod record;
mod settings;
mod shard;

pub use record::{Content, StreamRecord};
pub use settings::{Start, StreamSettings, StreamWish};

pub(super) use checkpoint::{Checkpoint, forget, save_start};
pub(super) use follow::Following;
pub(super) use settings::{BATCH, LARGEST_BATCH};

use super::SourceError;
use fogbank_model::{Arn, BoxFuture};

/// Which service a stream is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// A Kinesis data stream, or a consumer of one.
    Kinesis,
    /// The stream of a DynamoDB table.
    DynamoDb,
}

/// A shard, as far as a mapping minds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// Those that it came from by a split or merge, also such as are not listed any more.
    pub parents: Vec<String>,
    /// Another for each stream that has had the ARN; empty where an ARN is never given twice.
    pub origin: String,
}

impl Shard {
    /// What its checkpoint is kept under: how far the shard of a stream was that is gone says nothing of another one's.
    pub(in crate::sources) fn place(&self) -> String {
        if self.origin.is_empty() { self.id.clone() } else { format!("{}/{}", self.id, self.origin) }
    }
}

/// What a read finds.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the order of their sequence numbers.
    pub records: Vec<StreamRecord>,
    /// Whether nothing was left when these were read: what comes later arrives later.
    pub is_drained: bool,
    /// Whether the shard is closed and nothing comes after these.
    pub is_end: bool,
}

/// Streams, as their mappings reach them. Implemented over the services at the composition root. An ARN may be a consumer's (enhanced fan-out), which
/// reads its stream.
pub trait StreamSource: Send + Sync + 'static {
    /// Whether the stream (and consumer) is there.
    ///
    /// # Errors
    /// [`SourceError`].
    fn check(&self, stream: &Arn) -> Result<(), SourceError>;

    /// All shards that still hold records or may get some. A shard is listed no later than its parents' end can be read.
    ///
    /// # Errors
    /// [`SourceError`].
    fn shards(&self, stream: &Arn) -> Result<Vec<Shard>, SourceError>;

    /// The sequence number after which reading from `start` begins; `None` for the shard's beginning.
    ///
    /// # Errors
    /// [`SourceError`].
    fn position(&self, stream: &Arn, shard: &str, start: Start) -> Result<Option<String>, SourceError>;

    /// At most `limit` records after the sequence number `after`, from the oldest that is kept; fewer if they are large.
    fn read<'a>(
        &'a self,
        stream: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, SourceError>>;

    /// Resolves when a read after `after` may find records or the shard's end. Takes nothing, so that waiting can be given up at any time.
    fn ready<'a>(
        &'a self,
        stream: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), SourceError>>;
}

impl StreamKind {
    /// The kind of the source that `arn` names; `None` if it is no stream.
    pub fn of(arn: &Arn) -> Option<Self> {
        match arn.service() {
            "kinesis" => Some(Self::Kinesis),
            // A table's own ARN names no stream.
            "dynamodb" => arn.resource().contains("/stream/").then_some(Self::DynamoDb),
            _ => None,
        }
    }
}
