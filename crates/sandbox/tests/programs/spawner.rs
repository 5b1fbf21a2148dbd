//! The spawner for this crate's tests, whose own `main` belongs to the test harness. Called with `platform STATE CODE`, it is a small
//! platform that makes three sandboxes and waits to be killed.

use fogbank_sandbox::{Outbound, Spawner, Spec};

fn main() {
    fogbank_sandbox::spawner_main_if_asked();
    let arguments: Vec<String> = std::env::args().collect();
    let [_, what, state, code] = arguments.as_slice() else { return };
    if what == "platform" {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(platform(state, code));
    }
}

async fn platform(state: &str, code: &str) {
    let spawner = Spawner::start(state).expect("a spawner");
    let mut sandboxes = Vec::new();
    for _ in 0..3 {
        let spec = Spec {
            command: vec!["/bin/sh".into(), "-c".into(), "setsid sleep 1000 & echo x > /tmp/x; sleep 1000".into()],
            environment: vec![("STATE".into(), state.into())],
            directory: "/tmp".into(),
            kind: fogbank_sandbox::Kind::Program,
            code: Some(code.into()),
            layers: vec![],
            binds: vec![],
            memory_mb: 128,
            tmp_mb: 512,
            max_processes: 64,
            doors: vec![9001],
            outbound: Outbound::None,
        };
        sandboxes.push(spawner.launch(spec).await.expect("a sandbox"));
    }
    println!("ready");
    std::future::pending::<()>().await;
}
