//! What the attacks share: a spawner in a temporary directory, and scripts run inside and outside.

use fogbank_sandbox::{Bind, Ended, Outbound, Sandbox, Spawner, Spec};
use std::path::PathBuf;
use tokio::io::AsyncReadExt;

/// A spawner and the host directories that its sandboxes see.
pub struct Arena {
    pub spawner: Spawner,
    pub directory: tempfile::TempDir,
}

impl Arena {
    pub fn new() -> Self {
        assert!(rustix_is_root(), "these tests prove what holds for root: run them as root");
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("code")).unwrap();
        std::fs::write(directory.path().join("code/app.txt"), "code").unwrap();
        let spawner =
            Spawner::start_with(env!("CARGO_BIN_EXE_sandbox-test-spawner"), directory.path().join("state")).unwrap();
        Self { spawner, directory }
    }

    /// A sandbox of 128 MiB that runs a shell script.
    pub fn spec(&self, script: &str) -> Spec {
        Spec {
            command: vec!["/bin/sh".into(), "-c".into(), script.into()],
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            directory: "/var/task".into(),
            code: self.directory.path().join("code"),
            layers: vec![],
            binds: vec![],
            memory_mb: 128,
            tmp_mb: 512,
            max_processes: 1024,
            doors: vec![],
            outbound: Outbound::None,
        }
    }

    pub async fn launch(&self, spec: Spec) -> Sandbox {
        self.spawner.launch(spec).await.unwrap()
    }

    /// Runs a script to its end and returns what it wrote.
    pub async fn shell(&self, script: &str) -> (String, Ended) {
        finish(self.launch(self.spec(script)).await).await
    }
}

/// Waits for a sandbox's end and returns what it wrote.
pub async fn finish(mut sandbox: Sandbox) -> (String, Ended) {
    let mut text = Vec::new();
    sandbox.output.take().unwrap().read_to_end(&mut text).await.unwrap();
    let ended = sandbox.control().ended().await;
    (String::from_utf8_lossy(&text).into_owned(), ended)
}

/// Whether this process is root.
fn rustix_is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[allow(dead_code)]
pub fn bind(source: &str, target: &str) -> Bind {
    Bind { source: PathBuf::from(source), target: PathBuf::from(target) }
}
