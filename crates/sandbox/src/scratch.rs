//! `/tmp` of a sandbox: an ext4 image on a loop device, so that it has its own size and what is written to it can leave the memory
//! that the function is limited to (as on AWS, where it is a disk). A tmpfs would count against that memory.
//!
//! Images are sparse copies of a template per size. An image has no name once it is attached, its loop device clears itself, and its mount
//! lives in a private namespace or only as a descriptor: whatever dies, nothing stays. A few are kept ready, since making one
//! takes longer than all the rest of a start.

use crate::error::{Context, Failure, check};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4c82;
const LOOP_CONFIGURE: libc::c_ulong = 0x4c0a;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_info64`
#[repr(C)]
struct LoopInfo {
    before: [u64; 5],
    number: u32,
    encryption: u32,
    key_size: u32,
    flags: u32,
    names: [u8; 160],
    init: [u64; 2],
}

/// `struct loop_config`
#[repr(C)]
struct LoopConfig {
    descriptor: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// Makes file systems for `/tmp`.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    directory: PathBuf,
    mkfs: Option<PathBuf>,
}

impl Scratch {
    /// Keeps its templates in `directory`.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, mkfs: find_mkfs() }
    }

    /// Whether images can be made at all on this host.
    pub(crate) fn has_images(&self) -> bool {
        self.mkfs.is_some() && File::options().read(true).write(true).open("/dev/loop-control").is_ok()
    }

    /// A detached file system of `size_mb`, on an image where the host permits and in memory otherwise.
    pub(crate) fn make(&self, size_mb: u32) -> Result<OwnedFd, Failure> {
        self.image(size_mb).or_else(|_| in_memory(size_mb))
    }

    /// A detached file system on an image.
    pub(crate) fn image(&self, size_mb: u32) -> Result<OwnedFd, Failure> {
        let template = self.template(size_mb)?;
        let image = self.copy(&template)?;
        let (device, path) = attach(&image)?;
        let doing = || "mounting an image";
        let context = rustix::mount::fsopen("ext4", FsOpenFlags::FSOPEN_CLOEXEC).while_doing(doing)?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "source", path.as_str()).while_doing(doing)?;
        rustix::mount::fsconfig_set_flag(context.as_fd(), "nobarrier").while_doing(doing)?;
        rustix::mount::fsconfig_create(context.as_fd()).while_doing(doing)?;
        let attributes =
            MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOATIME;
        let mount =
            rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).while_doing(doing)?;
        drop(device);
        Ok(mount)
    }

    /// The empty file system that images of this size are copied from.
    fn template(&self, size_mb: u32) -> Result<PathBuf, Failure> {
        let path = self.directory.join(format!("tmp-{size_mb}.ext4"));
        if path.exists() {
            return Ok(path);
        }
        let mkfs = self.mkfs.as_ref().ok_or_else(|| Failure::new("mkfs.ext4 is not installed"))?;
        std::fs::create_dir_all(&self.directory).while_doing(|| "making the directory of images")?;
        let new = self.directory.join(format!("tmp-{size_mb}.{}.new", std::process::id()));
        let image = File::create(&new).while_doing(|| "making a template image")?;
        // Inodes and tables come on top, so that the file system's own size is what was asked for.
        let size = u64::from(size_mb) * 1024 * 1024;
        image.set_len(size + size / 50 + 4 * 1024 * 1024).while_doing(|| "sizing a template image")?;
        let status = Command::new(mkfs)
            .args(["-q", "-F", "-m", "0", "-b", "4096", "-i", "32768", "-O", "^has_journal,^resize_inode"])
            .args(["-E", "nodiscard,lazy_itable_init=1,root_owner=0:0"])
            .arg(&new)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .while_doing(|| "running mkfs.ext4")?;
        if !status.success() {
            let _ = std::fs::remove_file(&new);
            return Err(Failure::new(format!("mkfs.ext4: {status}")));
        }
        std::fs::rename(&new, &path).while_doing(|| "keeping a template image")?;
        Ok(path)
    }

    /// A nameless sparse copy.
    fn copy(&self, template: &Path) -> Result<File, Failure> {
        let doing = || "copying a template image";
        let from = File::open(template).while_doing(doing)?;
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let to = File::from(rustix::fs::open(&self.directory, flags, Mode::from(0o600)).while_doing(doing)?);
        let length = from.metadata().while_doing(doing)?.len();
        to.set_len(length).while_doing(doing)?;
        let mut at = 0;
        while let Ok(data) = rustix::fs::seek(&from, rustix::fs::SeekFrom::Data(at)) {
            let hole = rustix::fs::seek(&from, rustix::fs::SeekFrom::Hole(data)).while_doing(doing)?;
            let (mut read, mut write) = (data, data);
            while read < hole {
                let want = usize::try_from(hole - read).unwrap_or(usize::MAX);
                let copied = rustix::fs::copy_file_range(&from, Some(&mut read), &to, Some(&mut write), want)
                    .while_doing(doing)?;
                if copied == 0 {
                    return Err(Failure::new("copying a template image: it became shorter"));
                }
            }
            at = hole;
        }
        Ok(to)
    }
}

/// A file system in memory, which counts against the sandbox's memory.
fn in_memory(size_mb: u32) -> Result<OwnedFd, Failure> {
    let size = format!("{size_mb}m");
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    crate::mounts::fresh("tmpfs", &[("size", &size), ("nr_inodes", "65536"), ("mode", "1777")], attributes)
}

/// Attaches `image` to a free loop device that clears itself with its last user.
fn attach(image: &File) -> Result<(OwnedFd, String), Failure> {
    let control =
        File::options().read(true).write(true).open("/dev/loop-control").while_doing(|| "opening /dev/loop-control")?;
    for _ in 0..1000 {
        // SAFETY: LOOP_CTL_GET_FREE takes no argument.
        let free = check(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) })
            .while_doing(|| "finding a loop device")?;
        let path = format!("/dev/loop{free}");
        let Ok(device) = File::options().read(true).write(true).open(&path) else { continue };
        // SAFETY: both are plain integers, for which zero is a value.
        let mut config: LoopConfig = unsafe { std::mem::zeroed() };
        config.descriptor = image.as_raw_fd() as u32;
        config.block_size = 4096;
        config.info.flags = LO_FLAGS_AUTOCLEAR;
        // SAFETY: `config` has the layout of struct loop_config and lives through the call.
        match check(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) }) {
            Ok(_) => return Ok((device.into(), path)),
            // Another process took it first.
            Err(rustix::io::Errno::BUSY) => {}
            Err(error) => return Err(error).while_doing(|| "attaching a loop device"),
        }
    }
    Err(Failure::new("no loop device is free"))
}

fn find_mkfs() -> Option<PathBuf> {
    ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4", "/usr/bin/mkfs.ext4", "/run/current-system/sw/bin/mkfs.ext4"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

/// A running preparation: a child process that makes file systems and sends their descriptors.
#[derive(Debug)]
pub(crate) struct Preparation {
    /// Where the descriptors come from; closed by the child when it is done.
    pub(crate) socket: OwnedFd,
    /// The child.
    pub(crate) pid: libc::pid_t,
    /// The size it makes.
    pub(crate) size_mb: u32,
}

impl Preparation {
    /// Starts to make `count` file systems of `size_mb` beside the caller, which must be single-threaded.
    pub(crate) fn begin(scratch: &Scratch, size_mb: u32, count: usize) -> Result<Self, Failure> {
        let (ours, theirs) = crate::message::pair().while_doing(|| "making a socket pair")?;
        // SAFETY: the process has one thread, so the child may go on as ordinary code.
        let pid = check(unsafe { libc::fork() }).while_doing(|| "starting a preparation")?;
        if pid == 0 {
            drop(ours);
            // SAFETY: a plain request; the spawner's end must be the child's.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            for _ in 0..count {
                let Ok(mount) = scratch.image(size_mb) else { break };
                if crate::message::send(theirs.as_fd(), &(), &[mount.as_fd()]).is_err() {
                    break;
                }
            }
            // SAFETY: ends the process without running anything of the spawner's.
            unsafe { libc::_exit(0) };
        }
        Ok(Self { socket: ours, pid: pid as libc::pid_t, size_mb })
    }
}

/// Gives a file system's root to `owner` and lets everybody in the sandbox write to it.
pub(crate) fn hand_over(mount: &OwnedFd, owner: u32) -> Result<(), Failure> {
    let doing = || "handing over /tmp";
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(mount, ".", flags, Mode::empty()).while_doing(doing)?;
    let _ = rustix::fs::unlinkat(&root, "lost+found", rustix::fs::AtFlags::REMOVEDIR);
    rustix::fs::fchmod(&root, Mode::from(0o1777)).while_doing(doing)?;
    rustix::fs::fchown(&root, Some(rustix::fs::Uid::from_raw(owner)), Some(rustix::fs::Gid::from_raw(owner)))
        .while_doing(doing)
}
