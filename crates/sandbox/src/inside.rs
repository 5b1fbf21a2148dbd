//! What a newly cloned process does to become a sandbox: limits, mounts, doors, a new root, and at last the loss of every privilege.
//! It runs as the first process of its namespaces, is single-threaded like the spawner it was cloned from, and may therefore be ordinary
//! code. What needs no specification it does at once ([`prepare`]), then it waits for its order, so that the spawner can keep one waiting:
//! moving a process into a control group takes the kernel up to 20 ms. The steps that the kernel orders by privilege are in
//! [`enter`]; each file of this crate explains its own.

use crate::arguments::Arguments;
use crate::cgroup::{Cgroups, Limits};
use crate::error::{Context, Failure, check};
use crate::mounts::{self, READ_ONLY};
use crate::privileges::ForkIds;
use crate::root::{HIDDEN_IN_PROC, Root, USER_ID};
use crate::scratch::{self, Scratch};
use crate::spec::{Kind, Launch, Report, Spec};
use rustix::mount::{MountAttrFlags, UnmountFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// What a new sandbox gets from the spawner with its first breath.
pub(crate) struct Birth<'a> {
    pub(crate) number: u64,
    /// The host's user and group id that it runs as, unlike any other's; or `None` where the platform has no privilege to choose.
    pub(crate) host_id: Option<u32>,
    /// The ids of its forks, if it becomes a zygote.
    pub(crate) fork_ids: Option<ForkIds>,
    pub(crate) root: &'a Root,
    pub(crate) cgroups: &'a Cgroups,
    pub(crate) scratch: &'a Scratch,
    pub(crate) filter: &'a [libc::sock_filter],
    /// The spawner's words, which the function must not see.
    pub(crate) arguments: Option<Arguments>,
    /// Where its one order comes from, with the descriptors of [`Order`]. Closed on the other side if there is none to come.
    pub(crate) orders: BorrowedFd<'a>,
    /// Closed on the other side when the spawner is gone.
    pub(crate) spawner_alive: BorrowedFd<'a>,
}

/// What it is to become.
struct Order<'a> {
    spec: &'a Spec,
    reply: BorrowedFd<'a>,
    output: BorrowedFd<'a>,
    control: Option<BorrowedFd<'a>>,
    /// A `/tmp` from the store of ready ones.
    ready_tmp: Option<OwnedFd>,
}

/// Becomes the sandbox, once the order comes. Never returns.
pub(crate) fn become_sandbox(birth: &Birth<'_>) -> ! {
    let prepared = prepare(birth);
    if let Ok(Some((launch, descriptors))) = crate::message::receive::<Launch>(birth.orders) {
        obey(birth, prepared, &launch.spec, descriptors);
    }
    // SAFETY: ends the process without running anything of the spawner's.
    unsafe { libc::_exit(1) }
}

fn obey(birth: &Birth<'_>, prepared: Result<Option<OwnedFd>, Failure>, spec: &Spec, descriptors: Vec<OwnedFd>) {
    let mut descriptors = descriptors.into_iter();
    let (Some(reply), Some(output)) = (descriptors.next(), descriptors.next()) else { return };
    let control = if spec.kind == Kind::Program { None } else { descriptors.next() };
    let order = Order {
        spec,
        reply: reply.as_fd(),
        output: output.as_fd(),
        control: control.as_ref().map(AsFd::as_fd),
        ready_tmp: descriptors.next(),
    };
    if let Err(failure) = prepared.and_then(|peak| enter(birth, order, peak)) {
        let _ = crate::message::send(reply.as_fd(), &Report::Failed(failure.0), &[]);
    }
}

/// What every sandbox needs. Returns the file that tells the peak of memory.
fn prepare(birth: &Birth<'_>) -> Result<Option<OwnedFd>, Failure> {
    let _ = rustix::process::setsid();
    if let Some(arguments) = birth.arguments {
        arguments.hide();
    }
    die_with_spawner(birth.spawner_alive)?;
    birth.cgroups.admit(birth.number, 0)?;
    let peak = birth.cgroups.peak_of(birth.number);
    let _ = rustix::system::sethostname(b"sandbox");
    show_proc(&mounts::fresh("proc", &[], PLAIN)?, &birth.root.path)?;
    Ok(peak)
}

fn enter(birth: &Birth<'_>, order: Order<'_>, peak: Option<OwnedFd>) -> Result<(), Failure> {
    let Order { spec, reply, output, control, ready_tmp } = order;
    let limits = Limits { memory_mb: spec.memory_mb, max_processes: spec.max_processes.saturating_add(1) };
    birth.cgroups.limit(birth.number, limits)?;
    // After the limits: inside the new namespace they could not be set.
    // SAFETY: a new control-group namespace changes nothing that this process relies on.
    check(unsafe { libc::unshare(libc::CLONE_NEWCGROUP) }).while_doing(|| "making a control group namespace")?;
    let doors = crate::doors::open(&spec.doors)?;
    mount_all(birth, spec, ready_tmp)?;
    change_root(&birth.root.path)?;

    let mut descriptors: Vec<BorrowedFd<'_>> = doors.iter().map(AsFd::as_fd).collect();
    descriptors.extend(peak.as_ref().map(AsFd::as_fd));
    crate::message::send(reply, &Report::Ready, &descriptors).while_doing(|| "reporting")?;
    drop(descriptors);
    drop((doors, peak));

    crate::privileges::limit_resources(birth.cgroups, spec)?;
    let fork_ids = birth.fork_ids.filter(|_| spec.kind == Kind::Zygote);
    crate::privileges::change_user(birth.host_id, fork_ids)?;
    crate::privileges::drop_all()?;
    // Once more: the kernel forgets the request when the user changes.
    die_with_spawner(birth.spawner_alive)?;
    if spec.kind != Kind::Zygote {
        crate::landlock::confine()?;
    }
    crate::seccomp::apply(birth.filter)?;
    crate::init::run(spec, reply, output, control)
}

/// Asks to be killed when the spawner ends, and makes sure that it has not ended before the request.
fn die_with_spawner(alive: BorrowedFd<'_>) -> Result<(), Failure> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .while_doing(|| "binding to the spawner")?;
    let mut poll = [rustix::event::PollFd::new(&alive, rustix::event::PollFlags::IN)];
    let _ = rustix::event::poll(&mut poll, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 }));
    if poll[0].revents().contains(rustix::event::PollFlags::HUP) {
        return Err(Failure::new("the spawner has ended"));
    }
    Ok(())
}

fn mount_all(birth: &Birth<'_>, spec: &Spec, ready_tmp: Option<OwnedFd>) -> Result<(), Failure> {
    let root = birth.root;
    let at = |target: &str| root.within(Path::new(target));
    if let Some(code) = &spec.code {
        mounts::bind(code, &at("/var/task"), READ_ONLY)?;
    }
    if let Some(layers) = layers_as_one(&spec.layers)? {
        mounts::attach(layers.as_fd(), &at("/opt"))?;
    }
    for bind in &spec.binds {
        mounts::bind(&bind.source, &root.within(&bind.target), READ_ONLY)?;
    }

    let tmp = match ready_tmp {
        Some(tmp) => tmp,
        None => birth.scratch.make(spec.tmp_mb)?,
    };
    scratch::hand_over(&tmp, birth.host_id.unwrap_or(USER_ID))?;
    mounts::attach(tmp.as_fd(), &at("/tmp"))?;
    mounts::attach(shared_memory(spec.memory_mb)?.as_fd(), &at("/dev/shm"))
}

/// For what holds no programs and no devices.
pub(crate) const PLAIN: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV).union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// What becomes `/dev/shm`.
pub(crate) fn shared_memory(memory_mb: u32) -> Result<OwnedFd, Failure> {
    let size = format!("{}m", (memory_mb / 2).max(16));
    mounts::fresh("tmpfs", &[("size", &size), ("mode", "1777")], PLAIN)
}

/// Shows the sandbox's own `/proc` below `root`, without what shows or steers the host.
pub(crate) fn show_proc(mount: &OwnedFd, root: &Path) -> Result<(), Failure> {
    let proc = root.join("proc");
    mounts::attach(mount.as_fd(), &proc)?;
    let no_changes = READ_ONLY | libc::MOUNT_ATTR_NOEXEC;
    for steering in ["sys", "bus", "fs", "irq"] {
        let place = proc.join(steering);
        if place.is_dir() {
            mounts::bind(&place, &place, no_changes)?;
        }
    }
    let nothing = root.join("dev/null");
    for name in HIDDEN_IN_PROC {
        let place = proc.join(name);
        if place.exists() {
            mounts::bind(&nothing, &place, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_RDONLY)?;
        }
    }
    Ok(())
}

/// What becomes `/opt`, if anything does.
pub(crate) fn layers_as_one(layers: &[std::path::PathBuf]) -> Result<Option<OwnedFd>, Failure> {
    match layers {
        [] => Ok(None),
        [layer] => mounts::copy_of(layer, READ_ONLY).map(Some),
        layers => merged(layers).map(Some),
    }
}

/// Several directories as one: an overlay without an upper layer is read-only by itself. The paths go in as descriptors because the option's
/// own syntax gives a meaning to `:` and `\`.
fn merged(layers: &[std::path::PathBuf]) -> Result<OwnedFd, Failure> {
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    let open: Vec<OwnedFd> = layers
        .iter()
        .rev()
        .map(|layer| {
            rustix::fs::open(layer, flags, rustix::fs::Mode::empty())
                .while_doing(|| format!("opening {}", layer.display()))
        })
        .collect::<Result<_, _>>()?;
    // The process is pid 1 of a namespace whose /proc is not mounted yet; the host's shows it under the thread's own link.
    let lower: Vec<String> = open.iter().map(|layer| format!("/proc/self/fd/{}", layer.as_raw_fd())).collect();
    let attributes =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_RDONLY;
    mounts::fresh("overlay", &[("lowerdir", &lower.join(":"))], attributes)
}

/// Makes `root` the root and lets go of the host's tree.
fn change_root(root: &Path) -> Result<(), Failure> {
    std::env::set_current_dir(root).while_doing(|| "entering the new root")?;
    rustix::process::pivot_root(".", ".").while_doing(|| "changing the root")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).while_doing(|| "letting go of the host's tree")?;
    std::env::set_current_dir("/").while_doing(|| "entering the new root")
}
