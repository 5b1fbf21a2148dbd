//! Concurrency, memory, the meter, and how little a warm call costs.

use super::*;

async fn reserve(platform: &Platform, name: &str, number: u32) -> Result<serde_json::Value, Fault> {
    platform.run("PutFunctionConcurrency", json!({"FunctionName": name, "ReservedConcurrentExecutions": number})).await
}

#[tokio::test]
async fn calls_beyond_a_reservation_are_throttled() {
    let platform = Platform::new();
    platform.create("orders", "wait").await;
    reserve(&platform, "orders", 1).await.unwrap();
    let first = platform.call("orders", "{}");
    let second = async {
        until(|| platform.lines().iter().any(|line| line.starts_with("working"))).await;
        let fault = platform.call("orders", "{}").await.unwrap_err();
        platform.puppet.gate.add_permits(1);
        fault
    };
    let (first, fault) = tokio::join!(first, second);
    first.unwrap();
    assert_eq!((fault.status, error(&fault)), (429, ("TooManyRequestsException", "Rate Exceeded.")));
    assert!(fault.members.contains(&("Reason", "ReservedFunctionConcurrentInvocationLimitExceeded".into())));
    assert!(fault.members.contains(&("Type", "User".into())));
}

#[tokio::test]
async fn calls_beyond_the_account_are_throttled_and_reservations_count_against_it() {
    let config = Config { concurrency: 102, memory_mb: 100_000, ..Config::default() };
    let platform = Platform::with(config, Arc::new(SystemClock));
    platform.create("orders", "wait").await;
    platform.create("other", "").await;
    let fault = reserve(&platform, "other", 3).await.unwrap_err();
    let message = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].";
    assert_eq!(error(&fault), ("InvalidParameterValueException", message));
    reserve(&platform, "other", 2).await.unwrap();
    let platform = Arc::new(platform);
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let platform = platform.clone();
            tokio::spawn(async move { platform.call("orders", "{}").await.map(drop) })
        })
        .collect();
    until(|| platform.started() == 100).await;
    let fault = platform.call("orders", "{}").await.unwrap_err();
    assert!(fault.members.contains(&("Reason", "ConcurrentInvocationLimitExceeded".into())));
    platform.call("other", "{}").await.unwrap();
    platform.puppet.gate.add_permits(100);
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_idle_instance_makes_room_for_another_function() {
    let config = Config { memory_mb: 128, unknown_memory_percent: 100, ..Config::default() };
    let platform = Platform::with(config, Arc::new(SystemClock));
    platform.create("a", "hungry").await;
    platform.create("b", "hungry").await;
    for name in ["a", "b", "a"] {
        platform.call(name, "{}").await.unwrap();
        assert_eq!(platform.functions.instances.count(), 1);
    }
    assert_eq!(platform.started(), 3);
    platform.create_with("huge", json!({"MemorySize": 256})).await.unwrap();
    let fault = platform.call("huge", "{}").await.unwrap_err();
    assert!(fault.status == 503 && fault.message.starts_with("The machine has no 256 MB left"));
}

#[tokio::test]
async fn use_is_metered_and_outlives_a_restart() {
    let platform = Platform::with(Config::default(), test_clock(3));
    platform.create("orders", "").await;
    platform
        .create_with("hang", json!({"MemorySize": 1024, "Timeout": 2, "Environment": {"Variables": {"MODE": "hang"}}}))
        .await
        .unwrap();
    for _ in 0..3 {
        platform.call("orders", "{}").await.unwrap();
    }
    platform.call("hang", "{}").await.unwrap();
    let platform = platform.restart().await;
    platform.call("orders", "{}").await.unwrap();
    let now = platform.clock.now();
    let rows = platform.functions.usage(now, now.plus(Duration::from_millis(1))).await.unwrap();
    let of = |name: &str| rows.iter().find(|row| row.function.name.as_str() == name).unwrap().usage;
    let orders = of("orders");
    assert_eq!((orders.requests, orders.errors, orders.cold_starts, orders.max_memory_mb), (4, 0, 2, 40));
    assert_eq!(orders.mb_ms, orders.billed_ms * 128);
    let hang = of("hang");
    assert_eq!((hang.requests, hang.errors, hang.billed_ms, hang.mb_ms), (1, 1, 2000, 2_048_000));
    assert!(platform.functions.usage(Timestamp(0), Timestamp(now.0 - 3_600_000)).await.unwrap().is_empty());
}

/// Not a benchmark: it catches a disk access or a task switch on the way, not microseconds.
#[tokio::test]
async fn a_warm_call_takes_little_time() {
    let platform = Platform::new();
    platform.create("orders", "").await;
    let invocation = || Invocation {
        function: fogbank_model::FunctionRef::parse("orders", &context()).unwrap(),
        payload: Bytes::from_static(b"{}"),
        head: None,
        client_context: None,
        accepts_stream: false,
        wants_log_tail: false,
    };
    platform.functions.invoke(context(), invocation()).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..2000 {
        let (context, invocation) = (context(), invocation());
        let began = std::time::Instant::now();
        platform.functions.invoke(context, invocation).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    println!("warm call: median {median:?}, p99 {:?}", times[times.len() * 99 / 100]);
    assert!(median < Duration::from_micros(500), "{median:?}");
    assert_eq!(platform.started(), 1);
}
