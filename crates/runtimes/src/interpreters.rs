//! Finds Python and Node.js on this host, and says which of them serves a Lambda runtime identifier. Looked for once, when first needed.

use fogbank_functions::runtime::Resolution;
use fogbank_sandbox::Bind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The two languages whose interpreters the platform starts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// `python3.x`
    Python,
    /// `nodejs*.x`
    Node,
}

/// A runtime identifier, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// An interpreter of a version: the minor for Python 3, the major for Node.js.
    Interpreted(Language, u32),
    /// The function brings its own `bootstrap`.
    Provided,
}

impl Wanted {
    /// Understands a Lambda runtime identifier; `None` for what the platform does not run.
    pub(crate) fn parse(runtime: &str) -> Option<Self> {
        if let Some(minor) = runtime.strip_prefix("python3.") {
            return Some(Self::Interpreted(Language::Python, minor.parse().ok()?));
        }
        if let Some(major) = runtime.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x")) {
            return Some(Self::Interpreted(Language::Node, major.parse().ok()?));
        }
        matches!(runtime, "provided.al2" | "provided.al2023").then_some(Self::Provided)
    }
}

/// An interpreter on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// Its path inside a sandbox.
    pub(crate) program: PathBuf,
    /// Its path on the host.
    pub(crate) host_program: PathBuf,
    /// The minor version for Python 3, the major for Node.js.
    pub(crate) version: u32,
    /// What must be shown in the sandbox for it to run, where that is not in `/usr`.
    pub(crate) bind: Option<Bind>,
}

/// All interpreters of this host.
#[derive(Debug)]
pub(crate) struct Interpreters {
    directory: PathBuf,
    strict: bool,
    python: OnceLock<Vec<Interpreter>>,
    node: OnceLock<Vec<Interpreter>>,
}

impl Interpreters {
    /// `directory` is where `fogbank runtime install` puts them.
    pub(crate) fn new(directory: PathBuf, strict: bool) -> Self {
        Self { directory, strict, python: OnceLock::new(), node: OnceLock::new() }
    }

    /// Says how `runtime` would be served.
    pub(crate) fn resolve(&self, runtime: &str) -> Resolution {
        let Some(wanted) = Wanted::parse(runtime) else {
            return Resolution::Missing(format!(
                "{runtime} is not supported: use python3.x, nodejs*.x, or provided.al2023 with a bootstrap of your own"
            ));
        };
        let Wanted::Interpreted(language, version) = wanted else { return Resolution::Exact };
        match self.find(language, version) {
            Some(found) if found.version == version => Resolution::Exact,
            Some(found) if !self.strict => {
                let has = format!("{} ({})", language.with_version(found.version), found.host_program.display());
                Resolution::Nearest(format!(
                    "{runtime} runs on {has}; `fogbank runtime install {runtime}` fetches the exact version"
                ))
            }
            _ => Resolution::Missing(format!("no {runtime} on this host: run `fogbank runtime install {runtime}`")),
        }
    }

    /// The interpreter that is nearest to `version`; the newer one of two that are equally near.
    pub(crate) fn find(&self, language: Language, version: u32) -> Option<&Interpreter> {
        let all = match language {
            Language::Python => self.python.get_or_init(|| find_pythons(&self.directory)),
            Language::Node => self.node.get_or_init(|| find_nodes(&self.directory)),
        };
        all.iter().min_by_key(|one| (one.version.abs_diff(version), u32::MAX - one.version))
    }

    /// As [`Self::find`], but refuses another version in strict mode.
    pub(crate) fn serve(&self, language: Language, version: u32) -> Option<&Interpreter> {
        self.find(language, version).filter(|found| !self.strict || found.version == version)
    }
}

impl Language {
    fn with_version(self, version: u32) -> String {
        match self {
            Self::Python => format!("Python 3.{version}"),
            Self::Node => format!("Node.js {version}"),
        }
    }
}

/// The first Python that this bootstrap's syntax runs on.
const OLDEST_PYTHON: u32 = 8;

fn find_pythons(directory: &Path) -> Vec<Interpreter> {
    let mut places = children(directory).into_iter().map(|one| one.join("bin")).collect::<Vec<_>>();
    let home = home();
    let pyenv =
        std::env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(".pyenv")));
    places.extend(pyenv.iter().flat_map(|root| children(&root.join("versions"))).map(|one| one.join("bin")));
    places
        .extend(home.iter().flat_map(|home| children(&home.join(".local/share/uv/python"))).map(|one| one.join("bin")));
    places.extend(search_path());
    let mut found: Vec<Interpreter> = Vec::new();
    for place in places {
        for program in children(&place) {
            let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(version) = name.strip_prefix("python3.").and_then(|minor| minor.parse().ok()) else { continue };
            if version >= OLDEST_PYTHON && !found.iter().any(|one| one.version == version) {
                found.extend(interpreter(&program, version));
            }
        }
    }
    found
}

fn find_nodes(directory: &Path) -> Vec<Interpreter> {
    let mut places = children(directory).into_iter().map(|one| one.join("bin")).collect::<Vec<_>>();
    let nvm = std::env::var_os("NVM_DIR").map(PathBuf::from).or_else(|| home().map(|home| home.join(".nvm")));
    places.extend(nvm.iter().flat_map(|root| children(&root.join("versions/node"))).map(|one| one.join("bin")));
    places.extend(search_path());
    let mut found: Vec<Interpreter> = Vec::new();
    let mut seen = Vec::new();
    for place in places {
        let Ok(program) = place.join("node").canonicalize() else { continue };
        if seen.contains(&program) {
            continue;
        }
        seen.push(program.clone());
        let Some(version) = node_version(&place, &program) else { continue };
        if !found.iter().any(|one| one.version == version) {
            found.extend(interpreter(&program, version));
        }
    }
    found
}

/// Installed versions say it in their directory's name (`v22.1.0`, `nodejs22.x`); others are asked.
fn node_version(place: &Path, program: &Path) -> Option<u32> {
    let major = |text: &str| text.split('.').next().and_then(|major| major.parse().ok());
    let directory = place.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(version) = directory.strip_prefix("nodejs").or_else(|| directory.strip_prefix('v')).and_then(major) {
        return Some(version);
    }
    let output = std::process::Command::new(program).arg("--version").output().ok()?;
    major(std::str::from_utf8(&output.stdout).ok()?.trim().strip_prefix('v')?)
}

/// The real program behind `path` and its installation's directory. Programs of a version manager's own (scripts that choose) have no
/// interpreter's file behind them and are left out.
fn interpreter(path: &Path, version: u32) -> Option<Interpreter> {
    let program = path.canonicalize().ok()?;
    if !is_elf(&program) {
        return None;
    }
    let prefix = program.parent()?.parent()?.to_owned();
    let shown = ["/usr", "/bin", "/lib", "/nix"].iter().any(|known| program.starts_with(known));
    if !shown && prefix.components().count() < 2 {
        return None;
    }
    if shown {
        return Some(Interpreter { program: program.clone(), host_program: program, version, bind: None });
    }
    // At its own path, since a program may have been built to know it; only what lies in /tmp cannot be, as sandboxes have their own.
    let target = if prefix.starts_with("/tmp") { PathBuf::from("/var/lang") } else { prefix.clone() };
    let inside = target.join(program.strip_prefix(&prefix).ok()?);
    Some(Interpreter { program: inside, host_program: program, version, bind: Some(Bind { source: prefix, target }) })
}

fn is_elf(program: &Path) -> bool {
    use std::io::Read;
    let mut begin = [0u8; 4];
    std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *b"\x7fELF"
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let mut children: Vec<PathBuf> =
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    children.sort();
    children
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/bin", "/usr/bin"].map(PathBuf::from))
        .filter(|one| one.is_absolute())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with_pythons(versions: &[u32], strict: bool) -> Interpreters {
        let interpreters = Interpreters::new(PathBuf::new(), strict);
        let made = versions.iter().map(|version| Interpreter {
            program: format!("/usr/bin/python3.{version}").into(),
            host_program: format!("/usr/bin/python3.{version}").into(),
            version: *version,
            bind: None,
        });
        interpreters.python.set(made.collect()).unwrap();
        interpreters
    }

    #[test]
    fn the_exact_version_is_taken_if_there() {
        assert_eq!(with_pythons(&[9, 12, 13], false).resolve("python3.12"), Resolution::Exact);
    }

    #[test]
    fn the_nearest_version_serves_otherwise_and_says_so() {
        let found = with_pythons(&[9, 11, 13], false).resolve("python3.12");
        assert!(matches!(found, Resolution::Nearest(text) if text.contains("Python 3.13")));
    }

    #[test]
    fn strict_refuses_another_version() {
        assert!(matches!(with_pythons(&[9, 11], true).resolve("python3.12"), Resolution::Missing(_)));
    }

    #[test]
    fn what_is_not_run_here_is_named_so() {
        let none = with_pythons(&[], false);
        for runtime in ["java21", "python2.7", "python3.x", "nodejs", "provided", ""] {
            assert!(matches!(none.resolve(runtime), Resolution::Missing(_)), "{runtime}");
        }
        assert_eq!(none.resolve("provided.al2023"), Resolution::Exact);
    }
}
