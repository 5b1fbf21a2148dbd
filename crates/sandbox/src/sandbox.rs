//! The platform's side: starting the spawner, asking it for sandboxes, and holding on to them.

use crate::error::Error;
use crate::spec::{Assignment, ExitStatus, Fork, Kind, Order, Report, Spec};
use rustix::io::Errno;
use rustix::process::Signal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::{oneshot, watch};

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

/// How a sandbox ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How the program ended; `None` when it was killed from outside before it could tell.
    pub status: Option<ExitStatus>,
    /// Whether something in it was killed for passing the memory limit.
    pub out_of_memory: bool,
    /// The most memory it used, in bytes, where control groups count it.
    pub peak_bytes: Option<u64>,
    /// Why the program could not be run, if that was so.
    pub failure: Option<String>,
}

/// A running sandbox. Dropping it kills every process in it.
#[derive(Debug)]
pub struct Sandbox {
    /// The doors in the order in which they were asked for.
    pub doors: Vec<TcpListener>,
    /// What the program writes to standard output and standard error.
    pub output: Option<pipe::Receiver>,
    /// The platform's end of the program's own socket, unless it is a [`Kind::Program`].
    pub socket: Option<UnixStream>,
    control: Control,
}

/// Why an order brought no sandbox.
enum Unborn {
    /// The spawner ended without looking at the order.
    SpawnerLost,
    /// It ended, or hung, before its program was run: somebody has killed or stopped the process that was to become it.
    Early,
    /// Something else.
    Because(Error),
}

impl Unborn {
    fn into_error(self) -> Error {
        match self {
            Self::SpawnerLost => Error::Spawner("it was killed".into()),
            Self::Early => Error::Setup("it ended, or hung, before it was set up".into()),
            Self::Because(error) => error,
        }
    }
}

/// Kills and watches a sandbox.
#[derive(Debug)]
pub struct Control {
    number: u64,
    /// The spawner that made it. Not held: the spawner ends when its platform lets go of this.
    spawner: Weak<AsyncFd<OwnedFd>>,
    init: OwnedFd,
    peak: Option<OwnedFd>,
    ended: watch::Receiver<Option<Ended>>,
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

/// Orders a sandbox, and takes it over when it is there. `beside` is the platform's end of a zygote's socket.
async fn make(
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

async fn send(spawner: &AsyncFd<OwnedFd>, order: &Order, descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    loop {
        let mut ready = spawner.writable().await.map_err(|_| Errno::PIPE)?;
        let sent = ready
            .try_io(|socket| crate::message::send(socket.as_fd(), order, descriptors).map_err(std::io::Error::from));
        if let Ok(sent) = sent {
            return sent.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
        }
    }
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

/// The platform's ends of what a sandbox that is being made will speak through.
struct Ends {
    output: OwnedFd,
    socket: Option<OwnedFd>,
    spawner: Weak<AsyncFd<OwnedFd>>,
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

async fn next_report(reply: &AsyncFd<OwnedFd>) -> Option<(Report, Vec<OwnedFd>)> {
    loop {
        let mut ready = reply.readable().await.ok()?;
        if let Ok(received) =
            ready.try_io(|reply| crate::message::receive::<Report>(reply.as_fd()).map_err(std::io::Error::from))
        {
            return received.ok().flatten();
        }
    }
}

impl Sandbox {
    /// `descriptors` are the doors, then perhaps the file that tells the peak of memory: the doors are sockets, that one is not.
    fn assemble(
        (number, init): (u64, OwnedFd),
        descriptors: Vec<OwnedFd>,
        ends: Ends,
        ended: watch::Receiver<Option<Ended>>,
    ) -> Result<Self, Error> {
        let control = |peak| Control { number, spawner: ends.spawner, init, peak, ended };
        let failed = |error: std::io::Error| Error::Spawner(format!("taking over a sandbox: {error}"));
        let (mut doors, mut peak) = (Vec::new(), None);
        for descriptor in descriptors {
            if is_socket(descriptor.as_fd()) {
                doors.push(std::net::TcpListener::from(descriptor));
            } else {
                peak = Some(descriptor);
            }
        }
        // From here on a failure drops `control` and so ends the sandbox.
        let control = control(peak);
        let listener = |door: std::net::TcpListener| {
            door.set_nonblocking(true)?;
            TcpListener::from_std(door)
        };
        Ok(Self {
            doors: doors.into_iter().map(listener).collect::<Result<_, _>>().map_err(failed)?,
            output: Some(pipe::Receiver::from_owned_fd(ends.output).map_err(failed)?),
            socket: ends.socket.map(stream).transpose().map_err(failed)?,
            control,
        })
    }

    /// Separates the streams, to be served by tasks of their own, from the control over the sandbox.
    pub fn into_parts(self) -> (Vec<TcpListener>, Option<pipe::Receiver>, Option<UnixStream>, Control) {
        (self.doors, self.output, self.socket, self.control)
    }

    /// The control over the sandbox.
    pub fn control(&self) -> &Control {
        &self.control
    }
}

fn stream(socket: OwnedFd) -> std::io::Result<UnixStream> {
    let socket = std::os::unix::net::UnixStream::from(socket);
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

fn is_socket(descriptor: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(descriptor)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Socket)
}

impl Control {
    /// Makes another sandbox by forking this one's program, a [`Kind::Zygote`] that listens at the other end of `socket`. It lives on when
    /// this program ends, and ends when this sandbox is killed.
    pub async fn fork(&self, socket: &UnixStream, fork: Fork) -> Result<Sandbox, Error> {
        let order = Order::Fork { zygote: self.number, fork };
        make(&self.spawner()?, &order, Kind::Spare, Some(socket.as_fd())).await.map_err(Unborn::into_error)
    }

    /// Gives a sandbox that waits the code and the limits of a function.
    pub async fn assign(&self, assignment: Assignment) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::Setup(format!("assigning it: {error}"));
        let (answer, theirs) = crate::message::pair().map_err(|errno| failed(errno.into()))?;
        let order = Order::Assign { number: self.number, assignment };
        send(&*self.spawner()?, &order, &[theirs.as_fd()]).await.map_err(|errno| failed(errno.into()))?;
        drop(theirs);
        let answer = crate::message::watch(answer).map_err(failed)?;
        match next_report(&answer).await {
            Some((Report::Ready, _)) => Ok(()),
            Some((Report::Failed(reason), _)) => Err(Error::Setup(reason)),
            _ => Err(Error::Spawner("it was killed".into())),
        }
    }

    /// Ends the program of a zygote. What was forked from it goes on, as long as this is not dropped.
    pub async fn retire(&self) {
        if let Ok(spawner) = self.spawner() {
            let _ = send(&spawner, &Order::Retire { number: self.number }, &[]).await;
        }
    }

    fn spawner(&self) -> Result<Arc<AsyncFd<OwnedFd>>, Error> {
        self.spawner.upgrade().ok_or_else(|| Error::Spawner("it was replaced".into()))
    }

    /// Kills every process in the sandbox. It has ended when [`Control::ended`] says so.
    pub fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.init, Signal::KILL);
    }

    /// Resolves when every process of the sandbox is gone.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let gone = || Ended { status: None, out_of_memory: false, peak_bytes: None, failure: None };
        match ended.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or_else(gone),
            Err(_) => gone(),
        }
    }

    /// Whether every process of the sandbox is known to be gone.
    pub fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Whether its first process can do its part: it has not ended, is not about to, and nobody has stopped it. `false` also where `/proc` does
    /// not tell. See `proc_pid_stat(5)`. A stop for tracing is no sign of anything: the spawner stops what it forks for a moment.
    pub fn is_well(&self) -> bool {
        const EXITING: u64 = 4;
        const KILLED: u64 = 1 << (libc::SIGKILL - 1);
        let told = || {
            let pid = crate::process::pid_of(&self.init);
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The second field, the program's name, may hold anything; the third comes after the last parenthesis.
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
            Some((fields.first()?.chars().next()?, number(9)?, number(31)?))
        };
        told().is_some_and(|(state, flags, pending)| {
            !"TZX".contains(state) && flags & EXITING == 0 && pending & KILLED == 0
        })
    }

    /// The most memory used so far, in bytes, where control groups count it. It includes files that the kernel keeps in memory on the
    /// sandbox's account.
    pub fn peak_bytes(&self) -> Option<u64> {
        if let Some(end) = self.ended.borrow().as_ref() {
            return end.peak_bytes;
        }
        let mut text = [0u8; 32];
        let length = rustix::io::pread(self.peak.as_ref()?, &mut text, 0).ok()?;
        std::str::from_utf8(text.get(..length)?).ok()?.trim().parse().ok()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.kill();
    }
}
