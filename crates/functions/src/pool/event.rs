//! The words of the pool: what happens, and what it decides.

use crate::keep_alive::KeepAlive;
use std::time::Duration;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub u64);
    )*};
}
ids! {
    /// One function, whatever its versions: what a reservation is for.
    FunctionId,
    /// One unchanging pair of code and configuration: what an instance is started from.
    DeploymentId,
    /// One account and region: what the overall limit is for.
    ScopeId,
    /// One instance, from the begin of its launch.
    InstanceId,
    /// One call, in order of arrival.
    CallId
}

/// What a call wants, and the limits that hold as it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What to run.
    pub deployment: DeploymentId,
    /// Whose reservation counts.
    pub function: FunctionId,
    /// Whose overall limit counts.
    pub scope: ScopeId,
    /// The memory limit of an instance, in MiB.
    pub memory_mb: u64,
    /// The function's own limit, if it has one.
    pub reserved: Option<u32>,
    /// The limit on all calls in the scope that neither a reservation nor a provisioned instance is for.
    pub unreserved: u32,
}

/// How many instances of a deployment are to be there, with or without calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provision {
    /// What they are of.
    pub deployment: DeploymentId,
    /// Its function.
    pub function: FunctionId,
    /// The memory limit of an instance, in MiB.
    pub memory_mb: u64,
    /// How many.
    pub count: u32,
}

/// How far that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Provisioned {
    /// Those that have started.
    pub ready: u32,
    /// Whether the last one could not be started. It is tried again after a while.
    pub failed: bool,
    /// Whether there has been no memory for more of them for as long as a call would wait. They start when there is.
    pub short: bool,
}

/// What memory the machine has, whoever uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Everything, in MiB.
    pub total_mb: u64,
    /// What could be used without swapping, in MiB.
    pub available_mb: u64,
    /// Whether processes wait for memory.
    pub stalled: bool,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// A call came.
    Arrived(CallId, Target),
    /// A launch succeeded; it took this long.
    Started(InstanceId, Duration),
    /// A launch failed.
    StartFailed(InstanceId),
    /// An instance has finished its call and can take another. The most memory it ever used, in MiB; 0 if that is not known.
    Freed(InstanceId, u64),
    /// An instance ended, or is of no more use. Its call, if it had one, is over.
    Ended(InstanceId),
    /// No more calls will come for a deployment: it was changed or deleted.
    Retired(DeploymentId),
    /// So many instances of a deployment are to be there from now on.
    Provision(Provision),
    /// The machine's memory was measured.
    Measured(Machine),
    /// A little time has passed; to come often while calls wait for launches.
    Pulse,
    /// Time has passed.
    Tick,
}

/// What an instance is started ahead of calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// Provisioned concurrency.
    Provisioned,
    /// A call that is expected.
    Expected,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Give the call to the instance.
    Run(CallId, InstanceId),
    /// Start an instance for what this call wants, under this id.
    Launch(InstanceId, CallId),
    /// Start an instance of a deployment that no call waits for.
    Prepare(InstanceId, DeploymentId, Ahead),
    /// Stop the instance.
    Stop(InstanceId),
    /// Tell the caller that a limit is reached.
    Refuse(CallId, Refusal),
    /// Tell the caller that the launch made for it failed.
    Fail(CallId, InstanceId),
}

/// Why a call is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The function's reservation is used up.
    Reserved,
    /// The account's concurrency is used up.
    Unreserved,
    /// The machine has no memory for it.
    Memory,
}

/// What the pool may use.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Memory for all instances together, in MiB.
    pub memory_mb: u64,
    /// What is set aside for an instance of which nobody knows yet what it uses, in percent of its limit.
    pub unknown_percent: u64,
    /// How long an instance may be idle, where its function's history says nothing.
    pub idle: Duration,
    /// Whether histories are used.
    pub keep_alive: KeepAlive,
    /// How long a call may wait for memory.
    pub capacity_wait: Duration,
    /// Launches under way at once.
    pub launches: usize,
    /// A launch that takes longer waits for its own function, not for the machine, and no longer counts as under way.
    pub launch_time: Duration,
}
