//! Nothing may stay when the platform goes, however it goes.

use crate::harness::{Arena, control_groups, eventually, finish, processes_with, says, spawner_program};
use fogbank_sandbox::{ExitStatus, Spawner};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn platform(directory: &Path) -> Child {
    let code = directory.join("code");
    std::fs::create_dir_all(&code).unwrap();
    let mut child = Command::new(spawner_program())
        .args(["platform".as_ref(), directory.join("state").as_os_str(), code.as_os_str()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

/// Everything on the host that has to do with `directory`: processes, mounts, loop devices.
fn traces(directory: &Path) -> Vec<String> {
    let mark = directory.display().to_string();
    let mut found = processes_with(&mark);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let mounts = std::fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default();
        found.extend(mounts.lines().filter(|line| line.contains(&mark)).map(str::to_owned));
    }
    for entry in std::fs::read_dir("/sys/block").unwrap().flatten() {
        let file = std::fs::read_to_string(entry.path().join("loop/backing_file")).unwrap_or_default();
        found.extend(file.contains(&mark).then_some(file));
    }
    found
}

/// The control groups that came since `before`.
fn new_groups(mine: &[std::path::PathBuf]) -> bool {
    mine.iter().any(|group| group.exists())
}

fn spawner_of(platform: &Child) -> i32 {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", platform.id())).unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

/// The control groups in which the sandboxes of `platform` are.
fn groups_of(platform: &Child) -> Vec<std::path::PathBuf> {
    groups_of_spawner(spawner_of(platform))
}

fn groups_of_spawner(spawner: i32) -> Vec<std::path::PathBuf> {
    let children = std::fs::read_to_string(format!("/proc/{spawner}/task/{spawner}/children")).unwrap();
    let groups: Vec<_> = children
        .split_whitespace()
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok())
        .flat_map(|text| {
            text.lines()
                .filter_map(|line| line.split("/fogbank-").nth(1)?.split('/').next().map(str::to_owned))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(!groups.is_empty(), "the sandboxes are in control groups: {children}");
    control_groups()
        .into_iter()
        .filter(|one| groups.iter().any(|group| one.ends_with(format!("fogbank-{group}"))))
        .collect()
}

fn kill(pid: i32) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_when_the_platform_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = platform(directory.path());
    let groups = groups_of(&child);
    assert!(traces(directory.path()).len() > 6, "{:?}", traces(directory.path()));
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("processes, mounts and loop devices are gone", || traces(directory.path()).is_empty()).await;
    eventually("control groups are gone", || !new_groups(&groups)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_when_platform_and_spawner_are_killed_is_swept_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = platform(directory.path());
    let groups = groups_of(&child);
    let spawner = spawner_of(&child);
    kill(spawner);
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("processes, mounts and loop devices are gone", || traces(directory.path()).is_empty()).await;
    assert!(new_groups(&groups), "nobody was there to remove the control groups");
    let next = Spawner::start_with(spawner_program(), directory.path().join("state")).unwrap();
    eventually("the old sandboxes' groups are gone", || groups.iter().all(|group| !group.join("1").exists())).await;
    drop(next);
    assert!(!new_groups(&groups));
}

fn has_ended(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |text| text.contains(") Z"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_that_ends_late_and_the_next_one_leave_each_others_groups_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = platform(directory.path());
    let (late, groups) = (spawner_of(&child), groups_of(&child));
    let state = directory.path().join("state");
    let mark = format!("STATE={}", state.display());
    let pids = || {
        processes_with(&mark).iter().filter_map(|one| one.split(' ').next()?.parse().ok()).collect::<BTreeSet<i32>>()
    };
    let before = pids();
    // As if the next one had waited for its turn as long as it does.
    std::fs::remove_file(state.join("spawner.lock")).unwrap();
    let arena = Arena { spawner: Spawner::start_with(spawner_program(), &state).unwrap(), directory };
    let mut running = arena.launch(arena.shell_spec("echo the-next-one-runs; sleep 1000; true")).await;
    says(&mut running, "the-next-one-runs").await;
    assert!(pids().is_superset(&before), "the late one's sandboxes are not the next one's to end");
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the late one has ended", || has_ended(late)).await;
    assert!(!new_groups(&groups) && pids().is_empty(), "it has cleared away what was its own");
    let ended = tokio::time::timeout(std::time::Duration::ZERO, running.control().ended()).await;
    assert!(ended.is_err() && !processes_with("the-next-one-runs").is_empty(), "the next one's sandbox still runs");
    let (text, _) = arena.shell("echo and goes on").await;
    assert_eq!(text, "and goes on\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_when_it_happens_again_and_again_does_not_pile_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut left = Vec::new();
    for _ in 0..3 {
        let mut child = platform(directory.path());
        assert!(!new_groups(&left), "each start removes what is there");
        left.extend(groups_of(&child));
        kill(spawner_of(&child));
        child.kill().unwrap();
        child.wait().unwrap();
        eventually("its processes are gone", || traces(directory.path()).is_empty()).await;
    }
    assert!(new_groups(&left), "nobody was there to remove the last ones");
    drop(Spawner::start_with(spawner_program(), directory.path().join("state")).unwrap());
    assert!(!new_groups(&left));
}

/// The processes that `spawner` has cloned and that are in control groups: sandboxes, and the one that is cloned ahead.
fn clones_of(spawner: i32) -> Vec<i32> {
    let in_a_group =
        |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|text| text.contains("/fogbank-"));
    children_of(spawner).into_iter().filter(in_a_group).collect()
}

fn children_of(pid: i32) -> Vec<i32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn signal(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_somebody_has_removed_are_made_again() {
    let arena = Arena::new();
    let mark = arena.directory.path().join("state").display().to_string();
    let named = processes_with(&mark).into_iter().find(|one| one.contains("fogbank-spawner")).unwrap();
    let spawner = named.split(' ').next().unwrap().parse().unwrap();
    eventually("one is cloned ahead", || clones_of(spawner).len() == 1).await;
    let (ahead, groups) = (clones_of(spawner)[0], groups_of_spawner(spawner));
    signal(spawner, rustix::process::Signal::STOP);
    kill(ahead);
    let remove = |group: &std::path::PathBuf| {
        let below = std::fs::read_dir(group).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
        below.for_each(|entry| drop(std::fs::remove_dir(entry.path())));
        drop(std::fs::remove_dir(group));
        !group.exists()
    };
    eventually("all groups are removed", || groups.iter().filter(|group| !remove(group)).count() == 0).await;
    signal(spawner, rustix::process::Signal::CONT);
    let mut running = arena.launch(arena.shell_spec("echo runs; sleep 1000")).await;
    assert!(says(&mut running, "runs").await.contains("runs"));
    assert!(groups.iter().all(|group| group.exists()), "the sandbox has limits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_cloned_ahead_takes_the_next_launch_and_is_replaced_when_it_is_killed() {
    let arena = Arena::new();
    let mark = arena.directory.path().join("state").display().to_string();
    let named = processes_with(&mark).into_iter().find(|one| one.contains("fogbank-spawner")).unwrap();
    let spawner = named.split(' ').next().unwrap().parse().unwrap();
    eventually("one is cloned ahead", || clones_of(spawner).len() == 1).await;
    let ahead = clones_of(spawner)[0];
    let mut running = arena.launch(arena.shell_spec("echo runs; sleep 1000")).await;
    assert!(says(&mut running, "runs").await.contains("runs"));
    assert_eq!(children_of(ahead).len(), 1, "the one that waited runs the program");
    eventually("another is cloned ahead", || clones_of(spawner).len() == 2).await;
    let next = clones_of(spawner).into_iter().find(|pid| *pid != ahead).unwrap();
    kill(next);
    eventually("the killed one has ended", || {
        std::fs::read_to_string(format!("/proc/{next}/stat")).is_ok_and(|text| text.contains(") Z"))
    })
    .await;
    let (text, ended) = finish(arena.launch(arena.shell_spec("echo again")).await).await;
    assert_eq!((text.as_str(), ended.status), ("again\n", Some(ExitStatus::Code(0))));
    assert_eq!(children_of(ahead).len(), 1, "its neighbour noticed nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_spawner_takes_its_sandboxes_with_it_and_is_replaced() {
    let arena = Arena::new();
    let sandbox = arena.launch(arena.shell_spec("sleep 1000")).await;
    let mark = arena.directory.path().join("state").display().to_string();
    let spawner: i32 = processes_with(&mark)
        .iter()
        .filter(|one| one.contains("fogbank-spawner"))
        .map(|one| one.split(' ').next().unwrap().parse().unwrap())
        .min()
        .unwrap();
    kill(spawner);
    let ended = sandbox.control().ended().await;
    assert_eq!(ended.status, None);
    let (text, ended) = finish(arena.launch(arena.shell_spec("echo again")).await).await;
    assert_eq!((text.as_str(), ended.status), ("again\n", Some(ExitStatus::Code(0))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_ends_after_its_spawner_was_killed_clears_away_for_it() {
    let arena = Arena::new();
    let sandbox = arena.launch(arena.shell_spec("cat /dev/zero > /dev/null")).await;
    let mark = arena.directory.path().join("state").display().to_string();
    let spawner = processes_with(&mark)
        .iter()
        .filter(|one| one.contains("fogbank-spawner"))
        .map(|one| one.split(' ').next().unwrap().parse().unwrap())
        .min();
    let groups = groups_of_spawner(spawner.unwrap());
    kill(spawner.unwrap());
    sandbox.control().ended().await;
    tokio::task::spawn_blocking(move || drop(arena)).await.unwrap();
    assert!(!new_groups(&groups));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_when_the_spawner_is_dropped() {
    let arena = Arena::new();
    let (spawner, directory) = (arena.spawner, arena.directory);
    let arena = Arena { spawner, directory };
    let sandbox = arena.launch(arena.shell_spec("sleep 1000")).await;
    let Arena { spawner, directory } = arena;
    tokio::task::spawn_blocking(move || drop(spawner)).await.unwrap();
    assert_eq!(traces(directory.path()), Vec::<String>::new());
    sandbox.control().ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_that_fails_says_why() {
    let arena = Arena::new();
    let mut spec = arena.shell_spec("true");
    spec.code = Some("/nowhere/at/all".into());
    let error = arena.spawner.launch(spec).await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all") && error.contains("No such file"), "{error}");
    let mut spec = arena.shell_spec("true");
    spec.command = vec!["/var/task/missing".into()];
    let ended = arena.launch(spec).await.control().ended().await;
    assert!(ended.failure.unwrap().contains("/var/task/missing"));
}
