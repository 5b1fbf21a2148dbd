//! Where code is: each package once as a blob, and unpacked once under `code/SHA256/`. The directories can be lost at any
//! time; they are made again from the blobs.

use crate::model::Code;
use crate::{Error, package};
use bytes::Bytes;
use fogbank_store::Store;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Changes at each boot of the machine. After one, unpacked files may be incomplete: they are not synced one by one.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The packages of a data directory.
pub(crate) struct Packages {
    store: Store,
    root: PathBuf,
    drafts: AtomicU64,
    /// Packages that are being added or that an instance runs from: these are not swept.
    held: Arc<Mutex<HashMap<String, Holding>>>,
}

/// Who holds a package.
#[derive(Default)]
struct Holding {
    count: usize,
    /// Where its directory goes once nobody holds it: a sweep has found that no function needs it.
    unwanted: Option<Removal>,
}

/// A directory to be removed, by way of a name that nobody looks for.
struct Removal {
    place: PathBuf,
    trash: PathBuf,
}

impl Removal {
    /// Renames the directory, so that nobody finds it any more. Quick, and so done under the lock; deleting is not.
    fn set_aside(self) -> Option<PathBuf> {
        std::fs::rename(&self.place, &self.trash).ok().map(|()| self.trash)
    }
}

/// Deletes what was set aside.
fn delete(trash: &Path) {
    if let Err(error) = std::fs::remove_dir_all(trash) {
        tracing::warn!(%error, path = %trash.display(), "unused code could not be removed");
    }
}

/// Keeps a package's directory in place while it lives.
pub(crate) struct Hold {
    sha256: String,
    held: Arc<Mutex<HashMap<String, Holding>>>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(holding) = held.get_mut(&self.sha256) else { return };
        holding.count -= 1;
        if holding.count > 0 {
            return;
        }
        let removal = held.remove(&self.sha256).and_then(|holding| holding.unwanted);
        let trash = removal.and_then(Removal::set_aside);
        drop(held);
        if let Some(trash) = trash {
            // Whoever drops the last hold may be on the way of a call.
            std::thread::spawn(move || delete(&trash));
        }
    }
}

impl Packages {
    /// Opens the directory, and forgets what no longer belongs: drafts of an interrupted process, and whatever is not `wanted`.
    pub fn open(store: &Store, wanted: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let root = store.root().join("code");
        std::fs::create_dir_all(&root).map_err(disk)?;
        let boot = std::fs::read_to_string(BOOT_ID).unwrap_or_default();
        let same_boot = std::fs::read_to_string(root.join("boot")).is_ok_and(|last| last == boot);
        for entry in std::fs::read_dir(&root).map_err(disk)? {
            let entry = entry.map_err(disk)?;
            let keep = same_boot && wanted(&entry.file_name().to_string_lossy());
            if !keep && entry.path().is_dir() {
                std::fs::remove_dir_all(entry.path()).map_err(disk)?;
            }
        }
        std::fs::write(root.join("boot"), boot).map_err(disk)?;
        Ok(Self { store: store.clone(), root, drafts: AtomicU64::new(0), held: Arc::default() })
    }

    /// Takes in a ZIP file: checks it, keeps it durably, and unpacks it. What is returned keeps it until a function refers to it.
    pub async fn add(self: &Arc<Self>, content: Bytes) -> Result<(Code, Hold), Error> {
        let packages = self.clone();
        tokio::task::spawn_blocking(move || packages.add_now(&content)).await?
    }

    fn add_now(&self, content: &[u8]) -> Result<(Code, Hold), Error> {
        let draft = self.draft();
        let unzipped = package::unpack(content, &draft).inspect_err(|_| drop(std::fs::remove_dir_all(&draft)))?;
        let sha256 = self.store.blobs().put(content)?;
        let hold = self.hold(&sha256);
        // Somebody wants it again.
        if let Some(holding) = self.held.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&sha256) {
            holding.unwanted = None;
        }
        self.settle(&draft, &sha256)?;
        Ok((Code { sha256, zipped: content.len() as u64, unzipped }, hold))
    }

    fn draft(&self) -> PathBuf {
        self.root.join(format!("draft-{}", self.drafts.fetch_add(1, Ordering::Relaxed)))
    }

    /// Puts a finished draft in its place. If somebody was faster, theirs stays.
    fn settle(&self, draft: &Path, sha256: &str) -> Result<(), Error> {
        let place = self.directory(sha256);
        match std::fs::rename(draft, &place) {
            Err(_) if place.is_dir() => std::fs::remove_dir_all(draft).map_err(disk),
            moved => moved.map_err(disk),
        }
    }

    /// Where the package is unpacked.
    pub fn directory(&self, sha256: &str) -> PathBuf {
        self.root.join(sha256)
    }

    /// The ZIP file.
    pub fn content(&self, sha256: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.store.blobs().get(sha256)?)
    }

    /// Keeps the package from being swept.
    pub fn hold(&self, sha256: &str) -> Hold {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(sha256.to_owned()).or_default().count += 1;
        Hold { sha256: sha256.to_owned(), held: self.held.clone() }
    }

    /// Makes sure that the held package is unpacked, and returns where.
    pub async fn ensure(self: &Arc<Self>, hold: &Hold) -> Result<PathBuf, Error> {
        let place = self.directory(&hold.sha256);
        if place.is_dir() {
            return Ok(place);
        }
        let (packages, sha256) = (self.clone(), hold.sha256.clone());
        tokio::task::spawn_blocking(move || {
            let content = packages.content(&sha256)?.ok_or_else(|| Error::Disk(format!("blob {sha256} is missing")))?;
            let draft = packages.draft();
            package::unpack(&content, &draft).inspect_err(|_| drop(std::fs::remove_dir_all(&draft)))?;
            packages.settle(&draft, &sha256)
        })
        .await??;
        Ok(place)
    }

    /// Removes the directories of `candidates` that are not `wanted`; those that somebody holds, once nobody does. The blobs go at the
    /// next start.
    pub fn sweep(&self, candidates: &[String], wanted: impl Fn(&str) -> bool) {
        for sha256 in candidates.iter().filter(|sha256| !wanted(sha256)) {
            let removal = Removal { place: self.directory(sha256), trash: self.draft() };
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(holding) = held.get_mut(sha256) {
                holding.unwanted = Some(removal);
                continue;
            }
            let trash = removal.set_aside();
            drop(held);
            trash.iter().for_each(|trash| delete(trash));
        }
    }
}

fn disk(error: std::io::Error) -> Error {
    Error::Disk(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use fogbank_model::SystemClock;

    fn open(home: &Path, wanted: &str) -> (Store, Arc<Packages>) {
        let store = Store::open(home, Arc::new(SystemClock)).unwrap();
        let packages = Packages::open(&store, |sha256| sha256 == wanted).unwrap();
        (store, Arc::new(packages))
    }

    #[tokio::test]
    async fn a_start_keeps_what_is_wanted_and_forgets_the_rest() {
        let home = tempfile::tempdir().unwrap();
        let (store, packages) = open(home.path(), "");
        let add = |text: &'static str| packages.add(package::tests::zip_of(&[("f", text)]).into());
        let (first, second) = (add("1").await.unwrap().0, add("2").await.unwrap().0);
        let draft = packages.directory("draft-7");
        std::fs::create_dir(&draft).unwrap();
        drop((packages, store));
        let (_store, packages) = open(home.path(), &first.sha256);
        assert!(packages.directory(&first.sha256).is_dir());
        assert!(!packages.directory(&second.sha256).exists() && !draft.exists());
    }

    #[tokio::test]
    async fn after_a_boot_everything_is_unpacked_again() {
        let home = tempfile::tempdir().unwrap();
        let (store, packages) = open(home.path(), "");
        let (code, hold) = packages.add(package::tests::zip_of(&[("f", "1")]).into()).await.unwrap();
        drop((packages, store, hold));
        std::fs::write(home.path().join("code/boot"), "another").unwrap();
        let (_store, packages) = open(home.path(), &code.sha256);
        assert!(!packages.directory(&code.sha256).exists());
        let place = packages.ensure(&packages.hold(&code.sha256)).await.unwrap();
        assert_eq!(std::fs::read_to_string(place.join("f")).unwrap(), "1");
    }

    #[tokio::test]
    async fn held_code_is_not_swept() {
        let home = tempfile::tempdir().unwrap();
        let (_store, packages) = open(home.path(), "");
        let (code, hold) = packages.add(package::tests::zip_of(&[("f", "1")]).into()).await.unwrap();
        let candidates = [code.sha256.clone()];
        packages.sweep(&candidates, |_| false);
        assert!(packages.directory(&code.sha256).exists());
        drop(hold);
        assert!(!packages.directory(&code.sha256).exists(), "it goes with the last who holds it");
    }

    #[tokio::test]
    async fn what_is_wanted_again_stays() {
        let home = tempfile::tempdir().unwrap();
        let (_store, packages) = open(home.path(), "");
        let zip = || package::tests::zip_of(&[("f", "1")]).into();
        let (code, first) = packages.add(zip()).await.unwrap();
        packages.sweep(std::slice::from_ref(&code.sha256), |_| false);
        let (_, second) = packages.add(zip()).await.unwrap();
        drop((first, second));
        assert!(packages.directory(&code.sha256).exists());
    }
}
