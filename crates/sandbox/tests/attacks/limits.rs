//! Taking more than was given.

use crate::harness::{Arena, finish, says};
use fogbank_sandbox::ExitStatus;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_hog_is_stopped_and_its_neighbour_lives() {
    let arena = Arena::new();
    let mut neighbour = arena.launch(arena.shell_spec("echo up; read x < /dev/zero & wait $!; sleep 1000")).await;
    says(&mut neighbour, "up").await;
    let (text, ended) =
        arena.python("print(len(bytearray(60 << 20)), flush=True)\nprint(len(bytearray(512 << 20)))").await;
    assert_eq!(text, format!("{}\n", 60 << 20));
    assert_eq!((ended.status, ended.out_of_memory), (Some(ExitStatus::Signal(9)), true));
    assert_eq!(ended.peak_bytes, Some(128 << 20));
    assert!(neighbour.control().peak_bytes().unwrap() < 64 << 20);
    let still = tokio::time::timeout(Duration::from_millis(50), neighbour.control().ended()).await;
    assert!(still.is_err(), "{still:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_is_killed() {
    let arena = Arena::new();
    let mut sandbox = arena.launch(arena.shell_spec("trap '' TERM INT HUP; echo up; while :; do :; done")).await;
    says(&mut sandbox, "up").await;
    let begin = Instant::now();
    sandbox.control().kill();
    let ended = sandbox.control().ended().await;
    assert!(!ended.out_of_memory);
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_is_bounded_and_dies_with_its_sandbox() {
    let arena = Arena::new();
    let script = "
import os, time
made = 0
try:
    while made < 2000:
        if os.fork() == 0:
            time.sleep(1000)
        made += 1
except OSError as error:
    print(made, error.errno, flush=True)
time.sleep(1000)";
    let mut spec = arena.python_spec(script);
    spec.environment.push(("MARK".into(), arena.directory.path().display().to_string()));
    let mut sandbox = arena.launch(spec).await;
    let text = says(&mut sandbox, "\n").await;
    assert_eq!(text, format!("255 {}\n", libc_eagain()));
    sandbox.control().kill();
    sandbox.control().ended().await;
    let mark = format!("MARK={}", arena.directory.path().display());
    assert_eq!(crate::harness::processes_with(&mark), Vec::<String>::new());
}

fn libc_eagain() -> i32 {
    rustix::io::Errno::AGAIN.raw_os_error()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_tmp_is_no_space_left_and_costs_no_memory() {
    let arena = Arena::new();
    let script = "
import errno, os
written = 0
try:
    with open('/tmp/fill', 'wb', buffering=0) as file:
        while True:
            written += file.write(bytes(1 << 20))
except OSError as error:
    print(written >> 20, errno.errorcode[error.errno])
os.remove('/tmp/fill')
open('/tmp/again', 'wb').write(bytes(1 << 20))
print('again')";
    let mut spec = arena.python_spec(script);
    // More than the memory limit: it could not be written if it counted against that.
    (spec.memory_mb, spec.tmp_mb) = (128, 512);
    let (text, ended) = finish(arena.launch(spec).await).await;
    let written: u32 = text.split(' ').next().unwrap().parse().unwrap();
    assert!((505..=525).contains(&written), "{text} {ended:?}");
    assert!(text.ends_with("ENOSPC\nagain\n"), "{text} {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tmp_is_empty_whatever_the_last_one_held() {
    let arena = Arena::new();
    for _ in 0..8 {
        let (text, _) =
            arena.shell("ls -A /tmp /dev/shm; echo secret > /tmp/secret; echo secret > /dev/shm/secret").await;
        assert_eq!(text, "/dev/shm:\n\n/tmp:\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_files_are_limited() {
    let arena = Arena::new();
    let script = "
import errno
files = []
try:
    while True: files.append(open('/dev/null'))
except OSError as error:
    print(len(files), errno.errorcode[error.errno])";
    let (text, _) = arena.python(script).await;
    assert_eq!(text, "1021 EMFILE\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sandboxes_start_side_by_side() {
    let arena = std::sync::Arc::new(Arena::new());
    drop(arena.launch(arena.shell_spec("true")).await);
    let begin = Instant::now();
    let starts: Vec<_> = (0..64)
        .map(|_| {
            let arena = arena.clone();
            tokio::spawn(async move { arena.launch(arena.shell_spec("sleep 1000")).await })
        })
        .collect();
    let mut sandboxes = Vec::new();
    for start in starts {
        sandboxes.push(start.await.unwrap());
    }
    println!("64 sandboxes in {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}
