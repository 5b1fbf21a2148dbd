//! Event source mappings of streams, over streams in memory.

use super::*;
use crate::sources::{Content, Page, Shard, SourceError, Start, StreamRecord, StreamSource};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

const STREAM: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/s";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:q";

/// Streams that outlive a platform: those of a directory are the same after a restart.
#[derive(Default)]
pub(crate) struct Streams {
    shards: Mutex<BTreeMap<String, Kept>>,
    changed: Notify,
    reads: AtomicUsize,
    is_gone: AtomicBool,
}

#[derive(Default)]
struct Kept {
    parents: Vec<String>,
    records: Vec<StreamRecord>,
    is_closed: bool,
}

impl Streams {
    pub fn of(home: &Arc<tempfile::TempDir>) -> Arc<Self> {
        static ALL: Mutex<Option<HashMap<PathBuf, Arc<Streams>>>> = Mutex::new(None);
        let mut all = ALL.lock().unwrap();
        all.get_or_insert_default().entry(home.path().to_owned()).or_default().clone()
    }

    fn open(&self, shard: &str, parents: &[&str]) {
        let parents = parents.iter().map(|parent| (*parent).to_owned()).collect();
        self.shards.lock().unwrap().insert(shard.into(), Kept { parents, ..Kept::default() });
    }

    fn close(&self, shard: &str) {
        self.shards.lock().unwrap().get_mut(shard).unwrap().is_closed = true;
        self.changed.notify_waiters();
    }

    fn put(&self, shard: &str, key: &str, arrival: Timestamp, data: &str) {
        let mut shards = self.shards.lock().unwrap();
        let sequence = (1 + shards.values().map(|shard| shard.records.len()).sum::<usize>()).to_string();
        let content = Content::Data(data.to_owned().into());
        shards.get_mut(shard).unwrap().records.push(StreamRecord { sequence, key: key.into(), arrival, content });
        drop(shards);
        self.changed.notify_waiters();
    }

    fn after<'a>(kept: &'a Kept, after: Option<&str>) -> impl Iterator<Item = &'a StreamRecord> {
        let after: usize = after.map_or(0, |text| text.parse().unwrap());
        kept.records.iter().filter(move |record| record.sequence.parse::<usize>().unwrap() > after)
    }
}

impl StreamSource for Streams {
    fn check(&self, stream: &Arn) -> Result<(), SourceError> {
        let is_there = stream.resource() == "stream/s" && !self.is_gone.load(Ordering::SeqCst);
        if is_there { Ok(()) } else { Err(SourceError::NoSource) }
    }

    fn shards(&self, _: &Arn) -> Result<Vec<Shard>, SourceError> {
        let shards = self.shards.lock().unwrap();
        Ok(shards
            .iter()
            .map(|(id, kept)| Shard { id: id.clone(), parents: kept.parents.clone(), origin: String::new() })
            .collect())
    }

    fn position(&self, _: &Arn, shard: &str, start: Start) -> Result<Option<String>, SourceError> {
        let shards = self.shards.lock().unwrap();
        let records = &shards[shard].records;
        let before = records.iter().take_while(|record| match start {
            Start::TrimHorizon => false,
            Start::Latest => true,
            Start::At(at) => record.arrival < at,
        });
        Ok(before.last().map(|record| record.sequence.clone()))
    }

    fn read<'a>(
        &'a self,
        _: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, SourceError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let shards = self.shards.lock().unwrap();
        let kept = &shards[shard];
        let records: Vec<StreamRecord> = Self::after(kept, after).take(limit).cloned().collect();
        let is_drained = records.len() == Self::after(kept, after).count();
        let is_end = kept.is_closed && is_drained;
        Box::pin(std::future::ready(Ok(Page { records, is_drained, is_end })))
    }

    fn ready<'a>(
        &'a self,
        _: &'a Arn,
        shard: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(async move {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                {
                    let shards = self.shards.lock().unwrap();
                    if shards[shard].is_closed || Self::after(&shards[shard], after).next().is_some() {
                        return Ok(());
                    }
                }
                changed.await;
            }
        })
    }
}

type Seen = Arc<Mutex<Vec<serde_json::Value>>>;

/// The function `orders`, which keeps its events and fails on data with `bad` in it.
async fn platform() -> (Platform, Seen) {
    let platform = Platform::new();
    platform.streams.open("shardId-000000000000", &[]);
    platform.create("orders", "judge").await;
    let seen = judge(&platform);
    (platform, seen)
}

fn judge(platform: &Platform) -> Seen {
    let seen = Seen::default();
    let kept = seen.clone();
    *platform.puppet.judge.lock().unwrap() = Box::new(move |event| {
        kept.lock().unwrap().push(event.clone());
        if data(&event).iter().any(|data| data.contains("bad")) { Err("bad".into()) } else { Ok(json!({})) }
    });
    seen
}

/// The data of an event's records.
fn data(event: &serde_json::Value) -> Vec<String> {
    use base64::Engine as _;
    let text = |record: &serde_json::Value| {
        let data = record["kinesis"]["data"].as_str().unwrap();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap()
    };
    event["Records"].as_array().unwrap().iter().map(text).collect()
}

fn all(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().iter().flat_map(data).collect()
}

async fn map(platform: &Platform, more: serde_json::Value) -> String {
    let mut input = json!({"FunctionName": "orders", "EventSourceArn": STREAM, "StartingPosition": "TRIM_HORIZON"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let shown = platform.run("CreateEventSourceMapping", input).await.unwrap();
    shown["UUID"].as_str().unwrap().to_owned()
}

fn put(platform: &Platform, key: &str, data: &str) {
    platform.streams.put("shardId-000000000000", key, platform.clock.now(), data);
}

fn told(platform: &Platform) -> Vec<serde_json::Value> {
    let delivered = platform.delivered.0.lock().unwrap();
    delivered.iter().map(|(_, delivery)| serde_json::from_str(&delivery.body).unwrap()).collect()
}

async fn result(platform: &Platform, id: &str) -> String {
    let shown = platform.run("GetEventSourceMapping", json!({"UUID": id})).await.unwrap();
    shown["LastProcessingResult"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn records_reach_the_function_in_order_and_nothing_polls() {
    let (platform, seen) = platform().await;
    put(&platform, "k", "early");
    let id = map(&platform, json!({})).await;
    until(|| all(&seen) == ["early"]).await;
    for number in 0..20 {
        put(&platform, "k", &number.to_string());
    }
    until(|| all(&seen).len() == 21).await;
    assert_eq!(all(&seen)[1..], (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(result(&platform, &id).await, "OK");
    // One for each record at most: a read follows a word that there is something.
    assert!(platform.streams.reads.load(Ordering::SeqCst) <= 21);
}

#[tokio::test]
async fn latest_begins_with_what_comes_after_the_mapping() {
    let (platform, seen) = platform().await;
    put(&platform, "k", "early");
    let id = map(&platform, json!({"StartingPosition": "LATEST"})).await;
    assert_eq!(result(&platform, &id).await, "No records processed");
    put(&platform, "k", "late");
    until(|| all(&seen) == ["late"]).await;
}

#[tokio::test]
async fn a_restart_goes_on_from_the_checkpoint() {
    let (platform, seen) = platform().await;
    map(&platform, json!({"StartingPosition": "LATEST"})).await;
    put(&platform, "k", "1");
    until(|| all(&seen) == ["1"]).await;
    let platform = platform.restart().await;
    let seen = judge(&platform);
    put(&platform, "k", "2");
    until(|| !all(&seen).is_empty()).await;
    assert_eq!(all(&seen), ["2"]);
}

#[tokio::test]
async fn what_is_given_up_is_told_and_the_rest_goes_on() {
    let (platform, seen) = platform().await;
    put(&platform, "k", "1");
    put(&platform, "k", "bad");
    put(&platform, "k", "2");
    let more = json!({
        "MaximumRetryAttempts": 1, "BisectBatchOnFunctionError": true,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    });
    let id = map(&platform, more).await;
    until(|| !told(&platform).is_empty() && all(&seen).contains(&"2".to_owned())).await;
    put(&platform, "k", "3");
    until(|| all(&seen).last().is_some_and(|last| last == "3")).await;
    let told = told(&platform);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(
        (&told[0]["requestContext"]["functionArn"], &told[0]["version"]),
        (&json!("arn:aws:lambda:eu-west-1:123456789012:function:orders"), &json!("1.0"))
    );
    assert_eq!(
        told[0]["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"})
    );
    let batch = &told[0]["KinesisBatchInfo"];
    assert_eq!(
        (&batch["shardId"], &batch["startSequenceNumber"], &batch["endSequenceNumber"], &batch["batchSize"]),
        (&json!("shardId-000000000000"), &json!("2"), &json!("2"), &json!(1))
    );
    assert_eq!(batch["streamArn"], STREAM);
    assert_eq!(result(&platform, &id).await, "OK");
}

#[tokio::test]
async fn only_what_is_reported_comes_again() {
    let (platform, seen) = platform().await;
    let kept = seen.clone();
    *platform.puppet.judge.lock().unwrap() = Box::new(move |event| {
        let is_first = kept.lock().unwrap().is_empty();
        kept.lock().unwrap().push(event);
        let failures = if is_first { json!([{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]) } else { json!([]) };
        Ok(json!({"batchItemFailures": failures}))
    });
    ["1", "2", "3"].into_iter().for_each(|data| put(&platform, "k", data));
    map(&platform, json!({"FunctionResponseTypes": ["ReportBatchItemFailures"]})).await;
    until(|| all(&seen) == ["1", "2", "3", "2", "3"]).await;
}

#[tokio::test]
async fn filters_skip_and_the_checkpoint_passes_what_they_skip() {
    let (platform, seen) = platform().await;
    ["{\"n\":1}", "{\"n\":2}", "text"].into_iter().for_each(|data| put(&platform, "k", data));
    let filters = json!({"FilterCriteria": {"Filters": [{"Pattern": "{\"data\":{\"n\":[2]}}"}]}});
    map(&platform, filters).await;
    until(|| all(&seen) == ["{\"n\":2}"]).await;
    put(&platform, "k", "{\"n\":2,\"more\":1}");
    until(|| all(&seen).len() == 2).await;
}

#[tokio::test]
async fn keys_run_beside_each_other_with_a_parallelisation_factor() {
    let (platform, _) = platform().await;
    platform.create("slow", "wait").await;
    for number in 0..20 {
        put(&platform, &format!("key {number}"), "x");
    }
    map(&platform, json!({"FunctionName": "slow", "ParallelizationFactor": 3})).await;
    until(|| platform.lines().iter().filter(|line| line.starts_with("working")).count() == 3).await;
    platform.puppet.gate.add_permits(100);
    until(|| platform.lines().iter().filter(|line| line.starts_with("REPORT")).count() >= 3).await;
}

#[tokio::test]
async fn children_wait_for_their_parents() {
    let (platform, seen) = platform().await;
    let streams = platform.streams.clone();
    put(&platform, "k", "bad parent");
    streams.close("shardId-000000000000");
    streams.open("shardId-000000000001", &["shardId-000000000000"]);
    streams.put("shardId-000000000001", "k", platform.clock.now(), "child");
    map(&platform, json!({"MaximumRetryAttempts": 2})).await;
    until(|| all(&seen).contains(&"child".to_owned())).await;
    assert_eq!(all(&seen), ["bad parent", "bad parent", "bad parent", "child"]);
}

#[tokio::test]
async fn a_window_is_handed_its_state_and_ended() {
    let (platform, seen) = platform().await;
    let kept = seen.clone();
    *platform.puppet.judge.lock().unwrap() = Box::new(move |event| {
        let before = event["state"]["n"].as_u64().unwrap_or_default();
        let records = event["Records"].as_array().unwrap().len() as u64;
        kept.lock().unwrap().push(event);
        Ok(json!({"state": {"n": before + records}}))
    });
    let at = |ms: i64| platform.streams.put("shardId-000000000000", "k", Timestamp(ms), "x");
    map(&platform, json!({"TumblingWindowInSeconds": 60})).await;
    [1, 2, 59_999, 60_000].into_iter().for_each(at);
    until(|| seen.lock().unwrap().iter().filter(|event| event["isFinalInvokeForWindow"] == true).count() == 2).await;
    let finals: Vec<_> =
        seen.lock().unwrap().iter().filter(|event| event["isFinalInvokeForWindow"] == true).cloned().collect();
    assert_eq!((&finals[0]["state"], &finals[1]["state"]), (&json!({"n": 3}), &json!({"n": 1})));
    assert_eq!(finals[0]["window"], json!({"start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:01:00Z"}));
}

#[tokio::test]
async fn a_mapping_shows_what_it_was_given_and_refuses_what_cannot_be() {
    let (platform, _) = platform().await;
    let create = |more: serde_json::Value| {
        let mut input = json!({"FunctionName": "orders", "EventSourceArn": STREAM});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        platform.run("CreateEventSourceMapping", input)
    };
    let text = create(json!({})).await.unwrap_err().message;
    assert_eq!(
        text,
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
    );
    let shown = create(json!({"StartingPosition": "LATEST"})).await.unwrap();
    let expected = json!({
        "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "StartingPosition": "LATEST",
        "DestinationConfig": {"OnFailure": {}}, "MaximumRecordAgeInSeconds": -1, "BisectBatchOnFunctionError": false,
        "MaximumRetryAttempts": -1, "TumblingWindowInSeconds": 0, "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed", "State": "Creating", "StateTransitionReason": "User action",
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[member], value, "{member}");
    }
    let conflict = create(json!({"StartingPosition": "LATEST"})).await.unwrap_err();
    assert!(conflict.message.contains("provided mapping already exists"), "{}", conflict.message);
    let gone =
        json!({"StartingPosition": "LATEST", "EventSourceArn": "arn:aws:kinesis:eu-west-1:123456789012:stream/x"});
    assert_eq!(
        create(gone).await.unwrap_err().message,
        "Stream not found: arn:aws:kinesis:eu-west-1:123456789012:stream/x"
    );
    let at = json!({"StartingPosition": "AT_TIMESTAMP"});
    assert_eq!(create(at).await.unwrap_err().message, "Need to specify a timestamp");
    let scaled = json!({"StartingPosition": "LATEST", "ScalingConfig": {"MaximumConcurrency": 2}});
    assert!(create(scaled).await.is_err());
}

#[tokio::test]
async fn a_mapping_that_is_removed_leaves_nothing_behind() {
    let (platform, seen) = platform().await;
    put(&platform, "k", "1");
    let id = map(&platform, json!({})).await;
    until(|| all(&seen) == ["1"]).await;
    let kept = || {
        let found =
            platform.functions.store.read(|read| fogbank_store::Read::scan_prefix(read, keys::CHECKPOINT, &[], 10));
        found.map_err(|error: fogbank_store::Error| error).unwrap().len()
    };
    until(|| kept() == 1).await;
    platform.run("DeleteEventSourceMapping", json!({"UUID": id})).await.unwrap();
    until(|| kept() == 0).await;
}

#[tokio::test]
async fn a_call_that_is_cut_off_by_the_end_of_the_platform_is_made_again() {
    let (platform, _) = platform().await;
    platform.create("slow", "cut").await;
    let target = json!({"OnFailure": {"Destination": QUEUE}});
    let more = json!({"FunctionName": "slow", "MaximumRetryAttempts": 0, "DestinationConfig": target});
    map(&platform, more).await;
    put(&platform, "k", "1");
    until(|| platform.lines().iter().any(|line| line.starts_with("working"))).await;
    let (gate, delivered) = (platform.puppet.gate.clone(), platform.delivered.clone());
    platform.functions.sources.close();
    gate.add_permits(1);
    let platform = platform.restart().await;
    until(|| platform.lines().iter().any(|line| line.starts_with("working"))).await;
    assert!(delivered.0.lock().unwrap().is_empty(), "nothing was given up");
}

#[tokio::test]
async fn the_mapping_of_a_stream_that_is_gone_can_be_disabled() {
    let (platform, _) = platform().await;
    let id = map(&platform, json!({})).await;
    platform.streams.is_gone.store(true, Ordering::SeqCst);
    let off = platform.run("UpdateEventSourceMapping", json!({"UUID": id, "Enabled": false})).await.unwrap();
    assert_eq!(off["State"], "Disabling");
}
