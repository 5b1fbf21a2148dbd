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
    /// What the program is to the platform.
    pub kind: Kind,
    /// Host directory that becomes `/var/task`, read-only. Without it the directory is empty, until [`crate::Control::assign`].
    pub code: Option<PathBuf>,
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

/// What a sandbox's program is to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// It runs and ends by itself.
    Program,
    /// It has a stream socket to the platform as descriptor 3, over which it waits to be told what to become.
    Spare,
    /// It has such a socket too, and others are forked from it ([`crate::Control::fork`]): told `f`, with descriptors of the child's own socket,
    /// its output, and a pipe on which to say how its program ended ([`ExitStatus`] as JSON), it calls `fork`. Landlock cannot confine it, since its children have another `/tmp`.
    Zygote,
}

/// What a sandbox that is forked from a zygote has of its own. The rest is as in the zygote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fork {
    /// As in [`Spec`].
    pub memory_mb: u32,
    /// As in [`Spec`].
    pub tmp_mb: u32,
    /// As in [`Spec`].
    pub max_processes: u32,
    /// As in [`Spec`].
    pub doors: Vec<u16>,
}

/// What turns a waiting sandbox into one that serves a function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// Becomes `/var/task`.
    pub code: PathBuf,
    /// As in [`Spec`].
    pub layers: Vec<PathBuf>,
    /// As in [`Spec`].
    pub memory_mb: u32,
    /// As in [`Spec`].
    pub max_processes: u32,
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

/// From platform to spawner.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// With the reply socket, the output pipe's write end, and the program's control socket if it has one.
    Launch(Box<Spec>),
    /// With the same three, then the pipe's write end for the exit status, then the platform's end of the zygote's control socket.
    Fork { zygote: u64, fork: Fork },
    /// With a socket for the answer: [`Report::Ready`] or [`Report::Failed`].
    Assign { number: u64, assignment: Assignment },
    /// Ends a zygote's program. What was forked from it goes on.
    Retire { number: u64 },
}

/// From spawner to a clone that waits, with the descriptors of [`Order::Launch`], then perhaps a `/tmp`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) spec: Spec,
}

/// What comes over a sandbox's own reply socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// From the spawner, with the init process's pidfd.
    Cloned { number: u64 },
    /// When all is set up and the program is about to run; with the doors in order, then the file that tells the peak of memory if
    /// there is one.
    Ready,
    /// From whoever could not set it up.
    Failed(String),
    /// From whoever told a zygote to fork, if it did not.
    NotForked(String),
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
