//! Short-lived processes that the spawner clones to do something for one sandbox beside it: have it forked from a zygote, or give it a
//! function. The spawner itself never waits for what a sandbox does.

use crate::error::{Context, Failure, check};
use crate::running::Running;
use crate::spawner::{Spawner, reap};
use crate::spec::{Assignment, Fork, Report};
use std::os::fd::{AsFd, OwnedFd};

/// A short-lived process that does something for one sandbox beside the spawner.
pub(crate) struct Attendant {
    pub(crate) pid: libc::pid_t,
    /// Brings the pidfd of a sandbox that is born; closed by the process's end.
    pub(crate) socket: OwnedFd,
    /// The sandbox it is to bring, if that is what it does.
    expected: Option<Expected>,
}

pub(crate) struct Expected {
    number: u64,
    reply: OwnedFd,
}

impl Attendant {
    /// Does `work` in a process of its own, with one end of a socket to the spawner.
    fn begin(work: impl FnOnce(&OwnedFd)) -> Result<Self, Failure> {
        let (ours, theirs) = crate::message::pair().while_doing(|| "making a socket pair")?;
        // SAFETY: the process has one thread, so the child may go on as ordinary code.
        let pid = check(unsafe { libc::fork() }).while_doing(|| "starting an attendant")?;
        if pid == 0 {
            drop(ours);
            // SAFETY: a plain request: what it does must not go on without the spawner.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            work(&theirs);
            // SAFETY: ends the process without running anything of the spawner's.
            unsafe { libc::_exit(0) };
        }
        Ok(Self { pid: pid as libc::pid_t, socket: ours, expected: None })
    }
}

impl Spawner {
    /// Has a sandbox made by a fork of a zygote's program.
    pub(crate) fn fork(&mut self, zygote: u64, fork: &Fork, descriptors: [OwnedFd; 5]) {
        let [reply, output, control, status, zygote_control] = descriptors;
        let base = &self.base;
        let found = self.running.iter_mut().find(|one| one.number == zygote);
        let program = found.ok_or_else(|| Failure::new("the zygote has ended"));
        let program = match program.and_then(Running::program) {
            Ok(program) => program,
            Err(failure) => {
                let _ = crate::message::send(reply.as_fd(), &Report::NotForked(failure.0), &[]);
                return;
            }
        };
        let number = self.next;
        self.next += 1;
        let ready_tmp = self.ready_tmp.get_mut(&fork.tmp_mb).and_then(Vec::pop);
        let attendant = Attendant::begin(|socket| {
            crate::fork::attend(crate::fork::Attendance {
                number,
                fork,
                zygote: program,
                ids: base.fork_ids(),
                cgroups: &base.cgroups,
                scratch: &base.scratch,
                ready_tmp,
                reply: reply.as_fd(),
                output: output.as_fd(),
                control: control.as_fd(),
                status: status.as_fd(),
                zygote_control: zygote_control.as_fd(),
                spawner: socket.as_fd(),
            });
        });
        match attendant {
            Ok(attendant) => {
                let expected = Some(Expected { number, reply });
                self.attendants.push(Attendant { expected, ..attendant });
            }
            Err(failure) => drop(crate::message::send(reply.as_fd(), &Report::Failed(failure.0), &[])),
        }
        self.prepare_tmp(fork.tmp_mb);
    }

    pub(crate) fn assign(&mut self, number: u64, assignment: &Assignment, answer: &OwnedFd) {
        let Some(one) = self.running.iter().find(|one| one.number == number) else {
            let _ = crate::message::send(answer.as_fd(), &Report::Failed("the sandbox has ended".into()), &[]);
            return;
        };
        let base = &self.base;
        let attendant = Attendant::begin(|_| {
            let done = crate::assign::assign(number, &one.pidfd, assignment, &base.root, &base.cgroups);
            let report = done.map_or_else(|failure| Report::Failed(failure.0), |()| Report::Ready);
            let _ = crate::message::send(answer.as_fd(), &report, &[]);
        });
        match attendant {
            Ok(attendant) => self.attendants.push(attendant),
            Err(failure) => drop(crate::message::send(answer.as_fd(), &Report::Failed(failure.0), &[])),
        }
    }

    /// An attendant brings its sandbox, or has ended.
    pub(crate) fn hear(&mut self, index: usize) {
        let attendant = &mut self.attendants[index];
        if let Ok(Some(((), descriptors))) = crate::message::receive::<()>(attendant.socket.as_fd())
            && let (Some(pidfd), Some(Expected { number, reply })) =
                (descriptors.into_iter().next(), attendant.expected.take())
        {
            let _ = crate::message::send(reply.as_fd(), &Report::Cloned { number }, &[pidfd.as_fd()]);
            let pid = crate::process::pid_of(&pidfd);
            self.running.push(Running { number, pid, pidfd, reply, program: None });
            return;
        }
        let Attendant { pid, expected, .. } = self.attendants.swap_remove(index);
        reap(pid);
        if let Some(Expected { number, reply, .. }) = expected {
            self.base.cgroups.leave(number);
            let _ = crate::message::send(reply.as_fd(), &Report::NotForked("in time".into()), &[]);
        }
    }
}
