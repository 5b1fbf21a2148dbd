//! A running instance, and where it came from.

use crate::code::Hold;
use crate::pool::InstanceId;
use crate::report::{self, Begin};
use crate::runtime::{Instance, Started};
use fogbank_model::LogStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Why an instance was started, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// For a call that waited.
    OnDemand,
    /// The same, from a snapshot.
    Restored,
    /// For a call that is expected.
    Expected,
    /// From a snapshot, for a call that is expected.
    RestoredAhead,
    /// Provisioned concurrency.
    Provisioned,
}

/// A running instance.
pub(crate) struct Live {
    pub id: InstanceId,
    pub instance: Box<dyn Instance>,
    pub log: LogStream,
    /// How long its initialisation took, or its restoration.
    init: Duration,
    origin: Origin,
    /// The most memory that it was seen to use, in MiB.
    pub peak_mb: AtomicU32,
    used: AtomicBool,
    pub gone: AtomicBool,
    _code: Vec<Hold>,
}

impl Live {
    pub fn new(id: InstanceId, started: Started, log: &LogStream, code: Vec<Hold>, origin: Origin) -> Arc<Self> {
        Arc::new(Self {
            id,
            instance: started.instance,
            log: log.clone(),
            init: started.init,
            origin,
            peak_mb: AtomicU32::new(0),
            used: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            _code: code,
        })
    }

    /// What came before the first call, for that call only. Restoring is billed in steps of `step_ms`.
    pub fn first_use(&self, step_ms: u64) -> Option<Begin> {
        let begin = match self.origin {
            Origin::OnDemand | Origin::Expected => Begin::Init(self.init),
            Origin::Restored | Origin::RestoredAhead => {
                Begin::Restore { took: self.init, billed_ms: report::billed_ms(self.init, step_ms) }
            }
            Origin::Provisioned => return None,
        };
        (!self.used.swap(true, Ordering::Relaxed)).then_some(begin)
    }

    /// Whether a call had to wait for its start.
    pub fn was_waited_for(&self) -> bool {
        matches!(self.origin, Origin::OnDemand | Origin::Restored)
    }

    /// Whether it is provisioned concurrency.
    pub fn is_provisioned(&self) -> bool {
        self.origin == Origin::Provisioned
    }

    /// Measures its memory: the most that it has used so far, in MiB.
    pub fn measure(&self) -> u32 {
        let peak = self.instance.max_memory_mb();
        self.peak_mb.store(peak, Ordering::Relaxed);
        peak
    }
}
