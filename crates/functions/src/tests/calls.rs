//! Calls, from the API's handler to the instance and back.

use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

#[tokio::test]
async fn a_created_function_answers_and_its_instance_is_used_again() {
    let platform = Platform::new();
    let created = platform.create("orders", "").await;
    assert_eq!(created["FunctionArn"], "arn:aws:lambda:eu-west-1:123456789012:function:orders");
    assert_eq!((&created["State"], &created["Version"]), (&json!("Active"), &json!("$LATEST")));
    let answer = platform.call("orders", r#"{"a":1}"#).await.unwrap();
    assert_eq!(answer.payload, r#"{"a":1}"#);
    assert_eq!((answer.status, answer.version.as_deref(), answer.error), (Value::Int(200), Some("$LATEST"), None));
    assert_eq!(platform.call("orders", "").await.unwrap().payload, "{}");
    assert_eq!(platform.started(), 1);
    let spec = platform.puppet.specs.lock().unwrap()[0].clone();
    assert_eq!(std::fs::read_to_string(spec.code.join("app.py")).unwrap(), "x = 1");
    assert!(spec.log.stream.contains("/[$LATEST]") && spec.log.group == "/aws/lambda/orders");
}

#[tokio::test]
async fn a_call_writes_the_lines_that_aws_writes() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let answer = platform.call_with("orders", "1", json!({"LogType": "Tail"})).await.unwrap();
    let lines = platform.lines();
    assert!(lines[0].starts_with("INIT_START Runtime Version: python:3.12\t"), "{lines:?}");
    let id = &*context().request_id.0;
    assert_eq!(lines[1], format!("START RequestId: {id} Version: $LATEST\n"));
    assert_eq!(lines[2], format!("working on {id}\n"));
    assert_eq!(lines[3], format!("END RequestId: {id}\n"));
    assert!(lines[4].starts_with(&format!("REPORT RequestId: {id}\tDuration: ")), "{lines:?}");
    assert!(
        lines[4].ends_with("Memory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 100.00 ms\t\n"),
        "{lines:?}"
    );
    let tail = BASE64_STANDARD.decode(answer.log.unwrap()).unwrap();
    assert_eq!(String::from_utf8(tail).unwrap(), lines[1..].concat());
    assert_eq!(platform.call("orders", "1").await.unwrap().log, None);
    assert!(!platform.lines()[8].contains("Init Duration"), "only the first call reports it");
}

#[tokio::test]
async fn a_function_that_fails_answers_with_its_error_and_one_that_breaks_is_replaced() {
    let platform = Platform::new();
    let id = context().request_id;
    let crash = format!(
        r#"{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {id} Error: Runtime exited with error: exit status 1"}}"#
    );
    let oom = format!(
        r#"{{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: {id} Error: Runtime exited with error: signal: killed"}}"#
    );
    let hang = format!(
        r#"{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {id} Error: Task timed out after 3.00 seconds"}}"#
    );
    let cases = [
        ("fail", r#"{"errorType":"KeyError","errorMessage":"x"}"#, 1, ""),
        ("crash", &crash, 2, "Status: error\tError Type: Runtime.ExitError\n"),
        (
            "oom",
            &oom,
            2,
            "Max Memory Used: 128 MB\tInit Duration: 100.00 ms\tStatus: error\tError Type: Runtime.OutOfMemory\n",
        ),
        (
            "hang",
            &hang,
            2,
            "Billed Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 100.00 ms\tStatus: timeout\n",
        ),
        ("init_error", r#"{"errorType":"Runtime.ImportModuleError"}"#, 2, "Error Type: Runtime.ImportModuleError\n"),
    ];
    let mut started = 0;
    for (mode, document, instances, report) in cases {
        platform.create(mode, mode).await;
        for _ in 0..2 {
            let answer = platform.call(mode, "{}").await.unwrap();
            assert_eq!((answer.payload.as_str(), answer.error.as_deref()), (document, Some("Unhandled")), "{mode}");
        }
        assert_eq!(platform.started() - started, instances, "{mode}");
        started = platform.started();
        assert!(platform.lines().iter().any(|line| line.starts_with("REPORT") && line.ends_with(report)), "{mode}");
    }
    assert!(platform.lines().iter().any(|line| line.contains(" Task timed out after 3.00 seconds")));
}

#[tokio::test]
async fn what_is_no_json_or_too_large_does_not_reach_the_function() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let fault = platform.call("orders", "{nonsense").await.unwrap_err();
    assert_eq!((fault.status, &*fault.code), (400, "InvalidRequestContentException"));
    assert!(fault.message.starts_with("Could not parse request body into json: "));
    let large = format!("\"{}\"", "x".repeat(limits::SYNC_PAYLOAD_BYTES));
    let fault = platform.call("orders", &large).await.unwrap_err();
    let message = "Request must be smaller than 6291556 bytes for the InvokeFunction operation";
    assert_eq!((fault.status, error(&fault)), (413, ("RequestEntityTooLargeException", message)));
    let event = format!("\"{}\"", "x".repeat(limits::ASYNC_PAYLOAD_BYTES));
    let fault = platform.call_with("orders", &event, json!({"InvocationType": "Event"})).await.unwrap_err();
    assert_eq!(fault.status, 413);
    assert_eq!(platform.started(), 0);
    platform.create("large", "large").await;
    let answer = platform.call("large", "{}").await.unwrap();
    assert!(answer.payload.contains("Function.ResponseSizeTooLarge") && answer.error.is_some());
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_its_arn() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    for (name, arn) in [("nobody", "nobody"), ("orders:7", "orders:7"), ("orders:live", "orders:live")] {
        let fault = platform.call(name, "{}").await.unwrap_err();
        let message = format!("Function not found: arn:aws:lambda:eu-west-1:123456789012:function:{arn}");
        assert_eq!((fault.status, error(&fault)), (404, ("ResourceNotFoundException", &*message)));
        assert!(fault.members.contains(&("Type", "User".into())));
    }
    let mismatch = platform.call_with("orders:live", "{}", json!({"Qualifier": "test"})).await.unwrap_err();
    assert_eq!(
        mismatch.message,
        "The derived qualifier from the function name does not match the specified qualifier."
    );
    let mut elsewhere = context();
    elsewhere.region = "us-east-1".parse().unwrap();
    let input = fogbank_wire::to_value(&json!({"FunctionName": "orders"})).unwrap();
    assert_eq!(platform.raw_as(elsewhere, "Invoke", input).await.unwrap_err().status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_calls_start_side_by_side() {
    let platform = Arc::new(Platform::with(Config { memory_mb: 100_000, ..Config::default() }, Arc::new(SystemClock)));
    platform.create("orders", "slow_init").await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let platform = platform.clone();
            tokio::spawn(async move { platform.call("orders", "{}").await.unwrap() })
        })
        .collect();
    until(|| platform.started() == 64).await;
    platform.puppet.gate.add_permits(64);
    for call in calls {
        assert_eq!(call.await.unwrap().payload, "{}");
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_the_function() {
    let platform = Platform::new();
    platform.create("orders", "wait").await;
    {
        let call = platform.call("orders", "{}");
        tokio::select! { _ = call => panic!("it waits"), () = until(|| platform.lines().len() >= 3) => {} }
    }
    platform.puppet.gate.add_permits(1);
    until(|| platform.lines().iter().any(|line| line.starts_with("REPORT"))).await;
    platform.puppet.gate.add_permits(1);
    platform.call("orders", "{}").await.unwrap();
    assert_eq!(platform.started(), 1, "its instance was given back");
}

#[tokio::test]
async fn an_idle_instance_that_ends_by_itself_is_forgotten() {
    let platform = Platform::new();
    platform.create("orders", "mortal").await;
    platform.call("orders", "{}").await.unwrap();
    platform.puppet.death.notify_one();
    let (weak, functions) = (platform.started(), &platform.functions);
    until(|| functions.instances.count() == 0).await;
    platform.call("orders", "{}").await.unwrap();
    assert_eq!(platform.started(), weak + 1);
}

#[tokio::test]
async fn a_streamed_answer_is_collected_or_passed_on() {
    let platform = Platform::new();
    platform.create("orders", "stream").await;
    assert_eq!(platform.call("orders", "{}").await.unwrap().payload, "one two three");
    let input = fogbank_wire::to_value(&json!({"FunctionName": "orders", "LogType": "Tail"})).unwrap();
    let output = platform.raw("InvokeWithResponseStream", input).await.unwrap();
    let Output::Stream { value, body: fogbank_wire::Body::Stream(mut body) } = output else { panic!("not a stream") };
    assert_eq!(value.get("ExecutedVersion").and_then(Value::as_str), Some("$LATEST"));
    let mut frames = Vec::new();
    while let Some(frame) = body.recv().await {
        frames.push(String::from_utf8_lossy(&frame).into_owned());
    }
    assert!(frames[0].contains("PayloadChunk") && frames[0].contains("one "));
    assert!(frames[2].contains("three") && frames[3].contains("InvokeComplete") && frames[3].contains("LogResult"));
    assert_eq!((frames.len(), platform.started()), (4, 1));
}

#[tokio::test]
async fn a_dry_run_runs_nothing() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let answer = platform.call_with("orders", "{}", json!({"InvocationType": "DryRun"})).await.unwrap();
    assert_eq!((answer.status, platform.started()), (Value::Int(204), 0));
}

#[tokio::test]
async fn an_event_is_accepted_and_run_once() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let answer = platform.call_with("orders", "{}", json!({"InvocationType": "Event"})).await.unwrap();
    assert_eq!(answer.status, Value::Int(202));
    until(|| platform.lines().iter().any(|line| line.starts_with("REPORT"))).await;
    let store = platform.functions.asynchronous.clone();
    until(|| store.next_due().unwrap().is_none()).await;
    assert_eq!(platform.lines().iter().filter(|line| line.starts_with("START")).count(), 1);
}

#[tokio::test]
async fn an_accepted_event_survives_a_restart() {
    let clock = test_clock(6);
    // Nothing may run at first.
    let platform = Platform::with(Config { concurrency: 0, ..Config::default() }, clock.clone());
    platform.create("orders", "").await;
    platform.call_with("orders", r#"{"n":1}"#, json!({"InvocationType": "Event"})).await.unwrap();
    let queue = platform.functions.asynchronous.clone();
    until(|| queue.next_due().unwrap() == Some(clock.now().plus(Duration::from_secs(2)))).await;
    drop(queue);
    let platform = platform.restart_with(Config::default()).await;
    assert_eq!(platform.started(), 0);
    clock.advance(Duration::from_secs(2));
    until(|| platform.lines().iter().any(|line| line.starts_with("REPORT"))).await;
}

#[tokio::test]
async fn a_failed_event_is_tried_again_as_its_configuration_says() {
    let clock = test_clock(5);
    let platform = Platform::with(Config::default(), clock.clone());
    platform.create("orders", "fail").await;
    let retries = json!({"FunctionName": "orders", "MaximumRetryAttempts": 1});
    platform.run("PutFunctionEventInvokeConfig", retries).await.unwrap();
    platform.call_with("orders", "{}", json!({"InvocationType": "Event"})).await.unwrap();
    let runs = || platform.lines().iter().filter(|line| line.starts_with("REPORT")).count();
    until(|| runs() == 1).await;
    let queue = platform.functions.asynchronous.clone();
    // The retry replaces the first try in the queue, and is due in a minute.
    let due = clock.now().plus(Duration::from_secs(60));
    until(|| queue.next_due().unwrap() == Some(due)).await;
    clock.advance(Duration::from_secs(60));
    until(|| runs() == 2).await;
    until(|| queue.next_due().unwrap().is_none()).await;
}

#[tokio::test]
async fn the_tail_of_a_failed_start_is_returned() {
    let platform = Platform::new();
    platform.create("orders", "init_error").await;
    let answer = platform.call_with("orders", "{}", json!({"LogType": "Tail"})).await.unwrap();
    let tail = String::from_utf8(BASE64_STANDARD.decode(answer.log.unwrap()).unwrap()).unwrap();
    assert!(
        tail.starts_with("START RequestId: ") && tail.ends_with("Error Type: Runtime.ImportModuleError\n"),
        "{tail}"
    );
    assert!(
        platform
            .lines()
            .iter()
            .any(|line| line.starts_with("INIT_REPORT Init Duration: 30.00 ms\tPhase: init\tStatus: error"))
    );
}
