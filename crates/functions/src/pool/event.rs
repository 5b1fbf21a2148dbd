//! The words of the pool: what happens, and what it decides.

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
    /// What an instance takes of the machine, in MiB.
    pub memory_mb: u64,
    /// The function's own limit, if it has one.
    pub reserved: Option<u32>,
    /// The limit on all calls of functions without a reservation in the scope.
    pub unreserved: u32,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// A call came.
    Arrived(CallId, Target),
    /// A launch succeeded.
    Started(InstanceId),
    /// A launch failed.
    StartFailed(InstanceId),
    /// An instance has finished its call and can take another.
    Freed(InstanceId),
    /// An instance ended, or is of no more use. Its call, if it had one, is over.
    Ended(InstanceId),
    /// No more calls will come for a deployment: it was changed or deleted.
    Retired(DeploymentId),
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Give the call to the instance.
    Run(CallId, InstanceId),
    /// Start an instance for what this call wants, under this id.
    Launch(InstanceId, CallId),
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
    /// How long an instance may be idle.
    pub idle: Duration,
    /// How long a call may wait for memory.
    pub capacity_wait: Duration,
}
