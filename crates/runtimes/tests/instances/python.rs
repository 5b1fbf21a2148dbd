//! Python functions.

use crate::harness::{Stage, answered, event, event_within, failed, init_error};
use fogbank_functions::runtime::{Outcome, Resolution, Runtime};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_function_answers() {
    let stage = Stage::new();
    let spec = stage.python("def handler(event, context):\n    return {'got': event, 'name': context.function_name}\n");
    assert_eq!(stage.ask(&spec, r#"{"a":[1,"ä"]}"#).await, json!({"got": {"a": [1, "ä"]}, "name": "shop"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_keeps_its_state_between_events() {
    let stage = Stage::new();
    let spec =
        stage.python("count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n");
    let instance = stage.start(&spec).await;
    for expected in 1..=5 {
        assert_eq!(answered(instance.invoke(event("{}")).await), json!(expected));
    }
    assert!(instance.max_memory_mb() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_carries_type_message_and_trace_and_the_instance_lives_on() {
    let stage = Stage::new();
    let spec = stage.python("def handler(event, context):\n    if event: return event\n    raise KeyError('nope')\n");
    let instance = stage.start(&spec).await;
    let (error_type, document) = failed(instance.invoke(event("{}")).await);
    assert_eq!(error_type, "KeyError");
    assert_eq!(document["errorMessage"], "'nope'");
    assert_eq!(
        document["stackTrace"][0],
        "  File \"/var/task/app.py\", line 3, in handler\n    raise KeyError('nope')\n"
    );
    assert!(
        stage
            .log()
            .iter()
            .any(|line| line.starts_with("[ERROR] KeyError: 'nope'\nTraceback (most recent call last):\n"))
    );
    assert_eq!(answered(instance.invoke(event("1")).await), json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn initialisation_errors_are_named_as_on_aws() {
    let stage = Stage::new();
    let cases = [
        (
            "app.handler",
            "import nowhere\n",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nowhere'",
        ),
        (
            "missing.handler",
            "",
            "Runtime.ImportModuleError",
            "Unable to import module 'missing': No module named 'missing'",
        ),
        (
            "app.other",
            "def handler(e, c): pass\n",
            "Runtime.HandlerNotFound",
            "Handler 'other' missing on module 'app'",
        ),
        (
            "handler",
            "",
            "Runtime.MalformedHandlerName",
            "Bad handler 'handler': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "app.handler",
            "def handler(:\n",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app': invalid syntax (app.py, line 1)",
        ),
        ("app.handler", "raise ValueError('at import')\n", "ValueError", "at import"),
    ];
    for (handler, text, expected, message) in cases {
        let spec = stage.function("python3.12", handler, &[("app.py", text)]);
        let (error_type, document) = init_error(stage.fails(&spec).await);
        assert_eq!((error_type.as_str(), document["errorMessage"].as_str().unwrap()), (expected, message));
        assert_eq!(document["errorType"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_is_a_crash() {
    let stage = Stage::new();
    let spec = stage.python("import os\nprint('last words')\ndef handler(event, context):\n    os._exit(event)\n");
    for (code, reason) in
        [("1", "Runtime exited with error: exit status 1"), ("0", "Runtime exited without providing a reason")]
    {
        let instance = stage.start(&spec).await;
        match instance.invoke(event(code)).await {
            Outcome::Crashed { error_type, reason: got } => {
                assert_eq!((error_type.as_str(), got.as_str()), ("Runtime.ExitError", reason))
            }
            other => panic!("{other:?}"),
        }
        instance.ended().await;
    }
    let spec = stage.python("import sys\nsys.exit(7)\n");
    let (error_type, document) = init_error(stage.fails(&spec).await);
    assert_eq!(
        (error_type.as_str(), document["errorMessage"].as_str().unwrap()),
        ("Runtime.ExitError", "Runtime exited with error: exit status 7")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn running_out_of_memory_is_told_apart() {
    let stage = Stage::new();
    let mut spec = stage.python("def handler(event, context):\n    return len(bytearray(10 ** 9))\n");
    spec.memory_mb = 128;
    let instance = stage.start(&spec).await;
    match instance.invoke(event("{}")).await {
        Outcome::Crashed { error_type, reason } => {
            assert_eq!(
                (error_type.as_str(), reason.as_str()),
                ("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(instance.max_memory_mb(), 128);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_takes_too_long_ends_the_instance() {
    let stage = Stage::new();
    let spec = stage.python("def handler(event, context):\n    print('begin')\n    while True: pass\n");
    let instance = stage.start(&spec).await;
    assert!(matches!(instance.invoke(event_within("{}", Duration::from_millis(300))).await, Outcome::TimedOut));
    instance.ended().await;
    assert!(stage.log().contains(&"begin".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_printed_stands_in_the_log_when_the_answer_comes() {
    let stage = Stage::new();
    let spec = stage.python(
        "import logging\nlogging.getLogger().setLevel('INFO')\ndef handler(event, context):\n    print('one\\ntwo')\n    logging.info('a\\nb')\n    print('three')\n",
    );
    stage.ask(&spec, "{}").await;
    let log = stage.log();
    assert_eq!((log[0].as_str(), log[1].as_str(), log[3].as_str()), ("one", "two", "three"));
    assert!(log[2].starts_with("[INFO]\t20") && log[2].ends_with("\ta\nb"), "{}", log[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_json_if_the_function_is_configured_so() {
    let stage = Stage::new();
    let mut spec = stage.python("import logging\ndef handler(event, context):\n    logging.debug('no')\n    logging.getLogger('shop').info('a %s', 'b')\n");
    spec.environment.insert("AWS_LAMBDA_LOG_FORMAT".into(), "JSON".into());
    stage.ask(&spec, "{}").await;
    let log: Vec<serde_json::Value> = stage.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (log.len(), &log[0]["level"], &log[0]["message"], &log[0]["logger"]),
        (1, &json!("INFO"), &json!("a b"), &json!("shop"))
    );
    assert_eq!(log[0]["requestId"].as_str().unwrap().len(), 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_json_is_a_marshal_error() {
    let stage = Stage::new();
    let spec = stage.python("def handler(event, context):\n    return {1, 2}\n");
    let instance = stage.start(&spec).await;
    let (error_type, document) = failed(instance.invoke(event("{}")).await);
    assert_eq!(error_type, "Runtime.MarshalError");
    assert_eq!(document["errorMessage"], "Unable to marshal response: Object of type set is not JSON serializable");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_read_and_written_as_by_pythons_own_json() {
    let stage = Stage::new();
    let spec = stage.python(
        "import decimal\nimport sys\nsys.modules.pop('json', None)\ndef handler(event, context):\n    import json\n    assert type(event[0]) is float and type(event[1]) is int\n    made = {'n': None, 't': True, 1: 'é\\n\"', 'f': 1e300, 'd': decimal.Decimal('1.5'), 'l': [(), {}], 'event': event}\n    assert context.get_remaining_time_in_millis() > 0\n    return [made, json.dumps({**made, 'd': 1.5})]\n",
    );
    let instance = stage.start(&spec).await;
    let Outcome::Answered(answer) = instance.invoke(event("  [1.0, 12345678901234567890123, \"\\u00e4\"] ")).await
    else {
        panic!()
    };
    let text = std::str::from_utf8(&answer).unwrap();
    let (ours, theirs) =
        (text.split(", \"{").next().unwrap(), serde_json::from_slice::<serde_json::Value>(&answer).unwrap());
    assert_eq!(ours.strip_prefix('[').unwrap(), theirs[1].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_on_this_host_runs_the_bootstrap() {
    let stage = Stage::new();
    let mut versions = 0;
    for minor in 8..=14 {
        let runtime = format!("python3.{minor}");
        if stage.runtime.resolve(&runtime) != Resolution::Exact {
            continue;
        }
        versions += 1;
        let text = "import sys, logging\ndef handler(event, context):\n    logging.warning('w')\n    if event is None: return {1}\n    return [sys.version_info[1], event]\n";
        let instance = stage.start(&stage.function(&runtime, "app.handler", &[("app.py", text)])).await;
        assert_eq!(answered(instance.invoke(event("{\"a\": [1.5]}")).await), json!([minor, {"a": [1.5]}]));
        failed(instance.invoke(event("null")).await);
        assert_eq!(answered(instance.invoke(event("1")).await), json!([minor, 1]));
    }
    assert!(versions > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrapper_starts_the_runtime() {
    let stage = Stage::new();
    let mut spec = stage.function(
        "python3.12",
        "app.handler",
        &[
            ("app.py", "import os\ndef handler(event, context):\n    return os.environ['WRAPPED']\n"),
            ("wrap", "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n"),
        ],
    );
    std::fs::set_permissions(spec.code.join("wrap"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    spec.environment.insert("AWS_LAMBDA_EXEC_WRAPPER".into(), "/var/task/wrap".into());
    assert_eq!(stage.ask(&spec, "{}").await, json!("yes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_connections_are_served_at_a_time() {
    let stage = Stage::new();
    let text = "
import select, socket, time
def handler(event, context):
    poll, ones, answered, until = select.poll(), {}, set(), time.time() + 0.5
    for _ in range(600):
        one = socket.socket()
        one.setblocking(False)
        try: one.connect(('127.0.0.1', 9001))
        except BlockingIOError: pass
        ones[one.fileno()] = one
        poll.register(one, select.POLLOUT)
    while time.time() < until:
        for number, happened in poll.poll(50):
            if happened & select.POLLIN:
                answered.add(number)
                poll.unregister(number)
            elif happened & select.POLLOUT:
                ones[number].send(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
                poll.modify(number, select.POLLIN)
    return len(answered)
";
    let served = stage.ask(&stage.python(text), "{}").await.as_u64().unwrap();
    // One of the 128 is the runtime's own.
    assert_eq!(served, 127);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_more_than_six_megabytes_is_refused_and_the_largest_goes_through() {
    let stage = Stage::new();
    let spec = stage.python("def handler(event, context):\n    return 'x' * event\n");
    let instance = stage.start(&spec).await;
    assert_eq!(answered(instance.invoke(event("6291554")).await).as_str().unwrap().len(), 6_291_554);
    let (error_type, document) = failed(instance.invoke(event("6291555")).await);
    assert_eq!(error_type, "Function.ResponseSizeTooLarge");
    assert_eq!(
        document["errorMessage"],
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    );
    assert_eq!(answered(instance.invoke(event("1")).await), json!("x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_as_on_aws() {
    let stage = Stage::new();
    let mut spec = stage.python("import os\ndef handler(event, context):\n    return dict(os.environ)\n");
    spec.environment.insert("TABLE".into(), "orders".into());
    spec.environment.insert("AWS_REGION".into(), "mars-north-1".into());
    let found = stage.ask(&spec, "{}").await;
    for (name, value) in [
        ("TABLE", "orders"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("_HANDLER", "app.handler"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12"),
        ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/shop"),
        ("AWS_ACCESS_KEY_ID", "ASIATEST"),
        ("AWS_SESSION_TOKEN", "token-shop"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("TZ", ":UTC"),
        ("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
    assert!(found.get("HOME").is_none(), "nothing of the platform's own environment is passed on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_is_complete() {
    let stage = Stage::new();
    let spec = stage.python(
        "def handler(event, context):\n    return [context.aws_request_id, context.invoked_function_arn, context.memory_limit_in_mb,\n        context.get_remaining_time_in_millis(), context.client_context.custom, context.client_context.client.app_title, context.identity.cognito_identity_id]\n",
    );
    let instance = stage.start(&spec).await;
    let mut event = event("{}");
    event.client_context = Some(r#"{"custom":{"a":1},"client":{"app_title":"t"}}"#.into());
    let id = event.request_id.clone();
    let found = answered(instance.invoke(event).await);
    let left = found[3].as_i64().unwrap();
    assert!((9_000..=10_000).contains(&left), "{left}");
    assert_eq!(
        found,
        json!([id, "arn:aws:lambda:us-east-1:000000000000:function:shop:live", "256", left, {"a": 1}, "t", null])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_knows_who_speaks() {
    let stage = Stage::new();
    let spec = stage.python(
        "import socket\ndef handler(event, context):\n    return socket.create_connection(('127.0.0.1', 4566)).makefile().read()\n",
    );
    assert_eq!(stage.ask(&spec, "{}").await, json!("000000000000 us-east-1 arn:aws:iam::000000000000:role/shop shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_are_merged_and_on_the_path() {
    let stage = Stage::new();
    let mut spec =
        stage.python("import lib, other\ndef handler(event, context):\n    return [lib.VALUE, other.VALUE]\n");
    let first =
        stage.function("python3.12", "", &[("python/lib.py", "VALUE = 1"), ("python/other.py", "VALUE = 1")]).code;
    let second = stage.function("python3.12", "", &[("python/lib.py", "VALUE = 2")]).code;
    spec.layers = vec![first, second];
    assert_eq!(stage.ask(&spec, "{}").await, json!([2, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_does_not_stop_the_platform() {
    let stage = Stage::new();
    let spec = stage.python("import sys\ndef handler(event, context):\n    for _ in range(2000): sys.stdout.write('x' * 10000 + '\\n')\n    return 'done'\n");
    assert_eq!(stage.ask(&spec, "{}").await, json!("done"));
    assert_eq!(stage.log().len(), 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_nobody_waits_for_any_more_is_stopped() {
    let stage = Stage::new();
    let spec = stage.python("import time\nprint('begin', flush=True)\ntime.sleep(3600)\n");
    let started = tokio::time::timeout(Duration::from_millis(500), stage.runtime_start(&spec)).await;
    assert!(started.is_err());
    let alive = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            std::fs::read_to_string(entry.path().join("environ")).is_ok_and(|text| text.contains(&stage.mark(&spec)))
        })
    };
    for _ in 0..200 {
        if !alive() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is still there");
}

impl Stage {
    async fn runtime_start(&self, spec: &fogbank_functions::runtime::InstanceSpec) {
        let mut spec = spec.clone();
        spec.environment.insert("MARK".into(), self.mark(&spec));
        let _ = self.runtime.start(spec).await;
    }

    fn mark(&self, spec: &fogbank_functions::runtime::InstanceSpec) -> String {
        format!("mark-{}", spec.code.file_name().unwrap().to_str().unwrap())
    }
}
