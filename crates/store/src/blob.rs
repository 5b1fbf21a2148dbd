//! Content-addressed files: code packages and templates. A blob is durable before its digest is returned, so a transaction may
//! refer to it.

use crate::Error;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The blobs of a data directory. All calls block on the disk: run them on the blocking pool.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
}

impl Blobs {
    pub(crate) fn open(root: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&root).map_err(Error::disk)?;
        Ok(Self { root })
    }

    /// Keeps `content` and returns its SHA-256 digest in hex. Returns once it is on disk.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn put(&self, content: &[u8]) -> Result<String, Error> {
        let digest = hex::encode(Sha256::digest(content));
        let path = self.path(&digest);
        if path.exists() {
            return Ok(digest);
        }
        // Two writers of the same content must not share a draft: one would truncate what the other has made durable.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let draft = self.root.join(format!("{digest}.{}.draft", NEXT.fetch_add(1, Ordering::Relaxed)));
        self.write(&draft, &path, content).inspect_err(|_| drop(std::fs::remove_file(&draft)))?;
        Ok(digest)
    }

    fn write(&self, draft: &Path, path: &Path, content: &[u8]) -> Result<(), Error> {
        let mut file = File::create(draft).map_err(Error::disk)?;
        file.write_all(content).map_err(Error::disk)?;
        file.sync_all().map_err(Error::disk)?;
        std::fs::rename(draft, path).map_err(Error::disk)?;
        File::open(&self.root).and_then(|dir| dir.sync_all()).map_err(Error::disk)
    }

    /// The content under `digest`, or `None`.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn get(&self, digest: &str) -> Result<Option<Bytes>, Error> {
        match std::fs::read(self.path(digest)) {
            Ok(content) => Ok(Some(content.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::disk(error)),
        }
    }

    /// Forgets every blob that `wanted` does not name, and what an interrupted [`Blobs::put`] left. To be called before the
    /// first `put` of a process: a blob that no transaction refers to yet would go too.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn keep_only(&self, wanted: impl Fn(&str) -> bool) -> Result<(), Error> {
        for entry in std::fs::read_dir(&self.root).map_err(Error::disk)? {
            let entry = entry.map_err(Error::disk)?;
            if !wanted(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path()).map_err(Error::disk)?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: &str) -> PathBuf {
        let plain = digest.chars().filter(char::is_ascii_hexdigit).collect::<String>();
        self.root.join(plain)
    }
}
