//! The kernel's descriptor-based mount calls, as this crate needs them.

use crate::error::{Context, Failure};
use rustix::fs::{AtFlags, CWD};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// What every mount of a sandbox has at least.
pub(crate) const SAFE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
/// For what must not change.
pub(crate) const READ_ONLY: u64 = SAFE | libc::MOUNT_ATTR_RDONLY;

/// A detached copy of the mount tree at `source` with `attributes` set throughout.
pub(crate) fn copy_of(source: &Path, attributes: u64) -> Result<OwnedFd, Failure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = rustix::mount::open_tree(CWD, source, flags).while_doing(|| format!("opening {}", source.display()))?;
    set_attributes(tree.as_fd(), attributes).while_doing(|| format!("restricting {}", source.display()))?;
    Ok(tree)
}

/// Sets `attributes` on a whole mount tree.
pub(crate) fn set_attributes(tree: BorrowedFd<'_>, attributes: u64) -> Result<(), rustix::io::Errno> {
    let attr = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 };
    // SAFETY: the path is a NUL-terminated literal, `attr` is a live mount_attr and its size is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    crate::error::check(result).map(drop)
}

/// Attaches a detached mount at `target`.
pub(crate) fn attach(mount: BorrowedFd<'_>, target: &Path) -> Result<(), Failure> {
    rustix::mount::move_mount(mount, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .while_doing(|| format!("mounting {}", target.display()))
}

/// Shows `source` at `target`.
pub(crate) fn bind(source: &Path, target: &Path, attributes: u64) -> Result<(), Failure> {
    attach(copy_of(source, attributes)?.as_fd(), target)
}

/// A new detached file system of `kind`.
pub(crate) fn fresh(kind: &str, options: &[(&str, &str)], attributes: MountAttrFlags) -> Result<OwnedFd, Failure> {
    let doing = || format!("making a {kind} file system");
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).while_doing(doing)?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(context.as_fd(), *key, *value).while_doing(doing)?;
    }
    rustix::mount::fsconfig_create(context.as_fd()).while_doing(doing)?;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).while_doing(doing)
}

/// Makes `path` (a directory, or an empty file if `file`) below the tree of `root`, parents included.
pub(crate) fn make_place(root: BorrowedFd<'_>, path: &Path, file: bool) -> Result<(), Failure> {
    let doing = || format!("making {}", path.display());
    let relative = path.strip_prefix("/").unwrap_or(path);
    let mut so_far = std::path::PathBuf::new();
    let parts: Vec<_> = relative.components().collect();
    for (index, part) in parts.iter().enumerate() {
        let std::path::Component::Normal(name) = part else {
            return Err(Failure::new(format!("{} is not a plain path", path.display())));
        };
        so_far.push(name);
        if file && index + 1 == parts.len() {
            let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC;
            rustix::fs::openat(root, &so_far, flags, 0o644.into()).while_doing(doing)?;
        } else {
            match rustix::fs::mkdirat(root, &so_far, 0o755.into()) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error).while_doing(doing),
            }
        }
    }
    Ok(())
}

/// Whether `path` below `root` is there already.
pub(crate) fn exists(root: BorrowedFd<'_>, path: &Path) -> bool {
    rustix::fs::statat(root, path.strip_prefix("/").unwrap_or(path), AtFlags::SYMLINK_NOFOLLOW).is_ok()
}
