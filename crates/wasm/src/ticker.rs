//! Time for running components: an epoch ends every few milliseconds while calls are under way, and a component whose epoch has ended lets
//! others have the processor, and its time limit take effect.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;
use wasmtime::EngineWeak;

/// How long a component runs before it lets others have their turn.
const EPOCH: Duration = Duration::from_millis(2);
/// After so many epochs without a call the thread sleeps until the next. Waking it costs a call a system call.
const QUIET_EPOCHS: u32 = 250;

/// Ends epochs.
#[derive(Default)]
pub(crate) struct Ticker {
    running: AtomicUsize,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

/// Keeps the epochs going.
pub(crate) struct Running(Arc<Ticker>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    /// Starts the thread. It ends with the engine.
    pub fn start(engine: EngineWeak) -> std::io::Result<Arc<Self>> {
        let ticker = Arc::new(Self::default());
        let this = ticker.clone();
        let thread = std::thread::Builder::new().name("wasm-epochs".into()).spawn(move || this.tick(&engine))?;
        drop(ticker.thread.set(thread.thread().clone()));
        Ok(ticker)
    }

    /// A call begins; it ends when the answer is dropped.
    pub fn enter(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst) {
            self.wake();
        }
        Running(self.clone())
    }

    /// Wakes the thread if it sleeps.
    pub fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn tick(&self, engine: &EngineWeak) {
        let mut quiet = 0;
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            quiet = if self.running.load(Ordering::SeqCst) == 0 { quiet + 1 } else { 0 };
            if quiet < QUIET_EPOCHS {
                std::thread::sleep(EPOCH);
                continue;
            }
            quiet = 0;
            self.asleep.store(true, Ordering::SeqCst);
            // A call that came before it could see this has counted itself before.
            if self.running.load(Ordering::SeqCst) == 0 {
                std::thread::park();
            }
            self.asleep.store(false, Ordering::SeqCst);
        }
    }
}
