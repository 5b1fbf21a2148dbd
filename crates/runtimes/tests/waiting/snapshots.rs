//! SnapStart: instances forked from a version's initialised process.

use crate::harness::{Stage, answered, event, init_error};
use fogbank_functions::runtime::{Instance, InstanceSpec, Runtime, Snapshot, StartError};
use std::sync::Arc;

async fn taken(stage: &Stage, spec: &InstanceSpec) -> Arc<dyn Snapshot> {
    match stage.runtime.snapshot(spec.clone()).await {
        Ok(taken) => taken.snapshot,
        Err(error) => panic!("{error:?}; log: {:#?}", stage.log()),
    }
}

async fn restored(stage: &Stage, snapshot: &Arc<dyn Snapshot>, spec: &InstanceSpec) -> Box<dyn Instance> {
    match snapshot.restore(spec.clone()).await {
        Ok(started) => started.instance,
        Err(error) => panic!("{error:?}; log: {:#?}", stage.log()),
    }
}

fn spec(stage: &Stage, text: &str) -> InstanceSpec {
    let mut spec = stage.python(text);
    spec.initialization = "snap-start";
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn initialisation_runs_once_and_instances_share_nothing_after_it() {
    let stage = Stage::new();
    let spec = spec(
        &stage,
        "import os, random, time\nprint('initialising')\nbegun = time.time_ns()\ncalls = []\n\
         def handler(event, context):\n    calls.append(event)\n    open('/tmp/x', 'a').write('x')\n    \
         return [begun, calls, os.path.getsize('/tmp/x'), random.random(), os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']]\n",
    );
    let snapshot = taken(&stage, &spec).await;
    let mut answers = vec![];
    for number in 0..8 {
        let instance = restored(&stage, &snapshot, &spec).await;
        answers.push(answered(instance.invoke(event(&number.to_string())).await));
    }
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer[0], answers[0][0]);
        assert_eq!(answer[1], serde_json::json!([number]));
        assert_eq!((&answer[2], &answer[4]), (&1.into(), &"snap-start".into()));
        assert!(number == 0 || answer[3] != answers[0][3]);
    }
    assert_eq!(stage.log().iter().filter(|line| line.contains("initialising")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_around_the_snapshot() {
    let stage = Stage::new();
    let spec = spec(
        &stage,
        "from snapshot_restore_py import register_before_snapshot, register_after_restore\nran = []\n\
         @register_before_snapshot\ndef a(): ran.append('a')\n\
         register_before_snapshot(ran.append, 'b')\n\
         @register_after_restore\ndef c(): ran.append('c')\n\
         register_after_restore(ran.append, 'd')\n\
         def handler(event, context):\n    return ran\n",
    );
    let snapshot = taken(&stage, &spec).await;
    for _ in 0..2 {
        let instance = restored(&stage, &snapshot, &spec).await;
        assert_eq!(answered(instance.invoke(event("1")).await), serde_json::json!(["b", "a", "c", "d"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_initialisation_or_in_a_hook_is_told() {
    let stage = Stage::new();
    let failing = [
        ("raise KeyError('x')\ndef handler(e, c): pass\n", "KeyError"),
        ("import os\nos._exit(3)\n", "Runtime.ExitError"),
        (
            "from snapshot_restore_py import register_before_snapshot\n@register_before_snapshot\ndef a(): raise ValueError()\n\
             def handler(e, c): pass\n",
            "ValueError",
        ),
    ];
    for (text, kind) in failing {
        match stage.runtime.snapshot(spec(&stage, text)).await {
            Err(error) => assert_eq!(init_error(error).0, kind),
            Ok(_) => panic!("a snapshot of {text}"),
        }
    }
    let restoring = "from snapshot_restore_py import register_after_restore\n@register_after_restore\ndef a(): 1 / 0\ndef handler(e, c): pass\n";
    let spec = spec(&stage, restoring);
    let snapshot = taken(&stage, &spec).await;
    match snapshot.restore(spec).await {
        Err(error) => assert_eq!(init_error(error).0, "ZeroDivisionError"),
        Ok(_) => panic!("it was restored"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_killed_says_so_and_its_instances_go_on() {
    let stage = Stage::new();
    let spec = spec(&stage, "import os, signal\ndef handler(event, context):\n    return event\n");
    let snapshot = taken(&stage, &spec).await;
    let instance = restored(&stage, &snapshot, &spec).await;
    // The snapshot's process alone has several children, once another copy waits.
    let own = spec.code.file_name().unwrap().to_str().unwrap();
    let of_snapshot = || {
        std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
            let (path, pid) = (entry.path(), entry.file_name().into_string().ok()?);
            let read = |file: &str| std::fs::read_to_string(path.join(file)).unwrap_or_default();
            let found = read("cmdline").contains("snapshot")
                && read("mountinfo").contains(own)
                && read(&format!("task/{pid}/children")).split_whitespace().count() > 1;
            found.then_some(pid)
        })
    };
    let pid = loop {
        match of_snapshot() {
            Some(pid) => break pid,
            None => tokio::task::yield_now().await,
        }
    };
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    snapshot.lost().await;
    assert_eq!(answered(instance.invoke(event("1")).await), serde_json::json!(1));
    // What was forked before may still serve; then there is nothing left.
    let mut lost = false;
    for _ in 0..6 {
        lost |= matches!(snapshot.restore(spec.clone()).await, Err(StartError::SnapshotLost));
    }
    assert!(lost);
    assert_eq!(answered(instance.invoke(event("2")).await), serde_json::json!(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_from_initialisation_is_closed_and_the_snapshot_stays() {
    let stage = Stage::new();
    let spec = spec(
        &stage,
        "import socket\nopened = socket.create_connection(('127.0.0.1', 9001))\n\
         def handler(event, context):\n    opened.settimeout(5)\n    try:\n        return opened.recv(10).decode()\n\
         \x20   except ConnectionResetError:\n        return ''\n",
    );
    let snapshot = taken(&stage, &spec).await;
    for _ in 0..2 {
        let instance = restored(&stage, &snapshot, &spec).await;
        assert_eq!(answered(instance.invoke(event("1")).await), serde_json::json!(""));
    }
    assert!(tokio::time::timeout(std::time::Duration::from_millis(100), snapshot.lost()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_speaks_where_only_the_bootstrap_should_loses_its_snapshot_and_nothing_else() {
    let stage = Stage::new();
    let flooding = "import os, threading, time\ndef flood():\n    time.sleep(0.3)\n    while True: os.write(3, b'x' * 65536)\n\
        threading.Thread(target=flood, daemon=True).start()\ndef handler(event, context):\n    return event\n";
    let snapshot = taken(&stage, &spec(&stage, flooding)).await;
    snapshot.lost().await;
    assert_eq!(
        stage.ask(&stage.python("def handler(event, context):\n    return event\n"), "1").await,
        serde_json::json!(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_python_has_snapshots() {
    let stage = Stage::new();
    let refused = stage.runtime.snapshot(stage.node("exports.handler = async () => 1")).await;
    assert!(matches!(refused, Err(StartError::NoRuntime(_))));
}
