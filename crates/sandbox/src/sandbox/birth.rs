//! From an order to a sandbox, and on to its end.

use super::{Ended, Ends, Sandbox, next_report, send};
use crate::error::Error;
use crate::spec::{ExitStatus, Kind, Order, Report};
use rustix::io::Errno;
use rustix::process::Signal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

/// Why an order brought no sandbox.
pub(super) enum Unborn {
    /// The spawner ended without looking at the order.
    SpawnerLost,
    /// It ended, or hung, before its program was run: somebody has killed or stopped the process that was to become it.
    Early,
    /// Something else.
    Because(Error),
}

impl Unborn {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::SpawnerLost => Error::Spawner("it was killed".into()),
            Self::Early => Error::Setup("it ended, or hung, before it was set up".into()),
            Self::Because(error) => error,
        }
    }
}

/// Orders a sandbox, and takes it over when it is there. `beside` is the platform's end of a zygote's socket.
pub(super) async fn make(
    spawner: &Arc<AsyncFd<OwnedFd>>,
    order: &Order,
    kind: Kind,
    beside: Option<BorrowedFd<'_>>,
) -> Result<Sandbox, Unborn> {
    let failed = |errno: Errno| match errno {
        Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Unborn::SpawnerLost,
        other => Unborn::Because(Error::Setup(format!("ordering it: {other}"))),
    };
    let (reply, their_reply) = crate::message::pair().map_err(failed)?;
    let (output, their_output) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(failed)?;
    let control = match kind {
        Kind::Program => None,
        Kind::Spare | Kind::Zygote => Some(crate::message::stream_pair().map_err(failed)?),
    };
    let status = beside.map(|_| status_pipe()).transpose().map_err(failed)?;
    let mut theirs = vec![their_reply.as_fd(), their_output.as_fd()];
    theirs.extend(control.as_ref().map(|(_, their_control)| their_control.as_fd()));
    theirs.extend(status.as_ref().map(|(_, their_status)| their_status.as_fd()));
    theirs.extend(beside);
    send(spawner, order, &theirs).await.map_err(failed)?;
    drop(theirs);
    drop((their_reply, their_output));
    let (born, birth) = oneshot::channel();
    let ends = Ends { output, socket: control.map(|(ours, _)| ours), spawner: Arc::downgrade(spawner) };
    tokio::spawn(attend(reply, status.map(|(ours, _)| ours), ends, born));
    birth.await.unwrap_or_else(|_| Err(Unborn::Because(Error::Spawner("it was stopped".into()))))
}

/// A pipe for one short word, which is read once its writers are gone.
fn status_pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    use rustix::pipe::{PipeFlags, pipe_with};
    pipe_with(PipeFlags::CLOEXEC.union(PipeFlags::NONBLOCK))
}

/// What a fork's first process, which may be anybody's code, has said of how its program ended.
fn said_status(pipe: &OwnedFd) -> Option<ExitStatus> {
    let mut word = [0; 64];
    let length = rustix::io::read(pipe, &mut word).ok()?;
    serde_json::from_slice(word.get(..length)?).ok()
}

/// Follows one sandbox from its order to its end.
async fn attend(reply: OwnedFd, status: Option<OwnedFd>, ends: Ends, born: oneshot::Sender<Result<Sandbox, Unborn>>) {
    let Ok(reply) = crate::message::watch(reply) else {
        let _ = born.send(Err(Unborn::Because(Error::Setup("its reply cannot be watched".into()))));
        return;
    };
    let (tell, ended) = watch::channel(None);
    let mut end = Ended { status: None, out_of_memory: false, peak_bytes: None, failure: None };
    let (mut born, mut ends) = (Some(born), Some(ends));
    let (mut init, mut ready) = (None::<(u64, OwnedFd)>, None);
    let mut heard = false;
    loop {
        let report = tokio::select! {
            biased;
            report = next_report(&reply) => report,
            () = given_up(&mut born) => {
                born = None;
                end_unborn(init.as_ref());
                continue;
            }
        };
        heard |= report.is_some();
        match report {
            Some((Report::Cloned { number }, descriptors)) if init.is_none() => {
                init = descriptors.into_iter().next().map(|init| (number, init));
                if born.is_none() {
                    end_unborn(init.as_ref());
                }
            }
            Some((Report::Ready, descriptors)) => ready = Some(descriptors),
            Some((Report::NotForked(reason), _)) => {
                if let Some(born) = born.take() {
                    let _ = born.send(Err(Unborn::Because(Error::NotForked(reason))));
                }
                return;
            }
            Some((Report::Failed(reason), _)) => {
                if let Some(born) = born.take() {
                    let _ = born.send(Err(Unborn::Because(Error::Setup(reason))));
                    return;
                }
                end.failure = Some(reason);
            }
            Some((Report::NotRun(reason), _)) => end.failure = Some(reason),
            Some((Report::Exited(status), _)) => end.status = Some(status),
            Some((Report::Cloned { .. }, _)) => {}
            Some((Report::Gone { out_of_memory, peak_bytes }, _)) => {
                end.status = end.status.or_else(|| said_status(status.as_ref()?));
                (end.out_of_memory, end.peak_bytes) = (out_of_memory, peak_bytes);
                break;
            }
            // The spawner is gone, and with it the sandbox.
            None => break,
        }
        if init.is_some()
            && ready.is_some()
            && let (Some(born), Some(init), Some(ready), Some(ends)) =
                (born.take(), init.take(), ready.take(), ends.take())
        {
            // If nobody waits any more, dropping the sandbox ends it.
            let made = Sandbox::assemble(init, ready, ends, ended.clone());
            let _ = born.send(made.map_err(Unborn::Because));
        }
    }
    if let Some(born) = born.take() {
        let error = if heard { Unborn::Early } else { Unborn::SpawnerLost };
        let _ = born.send(Err(error));
    }
    let _ = tell.send(Some(end));
}

/// Whoever waited for a sandbox has gone on without it, and it may hang.
fn end_unborn(init: Option<&(u64, OwnedFd)>) {
    if let Some((_, init)) = init {
        let _ = rustix::process::pidfd_send_signal(init, Signal::KILL);
    }
}

/// Resolves when nobody waits for the sandbox any more.
async fn given_up(born: &mut Option<oneshot::Sender<Result<Sandbox, Unborn>>>) {
    match born {
        Some(born) => born.closed().await,
        None => std::future::pending().await,
    }
}
