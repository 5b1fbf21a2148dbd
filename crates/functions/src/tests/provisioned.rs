//! Provisioned concurrency as a client sees it.

use super::*;

async fn published(platform: &Platform, name: &str, mode: &str) {
    platform.create(name, mode).await;
    platform.run("PublishVersion", json!({"FunctionName": name})).await.unwrap();
}

async fn put(platform: &Platform, name: &str, qualifier: &str, count: u32) -> Result<serde_json::Value, Fault> {
    let input = json!({"FunctionName": name, "Qualifier": qualifier, "ProvisionedConcurrentExecutions": count});
    platform.run("PutProvisionedConcurrencyConfig", input).await
}

async fn get(platform: &Platform, name: &str, qualifier: &str) -> serde_json::Value {
    let input = json!({"FunctionName": name, "Qualifier": qualifier});
    platform.run("GetProvisionedConcurrencyConfig", input).await.unwrap()
}

/// Waits for a status, and returns what is shown with it.
async fn reaches(platform: &Platform, name: &str, qualifier: &str, status: &str) -> serde_json::Value {
    for _ in 0..5000 {
        let shown = get(platform, name, qualifier).await;
        if shown["Status"] == status {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it never is {status}");
}

fn counts(shown: &serde_json::Value) -> [u64; 3] {
    let count = |what: &str| shown[format!("{what}ProvisionedConcurrentExecutions")].as_u64().unwrap();
    [count("Requested"), count("Allocated"), count("Available")]
}

async fn invalid(platform: &Platform, name: &str, qualifier: &str, count: u32) -> (String, String) {
    let fault = put(platform, name, qualifier, count).await.unwrap_err();
    (fault.code.to_string(), fault.message)
}

#[tokio::test]
async fn instances_are_there_before_calls_and_no_call_waits_for_them() {
    let platform = Platform::new();
    published(&platform, "f", "slow_init").await;
    let shown = put(&platform, "f", "1", 2).await.unwrap();
    assert_eq!((&shown["Status"], counts(&shown)), (&json!("IN_PROGRESS"), [2, 0, 0]));
    platform.puppet.gate.add_permits(10);
    let shown = reaches(&platform, "f", "1", "READY").await;
    assert_eq!((counts(&shown), &shown["StatusReason"]), ([2, 2, 2], &json!(null)));
    assert_eq!(platform.started(), 2);
    let specs: Vec<&str> = platform.puppet.specs.lock().unwrap().iter().map(|spec| spec.initialization).collect();
    assert_eq!(specs, ["provisioned-concurrency"; 2]);

    platform.call_with("f", "{}", json!({"Qualifier": "1"})).await.unwrap();
    assert_eq!(platform.started(), 2, "it took one that was there");
    let report = platform.lines().into_iter().find(|line| line.starts_with("REPORT")).unwrap();
    assert!(!report.contains("Init Duration"), "{report}");
    platform.call("f", "{}").await.unwrap();
    assert_eq!(platform.puppet.specs.lock().unwrap()[2].initialization, "on-demand", "$LATEST has none");
}

#[tokio::test]
async fn a_restart_brings_them_back_and_taking_the_setting_back_ends_them() {
    let platform = Platform::new();
    published(&platform, "f", "").await;
    put(&platform, "f", "1", 2).await.unwrap();
    reaches(&platform, "f", "1", "READY").await;
    let platform = platform.restart().await;
    reaches(&platform, "f", "1", "READY").await;
    assert_eq!((platform.started(), platform.functions.instances.count()), (2, 2));
    let input = json!({"FunctionName": "f", "Qualifier": "1"});
    for _ in 0..2 {
        platform.run("DeleteProvisionedConcurrencyConfig", input.clone()).await.unwrap();
    }
    assert_eq!(platform.functions.instances.count(), 0);
    let fault = platform.run("GetProvisionedConcurrencyConfig", input).await.unwrap_err();
    let text = "No Provisioned Concurrency Config found for this function";
    assert_eq!((error(&fault), fault.status), (("ProvisionedConcurrencyConfigNotFoundException", text), 404));
}

#[tokio::test]
async fn one_that_dies_is_replaced() {
    let clock = test_clock(5);
    let platform = Platform::with(Config::default(), clock.clone());
    published(&platform, "f", "mortal").await;
    put(&platform, "f", "1", 1).await.unwrap();
    reaches(&platform, "f", "1", "READY").await;
    clock.advance(Duration::from_secs(10));
    platform.puppet.death.notify_one();
    until(|| platform.started() == 2).await;
    reaches(&platform, "f", "1", "READY").await;
}

#[tokio::test]
async fn a_version_that_cannot_start_is_shown_as_failed() {
    let platform = Platform::new();
    published(&platform, "f", "init_error").await;
    put(&platform, "f", "1", 1).await.unwrap();
    let shown = reaches(&platform, "f", "1", "FAILED").await;
    assert_eq!((&shown["StatusReason"], counts(&shown)), (&json!("FUNCTION_ERROR_INIT_FAILURE"), [1, 0, 0]));
}

#[tokio::test]
async fn an_aliass_instances_follow_it_in_the_shares_that_it_gives() {
    let platform = Platform::new();
    published(&platform, "f", "version").await;
    platform.update_code("f", "x = 2", json!({"Publish": true})).await.unwrap();
    let alias = |more: serde_json::Value| {
        let mut input = json!({"FunctionName": "f", "Name": "live"});
        more.as_object().unwrap().iter().for_each(|(member, value)| input[member] = value.clone());
        input
    };
    platform.run("CreateAlias", alias(json!({"FunctionVersion": "1"}))).await.unwrap();
    put(&platform, "f", "live", 4).await.unwrap();
    reaches(&platform, "f", "live", "READY").await;
    let started =
        |version: &str| platform.puppet.specs.lock().unwrap().iter().filter(|spec| spec.version == version).count();
    assert_eq!((started("1"), started("2")), (4, 0));
    let shift = json!({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}});
    platform.run("UpdateAlias", alias(shift)).await.unwrap();
    reaches(&platform, "f", "live", "READY").await;
    assert_eq!((started("1"), started("2"), platform.functions.instances.count()), (4, 1, 4), "three and one");
    let text = "Alias with weights can not be used with Provisioned Concurrency";
    assert_eq!(invalid(&platform, "f", "live", 3).await, ("InvalidParameterValueException".into(), text.into()));
    let moved = json!({"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {}}});
    platform.run("UpdateAlias", alias(moved)).await.unwrap();
    reaches(&platform, "f", "live", "READY").await;
    assert_eq!((started("1"), started("2"), platform.functions.instances.count()), (4, 4, 4));
    let list = platform.run("ListProvisionedConcurrencyConfigs", json!({"FunctionName": "f"})).await.unwrap();
    let item = &list["ProvisionedConcurrencyConfigs"][0];
    assert_eq!(item["FunctionArn"], "arn:aws:lambda:eu-west-1:123456789012:function:f:live");
    assert_eq!((counts(item), &item["Status"]), ([4, 4, 4], &json!("READY")));
    platform.run("DeleteAlias", alias(json!({}))).await.unwrap();
    assert_eq!(platform.functions.instances.count(), 0);
}

#[tokio::test]
async fn what_cannot_be_provisioned_is_refused_in_aws_words() {
    let platform = Platform::with(Config { concurrency: 200, ..Config::default() }, Arc::new(SystemClock));
    published(&platform, "f", "").await;
    published(&platform, "g", "").await;
    let invalid_value = |text: &str| ("InvalidParameterValueException".to_owned(), text.to_owned());
    let unpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
    assert_eq!(invalid(&platform, "f", "$LATEST", 1).await, invalid_value(unpublished));
    assert_eq!(invalid(&platform, "f", "7", 1).await.0, "ResourceNotFoundException");
    assert_eq!(invalid(&platform, "f", "nope", 1).await.0, "ResourceNotFoundException");
    assert_eq!(invalid(&platform, "none", "1", 1).await.0, "ResourceNotFoundException");
    let too_few = "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].";
    assert_eq!(invalid(&platform, "f", "1", 101).await, invalid_value(too_few));
    let too_many =
        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [200].";
    assert_eq!(invalid(&platform, "f", "1", 201).await, invalid_value(too_many));
    put(&platform, "f", "1", 60).await.unwrap();
    assert_eq!(invalid(&platform, "g", "1", 41).await, invalid_value(too_few), "f has the rest");
    let reserve = |name: &'static str, count: u32| {
        let input = json!({"FunctionName": name, "ReservedConcurrentExecutions": count});
        platform.run("PutFunctionConcurrency", input)
    };
    let fault = reserve("f", 59).await.unwrap_err();
    let text =
        "ReservedConcurrentExecutions  59 should not be lower than function's total provisioned concurrency [60].";
    assert_eq!(error(&fault), ("InvalidParameterValueException", text));
    reserve("f", 70).await.unwrap();
    let text =
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function";
    assert_eq!(invalid(&platform, "f", "1", 71).await, invalid_value(text));
    put(&platform, "f", "1", 70).await.unwrap();

    platform.run("CreateAlias", json!({"FunctionName": "f", "Name": "live", "FunctionVersion": "1"})).await.unwrap();
    let text = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version";
    assert_eq!(invalid(&platform, "f", "live", 1).await, ("ResourceConflictException".into(), text.into()));
    platform.run("CreateAlias", json!({"FunctionName": "g", "Name": "live", "FunctionVersion": "1"})).await.unwrap();
    put(&platform, "g", "live", 1).await.unwrap();
    let text = "Version is pointed by a Provisioned Concurrency alias";
    assert_eq!(invalid(&platform, "g", "1", 1).await, ("ResourceConflictException".into(), text.into()));
    let to_latest = json!({"FunctionName": "g", "Name": "live", "FunctionVersion": "$LATEST"});
    assert_eq!(error(&platform.run("UpdateAlias", to_latest).await.unwrap_err()).1, unpublished);

    let snap_start = json!({"SnapStart": {"ApplyOn": "PublishedVersions"}});
    platform.create_with("s", snap_start).await.unwrap();
    platform.run("PublishVersion", json!({"FunctionName": "s"})).await.unwrap();
    let text = "Provisioned Concurrency is not supported for SnapStart enabled functions.";
    assert_eq!(invalid(&platform, "s", "1", 1).await, invalid_value(text));
}

#[tokio::test]
async fn what_is_there_is_metered() {
    let clock = test_clock(9);
    let platform = Platform::with(Config::default(), clock.clone());
    published(&platform, "f", "").await;
    put(&platform, "f", "1", 3).await.unwrap();
    reaches(&platform, "f", "1", "READY").await;
    platform.functions.caller.meter_provisioned(Duration::from_secs(10), clock.now());
    platform.call_with("f", "{}", json!({"Qualifier": "1"})).await.unwrap();
    let rows = platform.functions.usage(Timestamp(0), Timestamp(i64::MAX)).await.unwrap();
    let used = &rows[0].usage;
    assert_eq!((rows.len(), rows[0].version.as_str(), used.provisioned_mb_ms), (1, "1", 3 * 128 * 10_000));
    assert_eq!((used.requests, used.cold_starts, used.on_provisioned_mb_ms), (1, 0, used.mb_ms));
}

#[tokio::test]
async fn idle_times_outlive_a_restart_and_an_instance_is_there_when_a_call_is_expected() {
    let clock = test_clock(7);
    let platform = Platform::with(Config::default(), clock.clone());
    platform.create("timer", "").await;
    for _ in 0..10 {
        platform.call("timer", "{}").await.unwrap();
        clock.advance(Duration::from_secs(30 * 60));
    }
    let platform = platform.restart().await;
    platform.call("timer", "{}").await.unwrap();
    clock.advance(Duration::from_secs(11));
    platform.functions.instances.tick();
    assert_eq!(platform.functions.instances.count(), 0, "the next call is far away");
    clock.advance(Duration::from_secs(27 * 60));
    platform.functions.instances.tick();
    until(|| platform.functions.instances.count() == 1).await;
    platform.call("timer", "{}").await.unwrap();
    assert_eq!(platform.started(), 2, "one for the first call, and the one that was expected");
}
