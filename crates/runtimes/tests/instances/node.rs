//! Node.js functions.

use crate::harness::{Stage, answered, event, event_within, failed, init_error, streamed};
use fogbank_functions::runtime::StreamEnd;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn every_style_of_handler_answers() {
    let stage = Stage::new();
    let cases = [
        ("app.js", "exports.handler = async (event) => ({ got: event })"),
        ("app.js", "exports.handler = (event, context, callback) => callback(null, { got: event })"),
        (
            "app.js",
            "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, { got: event }), 20) }",
        ),
        ("app.js", "exports.handler = (event, context) => context.done(null, { got: event })"),
        ("app.js", "exports.handler = (event, context) => context.succeed({ got: event })"),
        ("app.mjs", "export const handler = async (event) => ({ got: event })"),
        (
            "app.mjs",
            "await new Promise((r) => setTimeout(r, 10)); export async function handler(event) { return { got: event } }",
        ),
        ("app.cjs", "module.exports.handler = async (event) => ({ got: event })"),
    ];
    for (file, text) in cases {
        let spec = stage.function("nodejs20.x", "app.handler", &[(file, text)]);
        let instance = stage.start(&spec).await;
        for _ in 0..2 {
            assert_eq!(answered(instance.invoke(event(r#"{"a":"ä"}"#)).await), json!({"got": {"a": "ä"}}), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_never_answers_gives_null() {
    let stage = Stage::new();
    let spec = stage.node("exports.handler = () => new Promise(() => {})");
    assert_eq!(stage.ask(&spec, "{}").await, json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_waits_for_the_event_loop_unless_told_not_to() {
    let stage = Stage::new();
    let text = "exports.handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = event.wait
        setTimeout(() => console.log('late'), 300)
        callback(null, 'done')
    }";
    let instance = stage.start(&stage.node(text)).await;
    assert_eq!(answered(instance.invoke(event(r#"{"wait":true}"#)).await), json!("done"));
    assert_eq!(stage.log().iter().filter(|line| line.ends_with("\tlate")).count(), 1);
    assert_eq!(answered(instance.invoke(event(r#"{"wait":false}"#)).await), json!("done"));
    assert_eq!(stage.log().iter().filter(|line| line.ends_with("\tlate")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_carry_type_message_and_trace() {
    let stage = Stage::new();
    let spec = stage.node(
        "exports.handler = async (event) => { if (event === 1) return 1; if (event === 2) throw 'text'; throw new RangeError('boom') }",
    );
    let instance = stage.start(&spec).await;
    let (error_type, document) = failed(instance.invoke(event("0")).await);
    assert_eq!(
        (error_type.as_str(), &document["errorMessage"], &document["errorType"]),
        ("RangeError", &json!("boom"), &json!("RangeError"))
    );
    assert_eq!(document["trace"][0], "RangeError: boom");
    assert!(document["trace"][1].as_str().unwrap().contains("/var/task/app.js:1:"));
    let (_, document) = failed(instance.invoke(event("2")).await);
    assert_eq!(document, json!({"errorType": "string", "errorMessage": "text", "trace": []}));
    assert_eq!(answered(instance.invoke(event("1")).await), json!(1));
    assert!(
        stage.log().iter().any(|line| line.contains("\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\"")),
        "{:?}",
        stage.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn initialisation_errors_are_named_as_on_aws() {
    let stage = Stage::new();
    let cases = [
        ("app.handler", "require('nowhere')", "Runtime.ImportModuleError"),
        ("missing.handler", "", "Runtime.ImportModuleError"),
        ("app.other", "exports.handler = 1", "Runtime.HandlerNotFound"),
        ("handler", "", "Runtime.MalformedHandlerName"),
        ("app.handler", "exports.handler = (", "Runtime.UserCodeSyntaxError"),
        ("app.handler", "throw new TypeError('at load')", "TypeError"),
    ];
    for (handler, text, expected) in cases {
        let spec = stage.function("nodejs20.x", handler, &[("app.js", text)]);
        let (error_type, document) = init_error(stage.fails(&spec).await);
        assert_eq!((error_type.as_str(), &document["errorType"]), (expected, &json!(expected)), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_that_nobody_handles_ends_the_instance() {
    let stage = Stage::new();
    let spec = stage.node(
        "exports.handler = () => { Promise.reject(new Error('lost')); return new Promise((r) => setTimeout(r, 5000)) }",
    );
    let instance = stage.start(&spec).await;
    let (error_type, document) = failed(instance.invoke(event("{}")).await);
    assert_eq!(error_type, "Runtime.UnhandledPromiseRejection");
    assert_eq!(document["errorMessage"], "Error: lost");
    instance.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn console_lines_have_the_prefix_of_aws_and_stay_whole() {
    let stage = Stage::new();
    let instance = stage
        .start(&stage.node("exports.handler = async () => { console.log('a\\nb', { c: 1 }); console.warn('w') }"))
        .await;
    let event = event("{}");
    let id = event.request_id.clone();
    assert_eq!(answered(instance.invoke(event).await), json!(null));
    let log = stage.log();
    assert!(log[0].ends_with(&format!("Z\t{id}\tINFO\ta\nb {{ c: 1 }}")), "{log:?}");
    assert!(log[1].ends_with(&format!("Z\t{id}\tWARN\tw")), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_streamed_piece_by_piece() {
    let stage = Stage::new();
    let spec = stage.node(
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
            if (event.http) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 })
            else stream.setContentType('text/plain')
            stream.write('one '); await new Promise((r) => setTimeout(r, 20)); stream.write('two'); stream.end()
        })",
    );
    let instance = stage.start(&spec).await;
    for _ in 0..2 {
        let (content_type, body, end) = streamed(instance.invoke(event("{}")).await).await;
        assert_eq!(
            (content_type.as_deref(), body.as_slice(), end),
            (Some("text/plain"), &b"one two"[..], StreamEnd::Complete)
        );
    }
    let (content_type, body, end) = streamed(instance.invoke(event(r#"{"http":true}"#)).await).await;
    assert_eq!(content_type.as_deref(), Some("application/vnd.awslambda.http-integration-response"));
    assert_eq!(body, b"{\"statusCode\":201}\0\0\0\0\0\0\0\0one two");
    assert_eq!(end, StreamEnd::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_handler_or_with_what_is_piped_into_it() {
    let stage = Stage::new();
    let spec = stage.node(
        "const { Readable } = require('stream')
        async function* slow() { yield 'a'; await new Promise((r) => setTimeout(r, 30)); yield 'b' }
        exports.handler = awslambda.streamifyResponse(async (event, stream) => { if (event.pipe) Readable.from(slow()).pipe(stream); else stream.write('ab') })",
    );
    let instance = stage.start(&spec).await;
    for piped in [true, false] {
        let (_, body, end) = streamed(instance.invoke(event(&json!({ "pipe": piped }).to_string())).await).await;
        assert_eq!((body.as_slice(), end), (&b"ab"[..], StreamEnd::Complete));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_json_if_the_function_is_configured_so() {
    let stage = Stage::new();
    let mut spec = stage.node("exports.handler = async () => { console.debug('no'); console.info({ a: 1 }); console.error(new Error('bad')) }");
    spec.environment.insert("AWS_LAMBDA_LOG_FORMAT".into(), "JSON".into());
    spec.environment.insert("AWS_LAMBDA_LOG_LEVEL".into(), "INFO".into());
    stage.ask(&spec, "{}").await;
    let log: Vec<serde_json::Value> = stage.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((log.len(), &log[0]["level"], &log[0]["message"]), (2, &json!("INFO"), &json!({"a": 1})));
    assert_eq!((&log[1]["errorType"], &log[1]["errorMessage"]), (&json!("Error"), &json!("bad")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_fails_midway_says_so() {
    let stage = Stage::new();
    let spec = stage.node(
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('begin'); await new Promise((r) => setTimeout(r, 20)); throw new Error('midway') })",
    );
    let instance = stage.start(&spec).await;
    let (_, body, end) = streamed(instance.invoke(event("{}")).await).await;
    assert_eq!(body, b"begin");
    assert!(
        matches!(end, StreamEnd::Failed { ref error_type, ref details } if error_type == "Error" && details.contains("midway")),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_takes_too_long_or_dies_ends_as_failed() {
    let stage = Stage::new();
    let spec = stage.node(
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('begin'); setTimeout(() => { if (event.die) process.kill(process.pid, 9) }, 50); await new Promise((r) => setTimeout(r, 60000)) })",
    );
    let instance = stage.start(&spec).await;
    let (_, _, end) = streamed(instance.invoke(event_within("{}", Duration::from_millis(400))).await).await;
    assert!(matches!(end, StreamEnd::Failed { ref error_type, .. } if error_type == "Sandbox.Timedout"), "{end:?}");
    instance.ended().await;
    let instance = stage.start(&spec).await;
    let (_, body, end) = streamed(instance.invoke(event(r#"{"die":true}"#)).await).await;
    assert_eq!(body, b"begin");
    assert!(matches!(end, StreamEnd::Failed { .. }), "{end:?}");
}
