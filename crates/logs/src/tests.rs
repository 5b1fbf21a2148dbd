//! Logs over a real store, mostly through the API's handlers.
#![allow(clippy::unwrap_used)]

use super::*;
use fogbank_model::{Caller, RequestContext, RequestId, TestClock};
use fogbank_wire::{Fault, Input, Output, Service};
use serde_json::{Value, json};
use std::time::Duration;

const NOW: i64 = 1_777_890_030_123;

struct Bench {
    logs: Arc<Logs>,
    service: Service,
    clock: Arc<TestClock>,
    _home: tempfile::TempDir,
}

fn context() -> RequestContext {
    RequestContext {
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        caller: Caller::Root,
        request_id: RequestId("1".into()),
        source_ip: None,
        endpoint: "http://127.0.0.1:4566".into(),
        trace: None,
    }
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(Timestamp(NOW), 1));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let logs = Logs::open(&store, clock.clone());
        Self { service: cloudwatch::service(logs.clone()), logs, clock, _home: home }
    }

    async fn run_as(&self, context: RequestContext, operation: &str, input: Value) -> Result<Value, Fault> {
        let value = fogbank_wire::to_value(&input).unwrap();
        match self.service.handler(operation).unwrap()(Input { context, value }).await? {
            Output::Value(value) => Ok(fogbank_wire::from_value(value).unwrap()),
            Output::Stream { .. } | Output::Events { .. } => panic!("a stream"),
        }
    }

    async fn run(&self, operation: &str, input: Value) -> Result<Value, Fault> {
        self.run_as(context(), operation, input).await
    }

    async fn ok(&self, operation: &str, input: Value) -> Value {
        self.run(operation, input).await.unwrap()
    }

    async fn fails(&self, operation: &str, input: Value) -> (String, String) {
        let fault = self.run(operation, input).await.unwrap_err();
        (fault.code.into_owned(), fault.message)
    }

    fn line(&self, stream: &str, at: i64, text: &str) {
        let RequestContext { account, region, .. } = context();
        let stream = LogStream { account, region, group: "/aws/lambda/shop".into(), stream: stream.into() };
        self.logs.write(&stream, Timestamp(at), text.into());
    }
}

fn messages(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lines_of_functions_make_their_group_and_are_read_at_once() {
    let bench = Bench::new();
    bench.line("2026/05/04/[$LATEST]b", NOW + 1, "second\n");
    bench.line("2026/05/04/[$LATEST]a", NOW, "first\n");
    bench.line("2026/05/04/[$LATEST]b", NOW + 1, "third\n");
    let page = bench.ok("FilterLogEvents", json!({"logGroupName": "/aws/lambda/shop"})).await;
    assert_eq!(messages(&page), ["first\n", "second\n", "third\n"]);
    assert_eq!(page["events"][0]["logStreamName"], "2026/05/04/[$LATEST]a");
    assert_eq!((&page["events"][0]["timestamp"], &page["events"][0]["ingestionTime"]), (&json!(NOW), &json!(NOW)));
    let ids: std::collections::BTreeSet<_> =
        page["events"].as_array().unwrap().iter().map(|event| event["eventId"].as_str().unwrap()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| id.len() == 56));
    let groups = bench.ok("DescribeLogGroups", json!({"logGroupNamePrefix": "/aws/"})).await;
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/shop";
    assert_eq!(groups["logGroups"][0]["logGroupArn"], arn);
    assert_eq!(groups["logGroups"][0]["arn"], format!("{arn}:*"));
    let by_arn = bench.ok("FilterLogEvents", json!({"logGroupIdentifier": format!("{arn}:*")})).await;
    assert_eq!(messages(&by_arn).len(), 3);
}

#[tokio::test]
async fn a_follower_sees_every_line_once() {
    let bench = Bench::new();
    let (mut seen, mut start) = (std::collections::BTreeSet::new(), NOW);
    for round in 0..5 {
        bench.line("a", NOW + round, &format!("a{round}"));
        bench.line("b", NOW + round, &format!("b{round}"));
        // As `aws logs tail --follow` does it: from the time of the last event on, leaving out what was shown.
        let input = json!({"logGroupName": "/aws/lambda/shop", "startTime": start, "interleaved": true});
        let page = bench.ok("FilterLogEvents", input).await;
        let mut fresh = 0;
        for event in page["events"].as_array().unwrap() {
            fresh += usize::from(seen.insert(event["eventId"].as_str().unwrap().to_owned()));
            start = event["timestamp"].as_i64().unwrap();
        }
        assert_eq!(fresh, 2);
    }
}

#[tokio::test]
async fn pages_of_a_filter_join_to_the_whole() {
    let bench = Bench::new();
    for number in 0..60 {
        // Many share a millisecond, across streams and within them.
        bench.line(
            &format!("s{}", number % 7),
            NOW + number / 11,
            &format!("{number} {}", if number % 3 == 0 { "keep" } else { "x" }),
        );
    }
    let whole = bench.ok("FilterLogEvents", json!({"logGroupName": "/aws/lambda/shop", "filterPattern": "keep"})).await;
    assert_eq!(messages(&whole).len(), 20);
    let (mut joined, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut input = json!({"logGroupName": "/aws/lambda/shop", "filterPattern": "keep", "limit": 3});
        if let Some(token) = &token {
            input["nextToken"] = token.as_str().into();
        }
        let page = bench.ok("FilterLogEvents", input).await;
        joined.extend(messages(&page).into_iter().map(str::to_owned));
        token = page["nextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(joined, messages(&whole));
    let some = json!({"logGroupName": "/aws/lambda/shop", "startTime": NOW + 2, "endTime": NOW + 2});
    assert_eq!(messages(&bench.ok("FilterLogEvents", some).await).len(), 11, "both ends are included");
    let named = json!({"logGroupName": "/aws/lambda/shop", "logStreamNames": ["s1"]});
    assert_eq!(messages(&bench.ok("FilterLogEvents", named).await).len(), 9);
}

#[tokio::test]
async fn a_stream_is_read_forward_and_backward() {
    let bench = Bench::new();
    (0..10).for_each(|number| bench.line("s", NOW + number, &number.to_string()));
    let get = |more: Value| {
        let mut input = json!({"logGroupName": "/aws/lambda/shop", "logStreamName": "s", "limit": 4});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bench.ok("GetLogEvents", input)
    };
    let head = get(json!({"startFromHead": true})).await;
    assert_eq!(messages(&head), ["0", "1", "2", "3"]);
    let next = get(json!({"startFromHead": true, "nextToken": head["nextForwardToken"]})).await;
    assert_eq!(messages(&next), ["4", "5", "6", "7"]);
    let back = get(json!({"nextToken": next["nextBackwardToken"]})).await;
    assert_eq!(messages(&back), ["0", "1", "2", "3"]);
    let tail = get(json!({})).await;
    assert_eq!(messages(&tail), ["6", "7", "8", "9"]);
    let end = get(json!({"nextToken": tail["nextForwardToken"]})).await;
    assert_eq!(
        (messages(&end).len(), &end["nextForwardToken"]),
        (0, &tail["nextForwardToken"]),
        "the same token is the end"
    );
    bench.line("s", NOW + 50, "new");
    assert_eq!(messages(&get(json!({"nextToken": end["nextForwardToken"]})).await), ["new"]);
    assert_eq!(
        messages(&get(json!({"startTime": NOW + 2, "endTime": NOW + 4})).await),
        ["2", "3"],
        "the end is not included"
    );
    let (code, _) = bench
        .fails("GetLogEvents", json!({"logGroupName": "/aws/lambda/shop", "logStreamName": "s", "nextToken": "f/x/s"}))
        .await;
    assert_eq!(code, "InvalidParameterException");
}

#[tokio::test]
async fn groups_and_streams_are_made_listed_and_deleted() {
    let bench = Bench::new();
    let group = json!({"logGroupName": "g"});
    bench.ok("CreateLogGroup", json!({"logGroupName": "g", "tags": {"a": "1"}})).await;
    let exists = bench.fails("CreateLogGroup", group.clone()).await;
    assert_eq!(exists, ("ResourceAlreadyExistsException".into(), "The specified log group already exists".into()));
    for name in ["x1", "x2", "y"] {
        bench.ok("CreateLogStream", json!({"logGroupName": "g", "logStreamName": name})).await;
    }
    let again = bench.fails("CreateLogStream", json!({"logGroupName": "g", "logStreamName": "y"})).await;
    assert_eq!(again.1, "The specified log stream already exists");
    let put = |stream: &str, at: i64| json!({"logGroupName": "g", "logStreamName": stream, "logEvents": [{"timestamp": at, "message": "m"}]});
    bench.ok("PutLogEvents", put("y", NOW)).await;
    bench.ok("PutLogEvents", put("x1", NOW + 5)).await;
    let names = |page: &Value| -> Vec<String> {
        page["logStreams"].as_array().unwrap().iter().map(|s| s["logStreamName"].as_str().unwrap().to_owned()).collect()
    };
    let by_name = bench.ok("DescribeLogStreams", json!({"logGroupName": "g", "logStreamNamePrefix": "x"})).await;
    assert_eq!(names(&by_name), ["x1", "x2"]);
    let mut input = json!({"logGroupName": "g", "orderBy": "LastEventTime", "descending": true, "limit": 2});
    let recent = bench.ok("DescribeLogStreams", input.clone()).await;
    assert_eq!(names(&recent), ["x1", "y"]);
    input["nextToken"] = recent["nextToken"].clone();
    assert_eq!(names(&bench.ok("DescribeLogStreams", input).await), ["x2"]);
    let listed = bench
        .ok("ListTagsForResource", json!({"resourceArn": "arn:aws:logs:eu-west-1:123456789012:log-group:g"}))
        .await;
    assert_eq!(listed["tags"], json!({"a": "1"}));
    bench.ok("DeleteLogStream", json!({"logGroupName": "g", "logStreamName": "y"})).await;
    let gone = bench.fails("GetLogEvents", json!({"logGroupName": "g", "logStreamName": "y"})).await;
    assert_eq!(gone, ("ResourceNotFoundException".into(), "The specified log stream does not exist.".into()));
    bench.ok("DeleteLogGroup", group.clone()).await;
    assert_eq!(bench.fails("DeleteLogGroup", group.clone()).await.1, "The specified log group does not exist.");
    bench.ok("CreateLogGroup", group.clone()).await;
    assert_eq!(messages(&bench.ok("FilterLogEvents", group).await).len(), 0, "nothing of the old one is left");
    let mut elsewhere = context();
    elsewhere.account = "000000000000".parse().unwrap();
    assert_eq!(bench.run_as(elsewhere, "DescribeLogGroups", json!({})).await.unwrap()["logGroups"], json!([]));
}

#[tokio::test]
async fn events_beyond_the_limits_are_refused() {
    let bench = Bench::new();
    bench.ok("CreateLogGroup", json!({"logGroupName": "g"})).await;
    let put = |events: Value| json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events});
    let event = |at: i64| json!({"timestamp": at, "message": "m"});
    assert_eq!(
        bench.fails("PutLogEvents", put(json!([event(NOW)]))).await.1,
        "The specified log stream does not exist."
    );
    bench.ok("CreateLogStream", json!({"logGroupName": "g", "logStreamName": "s"})).await;
    let unordered = bench.fails("PutLogEvents", put(json!([event(NOW), event(NOW - 1)]))).await.1;
    assert_eq!(unordered, "Log events in a single PutLogEvents request must be in chronological order.");
    let wide = bench.fails("PutLogEvents", put(json!([event(NOW - 86_400_001), event(NOW)]))).await.1;
    assert!(wide.contains("cannot span more than 24 hours"));
    let large = json!({"timestamp": NOW, "message": "x".repeat(1 << 20)});
    assert!(bench.fails("PutLogEvents", put(json!([large]))).await.1.starts_with("Upload too large: 1048602 bytes"));
    let hour = 3_600_000;
    let late = bench.ok("PutLogEvents", put(json!([event(NOW), event(NOW + 3 * hour)]))).await;
    assert_eq!(late["rejectedLogEventsInfo"], json!({"tooNewLogEventStartIndex": 1}));
    let old = bench.ok("PutLogEvents", put(json!([event(NOW - 15 * 24 * hour)]))).await;
    assert_eq!(old["rejectedLogEventsInfo"], json!({"tooOldLogEventEndIndex": 1}));
    assert_eq!(messages(&bench.ok("FilterLogEvents", json!({"logGroupName": "g"})).await), ["m"]);
}

#[tokio::test]
async fn events_older_than_the_retention_are_deleted() {
    let bench = Bench::new();
    let hour = 3_600_000;
    bench.line("s", NOW, "old");
    bench.line("s", NOW + 30 * hour, "new");
    let odd =
        bench.fails("PutRetentionPolicy", json!({"logGroupName": "/aws/lambda/shop", "retentionInDays": 2})).await;
    assert_eq!(odd.0, "InvalidParameterException");
    bench.ok("PutRetentionPolicy", json!({"logGroupName": "/aws/lambda/shop", "retentionInDays": 1})).await;
    bench.clock.advance(Duration::from_secs(36 * 3600));
    retention::sweep(&bench.logs.store, bench.clock.now()).await.unwrap();
    let left = bench.ok("FilterLogEvents", json!({"logGroupName": "/aws/lambda/shop"})).await;
    assert_eq!(messages(&left), ["new"]);
    let streams = bench.ok("DescribeLogStreams", json!({"logGroupName": "/aws/lambda/shop"})).await;
    assert_eq!(streams["logStreams"][0]["firstEventTimestamp"], json!(NOW + 30 * hour));
    let groups = bench.ok("DescribeLogGroups", json!({"logGroupNamePattern": "shop"})).await;
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 1);
}

#[tokio::test]
async fn a_flood_is_dropped_with_a_notice() {
    let bench = Bench::new();
    let text = "x".repeat(1 << 20);
    (0..40).for_each(|number| bench.line("s", NOW + number, &text));
    bench.logs.sink.flush().await.unwrap();
    let input = json!({"logGroupName": "/aws/lambda/shop", "filterPattern": "dropped"});
    let notice = bench.ok("FilterLogEvents", input).await;
    assert_eq!(messages(&notice), ["25 lines were dropped here: they came faster than the disk took them."]);
    bench.line("s", NOW + 100, "after");
    let after = json!({"logGroupName": "/aws/lambda/shop", "filterPattern": "after"});
    assert_eq!(messages(&bench.ok("FilterLogEvents", after).await), ["after"]);
}

#[tokio::test]
async fn lines_reach_the_disk_without_a_reader() {
    let bench = Bench::new();
    bench.line("s", NOW, "quiet");
    let written = || {
        let groups = bench.logs.store.read(|read| fogbank_store::Read::scan_prefix(read, keys::GROUP, &[], 1));
        !groups.unwrap().is_empty()
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !written() {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
