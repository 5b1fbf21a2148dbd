//! The control plane: what can be registered, what is refused and how, and that it outlives a restart.

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
    for code in [json!({"S3Bucket": "b", "S3Key": "k"}), json!({"ImageUri": "i"}), json!({})] {
        let input = json!({"FunctionName": "a", "Runtime": "python3.12", "Handler": "h", "Role": "arn:aws:iam::123456789012:role/r", "Code": code});
        assert_eq!(platform.fails("CreateFunction", input).await.0, "InvalidParameterValueException");
    }
    assert_eq!(
        platform.ok("ListFunctions", json!({})).await["Functions"].as_array().unwrap().len(),
        1,
        "nothing was kept"
    );
}

#[tokio::test]
async fn an_update_takes_effect_with_the_next_call() {
    let platform = Platform::new();
    let created = platform.create("orders", "").await;
    platform.call("orders", "{}").await.unwrap();
    let stale = platform.update_code("orders", "y = 2", json!({"RevisionId": "other"})).await.unwrap_err();
    assert_eq!((stale.status, &*stale.code), (412, "PreconditionFailedException"));
    let dry = platform.update_code("orders", "y = 2", json!({"DryRun": true})).await.unwrap();
    assert_ne!(dry["CodeSha256"], created["CodeSha256"]);
    let kept = platform.ok("GetFunctionConfiguration", named("orders")).await;
    assert_eq!(kept["CodeSha256"], created["CodeSha256"]);
    let updated = platform.update_code("orders", "y = 2", json!({"RevisionId": created["RevisionId"]})).await.unwrap();
    assert_ne!(updated["RevisionId"], created["RevisionId"]);
    platform.call("orders", "{}").await.unwrap();
    platform
        .ok(
            "UpdateFunctionConfiguration",
            with("orders", json!({"MemorySize": 512, "Environment": {"Variables": {"MODE": "version"}}})),
        )
        .await;
    assert_eq!(platform.call("orders", "{}").await.unwrap().payload, r#""$LATEST""#);
    let specs = platform.puppet.specs.lock().unwrap().clone();
    assert_eq!((specs.len(), specs[2].memory_mb), (3, 512));
    assert_ne!(specs[0].code, specs[1].code);
    let functions = &platform.functions;
    until(|| functions.instances.count() == 1).await;
    until(|| !specs[0].code.exists()).await;
    assert!(specs[1].code.exists(), "unused code is removed, used code is not");
}

#[tokio::test]
async fn a_version_never_changes_and_is_made_once() {
    let platform = Platform::new();
    let created = platform.create("orders", "version").await;
    let wrong = platform.fails("PublishVersion", with("orders", json!({"CodeSha256": "x"}))).await;
    assert!(wrong.2.starts_with("CodeSHA256 (x) is different from current CodeSHA256 in $LATEST"));
    let first = platform.ok("PublishVersion", with("orders", json!({"CodeSha256": created["CodeSha256"]}))).await;
    assert_eq!(
        (&first["Version"], &first["FunctionArn"]),
        (&json!("1"), &json!("arn:aws:lambda:eu-west-1:123456789012:function:orders:1"))
    );
    assert_eq!(platform.ok("PublishVersion", named("orders")).await["Version"], "1", "nothing has changed");
    let second = platform.update_code("orders", "z = 3", json!({"Publish": true})).await.unwrap();
    assert_eq!(second["Version"], "2");
    let listed = platform.ok("ListVersionsByFunction", named("orders")).await;
    let versions: Vec<_> =
        listed["Versions"].as_array().unwrap().iter().map(|v| v["Version"].as_str().unwrap()).collect();
    assert_eq!(versions, ["$LATEST", "1", "2"]);
    let answer = platform.call("orders:1", "{}").await.unwrap();
    assert_eq!((answer.payload.as_str(), answer.version.as_deref()), (r#""1""#, Some("1")));
    platform.ok("DeleteFunction", with("orders", json!({"Qualifier": "2"}))).await;
    platform.update_code("orders", "a = 4", json!({"Publish": true})).await.unwrap();
    assert_eq!(platform.fails("GetFunction", with("orders", json!({"Qualifier": "2"}))).await.1, 404);
    assert_eq!(
        platform.ok("GetFunction", with("orders", json!({"Qualifier": "3"}))).await["Configuration"]["Version"],
        "3"
    );
    assert_eq!(platform.fails("DeleteFunction", with("orders", json!({"Qualifier": "$LATEST"}))).await.1, 400);
}

#[tokio::test]
async fn a_weighted_alias_splits_its_calls() {
    let platform = Platform::with(Config::default(), test_clock(7));
    platform.create("orders", "version").await;
    platform.ok("PublishVersion", named("orders")).await;
    platform.update_code("orders", "b", json!({"Publish": true})).await.unwrap();
    let half =
        json!({"Name": "live", "FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}});
    let alias = platform.ok("CreateAlias", with("orders", half)).await;
    assert_eq!(alias["RoutingConfig"], json!({"AdditionalVersionWeights": {"2": 0.5}}));
    let mut second = 0;
    for _ in 0..1000 {
        let answer = platform.call("orders:live", "{}").await.unwrap();
        assert_eq!(answer.payload, format!("\"{}\"", answer.version.as_deref().unwrap()));
        second += usize::from(answer.version.as_deref() == Some("2"));
    }
    // Three sigma of a binomial distribution: 3 * sqrt(1000 / 4).
    assert!((453..=547).contains(&second), "{second}");
    let none = json!({"Name": "live", "FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {}}});
    platform.ok("UpdateAlias", with("orders", none)).await;
    assert_eq!(platform.call("orders:live", "{}").await.unwrap().version.as_deref(), Some("2"));
}

#[tokio::test]
async fn aliases_are_checked() {
    let platform = Platform::new();
    platform.create_with("orders", json!({"Publish": true})).await.unwrap();
    let alias = |more: serde_json::Value| with("orders", more);
    platform.ok("CreateAlias", alias(json!({"Name": "live", "FunctionVersion": "1"}))).await;
    let exists = platform.fails("CreateAlias", alias(json!({"Name": "live", "FunctionVersion": "1"}))).await;
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live";
    assert_eq!(exists, ("ResourceConflictException".into(), 409, format!("Alias already exists: {arn}")));
    let missing = platform.fails("CreateAlias", alias(json!({"Name": "x", "FunctionVersion": "9"}))).await;
    assert_eq!(
        (missing.1, missing.2.as_str()),
        (404, "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:orders:9")
    );
    let routing = |weights: serde_json::Value| {
        alias(json!({"Name": "live", "RoutingConfig": {"AdditionalVersionWeights": weights}}))
    };
    for weights in [json!({"1": 0.5}), json!({"2": 0.5}), json!({"1": 0.1, "2": 0.1}), json!({"x": 0.5})] {
        assert!(platform.run("UpdateAlias", routing(weights.clone())).await.is_err(), "{weights}");
    }
    let stale = platform.fails("UpdateAlias", alias(json!({"Name": "live", "RevisionId": "old"}))).await;
    assert_eq!(stale.1, 412);
    let used = platform.fails("DeleteFunction", alias(json!({"Qualifier": "1"}))).await;
    assert_eq!((used.0.as_str(), used.1), ("ResourceConflictException", 409));
    platform.ok("DeleteAlias", alias(json!({"Name": "live"}))).await;
    let gone = platform.fails("GetAlias", alias(json!({"Name": "live"}))).await;
    assert_eq!(gone.2, "Cannot find alias arn: arn:aws:lambda:eu-west-1:123456789012:function:orders:live");
}

#[tokio::test]
async fn a_layer_is_used_in_the_version_that_was_named() {
    let platform = Platform::new();
    let layer = platform.publish_layer("tools", "a.txt").await;
    assert_eq!(
        (&layer["Version"], &layer["LayerVersionArn"]),
        (&json!(1), &json!("arn:aws:lambda:eu-west-1:123456789012:layer:tools:1"))
    );
    platform.publish_layer("tools", "b.txt").await;
    platform.create_with("orders", json!({"Layers": [layer["LayerVersionArn"]]})).await.unwrap();
    let twice = json!({"Layers": [layer["LayerVersionArn"], "arn:aws:lambda:eu-west-1:123456789012:layer:tools:2"]});
    assert!(
        platform
            .create_with("twice", twice)
            .await
            .unwrap_err()
            .message
            .starts_with("Two different versions of the same layer")
    );
    let version = |number: u64| json!({"LayerName": "tools", "VersionNumber": number});
    platform.ok("DeleteLayerVersion", version(1)).await;
    platform.ok("DeleteLayerVersion", version(2)).await;
    assert_eq!(platform.fails("GetLayerVersion", version(1)).await.1, 404);
    platform.call("orders", "{}").await.unwrap();
    let spec = platform.puppet.specs.lock().unwrap()[0].clone();
    assert!(spec.layers[0].join("a.txt").exists(), "a function keeps the layer that it has");
    assert_eq!(platform.publish_layer("tools", "c.txt").await["Version"], 3, "numbers are not used twice");
    let listed = platform.ok("ListLayers", json!({})).await;
    assert_eq!(listed["Layers"][0]["LatestMatchingVersion"]["Version"], 3);
    let mut permission = version(3);
    permission["StatementId"] = "all".into();
    permission["Action"] = "lambda:GetLayerVersion".into();
    permission["Principal"] = "*".into();
    platform.ok("AddLayerVersionPermission", permission).await;
    let policy = platform.ok("GetLayerVersionPolicy", version(3)).await;
    assert!(policy["Policy"].as_str().unwrap().contains(r#""Principal":"*""#));
    let arn = json!({"Arn": "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3"});
    assert_eq!(platform.ok("GetLayerVersionByArn", arn).await["Version"], 3);
}

#[tokio::test]
async fn statements_have_the_form_that_aws_gives_them() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let input = json!({
        "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "123456789012",
    });
    let added = platform.ok("AddPermission", with("orders", input.clone())).await;
    let statement: serde_json::Value = serde_json::from_str(added["Statement"].as_str().unwrap()).unwrap();
    let expected = json!({
        "Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:orders",
        "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}},
    });
    assert_eq!(statement, expected);
    assert_eq!(platform.fails("AddPermission", with("orders", input)).await.0, "ResourceConflictException");
    let url = json!({"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"});
    platform.ok("AddPermission", with("orders", url)).await;
    let policy = platform.ok("GetPolicy", named("orders")).await;
    let document: serde_json::Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    assert_eq!((&document["Version"], document["Statement"].as_array().unwrap().len()), (&json!("2012-10-17"), 2));
    assert_eq!(document["Statement"][1]["Condition"], json!({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}));
    let account = json!({"StatementId": "acc", "Action": "lambda:InvokeFunction", "Principal": "111111111111"});
    let added = platform.ok("AddPermission", with("orders", account)).await;
    assert!(added["Statement"].as_str().unwrap().contains(r#"{"AWS":"arn:aws:iam::111111111111:root"}"#));
    for id in ["s3", "url", "acc"] {
        platform.ok("RemovePermission", with("orders", json!({"StatementId": id}))).await;
    }
    assert_eq!(platform.fails("GetPolicy", named("orders")).await.2, "The resource you requested does not exist.");
    let gone = platform.fails("RemovePermission", with("orders", json!({"StatementId": "s3"}))).await;
    assert_eq!(gone.2, "No policy is associated with the given resource.");
}

#[tokio::test]
async fn a_function_url_is_found_by_its_id() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let cors = json!({"AllowOrigins": ["*"], "MaxAge": 60});
    let made = platform.ok("CreateFunctionUrlConfig", with("orders", json!({"AuthType": "NONE", "Cors": cors}))).await;
    let address = made["FunctionUrl"].as_str().unwrap();
    let id = address
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix(".lambda-url.eu-west-1.localhost:4566/"))
        .unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    let (function, url) = platform.functions.url(id).unwrap();
    assert_eq!((function.key.name.as_str(), url.auth_type.as_str()), ("orders", "NONE"));
    assert_eq!((made["Cors"].clone(), &made["InvokeMode"]), (cors, &json!("BUFFERED")));
    assert_eq!(platform.fails("CreateFunctionUrlConfig", with("orders", json!({"AuthType": "NONE"}))).await.1, 409);
    platform.ok("UpdateFunctionUrlConfig", with("orders", json!({"InvokeMode": "RESPONSE_STREAM"}))).await;
    assert_eq!(platform.functions.url(id).unwrap().1.invoke_mode, "RESPONSE_STREAM");
    platform.ok("DeleteFunctionUrlConfig", named("orders")).await;
    assert!(platform.functions.url(id).is_none());
    assert_eq!(platform.fails("GetFunctionUrlConfig", named("orders")).await.1, 404);
}

#[tokio::test]
async fn tags_are_a_functions_own() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders";
    platform.ok("TagResource", json!({"Resource": arn, "Tags": {"a": "1", "b": "2"}})).await;
    platform.ok("UntagResource", json!({"Resource": arn, "TagKeys": ["a"]})).await;
    assert_eq!(platform.ok("ListTags", json!({"Resource": arn})).await["Tags"], json!({"b": "2"}));
    let many: serde_json::Map<_, _> = (0..51).map(|number| (format!("k{number}"), json!("v"))).collect();
    assert_eq!(platform.fails("TagResource", json!({"Resource": arn, "Tags": many})).await.1, 400);
    assert_eq!(platform.fails("ListTags", json!({"Resource": format!("{arn}:live")})).await.1, 400);
    assert_eq!(platform.fails("ListTags", json!({"Resource": format!("{arn}x")})).await.1, 404);
}

#[tokio::test]
async fn asynchronous_settings_are_kept() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let none = platform.fails("GetFunctionEventInvokeConfig", named("orders")).await;
    assert_eq!(
        none.2,
        "The function arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST doesn't have an EventInvokeConfig"
    );
    platform.ok("PutFunctionEventInvokeConfig", with("orders", json!({"MaximumRetryAttempts": 2}))).await;
    let updated =
        platform.ok("UpdateFunctionEventInvokeConfig", with("orders", json!({"MaximumEventAgeInSeconds": 60}))).await;
    assert_eq!((&updated["MaximumRetryAttempts"], &updated["MaximumEventAgeInSeconds"]), (&json!(2), &json!(60)));
    let destination =
        |target: &str| with("orders", json!({"DestinationConfig": {"OnFailure": {"Destination": target}}}));
    let queue = "arn:aws:sqs:eu-west-1:123456789012:q";
    platform.ok("UpdateFunctionEventInvokeConfig", destination(queue)).await;
    let kept = platform.ok("GetFunctionEventInvokeConfig", named("orders")).await;
    assert_eq!(kept["DestinationConfig"], json!({"OnSuccess": {}, "OnFailure": {"Destination": queue}}));
    assert_eq!(kept["MaximumRetryAttempts"], json!(2));
    let cases = [
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/t", "The destination ARN"),
        ("arn:aws:sqs:eu-west-1:123456789012:q.fifo", "The destination ARN"),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:orders",
            "You can't specify the function as a destination for itself.",
        ),
    ];
    for (target, expected) in cases {
        let refused = platform.fails("PutFunctionEventInvokeConfig", destination(target)).await;
        assert!(refused.2.starts_with(expected), "{target}: {}", refused.2);
    }
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
