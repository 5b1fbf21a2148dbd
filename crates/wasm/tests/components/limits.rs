//! What a component may take: files, time, memory, threads, room.

use crate::stage::{Stage, crash, get, request, text};
use fogbank_functions::runtime::{Event, Instance, Outcome};
use http::Request;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test]
async fn the_size_of_tmp_and_the_number_of_open_files_are_limited() {
    let stage = Stage::new();
    let instance = stage.start().await;
    assert_eq!(text(get(&*instance, "/write?7").await), "7 MiB of /tmp, 7340032 bytes");
    assert_eq!(text(get(&*instance, "/write?100").await), "7 MiB of /tmp, full");
    assert_eq!(text(get(&*instance, "/open?100").await), "100");
    let refused = text(get(&*instance, "/open?1000").await);
    assert!(refused.starts_with("127: ") && refused.contains("insufficient-memory"), "{refused}");
}

#[tokio::test]
async fn a_trap_is_an_error_and_its_place_is_in_the_log() {
    let stage = Stage::new();
    let instance = stage.start().await;
    let (error_type, reason) = crash(get(&*instance, "/trap").await);
    assert_eq!(error_type, "Runtime.ExitError");
    assert!(reason.contains("unreachable"), "{reason}");
    assert!(stage.lines().iter().any(|line| line.contains("wasm backtrace")), "{:?}", stage.lines());
    let (error_type, reason) = crash(get(&*instance, "/recurse?10000000").await);
    assert!(error_type == "Runtime.ExitError" && reason.contains("out of bounds"), "{reason}");
    let (_, reason) = crash(get(&*instance, "/exit?3").await);
    assert_eq!(reason, "Runtime exited with error: exit status 3");
    let silent = get(&*instance, "/silent").await;
    assert!(matches!(silent, Outcome::Failed { error_type, .. } if error_type == "Runtime.NoResponse"));
    assert_eq!(text(get(&*instance, "/hello").await), "hello", "the instance lives on");
}

#[tokio::test]
async fn a_call_ends_with_its_time_whether_it_works_or_sleeps() {
    let stage = Stage::new();
    let instance = stage.start().await;
    for path in ["/spin", "/sleep?60000"] {
        let begun = Instant::now();
        let late = request(Request::get(path), "");
        let outcome = instance.invoke(Event { timeout: Duration::from_millis(200), ..late }).await;
        assert!(matches!(outcome, Outcome::TimedOut), "{path}: {outcome:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{path} took {:?}", begun.elapsed());
    }
    assert_eq!(text(get(&*instance, "/sleep?1").await), "slept");
}

/// On one thread, as the platform is on a small machine: calls that work for long must not keep it.
#[tokio::test]
async fn components_that_work_for_long_leave_the_platforms_threads_to_others() {
    let stage = Stage::new();
    let instance: Arc<dyn Instance> = Arc::from(stage.start().await);
    let mut spins = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let instance = instance.clone();
        let spin = Event { timeout: Duration::from_secs(3), ..request(Request::get("/spin"), "") };
        spins.spawn(async move { instance.invoke(spin).await });
    }
    // All of them have begun, and are moved when their epoch has ended.
    text(get(&*instance, "/sleep?500").await);
    let begun = Instant::now();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "100 turns of this thread took {:?}", begun.elapsed());
    while let Some(spun) = spins.join_next().await {
        assert!(matches!(spun.unwrap(), Outcome::TimedOut));
    }
}

#[tokio::test]
async fn memory_is_limited_and_its_peak_is_reported() {
    let stage = Stage::new();
    let instance = stage.start().await;
    text(get(&*instance, "/hello").await);
    let small = instance.max_memory_mb();
    assert!((1..8).contains(&small), "{small}");
    assert_eq!(text(get(&*instance, "/allocate?64").await), "64");
    assert!((64..80).contains(&instance.max_memory_mb()), "{}", instance.max_memory_mb());
    assert_eq!(crash(get(&*instance, "/allocate?200").await).0, "Runtime.OutOfMemory");
    assert!(instance.max_memory_mb() <= 128);
}

#[tokio::test]
async fn many_calls_at_once_wait_for_room_and_all_answer() {
    let stage = Stage::new();
    let instance: Arc<dyn Instance> = Arc::from(stage.start().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..2000 {
        let instance = instance.clone();
        calls.spawn(async move { text(get(&*instance, "/sleep?50").await) });
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap(), "slept");
    }
}
