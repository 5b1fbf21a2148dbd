//! What a sandbox is made of, and the messages that platform, spawner and a new sandbox exchange about it. JSON in one
//! `SOCK_SEQPACKET` packet each; descriptors travel beside them.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything a sandbox is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    /// Program (absolute path inside the sandbox) and its arguments.
    pub command: Vec<String>,
    /// The whole environment: nothing is inherited.
    pub environment: Vec<(String, String)>,
    /// Working directory inside the sandbox.
    pub directory: String,
    /// Host directory that becomes `/var/task`, read-only.
    pub code: PathBuf,
    /// Host directories merged into `/opt`, read-only; a later one wins.
    pub layers: Vec<PathBuf>,
    /// More host directories, read-only.
    pub binds: Vec<Bind>,
    /// Memory limit in MiB. It also decides the share of the processor: 1769 MiB count as one.
    pub memory_mb: u32,
    /// Size of `/tmp` in MiB.
    pub tmp_mb: u32,
    /// The most processes and threads.
    pub max_processes: u32,
    /// Ports on 127.0.0.1 that the platform serves inside the sandbox.
    pub doors: Vec<u16>,
    /// Which of the outside's addresses can be reached.
    pub outbound: Outbound,
}

/// A host directory or file shown read-only inside a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// Absolute host path.
    pub source: PathBuf,
    /// Absolute path inside the sandbox. Its parents are made if they are missing and show nothing else of the host.
    pub target: PathBuf,
}

/// What a sandbox may reach beyond its doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outbound {
    /// Nothing: its network namespace has a loopback interface and no other.
    None,
}

/// The largest message. Far above any specification that AWS's limits allow (4 KB of environment, 5 layers), and below the default
/// socket buffer.
pub(crate) const MAX_MESSAGE: usize = 96 * 1024;

/// From platform to spawner, with two descriptors: the reply socket and the output pipe's write end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) spec: Spec,
}

/// What comes over a sandbox's own reply socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// From the spawner, with the init process's pidfd.
    Cloned,
    /// From the sandbox, when all is set up and the program is about to run; with the doors in order, then the file that tells
    /// the peak of memory if there is one.
    Ready,
    /// From whoever could not set it up.
    Failed(String),
    /// From the sandbox, after `Ready`: the program could not be run.
    NotRun(String),
    /// From the sandbox's init: how the program ended.
    Exited(ExitStatus),
    /// From the spawner, after every process of the sandbox is gone; the last message.
    Gone { out_of_memory: bool, peak_bytes: Option<u64> },
}

/// How a sandbox's program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}
