//! How fast it is. The figures are printed; the bounds are wide, because the machine may be busy.

use crate::harness::{Stage, answered, event};
use fogbank_functions::runtime::Runtime;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_and_warm_calls_are_fast() {
    let stage = Stage::new();
    let specs = [
        ("python", stage.python("def handler(event, context):\n    return event\n"), 500),
        ("node", stage.node("exports.handler = async (event) => event"), 1000),
        ("native", stage.native("echo"), 200),
    ];
    for (name, spec, bound) in specs {
        let (mut colds, mut warms) = (vec![], vec![]);
        for _ in 0..15 {
            stage.runtime.readied(&spec.runtime, spec.memory_mb).await;
            let begin = Instant::now();
            let instance = stage.start(&spec).await;
            colds.push(begin.elapsed());
            // In a task, as the pool does it: the test's own thread is not one of the runtime's workers.
            let calls = tokio::spawn(async move {
                let mut warms = vec![];
                for _ in 0..100 {
                    let begin = Instant::now();
                    answered(instance.invoke(event("{}")).await);
                    warms.push(begin.elapsed());
                }
                warms
            });
            warms.extend(calls.await.unwrap());
        }
        let (cold, warm) = (median(colds), median(warms));
        println!("{name}: cold {cold:?} warm {warm:?}");
        assert!(cold < Duration::from_millis(bound), "{name}: {cold:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_run_side_by_side() {
    let stage = Arc::new(Stage::new());
    let spec = stage.function("provided.al2023", "x", &[("bootstrap", "#!/bin/sh\nsleep 0.5\nexec /var/task/echo\n")]);
    std::fs::set_permissions(spec.code.join("bootstrap"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_runtimes-test-bootstrap"), spec.code.join("echo")).unwrap();
    let begin = Instant::now();
    let starts: Vec<_> = (0..64)
        .map(|_| {
            let (stage, spec) = (stage.clone(), spec.clone());
            tokio::spawn(async move { stage.runtime.start(spec).await.unwrap().instance })
        })
        .collect();
    let mut instances = vec![];
    for start in starts {
        instances.push(start.await.unwrap());
    }
    println!("64 starts: {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}
