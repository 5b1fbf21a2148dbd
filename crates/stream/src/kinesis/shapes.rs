//! Kinesis's structures that several operations have, with its member names.

use crate::model::{Consumer, Record, Shard, StreamKey};
use crate::place::Sequence;
use crate::read::parent_ids;
use fogbank_model::Timestamp;
use fogbank_wire::Blob;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) type Texts = BTreeMap<String, String>;

/// When something was made, in milliseconds: AWS says it to the second.
pub(super) fn whole_seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000) * 1000
}

/// An answer without members.
#[derive(Debug, Serialize)]
pub(super) struct Empty {}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ModeDetails {
    pub stream_mode: crate::Mode,
}

#[derive(Debug, Serialize)]
pub(super) struct WarmThroughput {
    #[serde(rename = "TargetMiBps")]
    target: u32,
    #[serde(rename = "CurrentMiBps")]
    current: u32,
}

impl WarmThroughput {
    pub fn of(mibps: u32) -> Self {
        Self { target: mibps, current: mibps }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Range {
    pub starting_hash_key: String,
    pub ending_hash_key: String,
}

impl Range {
    fn of(shard: &Shard) -> Self {
        Self { starting_hash_key: shard.range.start.to_string(), ending_hash_key: shard.range.end.to_string() }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SequenceRange {
    pub starting_sequence_number: String,
    pub ending_sequence_number: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShardShape {
    pub shard_id: String,
    pub parent_shard_id: Option<String>,
    pub adjacent_parent_shard_id: Option<String>,
    pub hash_key_range: Range,
    pub sequence_number_range: SequenceRange,
}

impl ShardShape {
    pub fn of(stream: u64, shard: &Shard) -> Self {
        let sequence = |place: crate::model::PlaceRecord| Sequence::new(stream, shard.number, place.into()).to_string();
        Self {
            shard_id: shard.id(),
            parent_shard_id: shard.parent.map(crate::shard_id),
            adjacent_parent_shard_id: shard.adjacent_parent.map(crate::shard_id),
            hash_key_range: Range::of(shard),
            sequence_number_range: SequenceRange {
                starting_sequence_number: sequence(shard.start),
                ending_sequence_number: shard.end.map(sequence),
            },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChildShape {
    pub shard_id: String,
    pub parent_shards: Vec<String>,
    pub hash_key_range: Range,
}

impl ChildShape {
    pub fn of(shard: &Shard) -> Self {
        Self { shard_id: shard.id(), parent_shards: parent_ids(shard), hash_key_range: Range::of(shard) }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordShape {
    pub sequence_number: String,
    pub approximate_arrival_timestamp: i64,
    pub data: Blob,
    pub partition_key: String,
    pub encryption_type: Option<&'static str>,
}

impl From<Record> for RecordShape {
    fn from(record: Record) -> Self {
        Self {
            sequence_number: record.sequence.to_string(),
            approximate_arrival_timestamp: record.arrived.0,
            data: Blob(record.data),
            partition_key: record.partition_key,
            encryption_type: record.encrypted.then_some("KMS"),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ConsumerShape {
    #[serde(rename = "ConsumerName")]
    pub name: String,
    #[serde(rename = "ConsumerARN")]
    pub arn: String,
    #[serde(rename = "ConsumerStatus")]
    pub status: &'static str,
    #[serde(rename = "ConsumerCreationTimestamp")]
    pub created: i64,
    #[serde(rename = "StreamARN")]
    pub stream: Option<String>,
}

impl ConsumerShape {
    pub fn of(key: &StreamKey, consumer: Consumer) -> Self {
        Self {
            arn: consumer.arn(key),
            name: consumer.name,
            status: "ACTIVE",
            created: whole_seconds(consumer.created),
            stream: None,
        }
    }
}
