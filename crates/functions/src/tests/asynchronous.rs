//! What becomes of asynchronous calls.

use super::*;

async fn event(platform: &Platform, payload: &str) {
    platform.call_with("orders", payload, json!({"InvocationType": "Event"})).await.unwrap();
}

async fn destinations(platform: &Platform, settings: serde_json::Value) {
    let mut input = json!({"FunctionName": "orders"});
    input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    platform.run("PutFunctionEventInvokeConfig", input).await.unwrap();
}

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:q";
const BUS: &str = "arn:aws:events:eu-west-1:123456789012:event-bus/default";

fn delivered(platform: &Platform) -> Vec<(Arn, Delivery)> {
    platform.delivered.0.lock().unwrap().clone()
}

#[tokio::test]
async fn a_failing_call_is_tried_three_times_one_wait_and_two_apart() {
    let clock = test_clock(5);
    // Not a minute: a call that runs is leased for a minute, and would look as if it waited for its retry.
    let retry_after = Duration::from_secs(50);
    let platform = Platform::with(Config { retry_after, ..Config::default() }, clock.clone());
    platform.create("orders", "fail").await;
    destinations(&platform, json!({"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}})).await;
    event(&platform, r#"{"n":1}"#).await;
    let queue = platform.functions.asynchronous.clone();
    for wait in [50, 100] {
        let due = clock.now().plus(Duration::from_secs(wait));
        until(|| queue.next_due().unwrap() == Some(due)).await;
        assert!(delivered(&platform).is_empty());
        clock.advance(Duration::from_secs(wait));
    }
    until(|| queue.next_due().unwrap().is_none()).await;
    let (target, delivery) = delivered(&platform).pop().unwrap();
    let record: serde_json::Value = serde_json::from_str(&delivery.body).unwrap();
    assert_eq!(target.as_str(), QUEUE);
    assert_eq!(record["requestPayload"], json!({"n": 1}));
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(
        record["requestContext"]["functionArn"],
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST"
    );
    assert_eq!(
        record["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"})
    );
    assert_eq!(record["responsePayload"]["errorType"], "KeyError");
    assert_eq!(record["timestamp"], clock.now().to_iso_text());
}

#[tokio::test]
async fn a_success_is_told_to_a_bus_as_an_event() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    destinations(
        &platform,
        json!({"DestinationConfig": {"OnSuccess": {"Destination": BUS}, "OnFailure": {"Destination": QUEUE}}}),
    )
    .await;
    event(&platform, r#"{"n":1}"#).await;
    until(|| !delivered(&platform).is_empty()).await;
    let (target, delivery) = delivered(&platform).pop().unwrap();
    let head = delivery.event.unwrap();
    assert_eq!(target.as_str(), BUS);
    assert_eq!(
        (head.source.as_str(), head.detail_type.as_str()),
        ("lambda", "Lambda Function Invocation Result - Success")
    );
    assert_eq!(delivery.origin.sender, "arn:aws:iam::123456789012:root");
    let record: serde_json::Value = serde_json::from_str(&delivery.body).unwrap();
    assert_eq!(
        (&record["responsePayload"], &record["requestContext"]["approximateInvokeCount"]),
        (&json!({"n": 1}), &json!(1))
    );
}

#[tokio::test]
async fn a_dead_letter_is_the_event_with_its_error() {
    let platform = Platform::new();
    platform.create("orders", "fail").await;
    let dead = json!({"FunctionName": "orders", "DeadLetterConfig": {"TargetArn": QUEUE}});
    let shown = platform.run("UpdateFunctionConfiguration", dead).await.unwrap();
    assert_eq!(shown["DeadLetterConfig"], json!({"TargetArn": QUEUE}));
    destinations(&platform, json!({"MaximumRetryAttempts": 0})).await;
    event(&platform, r#"{"n":1}"#).await;
    until(|| !delivered(&platform).is_empty()).await;
    let (_, letter) = delivered(&platform).pop().unwrap();
    let text = |name: &str| match &letter.attributes[name].value {
        fogbank_delivery::AttributeValue::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(letter.body, r#"{"n":1}"#);
    assert_eq!(
        (text("RequestID"), text("ErrorCode"), text("ErrorMessage")),
        (context().request_id.to_string(), "200".into(), "x".into())
    );
}

#[tokio::test]
async fn a_call_that_may_never_run_is_given_up_at_once() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    platform
        .run("PutFunctionConcurrency", json!({"FunctionName": "orders", "ReservedConcurrentExecutions": 0}))
        .await
        .unwrap();
    destinations(&platform, json!({"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}})).await;
    event(&platform, "{}").await;
    until(|| !delivered(&platform).is_empty()).await;
    let record: serde_json::Value = serde_json::from_str(&delivered(&platform)[0].1.body).unwrap();
    assert_eq!(record["requestContext"]["condition"], "ZeroReservedConcurrency");
    assert!(record.get("responseContext").is_none());
}

#[tokio::test]
async fn a_throttled_call_waits_until_it_is_too_old() {
    let clock = test_clock(7);
    let platform = Platform::with(Config { concurrency: 0, ..Config::default() }, clock.clone());
    platform.create("orders", "").await;
    destinations(
        &platform,
        json!({"MaximumEventAgeInSeconds": 60, "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}),
    )
    .await;
    event(&platform, "{}").await;
    let queue = platform.functions.asynchronous.clone();
    for wait in [2, 4, 8, 16] {
        until(|| queue.next_due().unwrap() == Some(clock.now().plus(Duration::from_secs(wait)))).await;
        clock.advance(Duration::from_secs(wait));
    }
    // The next wait, of 32 seconds, would end after the minute.
    until(|| !delivered(&platform).is_empty()).await;
    let record: serde_json::Value = serde_json::from_str(&delivered(&platform)[0].1.body).unwrap();
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
}

#[tokio::test]
async fn what_cannot_be_delivered_does_not_hold_the_call() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let gone = "arn:aws:sqs:eu-west-1:123456789012:gone";
    destinations(&platform, json!({"DestinationConfig": {"OnSuccess": {"Destination": gone}}})).await;
    event(&platform, "{}").await;
    let queue = platform.functions.asynchronous.clone();
    until(|| queue.next_due().unwrap().is_none()).await;
    assert!(delivered(&platform).is_empty());
}

#[tokio::test]
async fn another_accounts_resources_are_told_nothing() {
    let platform = Platform::new();
    platform.create("orders", "fail").await;
    let theirs = "arn:aws:sqs:eu-west-1:999999999999:q";
    let dead = json!({"FunctionName": "orders", "DeadLetterConfig": {"TargetArn": theirs}});
    platform.run("UpdateFunctionConfiguration", dead).await.unwrap();
    let failure = json!({"OnFailure": {"Destination": theirs}});
    destinations(&platform, json!({"MaximumRetryAttempts": 0, "DestinationConfig": failure})).await;
    event(&platform, "{}").await;
    let queue = platform.functions.asynchronous.clone();
    until(|| queue.next_due().unwrap().is_none()).await;
    assert!(delivered(&platform).is_empty());
}

#[tokio::test]
async fn a_call_that_cannot_be_made_goes_where_failures_go() {
    let platform = Platform::new();
    platform.create("orders", "no_runtime").await;
    destinations(&platform, json!({"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}})).await;
    event(&platform, r#"{"n":1}"#).await;
    until(|| !delivered(&platform).is_empty()).await;
    let record: serde_json::Value = serde_json::from_str(&delivered(&platform)[0].1.body).unwrap();
    assert_eq!(record["requestPayload"], json!({"n": 1}));
}

#[tokio::test]
async fn one_functions_backlog_does_not_hold_up_another() {
    let platform = Platform::new();
    platform.create("orders", "wait").await;
    platform.create("quick", "").await;
    for _ in 0..60 {
        event(&platform, "{}").await;
    }
    platform.call_with("quick", r#"{"q":1}"#, json!({"InvocationType": "Event"})).await.unwrap();
    until(|| platform.lines().iter().any(|line| line.starts_with("REPORT"))).await;
    // Nobody has let an order go on.
    assert_eq!(platform.lines().iter().filter(|line| line.starts_with("REPORT")).count(), 1);
    platform.puppet.gate.add_permits(60);
    let queue = platform.functions.asynchronous.clone();
    until(|| queue.next_due().unwrap().is_none()).await;
}
