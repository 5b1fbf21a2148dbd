//! Notices that files of an application were saved.

use crate::cli::Failure;
use notify::{EventKind, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long it must be quiet before a change counts as finished: editors write in several steps.
const QUIET: Duration = Duration::from_millis(150);

/// Directories whose changes do not matter to a deployment.
const IGNORED: [&str; 5] = [".git", ".fogbank", "__pycache__", "node_modules", "target"];

/// Watches one directory and everything below it.
pub struct Watch {
    changes: mpsc::UnboundedReceiver<PathBuf>,
    _watcher: notify::RecommendedWatcher,
}

impl Watch {
    /// Begins to watch `root`.
    ///
    /// # Errors
    /// The system does not allow as many watches.
    pub fn start(root: &Path) -> Result<Self, Failure> {
        let (sender, changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !matches!(event.kind, EventKind::Access(_)) {
                event.paths.into_iter().for_each(|path| drop(sender.send(path)));
            }
        })?;
        watcher.watch(root, RecursiveMode::Recursive)?;
        Ok(Self { changes, _watcher: watcher })
    }

    /// Waits until something that matters was saved. `false` once nothing more can come.
    pub async fn changed(&mut self) -> bool {
        loop {
            match self.changes.recv().await {
                None => return false,
                Some(path) if matters(&path) => break,
                Some(_) => {}
            }
        }
        while let Ok(Some(_)) = tokio::time::timeout(QUIET, self.changes.recv()).await {}
        true
    }
}

fn matters(path: &Path) -> bool {
    let parts = path.components().filter_map(|part| part.as_os_str().to_str());
    let ignored = parts.into_iter().any(|part| IGNORED.contains(&part));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    !ignored && !name.ends_with('~') && !name.ends_with(".swp") && !name.ends_with(".pyc")
}
