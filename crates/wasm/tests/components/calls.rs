//! What a call gives a component, what comes back, and what it leaves.

use crate::stage::{Stage, event, get, request, text};
use fogbank_functions::runtime::Outcome;
use http::Request;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_request_arrives_as_it_is_and_the_response_comes_back() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let asked = Request::put("/request?a=1&b=%20").header("host", "shop.localhost:4566").header("x-twice", "one");
    let asked = asked.header("x-twice", "two").header("lambda-runtime-function-name", "forged");
    let Outcome::Responded(head, body) = instance.invoke(request(asked, "")).await else { panic!() };
    assert_eq!((head.status.as_u16(), head.headers["x-guest"].to_str().unwrap()), (200, "1"));
    let described = String::from_utf8(body.to_vec()).unwrap();
    let lines: Vec<&str> = described.lines().collect();
    assert_eq!(lines[0], "PUT /request?a=1&b=%20 shop.localhost:4566");
    for line in [
        "x-twice: one",
        "x-twice: two",
        "x-amzn-requestid: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "lambda-runtime-deadline-ms: 1542409706888",
        "lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:orders:live",
        "lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        "lambda-runtime-client-context: {\"custom\":1}",
        "lambda-runtime-function-name: orders",
        "lambda-runtime-function-version: 7",
        "lambda-runtime-memory-limit-mb: 128",
        "lambda-runtime-log-group-name: /aws/lambda/orders",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {described}");
    }
    assert!(!described.contains("forged"));
    let echoed = instance.invoke(request(Request::post("/echo"), vec![0, 255, 10])).await;
    assert!(matches!(echoed, Outcome::Responded(_, body) if body[..] == [0, 255, 10]));
}

#[tokio::test]
async fn an_event_comes_as_a_post_and_an_error_status_is_a_functions_error() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let answer = |outcome| match outcome {
        Outcome::Answered(body) => String::from_utf8(body.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(answer(instance.invoke(event(r#"{"a":1}"#)).await), r#"{"a":1}"#);
    let described = answer(instance.invoke(event("\"request\"")).await);
    assert!(described.starts_with("POST / ") && described.contains("content-type: application/json"), "{described}");
    let failure = |outcome| match outcome {
        Outcome::Failed { error_type, payload } => (error_type, String::from_utf8(payload.to_vec()).unwrap()),
        other => panic!("{other:?}"),
    };
    let own = r#"{"errorType":"Orders.Closed","errorMessage":"no orders today"}"#;
    assert_eq!(failure(instance.invoke(event("\"error\"")).await), ("Orders.Closed".into(), own.into()));
    let made = r#"{"errorType":"Http418","errorMessage":"short and stout"}"#;
    assert_eq!(failure(instance.invoke(event("\"teapot\"")).await), ("Http418".into(), made.into()));
    // A client's own request may be answered with any status.
    let Outcome::Responded(head, _) = get(&*instance, "/status?418").await else { panic!() };
    assert_eq!(head.status.as_u16(), 418);
}

#[tokio::test]
async fn nothing_survives_a_call() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let mut random = Vec::new();
    for _ in 0..5 {
        assert_eq!(text(get(&*instance, "/count").await), "1");
        assert_eq!(text(get(&*instance, "/write?1").await), "1 MiB of /tmp, 1048576 bytes");
        assert_eq!(text(get(&*instance, "/list").await), "1: /tmp: [], out: false");
        random.push(text(get(&*instance, "/random").await));
    }
    random.dedup();
    assert_eq!(random.len(), 5);
}

#[tokio::test]
async fn two_functions_do_not_see_each_others_files() {
    let stage = Stage::new();
    let (one, other) = (stage.start().await, stage.start().await);
    let sleeping = async { get(&*one, "/write?8").await };
    let (wrote, seen) = tokio::join!(sleeping, get(&*other, "/list"));
    assert_eq!((text(wrote), text(seen)), ("7 MiB of /tmp, full".into(), "1: /tmp: [], out: false".into()));
}

#[tokio::test]
async fn a_plain_call_makes_no_directory_and_files_go_with_their_call() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let count = || std::fs::read_dir(stage.home.path().join("wasm/tmp")).unwrap().count();
    text(get(&*instance, "/hello").await);
    assert_eq!(count(), 0);
    text(get(&*instance, "/write?1").await);
    let begun = Instant::now();
    while count() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the directory stays");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_environment_is_the_functions_and_nothing_of_the_platforms() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let environment = text(get(&*instance, "/env").await);
    for line in [
        "GREETING=hi",
        "_HANDLER=guest.wasm",
        "AWS_REGION=eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME=orders",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
        "AWS_ACCESS_KEY_ID=ASIAorders",
        "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
    ] {
        assert!(environment.lines().any(|one| one == line), "{line} is missing in {environment}");
    }
    assert!(!environment.contains("CARGO"));
}

#[tokio::test]
async fn only_the_aws_endpoint_can_be_reached() {
    let stage = Stage::new();
    let instance = stage.start().await;
    assert_eq!(text(get(&*instance, "/fetch?127.0.0.1:4566/a/b").await), "200 GET http://127.0.0.1:4566/a/b as orders");
    for address in ["example.com/x", "127.0.0.1:4567/", "127.0.0.1/", "169.254.169.254/latest"] {
        assert_eq!(
            text(get(&*instance, &format!("/fetch?{address}")).await),
            "ErrorCode::HttpRequestDenied",
            "{address}"
        );
    }
    assert!(stage.lines().iter().any(|line| line.contains("A request to example.com was refused")));
    assert_eq!(text(get(&*instance, "/socket").await).matches("access-denied").count(), 2);
}

#[tokio::test]
async fn what_it_prints_is_logged_by_lines() {
    let stage = Stage::new();
    let instance = stage.start().await;
    text(get(&*instance, "/print").await);
    assert_eq!(stage.lines(), ["first", "second", "last"]);
}

#[tokio::test]
async fn a_response_beyond_the_limit_is_cut_one_byte_after_it() {
    let stage = Stage::new();
    let instance = stage.start().await;
    assert_eq!(text(get(&*instance, "/large?6291456").await).len(), 6_291_456);
    assert_eq!(text(get(&*instance, "/large?9000000").await).len(), 6_291_557);
}
