//! The data directory: made private, locked for one process, and marked with the format of what is in it.

use crate::Error;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The format this binary reads and writes.
const FORMAT: u32 = 2;

/// The one without a log, which is read as one whose log is empty. A Fogbank of that time must not open what has one.
const WITHOUT_LOG: &str = "1";

/// Held while the process owns the directory; the kernel lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl Lock {
    /// Makes the directory (mode 0700) and takes it.
    pub(crate) fn take(root: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(root);
        made.map_err(|error| Error::disk(format!("{}: {error}", root.display())))?;
        let path = root.join("lock");
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = opened.map_err(|error| Error::disk(format!("{}: {error}", path.display())))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
            let pid = if known { pid.trim().to_owned() } else { "?".to_owned() };
            return Err(Error::InUse { path: root.into(), pid });
        }
        file.set_len(0).map_err(Error::disk)?;
        file.write_all(std::process::id().to_string().as_bytes()).map_err(Error::disk)?;
        Ok(Self(file))
    }
}

/// Reads the format marker, or writes it into a new directory.
pub(crate) fn check_format(root: &Path) -> Result<(), Error> {
    let path = root.join("format");
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim() == FORMAT.to_string() => Ok(()),
        Ok(text) if text.trim() == WITHOUT_LOG => mark(root, &path),
        Ok(text) => {
            let found = text.trim().chars().take(32).collect();
            Err(Error::Format { path: root.into(), found, known: FORMAT })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => mark(root, &path),
        Err(error) => Err(Error::disk(format!("{}: {error}", path.display()))),
    }
}

fn mark(root: &Path, path: &Path) -> Result<(), Error> {
    write_durably(root, path, &format!("{FORMAT}\n")).map_err(Error::disk)
}

/// Whole or not at all, also across a power cut: a marker that is there but empty would refuse the directory for ever.
fn write_durably(root: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    File::open(root)?.sync_all()
}
