//! SnapStart as a client sees it.

use super::*;

/// A function with SnapStart whose snapshots behave as `snapshot` says; nothing for a runtime that cannot take any.
async fn create(platform: &Platform, name: &str, snapshot: Option<&str>) {
    let mut variables = json!({"MODE": "version"});
    if let Some(snapshot) = snapshot {
        variables["SNAPSHOT"] = snapshot.into();
    }
    let input = json!({"SnapStart": {"ApplyOn": "PublishedVersions"}, "Environment": {"Variables": variables}});
    let made = platform.create_with(name, input).await.unwrap();
    assert_eq!(made["SnapStart"], json!({"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}));
    assert_eq!(made["State"], "Active", "$LATEST needs no snapshot");
}

async fn version(platform: &Platform, name: &str) -> serde_json::Value {
    platform.run("GetFunctionConfiguration", json!({"FunctionName": name, "Qualifier": "1"})).await.unwrap()
}

/// Waits until version 1 is no longer pending, and returns it.
async fn settled(platform: &Platform, name: &str) -> serde_json::Value {
    for _ in 0..5000 {
        let shown = version(platform, name).await;
        if shown["State"] != "Pending" {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it stays pending");
}

async fn publish(platform: &Platform, name: &str) -> serde_json::Value {
    platform.run("PublishVersion", json!({"FunctionName": name})).await.unwrap()
}

#[tokio::test]
async fn a_version_is_pending_until_its_snapshot_is_taken_and_then_starts_from_it() {
    let platform = Platform::new();
    create(&platform, "f", Some("slow")).await;
    let pending = publish(&platform, "f").await;
    assert_eq!(
        (&pending["State"], &pending["StateReasonCode"], &pending["SnapStart"]["OptimizationStatus"]),
        (&json!("Pending"), &json!("Creating"), &json!("Off"))
    );
    let refused = platform.call_with("f", "{}", json!({"Qualifier": "1"})).await.unwrap_err();
    let text =
        "The operation cannot be performed at this time. The function is currently in the following state: Pending";
    assert_eq!((error(&refused), refused.status), (("ResourceConflictException", text), 409));
    platform.puppet.gate.add_permits(1);
    let active = settled(&platform, "f").await;
    assert_eq!(active["State"], "Active");
    assert_eq!(active["SnapStart"], json!({"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}));
    assert_eq!(active["StateReason"], json!(null));
    assert_eq!(active["RevisionId"], pending["RevisionId"]);

    let tail = json!({"Qualifier": "1", "LogType": "Tail"});
    let answer = platform.call_with("f", "{}", tail).await.unwrap();
    assert_eq!((answer.payload.as_str(), answer.error), ("\"1\"", None));
    assert_eq!(platform.started(), 0, "it was restored");
    assert_eq!(platform.puppet.snapshots.lock().unwrap()[0].initialization, "snap-start");
    let lines = platform.lines();
    let line =
        |start: &str| lines.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {lines:?}"));
    assert!(line("RESTORE_START").starts_with("RESTORE_START Runtime Version: python:3.12\tRuntime Version ARN: arn:"));
    assert_eq!(line("RESTORE_REPORT"), "RESTORE_REPORT Restore Duration: 2.50 ms\n");
    assert_eq!(line("INIT_REPORT"), "INIT_REPORT Init Duration: 800.00 ms\n");
    let report = line("REPORT");
    assert!(
        report.contains("\tRestore Duration: 2.50 ms\tBilled Restore Duration: 3 ms\t") && !report.contains("Init")
    );

    let latest = platform.call("f", "{}").await.unwrap();
    assert_eq!((latest.payload.as_str(), platform.started()), ("\"$LATEST\"", 1), "$LATEST starts as ever");
}

#[tokio::test]
async fn a_runtime_without_snapshots_makes_the_version_active_and_says_off() {
    let platform = Platform::new();
    create(&platform, "f", None).await;
    publish(&platform, "f").await;
    let active = settled(&platform, "f").await;
    assert_eq!((&active["State"], &active["SnapStart"]["OptimizationStatus"]), (&json!("Active"), &json!("Off")));
    let answer = platform.call_with("f", "{}", json!({"Qualifier": "1"})).await.unwrap();
    assert_eq!((answer.error, platform.started()), (None, 1));
}

#[tokio::test]
async fn a_version_whose_initialisation_fails_says_so_and_takes_no_calls() {
    let platform = Platform::new();
    let cases = [
        ("import_error", "FunctionError", "Runtime.ImportModuleError: No module named 'x'"),
        ("timeout", "FunctionError.InitTimeout", "The initialisation took longer than 10 s."),
        ("no_sandbox", "InternalError", "The snapshot could not be made. The platform's log says why."),
    ];
    for (mode, code, reason) in cases {
        create(&platform, mode, Some(mode)).await;
        publish(&platform, mode).await;
        let failed = settled(&platform, mode).await;
        assert_eq!(
            (&failed["State"], &failed["StateReasonCode"], &failed["StateReason"]),
            (&json!("Failed"), &json!(code), &json!(reason))
        );
        let refused = platform.call_with(mode, "{}", json!({"Qualifier": "1"})).await.unwrap_err();
        assert_eq!(refused.status, 409);
    }
}

#[tokio::test]
async fn a_lost_snapshot_is_taken_again_and_calls_meanwhile_start_without() {
    let platform = Platform::new();
    create(&platform, "f", Some("good")).await;
    publish(&platform, "f").await;
    settled(&platform, "f").await;
    let taken = || platform.puppet.snapshots.lock().unwrap().len();
    assert_eq!(taken(), 1);
    platform.puppet.broken.store(true, Ordering::SeqCst);
    let answer = platform.call_with("f", "{}", json!({"Qualifier": "1"})).await.unwrap();
    assert_eq!((answer.error, platform.started()), (None, 1), "found to be lost, the call started without");
    until(|| taken() == 2).await;
    assert_eq!(version(&platform, "f").await["State"], "Active");
    platform.puppet.loss.notify_waiters();
    // The keeper of the second one may not wait yet, so it is told until it hears.
    until(|| {
        platform.puppet.loss.notify_waiters();
        taken() >= 3
    })
    .await;
}

#[tokio::test]
async fn a_restart_takes_snapshots_again_in_the_background() {
    let platform = Platform::new();
    create(&platform, "f", Some("good")).await;
    publish(&platform, "f").await;
    settled(&platform, "f").await;
    let platform = platform.restart().await;
    let shown = version(&platform, "f").await;
    assert_eq!((&shown["State"], &shown["SnapStart"]["OptimizationStatus"]), (&json!("Active"), &json!("On")));
    let answer = platform.call_with("f", "{}", json!({"Qualifier": "1"})).await.unwrap();
    assert_eq!(answer.error, None);
    until(|| platform.puppet.snapshots.lock().unwrap().len() == 1).await;
}

#[tokio::test]
async fn a_restart_in_between_finishes_what_was_pending() {
    let platform = Platform::new();
    create(&platform, "f", Some("slow")).await;
    publish(&platform, "f").await;
    let platform = platform.restart().await;
    assert_eq!(version(&platform, "f").await["State"], "Pending");
    platform.puppet.gate.add_permits(1);
    assert_eq!(settled(&platform, "f").await["SnapStart"]["OptimizationStatus"], "On");
}

#[tokio::test]
async fn a_deleted_version_gives_its_snapshot_up() {
    let platform = Platform::new();
    create(&platform, "f", Some("good")).await;
    publish(&platform, "f").await;
    settled(&platform, "f").await;
    assert_eq!(Arc::strong_count(&platform.puppet.broken), 2, "the puppet and its snapshot hold it");
    platform.run("DeleteFunction", json!({"FunctionName": "f", "Qualifier": "1"})).await.unwrap();
    until(|| Arc::strong_count(&platform.puppet.broken) == 1).await;
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let platform = Platform::new();
    let snap_start = json!({"ApplyOn": "PublishedVersions"});
    let refused = |more: serde_json::Value| {
        let mut input = json!({"SnapStart": snap_start});
        for (member, value) in more.as_object().unwrap() {
            input[member] = value.clone();
        }
        let platform = &platform;
        async move {
            let fault = platform.create_with("f", input).await.unwrap_err();
            (fault.code.to_string(), fault.message)
        }
    };
    let invalid = |text: &str| ("InvalidParameterValueException".to_owned(), text.to_owned());
    assert_eq!(
        refused(json!({"Runtime": "nodejs22.x"})).await,
        invalid("nodejs22.x is not supported for SnapStart enabled functions.")
    );
    assert_eq!(
        refused(json!({"Runtime": "python3.11"})).await,
        invalid("python3.11 is not supported for SnapStart enabled functions.")
    );
    assert_eq!(
        refused(json!({"EphemeralStorage": {"Size": 513}})).await,
        invalid("Ephemeral storage greater than 512 MB is not supported for SnapStart enabled functions.")
    );
    create(&platform, "g", None).await;
    let change = json!({"FunctionName": "g", "Runtime": "python3.11"});
    assert_eq!(
        platform.run("UpdateFunctionConfiguration", change).await.unwrap_err().code,
        "InvalidParameterValueException"
    );
    let change = json!({"FunctionName": "g", "Runtime": "python3.11", "SnapStart": {"ApplyOn": "None"}});
    let changed = platform.run("UpdateFunctionConfiguration", change).await.unwrap();
    assert_eq!(changed["SnapStart"]["ApplyOn"], "None");
}
