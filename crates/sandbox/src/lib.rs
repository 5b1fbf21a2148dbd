//! Linux isolation for code that nobody vouches for. A [`Sandbox`] is a process tree in namespaces of its own, on a read-only root, under limits,
//! without privileges, whose only way out are the doors that the platform serves. It knows nothing of functions. This is
//! the only crate with `unsafe` code but for one call in `wasm`, which loads machine code.
//!
//! Four kinds of process work together: the platform ([`Spawner`]), the spawner process (`spawner.rs`), each sandbox's own first process
//! (`inside.rs` until it is set up, `init.rs` from then on), and short-lived attendants of the spawner's, one for each sandbox that is forked
//! from another (`fork.rs`) or is assigned to a function (`assign.rs`).
//!
//! A sandbox is not frozen while it has nothing to do. AWS does that, but through version 1 control groups it costs every start another group,
//! and every call two writes and a wait; what a function leaves running is held by its share of the processor instead.

mod arguments;
mod assign;
mod attendants;
mod cgroup;
mod doctor;
mod doors;
mod error;
mod fork;
mod init;
mod inside;
mod landlock;
mod message;
mod mounts;
mod privileges;
mod process;
mod root;
mod running;
mod sandbox;
mod scratch;
mod seccomp;
mod spawner;
mod spec;
#[cfg(target_arch = "x86_64")]
mod tracing;
#[cfg(not(target_arch = "x86_64"))]
#[path = "untraced.rs"]
mod tracing;

pub use doctor::{Finding, doctor};
pub use error::Error;
pub use sandbox::{Control, Ended, Sandbox, Spawner};
pub use spawner::spawner_main_if_asked;
pub use spec::{Assignment, Bind, ExitStatus, Fork, Kind, Outbound, Spec};
