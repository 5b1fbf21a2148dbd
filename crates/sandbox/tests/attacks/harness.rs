//! What the attacks share: a spawner in a temporary directory, and scripts run inside and outside.

use fogbank_sandbox::{Ended, Kind, Outbound, Sandbox, Spawner, Spec};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

/// A spawner and the host directories that its sandboxes see.
pub struct Arena {
    pub spawner: Spawner,
    pub directory: tempfile::TempDir,
}

impl Arena {
    pub fn new() -> Self {
        assert!(is_root(), "these tests prove what holds for root: run them as root");
        let directory = tempfile::tempdir().unwrap();
        let arena = Self {
            spawner: Spawner::start_with(spawner_program(), directory.path().join("state")).unwrap(),
            directory,
        };
        arena.code("code");
        arena
    }

    /// A directory with code of its own.
    pub fn code(&self, name: &str) -> PathBuf {
        let code = self.directory.path().join(name);
        std::fs::create_dir(&code).unwrap();
        std::fs::write(code.join("app.txt"), name).unwrap();
        code
    }

    /// A sandbox of 128 MiB that runs a shell script.
    pub fn shell_spec(&self, script: &str) -> Spec {
        self.spec(&["/bin/sh", "-c", script])
    }

    /// A sandbox of 128 MiB that runs a Python script.
    pub fn python_spec(&self, script: &str) -> Spec {
        self.spec(&["/usr/bin/python3", "-S", "-c", script])
    }

    fn spec(&self, command: &[&str]) -> Spec {
        Spec {
            command: command.iter().map(|one| (*one).to_owned()).collect(),
            environment: vec![("PATH".into(), "/usr/sbin:/usr/bin:/bin".into())],
            directory: "/var/task".into(),
            kind: Kind::Program,
            code: Some(self.directory.path().join("code")),
            layers: vec![],
            binds: vec![],
            memory_mb: 128,
            tmp_mb: 64,
            max_processes: 256,
            doors: vec![],
            outbound: Outbound::None,
        }
    }

    pub async fn launch(&self, spec: Spec) -> Sandbox {
        self.spawner.launch(spec).await.unwrap()
    }

    /// Runs a shell script to its end and returns what it wrote.
    pub async fn shell(&self, script: &str) -> (String, Ended) {
        finish(self.launch(self.shell_spec(script)).await).await
    }

    /// Runs a Python script to its end and returns what it wrote.
    pub async fn python(&self, script: &str) -> (String, Ended) {
        finish(self.launch(self.python_spec(script)).await).await
    }
}

pub fn spawner_program() -> &'static str {
    env!("CARGO_BIN_EXE_sandbox-test-spawner")
}

/// Waits for a sandbox's end and returns what it wrote.
pub async fn finish(mut sandbox: Sandbox) -> (String, Ended) {
    let mut text = Vec::new();
    sandbox.output.take().unwrap().read_to_end(&mut text).await.unwrap();
    let ended = sandbox.control().ended().await;
    (String::from_utf8_lossy(&text).into_owned(), ended)
}

/// Reads a sandbox's output until it contains `word`.
pub async fn says(sandbox: &mut Sandbox, word: &str) -> String {
    let mut text = String::new();
    let pipe = sandbox.output.as_mut().unwrap();
    while !text.contains(word) {
        let mut piece = [0u8; 4096];
        let length = tokio::time::timeout(Duration::from_secs(20), pipe.read(&mut piece)).await.unwrap().unwrap();
        assert!(length > 0, "it ended after {text:?}");
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    text
}

/// Runs a shell script on the host, as the tests' own user.
pub fn outside(script: &str) -> String {
    run_outside("/bin/sh", script)
}

/// Runs a Python script on the host.
pub fn python_outside(script: &str) -> String {
    run_outside("/usr/bin/python3", script)
}

fn run_outside(program: &str, script: &str) -> String {
    let output = std::process::Command::new(program).args(["-c", script]).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Waits until `condition` holds, or fails with `what` after ten seconds.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The processes whose environment or arguments contain `mark`.
pub fn processes_with(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read =
            |file| String::from_utf8_lossy(&std::fs::read(entry.path().join(file)).unwrap_or_default()).into_owned();
        if entry.file_name().to_string_lossy().parse::<u32>().is_ok()
            && (read("environ").contains(mark) || read("cmdline").contains(mark))
        {
            found.push(format!("{} {}", entry.file_name().to_string_lossy(), read("cmdline")));
        }
    }
    found
}

/// The control groups of sandboxes below `directory` (the parents of this platform's), found by name.
pub fn control_groups() -> Vec<PathBuf> {
    fn walk(directory: &Path, depth: u32, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with("fogbank-") {
                    found.push(entry.path());
                }
                if depth > 0 {
                    walk(&entry.path(), depth - 1, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("/sys/fs/cgroup"), 5, &mut found);
    found
}

/// Whether this process is root.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
