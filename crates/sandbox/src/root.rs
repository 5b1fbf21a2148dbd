//! The read-only root that all sandboxes of a platform start from: built once in the spawner's own mount namespace, so that a
//! start only adds what differs. Below it are what runs code (`/usr` and its friends), an `/etc` of our own, and a few devices.

use crate::error::{Context, Failure};
use crate::mounts::{self, READ_ONLY};
use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{MountAttrFlags, MountPropagationFlags, OpenTreeFlags};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The user and group id that code sees itself run as, as on AWS.
pub(crate) const USER_ID: u32 = 993;

/// Where `/proc` is overlaid because it shows or steers the host.
pub(crate) const HIDDEN_IN_PROC: &[&str] = &[
    "kcore",
    "keys",
    "key-users",
    "timer_list",
    "sched_debug",
    "sysrq-trigger",
    "kallsyms",
    "kmsg",
    "latency_stats",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
    "config.gz",
];

const DIRECTORIES: &[&str] =
    &["/proc", "/tmp", "/var/task", "/var/runtime", "/var/tmp", "/opt", "/dev", "/etc", "/run", "/home", "/mnt"];
const DEVICES: &[(&str, u32)] = &[("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)];
/// Shown from the host's `/etc`: public certificates, the names that programs are called by, and how the linker finds libraries.
const FROM_ETC: &[&str] = &[
    "ssl/certs",
    "ssl/openssl.cnf",
    "pki/tls/certs",
    "pki/ca-trust",
    "ca-certificates",
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "localtime",
];

/// The prepared root.
#[derive(Debug)]
pub(crate) struct Root {
    /// Where it is mounted, in the spawner's namespace and in every copy of it.
    pub(crate) path: PathBuf,
    /// The same file system, writable, for new places to mount at.
    writable: OwnedFd,
}

impl Root {
    /// Builds the root at `path`, an empty directory. The calling process must be in a mount namespace of its own.
    pub(crate) fn build(path: &Path) -> Result<Self, Failure> {
        let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        rustix::mount::mount_change("/", slave).while_doing(|| "parting from the host's mounts")?;
        std::fs::create_dir_all(path).while_doing(|| format!("making {}", path.display()))?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let tree = mounts::fresh("tmpfs", &[("size", "16m"), ("mode", "0755")], attributes)?;
        mounts::attach(tree.as_fd(), path)?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let writable = rustix::mount::open_tree(CWD, path, flags).while_doing(|| "opening the root")?;

        for directory in DIRECTORIES {
            mounts::make_place(writable.as_fd(), Path::new(directory), false)?;
        }
        show_programs(path, writable.as_fd())?;
        write_etc(path, writable.as_fd())?;
        make_devices(path)?;
        mounts::set_attributes(tree.as_fd(), READ_ONLY & !libc::MOUNT_ATTR_NODEV)
            .while_doing(|| "making the root read-only")?;
        Ok(Self { path: path.to_owned(), writable })
    }

    /// Makes sure that there is a place for something at `target`, of the kind that `source` is.
    pub(crate) fn ensure_place(&self, source: &Path, target: &Path) -> Result<(), Failure> {
        if mounts::exists(self.writable.as_fd(), target) || std::fs::symlink_metadata(self.within(target)).is_ok() {
            return Ok(());
        }
        mounts::make_place(self.writable.as_fd(), target, source.is_file())
    }

    /// The path, in the spawner's namespace, of what a sandbox sees as `target`.
    pub(crate) fn within(&self, target: &Path) -> PathBuf {
        self.path.join(target.strip_prefix("/").unwrap_or(target))
    }
}

/// `/usr`, and `/bin`, `/lib` … either as the links into it that they are today or as the directories they once were.
fn show_programs(path: &Path, writable: BorrowedFd<'_>) -> Result<(), Failure> {
    for name in ["usr", "bin", "sbin", "lib", "lib32", "lib64", "nix"] {
        let host = Path::new("/").join(name);
        let Ok(kind) = std::fs::symlink_metadata(&host) else { continue };
        if kind.is_symlink() {
            let to = std::fs::read_link(&host).while_doing(|| format!("reading {}", host.display()))?;
            std::os::unix::fs::symlink(to, path.join(name)).while_doing(|| format!("linking {name}"))?;
        } else {
            mounts::make_place(writable, &host, false)?;
            mounts::bind(&host, &path.join(name), READ_ONLY)?;
        }
    }
    Ok(())
}

fn write_etc(path: &Path, writable: BorrowedFd<'_>) -> Result<(), Failure> {
    let files = [
        (
            "passwd",
            format!(
                "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:{USER_ID}:{USER_ID}::/home/sbx_user1051:/sbin/nologin\n"
            ),
        ),
        ("group", format!("root:x:0:\nsbx_user1051:x:{USER_ID}:\n")),
        ("hosts", "127.0.0.1 localhost\n::1 localhost\n".into()),
        ("resolv.conf", "options timeout:1 attempts:1\n".into()),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".into()),
        ("hostname", "sandbox\n".into()),
    ];
    for (name, text) in files {
        std::fs::write(path.join("etc").join(name), text).while_doing(|| format!("writing /etc/{name}"))?;
    }
    for name in FROM_ETC {
        let host = Path::new("/etc").join(name);
        let Ok(source) = host.canonicalize() else { continue };
        if source.is_file() {
            let target = path.join("etc").join(name);
            std::fs::create_dir_all(target.parent().unwrap_or(&target))
                .while_doing(|| format!("making /etc/{name}"))?;
            std::fs::copy(&source, target).while_doing(|| format!("copying /etc/{name}"))?;
        } else {
            mounts::make_place(writable, &host, false)?;
            mounts::bind(&source, &path.join("etc").join(name), READ_ONLY)?;
        }
    }
    Ok(())
}

/// A `/dev` with the devices that every program expects; made anew where the host permits, else shown from the host.
fn make_devices(path: &Path) -> Result<(), Failure> {
    let dev = path.join("dev");
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    mounts::attach(mounts::fresh("tmpfs", &[("size", "64k"), ("mode", "0755")], attributes)?.as_fd(), &dev)?;
    for (name, minor) in DEVICES {
        let target = dev.join(name);
        let number = rustix::fs::makedev(1, *minor);
        if rustix::fs::mknodat(CWD, &target, FileType::CharacterDevice, Mode::from(0o666), number).is_ok() {
            rustix::fs::chmod(&target, Mode::from(0o666)).while_doing(|| format!("making /dev/{name}"))?;
        } else {
            std::fs::write(&target, "").while_doing(|| format!("making /dev/{name}"))?;
            mounts::bind(&Path::new("/dev").join(name), &target, libc::MOUNT_ATTR_NOSUID)?;
        }
    }
    for (name, to) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        std::os::unix::fs::symlink(to, dev.join(name)).while_doing(|| format!("linking /dev/{name}"))?;
    }
    std::fs::create_dir(dev.join("shm")).while_doing(|| "making /dev/shm")
}
