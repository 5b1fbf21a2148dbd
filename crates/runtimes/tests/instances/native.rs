//! Functions that bring their own `bootstrap`.

use crate::harness::{Stage, answered, event, init_error};
use fogbank_functions::runtime::{Outcome, Resolution, Runtime};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_native_function_answers() {
    let stage = Stage::new();
    assert_eq!(stage.runtime.resolve("provided.al2023"), Resolution::Exact);
    let instance = stage.start(&stage.native("echo")).await;
    for number in 0..100 {
        assert_eq!(answered(instance.invoke(event(&number.to_string())).await), json!(number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_end_is_reported_in_the_words_of_aws() {
    let stage = Stage::new();
    let instance = stage.start(&stage.native("exit")).await;
    match instance.invoke(event("{}")).await {
        Outcome::Crashed { reason, .. } => assert_eq!(reason, "Runtime exited with error: exit status 3"),
        other => panic!("{other:?}"),
    }
    let (error_type, document) = init_error(stage.fails(&stage.native("abort")).await);
    assert_eq!(
        (error_type.as_str(), document["errorMessage"].as_str().unwrap()),
        ("Runtime.ExitError", "Runtime exited with error: signal: aborted")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_unusable_bootstrap_is_an_invalid_entry_point() {
    let stage = Stage::new();
    let (error_type, document) = init_error(stage.fails(&stage.function("provided.al2023", "x", &[])).await);
    assert_eq!(error_type, "Runtime.InvalidEntrypoint");
    assert_eq!(
        document["errorMessage"],
        "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    );
    let (error_type, _) =
        init_error(stage.fails(&stage.function("provided.al2023", "x", &[("bootstrap", "not executable")])).await);
    assert_eq!(error_type, "Runtime.InvalidEntrypoint");
}

/// A bootstrap as in AWS's tutorial, and its handling of the API's refusals.
#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_api_refuses_what_does_not_fit() {
    let stage = Stage::new();
    let script = r#"#!/usr/bin/python3 -S
import http.client, json
def call(method, path, body=None, headers={}):
    c = http.client.HTTPConnection("127.0.0.1", 9001)
    c.request(method, path, body, headers)
    r = c.getresponse()
    return r.status, r.headers, r.read().decode()
base = "/2018-06-01/runtime/"
early = call("POST", base + "invocation/none/response", "1")
unknown = call("GET", base + "nonsense")
extension = call("POST", "/2020-01-01/extension/register", "{}")
status, headers, body = call("GET", base + "invocation/next")
wrong = call("POST", base + "invocation/none/response", "1")
late = call("POST", base + "init/error", "{}")
again = call("GET", base + "invocation/next")
found = [[one[0], json.loads(one[2])["errorType"]] for one in (early, unknown, extension, wrong, late, again)]
call("POST", base + "invocation/" + headers["Lambda-Runtime-Aws-Request-Id"] + "/response", json.dumps(found))
call("GET", base + "invocation/next")
"#;
    let spec = stage.function("provided.al2023", "x", &[("bootstrap", script)]);
    let bootstrap = spec.code.join("bootstrap");
    std::fs::set_permissions(bootstrap, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let expected = json!([
        [403, "InvalidStateTransition"],
        [404, "NotFound"],
        [404, "NotFound"],
        [400, "InvalidRequestID"],
        [403, "InvalidStateTransition"],
        [403, "InvalidStateTransition"]
    ]);
    assert_eq!(stage.ask(&spec, "{}").await, expected);
}
