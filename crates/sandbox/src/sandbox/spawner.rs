//! The platform's hold on the spawner process: it is started, asked for sandboxes, and replaced when it was killed.

use super::Sandbox;
use super::birth::{Unborn, make};
use crate::error::Error;
use crate::spec::{Order, Spec};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// How long the setting up of a sandbox may take before it is begun anew. A hundred times of what it takes on a busy machine.
const SETUP_LIMIT: Duration = Duration::from_secs(3);

/// Makes sandboxes. Dropping it ends all of them.
#[derive(Debug)]
pub struct Spawner {
    program: PathBuf,
    state: PathBuf,
    process: Mutex<Process>,
}

/// The spawner process that is in use now.
#[derive(Debug)]
struct Process {
    child: Child,
    socket: Option<Arc<AsyncFd<OwnedFd>>>,
}

impl Spawner {
    /// Starts the spawner. `state` is a directory for its use alone; files in it may be removed while no platform runs. Must be called in a
    /// Tokio runtime, in a program that calls [`crate::spawner_main_if_asked`] first.
    pub fn start(state: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::start_with("/proc/self/exe", state)
    }

    /// The same with another program that calls [`crate::spawner_main_if_asked`]; for tests, whose own `main` belongs to the test harness.
    pub fn start_with(program: impl Into<PathBuf>, state: impl Into<PathBuf>) -> Result<Self, Error> {
        let (program, state) = (program.into(), state.into());
        let process = Process::start(&program, &state)?;
        Ok(Self { program, state, process: Mutex::new(process) })
    }

    /// Makes a sandbox and starts its program. If the future is dropped, so is the sandbox.
    pub async fn launch(&self, spec: Spec) -> Result<Sandbox, Error> {
        let kind = spec.kind;
        let order = Order::Launch(Box::new(spec));
        let socket = self.socket()?;
        let first = tokio::time::timeout(SETUP_LIMIT, make(&socket, &order, kind, None)).await;
        let again = match first.unwrap_or(Err(Unborn::Early)) {
            // The spawner was killed: its sandboxes died with it, and a new one takes over.
            Err(Unborn::SpawnerLost) => self.restart(&socket)?,
            Err(Unborn::Early) => socket,
            made => return made.map_err(Unborn::into_error),
        };
        make(&again, &order, kind, None).await.map_err(Unborn::into_error)
    }

    fn socket(&self) -> Result<Arc<AsyncFd<OwnedFd>>, Error> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.socket.clone().ok_or_else(|| Error::Spawner("it was stopped".into()))
    }

    /// Replaces the spawner behind `failed`, unless another task has done so already.
    fn restart(&self, failed: &Arc<AsyncFd<OwnedFd>>) -> Result<Arc<AsyncFd<OwnedFd>>, Error> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = process.socket.as_ref().filter(|socket| !Arc::ptr_eq(socket, failed)) {
            return Ok(socket.clone());
        }
        tracing::warn!("the sandbox spawner has ended; starting another");
        let _ = process.child.kill();
        let _ = process.child.wait();
        *process = Process::start(&self.program, &self.state)?;
        process.socket.clone().ok_or_else(|| Error::Spawner("it was stopped".into()))
    }
}

impl Drop for Spawner {
    /// Closes the socket and waits until the spawner has cleared everything away.
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        process.socket = None;
        let cleared = process.child.wait().is_ok_and(|status| status.success());
        if !cleared {
            crate::spawner::sweep(&self.state);
        }
    }
}

impl Process {
    fn start(program: &PathBuf, state: &PathBuf) -> Result<Self, Error> {
        let failed = |what: &str, error: std::io::Error| Error::Spawner(format!("{what}: {error}"));
        let (ours, theirs) = crate::message::pair().map_err(|errno| failed("making its socket", errno.into()))?;
        let child = Command::new(program)
            .arg0(crate::spawner::NAME)
            .arg(state)
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| failed("starting it", error))?;
        let socket = crate::message::watch(ours).map_err(|error| failed("its socket", error))?;
        Ok(Self { child, socket: Some(Arc::new(socket)) })
    }
}
