//! Reading deployment packages: ZIP files from strangers. Nothing of one is used before all of it was checked, and what is
//! written stays inside the directory that it is written to.

use crate::{Error, limits};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Cursor, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// A central directory entry begins with this, and is this long without its name, extra field and comment.
const ENTRY_SIGNATURE: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
/// The file type in a Unix mode, and the types that are accepted.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
/// How often symbolic links may lead to symbolic links.
const LINK_HOPS: usize = 40;
/// The longest target of a symbolic link, in bytes.
const LINK_BYTES: u64 = 4096;

fn broken() -> Error {
    Error::invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
}

pub(crate) fn too_large() -> Error {
    Error::invalid(format!("Unzipped size must be smaller than {} bytes", limits::UNZIPPED_BYTES))
}

/// Checks the ZIP file `content` and writes what is in it to `directory`, which must not exist yet. Returns its size in bytes.
/// On an error the caller removes what was written. Blocks on the disk.
pub(crate) fn unpack(content: &[u8], directory: &Path) -> Result<u64, Error> {
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|_| broken())?;
    if archive.is_empty() {
        return Err(Error::invalid("Uploaded file must be a non-empty zip"));
    }
    if archive.len() > limits::PACKAGE_ENTRIES {
        return Err(Error::invalid(format!("The package has more than {} files", limits::PACKAGE_ENTRIES)));
    }
    check_unique(content, &archive)?;
    check_declared_size(&mut archive)?;
    make_directory(directory)?;
    let (size, links) = write_files(&mut archive, directory)?;
    // After the files, so that no file is written through a link.
    make_links(directory, &links)?;
    Ok(size)
}

/// The reader keeps one of several entries of the same name; which one another reader keeps is anybody's guess.
fn check_unique(content: &[u8], archive: &Archive<'_>) -> Result<(), Error> {
    let mut at = usize::try_from(archive.central_directory_start()).map_err(|_| broken())?;
    let mut names = HashSet::new();
    while let Some(entry) = content.get(at..).filter(|rest| rest.starts_with(ENTRY_SIGNATURE)) {
        let length = |from: usize| entry.get(from..from + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
        let lengths = (length(28), length(30), length(32));
        let (Some(name), Some(extra), Some(comment)) = lengths else { return Err(broken()) };
        let text = entry.get(ENTRY_BYTES..ENTRY_BYTES + name).ok_or_else(broken)?;
        if !names.insert(text.strip_suffix(b"/").unwrap_or(text)) {
            return Err(broken());
        }
        at += ENTRY_BYTES + name + extra + comment;
    }
    if names.len() == archive.len() { Ok(()) } else { Err(broken()) }
}

fn check_declared_size(archive: &mut Archive<'_>) -> Result<(), Error> {
    let mut total = 0u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| broken())?;
        if entry.encrypted() {
            return Err(broken());
        }
        total = total.saturating_add(entry.size());
    }
    if total > limits::UNZIPPED_BYTES { Err(too_large()) } else { Ok(()) }
}

/// A symbolic link of the package: where it is, and what it says.
type Links = HashMap<PathBuf, PathBuf>;

fn write_files(archive: &mut Archive<'_>, directory: &Path) -> Result<(u64, Links), Error> {
    let (mut left, mut links) = (limits::UNZIPPED_BYTES, Links::new());
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| broken())?;
        let path = inner_path(entry.name_raw())?;
        let mode = entry.unix_mode().unwrap_or(0);
        match mode & TYPE {
            _ if entry.is_dir() => make_directories(directory, &path)?,
            LINK => {
                let mut target = Vec::new();
                entry.by_ref().take(LINK_BYTES + 1).read_to_end(&mut target).map_err(|_| broken())?;
                if target.is_empty() || target.len() as u64 > LINK_BYTES || target.contains(&0) {
                    return Err(broken());
                }
                links.insert(path, PathBuf::from(OsStr::from_bytes(&target)));
            }
            0 | REGULAR => {
                make_directories(directory, path.parent().unwrap_or(Path::new("")))?;
                left -= write_file(&mut entry, &directory.join(path), mode, left)?;
            }
            DIRECTORY => make_directories(directory, &path)?,
            _ => return Err(broken()),
        }
    }
    Ok((limits::UNZIPPED_BYTES - left, links))
}

/// The path of an entry below the package's root.
fn inner_path(name: &[u8]) -> Result<PathBuf, Error> {
    let absolute = name.starts_with(b"/");
    if name.is_empty() || absolute || name.contains(&0) || name.len() > 4096 {
        return Err(broken());
    }
    let mut path = PathBuf::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b".." => return Err(broken()),
            b"" | b"." => {}
            _ if part.len() > 255 => return Err(broken()),
            _ => path.push(OsStr::from_bytes(part)),
        }
    }
    Ok(path)
}

/// Writes one file of at most `limit` bytes, whatever its header says, and returns its size.
fn write_file(entry: &mut impl Read, path: &Path, mode: u32, limit: u64) -> Result<u64, Error> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(disk_or_broken)?;
    let size = io::copy(&mut entry.take(limit + 1), &mut file).map_err(|error| match error.raw_os_error() {
        Some(_) => Error::Disk(error.to_string()),
        None => broken(),
    })?;
    if size > limit {
        return Err(too_large());
    }
    // Whoever runs the function may read it; it never runs with another identity than its own.
    let mode = if mode & 0o777 == 0 { 0o644 } else { mode & 0o755 | 0o444 };
    file.set_permissions(Permissions::from_mode(mode)).map_err(|error| Error::Disk(error.to_string()))?;
    Ok(size)
}

/// What the package's own structure makes impossible is its fault; everything else is the disk's.
fn disk_or_broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => broken(),
        _ => Error::Disk(error.to_string()),
    }
}

fn make_directories(root: &Path, path: &Path) -> Result<(), Error> {
    let full = root.join(path);
    if full.is_dir() {
        return Ok(());
    }
    let mut at = root.to_path_buf();
    for part in path {
        at.push(part);
        match make_directory(&at) {
            Err(_) if at.is_dir() => {}
            made => made?,
        }
    }
    Ok(())
}

fn make_directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new().mode(0o755).create(path).map_err(disk_or_broken)?;
    File::open(path)
        .and_then(|made| made.set_permissions(Permissions::from_mode(0o755)))
        .map_err(|error| Error::Disk(error.to_string()))
}

fn make_links(directory: &Path, links: &Links) -> Result<(), Error> {
    for (path, target) in links {
        let start = path.parent().unwrap_or(Path::new("")).to_path_buf();
        resolve(&start, target, links, LINK_HOPS)?;
        make_directories(directory, &start)?;
        std::os::unix::fs::symlink(target, directory.join(path)).map_err(disk_or_broken)?;
    }
    Ok(())
}

/// Follows `target` from the directory `start` as the kernel would, and refuses what leaves the package.
fn resolve(start: &Path, target: &Path, links: &Links, hops: usize) -> Result<PathBuf, Error> {
    let hops = hops.checked_sub(1).ok_or_else(broken)?;
    let mut at = start.to_path_buf();
    for part in target.as_os_str().as_bytes().split(|byte| *byte == b'/') {
        match part {
            // An absolute target begins with an empty part.
            b"" if target.is_absolute() => return Err(broken()),
            b"" | b"." => {}
            b".." => {
                if !at.pop() {
                    return Err(broken());
                }
            }
            _ => {
                let next = at.join(OsStr::from_bytes(part));
                at = match links.get(&next) {
                    Some(onward) => resolve(&at, onward, links, hops)?,
                    None => next,
                };
            }
        }
    }
    Ok(at)
}

#[cfg(test)]
pub(crate) mod tests;
