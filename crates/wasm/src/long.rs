//! Calls that work for long. A call begins on the platform's own threads, where it is a few microseconds of work and a change of threads
//! would cost more than that. One that is still working when an epoch ends goes on on other threads, of lower priority: there may be many of
//! these, and the platform's threads must stay free for everybody's requests.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// What is added to the platform's own `nice` value.
const LOWER: i32 = 5;

/// The threads for long calls.
pub(crate) struct LongCalls(Option<Runtime>);

impl LongCalls {
    /// As many threads as there are cores.
    pub fn start() -> std::io::Result<Self> {
        let lower = || {
            // On Linux this is the thread's own. Without it, long calls only take more of the others' time.
            if let Ok(nice) = rustix::process::getpriority_process(None) {
                let _ = rustix::process::setpriority_process(None, nice + LOWER);
            }
        };
        let mut builder = Builder::new_multi_thread();
        builder.thread_name("wasm-long").enable_time().on_thread_start(lower).build().map(|runtime| Self(Some(runtime)))
    }

    /// Finishes `call`, elsewhere once `is_long` has turned true. Dropping the future ends it.
    pub async fn finish<T: Send + 'static>(
        &self,
        mut call: Pin<Box<dyn Future<Output = T> + Send>>,
        is_long: Arc<AtomicBool>,
    ) -> Option<T> {
        let begun = std::future::poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if is_long.load(Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        match (begun.await, &self.0) {
            (Some(done), _) => Some(done),
            (None, Some(elsewhere)) => Moved(elsewhere.spawn(call)).await,
            (None, None) => Some(call.await),
        }
    }
}

impl Drop for LongCalls {
    fn drop(&mut self) {
        // Waiting for the threads is not allowed on the platform's own.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A call that ends with whoever waits for it. `None` if it panicked.
struct Moved<T>(JoinHandle<T>);

impl<T> Future for Moved<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(context).map(Result::ok)
    }
}

impl<T> Drop for Moved<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
