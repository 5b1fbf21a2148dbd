//! The programs that load a function's handler, kept in the binary and laid out where sandboxes can see them as `/var/runtime`.

use crate::interpreters::{Interpreter, Language};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const FILES: [(&str, &str); 5] = [
    ("bootstrap.py", include_str!("bootstrap/bootstrap.py")),
    ("fogbank_zygote.py", include_str!("bootstrap/fogbank_zygote.py")),
    ("snapshot_restore_py.py", include_str!("bootstrap/snapshot_restore_py.py")),
    ("bootstrap.js", include_str!("bootstrap/bootstrap.js")),
    ("example.js", include_str!("bootstrap/example.js")),
];

/// Where the bootstraps lie on the host.
#[derive(Debug, Clone)]
pub(crate) struct Bootstraps {
    directory: PathBuf,
}

impl Bootstraps {
    /// Lays the bootstraps out below `runtimes`, readable for everybody, unless this version of them is there already.
    pub(crate) fn lay_out(runtimes: &Path) -> std::io::Result<Self> {
        let mark = FILES
            .iter()
            .flat_map(|(_, text)| text.bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let directory = runtimes.join(format!("bootstrap-{mark:016x}"));
        for (file, text) in FILES {
            let path = directory.join(file);
            if !path.exists() {
                std::fs::create_dir_all(&directory)?;
                std::fs::set_permissions(&directory, Permissions::from_mode(0o755))?;
                let new = directory.join(format!("{file}.{}.new", std::process::id()));
                std::fs::write(&new, text)?;
                std::fs::set_permissions(&new, Permissions::from_mode(0o644))?;
                std::fs::rename(new, path)?;
            }
        }
        // What a zygote sees as `/var/task` and `/opt`: the linker remembers for good which of its directories are missing.
        let blank = directory.join("blank/lib");
        std::fs::create_dir_all(&blank)?;
        for place in [&blank, &directory.join("blank")] {
            std::fs::set_permissions(place, Permissions::from_mode(0o755))?;
        }
        Ok(Self { directory })
    }

    /// The host directory that sandboxes see as `/var/runtime`.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The host directory that a zygote sees in place of code and of layers.
    pub(crate) fn blank(&self) -> PathBuf {
        self.directory.join("blank")
    }

    /// The command that starts `interpreter` on its bootstrap. Python's is compiled once per version, in the background: a start
    /// that comes before that compiles for itself.
    pub(crate) fn command(&self, language: Language, interpreter: &Interpreter, memory_mb: u32) -> Vec<String> {
        let program = interpreter.program.display().to_string();
        match language {
            Language::Python => {
                let compiled = format!("bootstrap-3.{}.pyc", interpreter.version);
                let file = if self.directory.join(&compiled).exists() {
                    compiled
                } else {
                    self.compile(interpreter, &compiled);
                    "bootstrap.py".into()
                };
                vec![program, "-S".into(), "-s".into(), "-u".into(), format!("/var/runtime/{file}")]
            }
            Language::Node => {
                // As on AWS: the old generation gets most of the memory limit.
                let old = (memory_mb * 9 / 10).max(64);
                vec![program, format!("--max-old-space-size={old}"), "/var/runtime/bootstrap.js".into()]
            }
        }
    }

    fn compile(&self, interpreter: &Interpreter, name: &str) {
        const SCRIPT: &str = "import py_compile, sys, os; new = '%s.%d' % (sys.argv[2], os.getpid()); \
             py_compile.compile(sys.argv[1], cfile=new, dfile='/var/runtime/bootstrap.py', doraise=True, \
             invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH); os.chmod(new, 0o644); os.rename(new, sys.argv[2])";
        let child = tokio::process::Command::new(&interpreter.host_program)
            .args(["-I", "-c", SCRIPT])
            .arg(self.directory.join("bootstrap.py"))
            .arg(self.directory.join(name))
            .stdin(std::process::Stdio::null())
            .spawn();
        match child {
            Ok(mut child) => drop(tokio::spawn(async move { child.wait().await })),
            Err(error) => tracing::warn!("compiling the Python bootstrap: {error}"),
        }
    }
}
