//! The spawner process: the platform's binary run again under another name, with one thread, so that it can clone. It takes orders over a
//! socket (its standard input), clones a process per sandbox, and leaves the slow work to that process, so that starts run side by side.
//! When the socket closes, for whatever reason, it ends everything it made and itself. (A parent-death signal is no use
//! here: it would come when the *thread* ends that started the spawner.)

mod base;

use crate::attendants::Attendant;
use crate::error::{Context, Failure, check};
use crate::inside::Birth;
use crate::running::Running;
use crate::scratch::Preparation;
use crate::spec::{Kind, Launch, Order, Report, Spec};
use base::{Base, platform_id};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The name under which the platform's binary runs as a spawner.
pub(crate) const NAME: &str = "fogbank-spawner";

/// How long after its start the spawner begins to prepare anything.
const CALM: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// So long the spawner must have had nothing to do before it clones one sandbox ahead, so that this does not hold up those in need.
const QUIET: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// How long a killed sandbox may take to end.
const LAST_BREATH: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// How many file systems for `/tmp` are kept ready, per size in use.
const READY_TMP: usize = 6;
/// Sizes beyond these are made when needed.
const READY_SIZES: usize = 4;
/// AWS's default size of `/tmp`, kept ready from the start.
const DEFAULT_TMP_MB: u32 = 512;

/// If this process was started as a spawner, does that work and never returns. A program that uses [`crate::Spawner`] calls this first thing
/// in `main`, before it starts any thread.
pub fn spawner_main_if_asked() {
    let mut arguments = std::env::args_os();
    if arguments.next().is_none_or(|name| name.as_bytes() != NAME.as_bytes()) {
        return;
    }
    let state = PathBuf::from(arguments.next().unwrap_or_default());
    // SAFETY: the platform passes the socket as standard input; nothing else in this process uses it.
    let socket = unsafe { OwnedFd::from_raw_fd(0) };
    serve(&socket, &state);
    std::process::exit(0);
}

/// Removes the control groups that a spawner of this state directory left because it was killed itself.
pub(crate) fn sweep(state: &Path) {
    if let Ok(state) = state.canonicalize() {
        crate::cgroup::remove_left(&platform_id(&state));
    }
}

/// A sandbox that has been cloned and waits for its order.
struct Newborn {
    number: u64,
    pid: libc::pid_t,
    pidfd: OwnedFd,
    orders: OwnedFd,
}

pub(crate) struct Spawner {
    pub(crate) base: Base,
    pub(crate) running: Vec<Running>,
    pub(crate) attendants: Vec<Attendant>,
    pub(crate) ready_tmp: BTreeMap<u32, Vec<OwnedFd>>,
    preparations: Vec<Preparation>,
    /// Cloned ahead for the next order.
    waiting: Option<Newborn>,
    /// Whether to clone ahead: not while this host refuses to.
    clones_ahead: bool,
    pub(crate) next: u64,
}

fn serve(socket: &OwnedFd, state: &Path) {
    let mut spawner = match Base::prepare(state) {
        Ok(base) => Spawner::over(base),
        Err(failure) => return refuse_all(socket, &failure),
    };
    // The platform's own start comes first; then, or after the first launch, there is time to prepare.
    if spawner.step(socket, Some(&CALM)) {
        spawner.prepare_tmp(DEFAULT_TMP_MB);
        while spawner.step(socket, spawner.patience()) {}
    }
    spawner.end_all();
}

/// Answers every order with the reason why this host cannot make sandboxes.
fn refuse_all(socket: &OwnedFd, failure: &Failure) {
    while let Ok(Some((_, descriptors))) = crate::message::receive::<Order>(socket.as_fd()) {
        if let Some(reply) = descriptors.first() {
            let _ = crate::message::send(reply.as_fd(), &Report::Failed(failure.0.clone()), &[]);
        }
    }
}

impl Spawner {
    fn over(base: Base) -> Self {
        let (running, attendants, ready_tmp, preparations) = (Vec::new(), Vec::new(), BTreeMap::new(), Vec::new());
        Self { base, running, attendants, ready_tmp, preparations, waiting: None, clones_ahead: true, next: 1 }
    }

    /// How long to wait for something to do before cloning ahead; for ever if that is not wanted.
    fn patience(&self) -> Option<&'static Timespec> {
        (self.waiting.is_none() && self.clones_ahead).then_some(&QUIET)
    }

    /// Clones the sandbox of the next order, so that it finds the slow part done.
    fn clone_ahead(&mut self) {
        if self.waiting.is_none() {
            self.waiting = self.clone_one().ok();
            self.clones_ahead = self.waiting.is_some();
        }
    }

    /// Waits for something to do, not longer than `at_most`, and does it; false when the platform has gone.
    fn step(&mut self, socket: &OwnedFd, at_most: Option<&Timespec>) -> bool {
        let mut poll = vec![PollFd::new(socket, PollFlags::IN)];
        poll.extend(self.preparations.iter().map(|one| PollFd::new(&one.socket, PollFlags::IN)));
        poll.extend(self.attendants.iter().map(|one| PollFd::new(&one.socket, PollFlags::IN)));
        poll.extend(self.running.iter().map(|one| PollFd::new(&one.pidfd, PollFlags::IN)));
        match rustix::event::poll(&mut poll, at_most) {
            Ok(0) => {
                drop(poll);
                self.clone_ahead();
                return true;
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
        let happened: Vec<bool> = poll.iter().map(|one| !one.revents().is_empty()).collect();
        drop(poll);
        let (preparations, attendants) = (self.preparations.len(), self.attendants.len());
        let ended = |index: usize| happened.get(1 + preparations + attendants + index).copied().unwrap_or(false);
        for index in (0..self.running.len()).rev().filter(|index| ended(*index)) {
            let one = self.running.swap_remove(index);
            self.base.bury(one);
        }
        for index in (0..attendants).rev().filter(|index| happened[1 + preparations + index]) {
            self.hear(index);
        }
        for index in (0..preparations).rev().filter(|index| happened[1 + index]) {
            self.take_prepared(index);
        }
        if !happened[0] {
            return true;
        }
        match crate::message::receive::<Order>(socket.as_fd()) {
            Ok(Some((order, descriptors))) => {
                self.obey(order, descriptors);
                true
            }
            Ok(None) => false,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN | rustix::io::Errno::BADMSG) => true,
            Err(_) => false,
        }
    }

    fn obey(&mut self, order: Order, descriptors: Vec<OwnedFd>) {
        match order {
            Order::Launch(spec) => self.launch(*spec, descriptors),
            Order::Fork { zygote, fork } => {
                let Ok(descriptors) = <[OwnedFd; 5]>::try_from(descriptors) else { return };
                self.fork(zygote, &fork, descriptors);
            }
            Order::Assign { number, assignment } => {
                let Some(answer) = descriptors.into_iter().next() else { return };
                self.assign(number, &assignment, &answer);
            }
            Order::Retire { number } => {
                let Some(zygote) = self.running.iter_mut().find(|one| one.number == number) else { return };
                if let Ok(program) = zygote.program() {
                    let _ = rustix::process::pidfd_send_signal(&program.pidfd, Signal::KILL);
                }
            }
        }
    }

    fn launch(&mut self, spec: Spec, descriptors: Vec<OwnedFd>) {
        let [reply, output, ..] = descriptors.as_slice() else { return };
        let control = if spec.kind == Kind::Program { None } else { descriptors.get(2) };
        let tmp_mb = spec.tmp_mb;
        match self.order(Launch { spec }, reply, output, control) {
            Ok(Newborn { number, pid, pidfd, .. }) => {
                let _ = crate::message::send(reply.as_fd(), &Report::Cloned { number }, &[pidfd.as_fd()]);
                if let Some(reply) = descriptors.into_iter().next() {
                    self.running.push(Running { number, pid, pidfd, reply, program: None });
                }
            }
            Err(failure) => {
                let _ = crate::message::send(reply.as_fd(), &Report::Failed(failure.0), &[]);
            }
        }
        self.prepare_tmp(tmp_mb);
    }

    /// Gives the order to the clone that waits, or to a new one.
    fn order(
        &mut self,
        launch: Launch,
        reply: &OwnedFd,
        output: &OwnedFd,
        control: Option<&OwnedFd>,
    ) -> Result<Newborn, Failure> {
        for bind in &launch.spec.binds {
            self.base.root.ensure_place(&bind.source, &bind.target)?;
        }
        let tmp = self.ready_tmp.get_mut(&launch.spec.tmp_mb).and_then(Vec::pop);
        let mut descriptors = vec![reply.as_fd(), output.as_fd()];
        descriptors.extend(control.map(AsFd::as_fd));
        descriptors.extend(tmp.as_ref().map(AsFd::as_fd));
        if let Some(clone) = self.waiting.take() {
            if crate::message::send(clone.orders.as_fd(), &launch, &descriptors).is_ok() {
                return Ok(clone);
            }
            // Somebody has killed it.
            self.base.discard(&clone);
        }
        let clone = self.clone_one()?;
        self.clones_ahead = true;
        match crate::message::send(clone.orders.as_fd(), &launch, &descriptors) {
            Ok(()) => Ok(clone),
            Err(error) => {
                self.base.discard(&clone);
                Err(error).while_doing(|| "ordering a sandbox")
            }
        }
    }

    fn clone_one(&mut self) -> Result<Newborn, Failure> {
        let number = self.next;
        self.next += 1;
        let (orders, theirs) = crate::message::pair().while_doing(|| "making a socket for orders")?;
        let base = &self.base;
        match clone_into_namespaces()? {
            Some((pid, pidfd)) => Ok(Newborn { number, pid, pidfd, orders }),
            None => {
                // In the clone only: these ends must be the spawner's alone to tell of its death.
                drop(orders);
                // SAFETY: nothing in the clone uses the descriptor, and the clone never returns to where its owner would close it.
                unsafe { libc::close(base.alive.1.as_raw_fd()) };
                crate::inside::become_sandbox(&Birth {
                    number,
                    host_id: base.owner_of(number),
                    fork_ids: base.fork_ids(),
                    root: &base.root,
                    cgroups: &base.cgroups,
                    scratch: &base.scratch,
                    filter: &base.filter,
                    arguments: base.arguments,
                    orders: theirs.as_fd(),
                    spawner_alive: base.alive.0.as_fd(),
                })
            }
        }
    }

    /// Begins to fill up the store of ready file systems of this size, unless that is under way.
    pub(crate) fn prepare_tmp(&mut self, size_mb: u32) {
        let ready = self.ready_tmp.get(&size_mb).map_or(0, Vec::len);
        let known = self.ready_tmp.contains_key(&size_mb) || self.ready_tmp.len() < READY_SIZES;
        if !self.base.images
            || !known
            || ready > READY_TMP / 2
            || self.preparations.iter().any(|one| one.size_mb == size_mb)
        {
            return;
        }
        if let Ok(preparation) = Preparation::begin(&self.base.scratch, size_mb, READY_TMP - ready) {
            self.ready_tmp.entry(size_mb).or_default();
            self.preparations.push(preparation);
        }
    }

    fn take_prepared(&mut self, index: usize) {
        let preparation = &self.preparations[index];
        match crate::message::receive::<()>(preparation.socket.as_fd()) {
            Ok(Some(((), descriptors))) => self.ready_tmp.entry(preparation.size_mb).or_default().extend(descriptors),
            _ => {
                let preparation = self.preparations.swap_remove(index);
                reap(preparation.pid);
            }
        }
    }

    fn end_all(mut self) {
        for attendant in self.attendants.drain(..) {
            // SAFETY: a child of ours that nobody has waited for yet.
            unsafe { libc::kill(attendant.pid, libc::SIGKILL) };
            reap(attendant.pid);
        }
        for one in &self.running {
            let _ = rustix::process::pidfd_send_signal(&one.pidfd, Signal::KILL);
        }
        for one in self.running.drain(..) {
            self.base.bury(one);
        }
        if let Some(clone) = self.waiting.take() {
            self.base.discard(&clone);
        }
        for preparation in self.preparations.drain(..) {
            drop(preparation.socket);
            reap(preparation.pid);
        }
        self.base.cgroups.remove_all();
    }
}

impl Base {
    /// Ends a clone that became nothing.
    fn discard(&self, clone: &Newborn) {
        let _ = rustix::process::pidfd_send_signal(&clone.pidfd, Signal::KILL);
        reap(clone.pid);
        self.cgroups.leave(clone.number);
    }

    /// Clears away what is left of an ended sandbox and says so.
    fn bury(&self, one: Running) {
        let mut end = [PollFd::new(&one.pidfd, PollFlags::IN)];
        let _ = rustix::event::poll(&mut end, Some(&LAST_BREATH));
        reap(one.pid);
        let counted = self.cgroups.leave(one.number);
        let report = Report::Gone { out_of_memory: counted.out_of_memory, peak_bytes: counted.peak_bytes };
        let _ = crate::message::send(one.reply.as_fd(), &report, &[]);
    }
}

/// Waits for a child to end. What was forked from a zygote is not this process's child, and is waited for by nobody here.
pub(crate) fn reap(pid: libc::pid_t) {
    if pid > 0 {
        // SAFETY: no status is asked for.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    }
}

/// Clones this process into new namespaces. `None` in the clone.
fn clone_into_namespaces() -> Result<Option<(libc::pid_t, OwnedFd)>, Failure> {
    let mut pidfd: libc::c_int = -1;
    // SAFETY: all fields are integers, for which zero is a value.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    let namespaces =
        libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    arguments.flags = (namespaces | libc::CLONE_PIDFD) as u64;
    arguments.pidfd = &raw mut pidfd as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    // SAFETY: without CLONE_VM the child has a copy of everything, and this process has one thread, so it may go on as ordinary code.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>()) })
        .while_doing(|| "cloning into new namespaces")?;
    if pid == 0 {
        return Ok(None);
    }
    // SAFETY: the kernel has just opened it for us.
    Ok(Some((pid as libc::pid_t, unsafe { OwnedFd::from_raw_fd(pidfd) })))
}
