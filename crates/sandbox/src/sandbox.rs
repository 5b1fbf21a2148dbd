//! The platform's side: asking the spawner process for sandboxes, and holding on to them.

mod birth;
mod spawner;

use crate::error::Error;
use crate::spec::{Assignment, ExitStatus, Fork, Kind, Order, Report};
use birth::{Unborn, make};
use rustix::io::Errno;
use rustix::process::Signal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

pub use spawner::Spawner;

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

/// The platform's ends of what a sandbox that is being made will speak through.
struct Ends {
    output: OwnedFd,
    socket: Option<OwnedFd>,
    spawner: Weak<AsyncFd<OwnedFd>>,
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
