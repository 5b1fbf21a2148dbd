//! Functions that take HTTP requests as they are, and code that its runtime refuses.

use super::*;

fn named(name: &str) -> FunctionRef {
    FunctionRef::parse(name, &context()).unwrap()
}

fn request(name: &str, body: impl Into<Bytes>) -> Invocation {
    let (head, ()) = ::http::Request::get("/a").body(()).unwrap().into_parts();
    Invocation {
        function: named(name),
        payload: body.into(),
        head: Some(Box::new(head)),
        client_context: None,
        accepts_stream: false,
        wants_log_tail: false,
    }
}

#[tokio::test]
async fn a_request_of_any_bytes_reaches_the_function_and_its_response_the_caller() {
    let platform = Platform::new();
    platform.create_with("hello", json!({"Runtime": "wasm"})).await.unwrap();
    assert!(platform.functions.speaks_http(&named("hello")));
    let reply = platform.functions.invoke(context(), request("hello", vec![0xff, 0])).await.unwrap();
    let head = reply.head.unwrap();
    assert_eq!(
        (head.status.as_u16(), &head.headers["x-path"], &reply.payload[..]),
        (418, &"/a".parse().unwrap(), &[0xff, 0][..])
    );
    let refused = platform.functions.invoke(context(), request("hello", vec![0; limits::SYNC_PAYLOAD_BYTES + 1])).await;
    assert!(matches!(refused, Err(InvokeError::TooLarge { .. })));
    assert!(platform.lines.0.lock().unwrap().iter().any(|(_, line)| line.starts_with("REPORT")));
}

#[tokio::test]
async fn only_functions_all_of_whose_versions_speak_http_do() {
    let platform = Platform::new();
    platform.create_with("hello", json!({"Runtime": "python3.12"})).await.unwrap();
    assert!(!platform.functions.speaks_http(&named("hello")) && !platform.functions.speaks_http(&named("none")));
    let refused = platform.functions.invoke(context(), request("hello", "")).await;
    assert!(matches!(refused, Err(InvokeError::Internal(_))));
    platform.run("PublishVersion", json!({"FunctionName": "hello"})).await.unwrap();
    platform.run("UpdateFunctionConfiguration", json!({"FunctionName": "hello", "Runtime": "wasm"})).await.unwrap();
    platform.run("PublishVersion", json!({"FunctionName": "hello"})).await.unwrap();
    assert!(platform.functions.speaks_http(&named("hello:2")) && !platform.functions.speaks_http(&named("hello:1")));
    let split = json!({"AdditionalVersionWeights": {"1": 0.1}});
    let alias = json!({"FunctionName": "hello", "Name": "live", "FunctionVersion": "2", "RoutingConfig": split});
    platform.run("CreateAlias", alias).await.unwrap();
    assert!(!platform.functions.speaks_http(&named("hello:live")));
}

#[tokio::test]
async fn code_that_its_runtime_refuses_is_not_taken_in() {
    let platform = Platform::new();
    let bad = json!({"Handler": "bad.handler"});
    let fault = platform.create_with("hello", bad).await.unwrap_err();
    assert_eq!(error(&fault), ("InvalidParameterValueException", "The code is no good."));
    platform.create("hello", "").await;
    let change = json!({"FunctionName": "hello", "Handler": "bad.handler"});
    let fault = platform.run("UpdateFunctionConfiguration", change).await.unwrap_err();
    assert_eq!(error(&fault), ("InvalidParameterValueException", "The code is no good."));
}
