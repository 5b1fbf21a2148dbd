//! Why an operation on schedules fails. Texts are AWS's where AWS has one; `scheduler/faults.rs` maps them to the wire.

/// A failure of an operation on schedules.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no such schedule.
    #[error("Schedule {0} does not exist.")]
    NoSchedule(String),
    /// There is no such group.
    #[error("Schedule group {0} does not exist.")]
    NoGroup(String),
    /// There is a schedule of the name in the group.
    #[error("Schedule {0} already exists.")]
    ScheduleExists(String),
    /// There is a group of the name.
    #[error("Schedule group {0} already exists.")]
    GroupExists(String),
    /// A parameter cannot have its value.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] fogbank_store::Error),
}
