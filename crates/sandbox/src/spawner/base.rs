//! What a spawner stands on: its namespaces, the range of ids that its sandboxes get, its groups and directories.

use crate::arguments::Arguments;
use crate::cgroup::Cgroups;
use crate::error::{Context, Failure, check};
use crate::privileges::ForkIds;
use crate::root::Root;
use crate::scratch::Scratch;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Host user ids of sandboxes begin here: above those of people, services and other container tools, below the signed limit.
const FIRST_HOST_ID: u32 = 1_900_000_000;
/// So many sandboxes of one platform can have ids of their own at the same time.
const HOST_IDS: u64 = 50_000;
/// Platforms on one host share the ids among so many ranges.
const RANGES: u32 = 1_000;

/// How long a spawner waits for the one before it to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What does not change after the start.
pub(crate) struct Base {
    pub(crate) root: Root,
    pub(crate) cgroups: Cgroups,
    pub(crate) scratch: Scratch,
    pub(super) filter: Vec<libc::sock_filter>,
    /// Whether sandboxes get host ids of their own, and from where on.
    pub(super) first_id: Option<u32>,
    /// Sandboxes watch this pipe's other end to see the spawner go.
    pub(super) alive: (OwnedFd, OwnedFd),
    pub(super) images: bool,
    pub(super) arguments: Option<Arguments>,
    /// Held until this process has ended.
    _turn: File,
}

impl Base {
    pub(super) fn prepare(state: &Path) -> Result<Self, Failure> {
        // What is made for sandboxes must be readable for their users, whatever the platform's own files are to be.
        rustix::process::umask(rustix::fs::Mode::from(0o022));
        let unlimited = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let most = rustix::process::Rlimit { current: unlimited.maximum, maximum: unlimited.maximum };
        let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, most);
        std::fs::create_dir_all(state).while_doing(|| format!("making {}", state.display()))?;
        let state = state.canonicalize().while_doing(|| format!("finding {}", state.display()))?;
        let turn = take_turn(&state)?;
        let id = platform_id(&state);
        crate::cgroup::remove_left(&id);
        let cgroups = Cgroups::prepare(&id);
        let first_id = enter_own_namespaces(mark_of(&state))?;
        Ok(Self {
            root: Root::build(&state.join("root"))?,
            scratch: Scratch::new(state.join("images")),
            filter: crate::seccomp::program(),
            alive: rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).while_doing(|| "making a pipe")?,
            images: first_id.is_some() && Scratch::new(state.join("images")).has_images(),
            first_id,
            cgroups,
            arguments: Arguments::find(),
            _turn: turn,
        })
    }

    /// The host's user id of sandbox `number`.
    pub(super) fn owner_of(&self, number: u64) -> Option<u32> {
        self.first_id.map(|first| first + (number % HOST_IDS) as u32)
    }

    /// The ids of forks: beyond those of all other sandboxes of all platforms.
    pub(crate) fn fork_ids(&self) -> Option<ForkIds> {
        let first = self.first_id? + RANGES * (HOST_IDS as u32);
        Some(ForkIds { first, count: HOST_IDS as u32 })
    }
}

/// Waits until the spawner of an earlier platform over the same state directory has ended: it works in the same directories, and its
/// sandboxes have the ids that this one's get. The lock is the process's own: clones do not inherit it, and the kernel gives it back however the process ends. One that
/// is stopped, and so never ends, does not hold up the start for ever.
fn take_turn(state: &Path) -> Result<File, Failure> {
    let path = state.join("spawner.lock");
    let opened = File::options().write(true).create(true).truncate(false).open(&path);
    let file = opened.while_doing(|| format!("opening {}", path.display()))?;
    let until = Instant::now() + PATIENCE;
    let try_once = || rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
    while try_once().is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(file)
}

/// A number for the state directory, by which its control groups and ids are told from another platform's (FNV-1a).
fn mark_of(state: &Path) -> u32 {
    state
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// What its control groups are named after, before the spawner's own mark.
pub(super) fn platform_id(state: &Path) -> String {
    format!("{:08x}", mark_of(state))
}

/// Enters a mount namespace; without privilege, inside a user namespace that grants it. Returns the first host id for
/// sandboxes if the platform may choose ids.
fn enter_own_namespaces(mark: u32) -> Result<Option<u32>, Failure> {
    // SAFETY: the process has one thread and has opened no directory that the change would confuse.
    if check(unsafe { libc::unshare(libc::CLONE_NEWNS) }).is_ok() {
        let range = (mark % RANGES) * (HOST_IDS as u32);
        return Ok(Some(FIRST_HOST_ID + range));
    }
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    // SAFETY: as above.
    check(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) })
        .while_doing(|| "making a user namespace")?;
    crate::privileges::map_ids(user, group)?;
    Ok(None)
}
