//! The little languages that several of AWS's services share: event patterns (EventBridge's rules, filters of Lambda's event sources) and
//! schedule expressions (EventBridge's rules and Scheduler). Pure functions: no state, no clock, no I/O.
//!
//! Invariants:
//! - What was parsed can be evaluated without failing.
//! - Matching costs at most the pattern's length times the event's, whatever the pattern.

mod pattern;
mod schedule;

pub use pattern::{InvalidPattern, Pattern};
pub use schedule::{InvalidSchedule, Schedule};
