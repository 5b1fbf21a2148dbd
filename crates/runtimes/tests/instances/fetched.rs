//! What comes from package registries. Ignored by default because it needs the network: `cargo test -p fogbank-runtimes -- --ignored`.

use crate::harness::{Stage, answered, config, event, failed, streamed};
use fogbank_functions::runtime::{Resolution, Runtime, StreamEnd};
use serde_json::json;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]

async fn awslambdaric_works_unmodified() {
    let stage = Stage::new();
    let spec = stage.function(
        "provided.al2023",
        "app.handler",
        &[
            ("bootstrap", "#!/bin/sh\nexport PYTHONPATH=/var/task/packages\nexec /usr/bin/python3 -m awslambdaric app.handler\n"),
            ("app.py", "def handler(event, context):\n    print('hello')\n    if event == 'fail': raise KeyError('nope')\n    return [event, context.function_name]\n"),
        ],
    );
    std::fs::set_permissions(spec.code.join("bootstrap"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let version = Command::new("/usr/bin/python3")
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let fetched = Command::new("python3")
        .args(["-m", "pip", "install", "-q", "--only-binary=:all:", "--python-version", version.trim(), "--target"])
        .arg(spec.code.join("packages"))
        .arg("awslambdaric")
        .status()
        .unwrap();
    assert!(fetched.success());
    let instance = stage.start(&spec).await;
    assert_eq!(answered(instance.invoke(event(r#"{"a":1}"#)).await), json!([{"a": 1}, "shop"]));
    let (error_type, document) = failed(instance.invoke(event(r#""fail""#)).await);
    assert_eq!((error_type.as_str(), &document["errorMessage"]), ("KeyError", &json!("'nope'")));
    assert_eq!(answered(instance.invoke(event("2")).await), json!([2, "shop"]));
    assert!(stage.log().contains(&"hello".to_owned()), "{:?}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]

async fn lambda_runtime_works_unmodified() {
    let stage = Stage::new();
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("native");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/native/Cargo.toml"),
            "--target-dir",
        ])
        .arg(&target)
        .status()
        .unwrap();
    assert!(built.success());
    let function = |handler: &str| {
        let spec = stage.function("provided.al2023", handler, &[]);
        std::fs::copy(target.join("debug/bootstrap"), spec.code.join("bootstrap")).unwrap();
        spec
    };
    let instance = stage.start(&function("answer")).await;
    assert_eq!(answered(instance.invoke(event(r#"{"a":1}"#)).await), json!([{"a": 1}, "shop"]));
    let (_, document) = failed(instance.invoke(event(r#""fail""#)).await);
    assert_eq!(document["errorMessage"], "nope");
    let instance = stage.start(&function("stream")).await;
    for _ in 0..2 {
        let (content_type, body, end) = streamed(instance.invoke(event("{}")).await).await;
        assert_eq!(content_type.as_deref(), Some("application/vnd.awslambda.http-integration-response"));
        assert!(body.ends_with(b"\0one two"), "{body:?}");
        assert_eq!(end, StreamEnd::Complete);
    }
}

#[tokio::test(flavor = "multi_thread")]

async fn boto3_is_there_without_packaging() {
    let stage = Stage::new();
    fogbank_runtimes::ensure_sdk(&config(), "python3.12", &|line| println!("{line}")).await.unwrap();
    let spec = stage.python("import boto3\nclient = boto3.client('sqs')\ndef handler(event, context):\n    return [boto3.__file__, client.meta.endpoint_url]\n");
    assert_eq!(stage.ask(&spec, "{}").await, json!(["/var/lang/sdk/boto3/__init__.py", "http://127.0.0.1:4566"]));
}

#[tokio::test(flavor = "multi_thread")]

async fn the_sdk_for_javascript_is_there_without_packaging() {
    let stage = Stage::new();
    fogbank_runtimes::ensure_sdk(&config(), "nodejs20.x", &|line| println!("{line}")).await.unwrap();
    // The door of these tests does not speak HTTP, by which the client shows that it came there.
    let body = "async () => { try { await new SQSClient({ maxAttempts: 1 }).send(new ListQueuesCommand({})) } catch (error) { return String(error) } }";
    for (file, import) in [
        (
            "app.mjs",
            "import { SQSClient, ListQueuesCommand } from '@aws-sdk/client-sqs'; import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'; export const handler =",
        ),
        (
            "app.js",
            "const { SQSClient, ListQueuesCommand } = require('@aws-sdk/client-sqs'); const { DynamoDBDocumentClient } = require('@aws-sdk/lib-dynamodb'); exports.handler =",
        ),
    ] {
        let spec = stage.function("nodejs20.x", "app.handler", &[(file, &format!("{import} {body}"))]);
        let answer = stage.ask(&spec, "{}").await.to_string();
        assert!(answer.contains("Parse Error"), "{file}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]

async fn another_version_of_node_can_be_installed() {
    let directory = tempfile::tempdir().unwrap();
    let config = fogbank_runtimes::Config { directory: directory.path().join("runtimes"), strict: true, ahead: false };
    let stage = Stage::with(config.clone());
    assert!(
        matches!(stage.runtime.resolve("nodejs22.x"), Resolution::Missing(text) if text.contains("fogbank runtime install nodejs22.x"))
    );
    fogbank_runtimes::install(&config, "nodejs22.x", &|line| println!("{line}")).await.unwrap();
    let stage = Stage::with(config);
    assert_eq!(stage.runtime.resolve("nodejs22.x"), Resolution::Exact);
    let spec = stage.function(
        "nodejs22.x",
        "app.handler",
        &[("app.js", "exports.handler = async () => process.versions.node.split('.')[0]")],
    );
    assert_eq!(stage.ask(&spec, "{}").await, json!("22"));
}
