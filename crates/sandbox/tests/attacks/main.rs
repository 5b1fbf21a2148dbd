//! Attacks on the sandbox. Each first proves that the attack works outside, where that can be shown, and then that it fails inside.
//! They run as root with control groups; where those are missing they fail, because what they prove is then not so.
#![allow(clippy::unwrap_used)]

mod harness;

use harness::Arena;

#[tokio::test(flavor = "multi_thread")]
async fn a_program_runs() {
    let arena = Arena::new();
    let start = std::time::Instant::now();
    let (text, ended) = arena.shell("id; ls -la / /dev /etc /proc/1/; cat /proc/self/status | grep -E 'Cap|NoNew|Seccomp'; mount; df -h /tmp; cat /proc/self/cgroup").await;
    println!("{text}\n{ended:?} {:?}", start.elapsed());
    for _ in 0..10 {
        let start = std::time::Instant::now();
        let sandbox = arena.launch(arena.spec("true")).await;
        let launched = start.elapsed();
        let end = sandbox.control().ended().await;
        println!("{launched:?} {:?} {end:?}", start.elapsed());
    }
    let start = std::time::Instant::now();
    let arena = std::sync::Arc::new(arena);
    let all: Vec<_> = (0..64)
        .map(|_| {
            let arena = arena.clone();
            tokio::spawn(async move {
                let s = arena.launch(arena.spec("sleep 5")).await;
                let t = start.elapsed();
                (s, t)
            })
        })
        .collect();
    let mut keep = vec![];
    for one in all {
        keep.push(one.await.unwrap());
    }
    println!("64: {:?} first {:?}", start.elapsed(), keep[0].1);
}
