//! A running interpreter that others are forked from: one that has loaded what functions usually import, or the initialised process of one
//! version of a function.

use crate::instance::ProcessInstance;
use crate::spares::Spare;
use fogbank_sandbox::{Control, Error, Fork, Sandbox};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// How long a fork may take, the turns of others included, before something else is started.
const FORK_LIMIT: Duration = Duration::from_secs(4);

/// What says that a program waits at its socket.
pub(crate) const READY: u8 = b'r';

/// Waits until a program says at its socket that it waits.
pub(crate) async fn says_ready(socket: &mut UnixStream, limit: Duration) -> bool {
    matches!(tokio::time::timeout(limit, socket.read_u8()).await, Ok(Ok(READY)))
}

/// The zygote. Whatever was forked from it holds it, because it ends with the zygote's sandbox.
pub(crate) struct Zygote {
    socket: UnixStream,
    control: Arc<Control>,
    /// The output of a function that has initialised itself. Its doors are closed: a connection that it left open must not be shared.
    _instance: Option<ProcessInstance>,
    forks: AtomicU32,
}

impl Zygote {
    /// Takes over a sandbox whose program has said that it is [`READY`].
    pub(crate) fn over(control: Arc<Control>, socket: UnixStream, instance: Option<ProcessInstance>) -> Arc<Self> {
        let instance = instance.map(ProcessInstance::close_doors);
        Arc::new(Self { socket, control, _instance: instance, forks: AtomicU32::new(0) })
    }

    /// Takes over a new sandbox, and waits until its program is ready. What it prints is nobody's.
    pub(crate) async fn begin(sandbox: Sandbox, limit: Duration) -> Option<Arc<Self>> {
        let (_, output, socket, control) = sandbox.into_parts();
        if let Some(mut output) = output {
            tokio::spawn(async move { tokio::io::copy(&mut output, &mut tokio::io::sink()).await });
        }
        let mut socket = socket?;
        says_ready(&mut socket, limit).await.then(|| Self::over(Arc::new(control), socket, None))
    }

    /// A new sandbox that waits to be told what it is.
    pub(crate) async fn fork(self: &Arc<Self>, fork: Fork) -> Result<Spare, Error> {
        self.forks.fetch_add(1, Ordering::Relaxed);
        let forked = tokio::time::timeout(FORK_LIMIT, self.control.fork(&self.socket, fork)).await;
        let sandbox = forked.map_err(|_| Error::Setup("a fork takes too long".into()))??;
        Ok(Spare { sandbox, zygote: Some(self.clone()) })
    }

    /// Whether what was forked from it will go on.
    pub(crate) fn is_well(&self) -> bool {
        self.control.is_well()
    }

    /// How often it was asked to fork.
    pub(crate) fn forks(&self) -> u32 {
        self.forks.load(Ordering::Relaxed)
    }

    /// Ends its program. What was forked from it goes on, as long as the zygote is held.
    pub(crate) async fn retire(&self) {
        self.control.retire().await;
    }

    /// Resolves when it can serve no more. Its forks may go on.
    pub(crate) async fn ended(&self) {
        // It has nothing more to say: whatever can be read is its end, or code that is not to be trusted with it any more.
        while self.socket.readable().await.is_ok() {
            match self.socket.try_read(&mut [0]) {
                // It only seemed so.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    }
}
