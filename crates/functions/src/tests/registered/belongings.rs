//! What belongs to a function: layers, permissions, URLs, tags, settings of asynchronous calls.

use super::*;

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
