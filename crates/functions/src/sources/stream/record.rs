//! A stream's record, and how it stands in an event.

use super::StreamKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fogbank_model::{Arn, Timestamp};
use serde_json::{Map, Value, json};

/// A record as its source gives it.
#[derive(Debug, Clone)]
pub struct StreamRecord {
    /// Its sequence number, a decimal number.
    pub sequence: String,
    /// What its order is kept for: the partition key, or the item's key as text.
    pub key: String,
    /// When it arrived.
    pub arrival: Timestamp,
    /// What it says.
    pub content: Content,
}

/// What a record says.
#[derive(Debug, Clone)]
pub enum Content {
    /// The data of a Kinesis record.
    Data(Bytes),
    /// The change of a DynamoDB item: the whole record as it stands in the event.
    Change(Value),
}

/// What the records of a mapping have in common.
pub(super) struct Frame<'a> {
    pub source: &'a Arn,
    pub shard: &'a str,
    /// The function's role.
    pub role: &'a str,
}

impl StreamRecord {
    /// The record as it stands in the event.
    pub(super) fn shown(&self, frame: &Frame<'_>) -> Value {
        match &self.content {
            Content::Data(data) => json!({
                "kinesis": self.kinesis(Value::from(BASE64.encode(data))),
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": format!("{}:{}", frame.shard, self.sequence),
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": frame.role,
                "awsRegion": frame.source.region(),
                "eventSourceARN": frame.source.as_str(),
            }),
            Content::Change(record) => record.clone(),
        }
    }

    /// The record as filters see it: of Kinesis the members of `kinesis`, with `data` by what is in it if that is JSON.
    pub(super) fn for_filters(&self, shown: &Value) -> Value {
        let Content::Data(data) = &self.content else { return shown.clone() };
        let text = || Value::from(String::from_utf8_lossy(data).into_owned());
        let read = serde_json::from_slice::<Value>(data).ok().filter(Value::is_object);
        let mut seen = shown.as_object().cloned().unwrap_or_default();
        if let Value::Object(members) = self.kinesis(read.unwrap_or_else(text)) {
            seen.extend(members);
        }
        Value::Object(seen)
    }

    fn kinesis(&self, data: Value) -> Value {
        json!({
            "kinesisSchemaVersion": "1.0",
            "partitionKey": self.key,
            "sequenceNumber": self.sequence,
            "data": data,
            "approximateArrivalTimestamp": seconds(self.arrival),
        })
    }
}

/// AWS shows whole seconds with a fraction too.
fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
}

/// What an event says beside its records where there is a window.
pub(super) struct Windowed<'a> {
    pub start: Timestamp,
    pub end: Timestamp,
    pub state: &'a Value,
    pub is_final: bool,
    pub is_early: bool,
}

/// `{"Records":[…]}`, with a window's members if there is one.
pub(super) fn event<'a>(
    records: impl Iterator<Item = &'a str>,
    frame: &Frame<'_>,
    window: Option<Windowed<'_>>,
) -> Bytes {
    let mut text = String::from("{\"Records\":[");
    for (number, record) in records.enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(record);
    }
    text.push(']');
    if let Some(window) = window {
        let members = json!({
            "window": {"start": whole_seconds(window.start), "end": whole_seconds(window.end)},
            "state": window.state,
            "shardId": frame.shard,
            "eventSourceARN": frame.source.as_str(),
            "isFinalInvokeForWindow": window.is_final,
            "isWindowTerminatedEarly": window.is_early,
        });
        for (name, value) in members.as_object().unwrap_or(&Map::new()) {
            text.push_str(&format!(",\"{name}\":{value}"));
        }
    }
    text.push('}');
    text.into()
}

/// `2020-12-09T07:04:00Z`: windows begin at whole seconds.
fn whole_seconds(at: Timestamp) -> String {
    at.to_iso_text().replace(".000Z", "Z")
}

impl StreamKind {
    /// The member of a failure's record that tells which records it is about.
    pub(super) fn batch_member(self) -> &'static str {
        match self {
            Self::Kinesis => "KinesisBatchInfo",
            Self::DynamoDb => "DDBStreamBatchInfo",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(data: &'static str) -> StreamRecord {
        let content = Content::Data(Bytes::from_static(data.as_bytes()));
        StreamRecord { sequence: "4959".into(), key: "k".into(), arrival: Timestamp(1_545_084_650_987), content }
    }

    #[test]
    fn a_kinesis_record_is_shown_as_aws_shows_it() {
        let source: Arn = "arn:aws:kinesis:us-east-2:123456789012:stream/s".parse().unwrap();
        let frame = Frame { source: &source, shard: "shardId-000000000006", role: "arn:aws:iam::123456789012:role/r" };
        assert_eq!(
            record("Hello").shown(&frame),
            json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "k",
                    "sequenceNumber": "4959",
                    "data": "SGVsbG8=",
                    "approximateArrivalTimestamp": 1_545_084_650.987,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-000000000006:4959",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/r",
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/s",
            })
        );
        let seen = |data| record(data).for_filters(&record(data).shown(&frame));
        assert_eq!(seen(r#"{"a":1}"#)["data"], json!({"a": 1}));
        assert_eq!((&seen("plain")["data"], &seen("plain")["partitionKey"]), (&json!("plain"), &json!("k")));
    }

    #[test]
    fn a_window_stands_beside_the_records() {
        let source: Arn = "arn:aws:kinesis:us-east-2:123456789012:stream/s".parse().unwrap();
        let frame = Frame { source: &source, shard: "shardId-000000000006", role: "" };
        assert_eq!(event(["1", "2"].into_iter(), &frame, None), r#"{"Records":[1,2]}"#);
        let (start, end) = (Timestamp(1_607_497_440_000), Timestamp(1_607_497_560_000));
        let window = Windowed { start, end, state: &json!({"n": 2}), is_final: true, is_early: false };
        let shown: Value = serde_json::from_slice(&event([].into_iter(), &frame, Some(window))).unwrap();
        assert_eq!(
            shown,
            json!({
                "Records": [],
                "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
                "state": {"n": 2},
                "shardId": "shardId-000000000006",
                "eventSourceARN": source.as_str(),
                "isFinalInvokeForWindow": true,
                "isWindowTerminatedEarly": false,
            })
        );
    }
}
