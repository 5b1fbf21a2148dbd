//! Sandboxes that wait: what becomes of them, and what one function could learn of another through them.

use crate::harness::{Stage, answered, event};
use fogbank_functions::runtime::Runtime;
use std::time::Duration;

/// The processes on this host whose words contain `word` and that descend from this test's own.
fn descendants(word: &str) -> Vec<i32> {
    let parent = |pid: i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let is_ours = |pid: i32| {
        let mut at = Some(pid);
        while let Some(pid) = at.filter(|pid| *pid > 1) {
            if pid == std::process::id() as i32 {
                return true;
            }
            at = parent(pid);
        }
        false
    };
    let all =
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let says =
        |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(word));
    all.filter(|pid: &i32| is_ours(*pid)).filter(says).collect()
}

/// What one process's end has ended already is no failure.
fn signal(pid: i32, name: &str) {
    std::process::Command::new("kill").args([name, &pid.to_string()]).output().unwrap();
}

const PYTHON: &str = "import os\ndef handler(event, context):\n    return [event, os.environ.get('NAME')]\n";
const NODE: &str = "exports.handler = async (event) => [event, process.env.NAME]";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_waits_may_be_killed_or_hang_and_no_call_is_lost() {
    for language in ["python", "node"] {
        for how in ["-KILL", "-STOP"] {
            let stage = Stage::new();
            let mut spec = if language == "python" { stage.python(PYTHON) } else { stage.node(NODE) };
            spec.environment.insert("NAME".into(), "one".into());
            stage.start(&spec).await;
            stage.runtime.readied(&spec.runtime, spec.memory_mb).await;
            let waiting = descendants("/var/runtime/bootstrap");
            assert!(!waiting.is_empty());
            waiting.into_iter().for_each(|pid| signal(pid, how));
            for _ in 0..3 {
                let begun = std::time::Instant::now();
                let started = stage.runtime.start(spec.clone()).await;
                let instance = started.map_err(|error| format!("{language} {how}: {error:?}")).unwrap().instance;
                assert_eq!(answered(instance.invoke(event("1")).await), serde_json::json!([1, "one"]));
                assert!(begun.elapsed() < Duration::from_secs(5), "{language} {how}: {:?}", begun.elapsed());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_instance_outlives_the_zygote_it_came_from() {
    let stage = Stage::new();
    let instance = stage.start(&stage.python(PYTHON)).await;
    let spec = stage.python(PYTHON);
    stage.runtime.readied(&spec.runtime, spec.memory_mb).await;
    // The zygote alone has several children: the instance and what waits.
    let children = |pid: &i32| {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().count()
    };
    let zygotes: Vec<i32> = descendants("zygote").into_iter().filter(|pid| children(pid) > 1).collect();
    assert_eq!(zygotes.len(), 1);
    signal(zygotes[0], "-KILL");
    assert_eq!(answered(instance.invoke(event("1")).await), serde_json::json!([1, null]));
    assert_eq!(stage.ask(&spec, "2").await, serde_json::json!([2, null]));
    assert_eq!(answered(instance.invoke(event("3")).await), serde_json::json!([3, null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn chance_differs_between_instances() {
    let stage = Stage::new();
    let spec = stage.python(
        "import os, random, secrets, ssl, tempfile, uuid\n\
         def handler(event, context):\n    return [random.random(), secrets.token_hex(), ssl.RAND_bytes(8).hex(), \
         str(uuid.uuid4()), str(uuid.uuid1()), os.urandom(8).hex(), os.getpid()]\n",
    );
    let (one, two) = (stage.ask(&spec, "1").await, stage.ask(&spec, "1").await);
    for (one, two) in one.as_array().unwrap().iter().zip(two.as_array().unwrap()) {
        assert_ne!(one, two);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_s_own_modules_come_before_those_that_a_zygote_has_loaded() {
    let stage = Stage::new();
    let text = "import uuid, json\ndef handler(event, context):\n    return [uuid.mine, json.dumps(event)]\n";
    let spec = stage.function("python3.12", "app.handler", &[("app.py", text), ("uuid.py", "mine = 'own'\n")]);
    assert_eq!(stage.ask(&spec, "[1]").await, serde_json::json!(["own", "[1]"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_are_there_one_or_several() {
    let stage = Stage::new();
    for layers in [1, 2] {
        let text =
            "import os\nimport lib\ndef handler(event, context):\n    return [lib.value, sorted(os.listdir('/opt'))]\n";
        let mut spec = stage.python(text);
        for number in 0..layers {
            let files = [("python/lib.py", format!("value = {number}\n")), ("mark", String::new())];
            let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
            spec.layers.push(stage.function("python3.12", "x", &files).code);
        }
        assert_eq!(stage.ask(&spec, "1").await, serde_json::json!([layers - 1, ["mark", "python"]]));
    }
    assert_eq!(
        stage.ask(&stage.python("import os\ndef handler(event, context):\n    return os.listdir('/opt')\n"), "1").await,
        serde_json::json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matters_when_an_interpreter_starts_is_heeded() {
    let stage = Stage::new();
    let mut spec = stage.python("import sys\ndef handler(event, context):\n    return sys.flags.optimize\n");
    assert_eq!(stage.ask(&spec, "1").await, serde_json::json!(0));
    spec.environment.insert("PYTHONOPTIMIZE".into(), "1".into());
    assert_eq!(stage.ask(&spec, "1").await, serde_json::json!(1));
    let mut spec = stage.node("exports.handler = async () => process.execArgv.length + process.env.NODE_OPTIONS");
    spec.environment.insert("NODE_OPTIONS".into(), "--no-warnings".into());
    assert_eq!(stage.ask(&spec, "1").await, serde_json::json!("1--no-warnings"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_tmp_is_as_large_as_was_asked_for() {
    let stage = Stage::new();
    let text = "import os\ndef handler(event, context):\n    s = os.statvfs('/tmp')\n    return s.f_blocks * s.f_frsize >> 20\n";
    for tmp_mb in [512, 1024] {
        let mut spec = stage.python(text);
        spec.tmp_mb = tmp_mb;
        let size = stage.ask(&spec, "1").await.as_u64().unwrap();
        assert!((u64::from(tmp_mb) * 9 / 10..=u64::from(tmp_mb) * 11 / 10).contains(&size), "{size}");
    }
}
