//! The control plane: what can be registered, what is refused and how, and that it outlives a restart.

mod belongings;
mod versions;

use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

fn named(name: &str) -> serde_json::Value {
    json!({ "FunctionName": name })
}

fn with(name: &str, more: serde_json::Value) -> serde_json::Value {
    let mut input = named(name);
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

impl Platform {
    async fn ok(&self, operation: &str, input: serde_json::Value) -> serde_json::Value {
        self.run(operation, input).await.unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    async fn fails(&self, operation: &str, input: serde_json::Value) -> (String, u16, String) {
        let fault = self.run(operation, input).await.expect_err("it was accepted");
        (fault.code.into_owned(), fault.status, fault.message)
    }

    async fn publish_layer(&self, name: &str, file: &str) -> serde_json::Value {
        let zip = crate::package::tests::zip_of(&[(file, "x")]);
        let content = Value::Map(vec![("ZipFile".into(), Value::Blob(zip.into()))]);
        let input = vec![("LayerName".into(), name.into()), ("Content".into(), content)];
        let Output::Value(value) = self.raw("PublishLayerVersion", Value::Map(input)).await.unwrap() else { panic!() };
        fogbank_wire::from_value(value).unwrap()
    }
}

#[tokio::test]
async fn everything_that_is_registered_outlives_a_restart() {
    let platform = Platform::with(Config::default(), test_clock(1));
    platform.create_with("orders", json!({"Tags": {"team": "a"}, "Publish": true})).await.unwrap();
    platform.ok("CreateAlias", with("orders", json!({"Name": "live", "FunctionVersion": "1"}))).await;
    platform.ok("CreateFunctionUrlConfig", with("orders", json!({"AuthType": "NONE", "Qualifier": "live"}))).await;
    platform.ok("PutFunctionEventInvokeConfig", with("orders", json!({"MaximumRetryAttempts": 1}))).await;
    platform.ok("PutFunctionConcurrency", with("orders", json!({"ReservedConcurrentExecutions": 7}))).await;
    let statement =
        json!({"StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"});
    platform.ok("AddPermission", with("orders", statement)).await;
    platform.publish_layer("tools", "a").await;
    let questions = [
        ("GetFunctionConfiguration", named("orders")),
        ("ListVersionsByFunction", named("orders")),
        ("ListAliases", named("orders")),
        ("ListFunctionUrlConfigs", named("orders")),
        ("ListFunctionEventInvokeConfigs", named("orders")),
        ("GetFunctionConcurrency", named("orders")),
        ("GetPolicy", named("orders")),
        ("ListLayers", json!({})),
        ("GetAccountSettings", json!({})),
        ("ListTags", json!({"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:orders"})),
    ];
    let mut before = Vec::new();
    for (operation, input) in questions.clone() {
        before.push(platform.ok(operation, input).await);
    }
    let platform = platform.restart().await;
    for ((operation, input), before) in questions.into_iter().zip(before) {
        assert_eq!(platform.ok(operation, input).await, before, "{operation}");
    }
    platform.call("orders:live", "{}").await.unwrap();
    platform.ok("DeleteFunction", named("orders")).await;
    let platform = platform.restart().await;
    assert_eq!(platform.ok("ListFunctions", json!({})).await["Functions"], json!([]));
    platform.create("orders", "").await;
    assert_eq!(
        platform.ok("ListAliases", named("orders")).await["Aliases"],
        json!([]),
        "nothing of the old one is left"
    );
}

#[tokio::test]
async fn bad_functions_are_refused_in_aws_words() {
    let platform = Platform::new();
    platform.create("taken", "").await;
    let vars = |key: &str, value: &str| json!({"Environment": {"Variables": {key: value}}});
    let large = "x".repeat(4096);
    let cases = [
        ("taken", json!({}), 409, "Function already exist: taken"),
        (
            "a",
            json!({"Runtime": "nodejs99.x"}),
            400,
            "Value nodejs99.x at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [",
        ),
        ("a", json!({"Runtime": "java21"}), 400, "The runtime java21 is not available on this machine. Install a JDK."),
        ("a", json!({"Role": "arn:aws:s3:::bucket"}), 400, "'arn:aws:s3:::bucket' is not the ARN of a role"),
        ("a", json!({"Timeout": 901}), 400, "'timeout' value failed to satisfy constraint"),
        ("a", json!({"Timeout": 0}), 400, "'timeout' value failed to satisfy constraint"),
        ("a", json!({"MemorySize": 127}), 400, "'memorySize' value failed to satisfy constraint"),
        ("a", json!({"MemorySize": 10241}), 400, "'memorySize' value failed"),
        ("a", json!({"EphemeralStorage": {"Size": 511}}), 400, "'ephemeralStorage.size' value failed"),
        (
            "a",
            vars("AWS_REGION", "x"),
            400,
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION",
        ),
        (
            "a",
            vars("BIG", &large),
            400,
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
        ),
        ("a", vars("A=B", "x"), 400, "Names of environment variables"),
        ("a", json!({"Architectures": ["sparc"]}), 400, "This machine runs"),
        ("a", json!({"PackageType": "Image"}), 400, "PackageType Image is not supported by Fogbank yet."),
        ("a", json!({"VpcConfig": {"SubnetIds": ["subnet-1"]}}), 400, "VpcConfig is not supported"),
        (
            "a",
            json!({"DeadLetterConfig": {"TargetArn": "arn:aws:s3:::q"}}),
            400,
            "The target arn:aws:s3:::q is not the ARN of an SQS queue or an SNS topic.",
        ),
        (
            "a",
            json!({"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "nodejs22.x"}),
            400,
            "nodejs22.x is not supported for SnapStart enabled functions.",
        ),
        (
            "a",
            json!({"LoggingConfig": {"LogFormat": "JSON"}}),
            400,
            "LoggingConfig with LogFormat JSON is not supported",
        ),
        ("a", json!({"FileSystemConfigs": [{"Arn": "x"}]}), 400, "FileSystemConfigs is not supported"),
        (
            "a",
            json!({"Layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:none:1"]}),
            400,
            "Layer version arn:aws:lambda:eu-west-1:123456789012:layer:none:1 does not exist.",
        ),
        ("a", json!({"Tags": {"aws:x": "1"}}), 400, "The tag key 'aws:x' begins with the reserved prefix"),
        ("a b", json!({}), 400, "function name 'a b' is not valid"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:a:b:c", json!({}), 400, "function name"),
    ];
    for (name, input, status, message) in cases {
        let fault = platform.create_with(name, input.clone()).await.expect_err(&input.to_string());
        assert!(fault.status == status && fault.message.starts_with(message), "{input}: {fault:?}");
        assert!(!fault.message.contains(&large), "values are secrets");
    }
    let codes = [
        (
            json!({"S3Bucket": "code", "S3Key": "gone"}),
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error",
        ),
        (json!({"S3Bucket": "code", "S3Key": "endless"}), "Unzipped size must be smaller than 262144000 bytes"),
        (json!({"S3Bucket": "other", "S3Key": "k"}), "Your access has been denied by S3"),
        (json!({"S3Bucket": "code"}), "Please provide a source"),
        (json!({"ImageUri": "i"}), "Code.ImageUri"),
        (json!({}), "Please provide a source"),
    ];
    for (code, message) in codes {
        let input = json!({"FunctionName": "b", "Runtime": "python3.12", "Handler": "h", "Role": "arn:aws:iam::123456789012:role/r", "Code": code});
        let fault = platform.run("CreateFunction", input).await.expect_err(message);
        assert!(fault.message.starts_with(message), "{fault:?}");
    }
    assert_eq!(
        platform.ok("ListFunctions", json!({})).await["Functions"].as_array().unwrap().len(),
        1,
        "nothing was kept"
    );
}

#[tokio::test]
async fn lists_come_in_pages() {
    let platform = Platform::new();
    for name in ["a", "b", "c"] {
        platform.create(name, "").await;
    }
    let first = platform.ok("ListFunctions", json!({"MaxItems": 2})).await;
    assert_eq!(first["Functions"].as_array().unwrap().len(), 2);
    let rest = platform.ok("ListFunctions", json!({"MaxItems": 2, "Marker": first["NextMarker"]})).await;
    assert_eq!((&rest["Functions"][0]["FunctionName"], rest.get("NextMarker")), (&json!("c"), None));
}

#[tokio::test]
async fn a_code_package_can_be_fetched_with_its_token_only() {
    let platform = Platform::new();
    let created = platform.create("orders", "").await;
    let got = platform.ok("GetFunction", named("orders")).await;
    let location = got["Code"]["Location"].as_str().unwrap();
    let (sha256, token) =
        location.strip_prefix("http://127.0.0.1:4566/_fogbank/code/").unwrap().split_once("?token=").unwrap();
    let package = platform.functions.code_package(sha256, token).unwrap().unwrap();
    assert_eq!(package.len() as u64, created["CodeSize"].as_u64().unwrap());
    assert_eq!(BASE64_STANDARD.encode(Sha256::digest(&package)), created["CodeSha256"].as_str().unwrap());
    assert!(platform.functions.code_package(sha256, "guess").unwrap().is_none());
}

#[tokio::test]
async fn code_that_was_lost_is_unpacked_again() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    std::fs::remove_dir_all(platform.home.path().join("code")).unwrap();
    std::fs::create_dir(platform.home.path().join("code")).unwrap();
    platform.call("orders", "{}").await.unwrap();
    let spec = platform.puppet.specs.lock().unwrap()[0].clone();
    assert_eq!(std::fs::read_to_string(spec.code.join("app.py")).unwrap(), "x = 1");
}
