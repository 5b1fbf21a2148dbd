//! Updates, versions and aliases: which code a call gets.

use super::*;

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
