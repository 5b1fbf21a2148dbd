//! Streams, their shards, consumers and records.

use crate::hash::{HashKey, HashRange};
use crate::place::{Place, Sequence};
use bytes::Bytes;
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The retention of a new stream, and the shortest, in hours.
pub(crate) const RETENTION_H: u32 = 24;
/// The longest retention, in hours.
pub(crate) const LONGEST_RETENTION_H: u32 = 8760;
/// Shards of a new stream in on-demand mode.
pub(crate) const ON_DEMAND_SHARDS: u64 = 4;
/// On-demand streams of one account in one region.
pub(crate) const ON_DEMAND_STREAMS: u64 = 50;
/// A day, in milliseconds: the time in which some changes of a stream are counted.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Consumers of one stream.
pub(crate) const CONSUMERS: u64 = 20;
/// Tags of one stream or consumer.
pub(crate) const TAGS: usize = 50;
/// Bytes of one request's records with their partition keys.
pub(crate) const REQUEST_BYTES: usize = 10 << 20;
/// Bytes of records that one read gives.
pub(crate) const READ_BYTES: usize = 10 << 20;
/// Records that one read gives.
pub(crate) const READ_RECORDS: usize = 10_000;
/// How long an iterator or a page's token is good for, in milliseconds.
pub(crate) const TOKEN_MS: i64 = 300_000;

/// Names one stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamKey {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// The stream's name.
    pub name: String,
}

impl StreamKey {
    /// `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("kinesis", &self.region, &self.account, &format!("stream/{}", self.name))
    }

    /// The stream that an ARN names; `None` if it is no stream's. A consumer's ARN names its stream too.
    pub fn of(arn: &str) -> Option<Self> {
        let arn: Arn = arn.parse().ok()?;
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        let rest = arn.resource().strip_prefix("stream/").filter(|_| arn.service() == "kinesis")?;
        let name = rest.split_once("/consumer/").map_or(rest, |(name, _)| name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = !name.is_empty() && name.len() <= 128 && name.chars().all(plain);
        is_name.then(|| Self { account, region, name: name.to_owned() })
    }
}

/// How a stream's capacity is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// By its number of shards.
    Provisioned,
    /// By what is written.
    OnDemand,
}

/// Who decides which shard a record goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Distribution {
    /// Partition keys alone; every record needs one.
    #[default]
    UserPartitionKey,
    /// The stream, for records without a partition key.
    Auto,
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Another for each stream, also of the same name.
    pub id: u64,
    /// When it was made.
    pub created: Timestamp,
    /// How its capacity is set.
    pub mode: Mode,
    /// How long records are kept, in hours.
    pub retention_h: u32,
    /// Nothing that came before is read: a shorter retention once ended it.
    pub floor: Timestamp,
    /// The KMS key that it is said to be encrypted with.
    pub kms_key: Option<String>,
    /// The shard-level metrics that are on.
    pub metrics: BTreeSet<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The resource policy.
    pub policy: Option<String>,
    /// The largest record, in KiB.
    pub max_record_kib: u32,
    /// Who decides about shards.
    pub distribution: Distribution,
    /// What an on-demand stream is to be ready for, in MiB a second. It always is: it has no limits.
    #[serde(default)]
    pub warm_mibps: Option<u32>,
    /// The number of the next shard.
    pub next_shard: u64,
    /// Shards that take records.
    pub open_shards: u64,
    /// Registered consumers.
    pub consumers: u64,
    /// When `UpdateShardCount` was called in the last 24 hours.
    pub rescaled: Vec<Timestamp>,
    /// When its mode was changed in the last 24 hours.
    #[serde(default)]
    pub switched: Vec<Timestamp>,
}

impl Stream {
    /// The first place that is still read at `now`.
    pub fn horizon(&self, now: Timestamp) -> Place {
        let kept = i64::from(self.retention_h) * 3_600_000;
        Place::at(Timestamp(now.0.saturating_sub(kept).max(self.floor.0)))
    }
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number in the stream, from zero.
    pub number: u64,
    /// The hash keys that it takes or took.
    pub range: HashRange,
    /// The shard that it was split from, or the first of the two that were merged.
    pub parent: Option<u64>,
    /// The second of the two that were merged.
    pub adjacent_parent: Option<u64>,
    /// The place before its first record.
    pub start: PlaceRecord,
    /// The place behind its last record, once it is closed.
    pub end: Option<PlaceRecord>,
    /// What took its place.
    pub children: Vec<u64>,
}

/// A place as records keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceRecord(u64, u64);

impl From<Place> for PlaceRecord {
    fn from(place: Place) -> Self {
        Self(place.ms, place.count)
    }
}

impl From<PlaceRecord> for Place {
    fn from(PlaceRecord(ms, count): PlaceRecord) -> Self {
        Self { ms, count }
    }
}

/// `shardId-000000000007`
pub fn shard_id(number: u64) -> String {
    format!("shardId-{number:012}")
}

/// The number in a shard's id.
pub fn shard_number(id: &str) -> Option<u64> {
    let number = id.strip_prefix("shardId-")?.parse().ok()?;
    // Only the form that ids are given in.
    (shard_id(number) == id).then_some(number)
}

impl Shard {
    /// `shardId-000000000007`
    pub fn id(&self) -> String {
        shard_id(self.number)
    }

    /// Whether it takes records.
    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// The shards that it came from.
    pub fn parents(&self) -> impl Iterator<Item = u64> {
        self.parent.into_iter().chain(self.adjacent_parent)
    }

    /// When it was made.
    pub fn opened(&self) -> Timestamp {
        Place::from(self.start).time()
    }

    /// When it was closed.
    pub fn closed(&self) -> Option<Timestamp> {
        self.end.map(|end| Place::from(end).time())
    }
}

/// A registered consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// Another for each consumer.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// When it was registered.
    pub created: Timestamp,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The resource policy.
    #[serde(default)]
    pub policy: Option<String>,
}

impl Consumer {
    /// `STREAM-ARN/consumer/NAME:SECONDS`
    pub fn arn(&self, stream: &StreamKey) -> String {
        format!("{}/consumer/{}:{}", stream.arn(), self.name, self.created.0.div_euclid(1000))
    }
}

/// A record to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it says.
    pub data: Bytes,
    /// The partition key, 1 to 256 characters.
    pub partition_key: String,
    /// The hash key, if it is not to be the partition key's.
    pub hash_key: Option<HashKey>,
    /// The number that the record's own must be greater than.
    pub after: Option<Sequence>,
}

impl Draft {
    /// Bytes that count against limits.
    pub fn size(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}

/// A record that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The shard's id.
    pub shard: String,
    /// The record's sequence number.
    pub sequence: Sequence,
    /// Whether the stream is said to be encrypted.
    pub encrypted: bool,
}

/// A record as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// When it arrived.
    pub arrived: Timestamp,
    /// What it says.
    pub data: Bytes,
    /// The partition key.
    pub partition_key: String,
    /// Whether the stream was said to be encrypted when it came.
    pub encrypted: bool,
}

/// What one account has in one region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Open shards of provisioned streams; their number is limited.
    pub provisioned_shards: u64,
    /// Open shards of on-demand streams.
    pub on_demand_shards: u64,
    /// On-demand streams.
    pub on_demand_streams: u64,
}

/// Open shards of provisioned streams that an account may have in `region`.
pub(crate) fn shard_limit(region: &Region) -> u64 {
    match region.as_str() {
        "us-east-1" | "us-west-2" | "eu-west-1" => 500,
        _ => 200,
    }
}
