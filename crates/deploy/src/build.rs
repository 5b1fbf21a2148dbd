//! The build step: what a template's `CodeUri` and `ContentUri` name becomes code packages. Run by the command line, on the machine
//! where the code is; the platform only ever sees the packages. Results are kept by content, so that what has not changed is not
//! built again.

use crate::expression::{Pseudo, Scope};
use crate::problem::Problem;
use crate::template::{Resource, Template};
use crate::tree::Node;
use crate::{condition, package, parameter, tree};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Code on this machine that a template names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The logical id of the function or layer.
    pub id: String,
    /// The directory or ZIP, as the template names it, relative to the template.
    pub path: PathBuf,
    /// The function's runtime, or a layer's `BuildMethod`; empty if there is none.
    pub runtime: String,
    /// Whether it is a layer.
    pub layer: bool,
    /// `Metadata: BuildMethod`, if any.
    pub method: Option<String>,
    /// Where the path stands.
    pub at: crate::Position,
}

/// The programs that builds run.
pub struct Tools {
    /// The interpreter whose pip installs for a runtime such as `python3.12`.
    pub python: Box<dyn Fn(&str) -> PathBuf + Send + Sync>,
    /// npm.
    pub npm: PathBuf,
    /// Where finished packages are kept.
    pub cache: PathBuf,
}

/// A build that failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory or file that the template names cannot be read.
    #[error("{id}: {path}: {why}", path = path.display())]
    Source {
        /// The function or layer.
        id: String,
        /// The path.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A program that the build needs is not there.
    #[error("{id}: cannot run {program}: {why}; install it, or remove what asks for it from the source")]
    Missing {
        /// The function or layer.
        id: String,
        /// The program.
        program: String,
        /// What the system said.
        why: String,
    },
    /// A program of the build failed.
    #[error("{id}: `{command}` failed:\n{output}")]
    Failed {
        /// The function or layer.
        id: String,
        /// What was run.
        command: String,
        /// The end of what it printed.
        output: String,
    },
    /// The `BuildMethod` is not known.
    #[error("{id}: BuildMethod {method} is not supported; makefile, python3.x and nodejs*.x are")]
    Method {
        /// The function or layer.
        id: String,
        /// What the template says.
        method: String,
    },
}

/// The local code that `template` names, with `parameters` put in where paths depend on them.
///
/// # Errors
/// The template cannot be read, or a path is not known before deployment.
pub fn sources(template: &str, parameters: &BTreeMap<String, String>) -> Result<Vec<Source>, Vec<Problem>> {
    let root = tree::parse(template).map_err(|problem| vec![problem])?;
    let template = Template::read(&root)?;
    let parameters = parameter::bind(&template.parameters, parameters, &|_| Some("0".to_owned()))?;
    let unknown = || "0".to_owned();
    let pseudo = Pseudo { account: unknown(), region: unknown(), stack_name: unknown(), stack_id: unknown() };
    let (deployed, exports, none) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (template, parameters, pseudo, deployed) = (&template, &parameters, &pseudo, &deployed);
    let scope = Scope { template, parameters, pseudo, deployed, exports: &exports, conditions: &none };
    let conditions = condition::evaluate(&scope)?;
    let scope = Scope { conditions: &conditions, ..scope };
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for resource in &template.resources {
        match source(resource, template, &scope) {
            Ok(source) => found.extend(source),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn source(resource: &Resource, template: &Template, scope: &Scope<'_>) -> Result<Option<Source>, Problem> {
    let (property, layer, global) = match resource.kind.as_str() {
        "AWS::Serverless::Function" => ("CodeUri", false, Some("Function")),
        "AWS::Lambda::Function" => ("Code", false, None),
        "AWS::Serverless::LayerVersion" => ("ContentUri", true, Some("LayerVersion")),
        "AWS::Lambda::LayerVersion" => ("Content", true, None),
        _ => return Ok(None),
    };
    if let Some((name, at)) = &resource.condition
        && !scope.condition(name, *at)?
    {
        return Ok(None);
    }
    let defaults = global.and_then(|section| template.globals.as_ref()?.get(section));
    let given = |name: &str| resource.properties.get(name).or_else(|| defaults.and_then(|node| node.get(name)));
    if given("InlineCode").is_some() {
        return Ok(None);
    }
    let implicit = Node::text(resource.at, ".");
    let code = match given(property) {
        Some(code) => code,
        None if resource.kind == "AWS::Serverless::Function" => &implicit,
        None => return Ok(None),
    };
    let resolved = scope.resolve(code)?;
    let local = |text: &&str| !text.starts_with(package::BUCKET_SCHEME);
    let Some(path) = resolved.as_ref().and_then(Node::as_text).filter(local) else { return Ok(None) };
    let method = resource.metadata.as_ref().and_then(|metadata| metadata.get("BuildMethod")).and_then(Node::as_text);
    let runtime = given("Runtime").map(|node| scope.text(node, "Runtime")).transpose()?;
    let runtime = if layer { method.map(str::to_owned) } else { runtime };
    Ok(Some(Source {
        id: resource.id.clone(),
        path: path.into(),
        runtime: runtime.unwrap_or_default(),
        layer,
        method: method.map(str::to_owned),
        at: code.at,
    }))
}

/// The package of `source`, found in the cache or built. Paths are relative to `base`, the template's directory. The flag says whether
/// anything had to be built.
///
/// # Errors
/// [`BuildError`].
pub fn build(source: &Source, base: &Path, tools: &Tools) -> Result<(Vec<u8>, bool), BuildError> {
    let path = base.join(&source.path);
    let unreadable = |error: std::io::Error| BuildError::Source {
        id: source.id.clone(),
        path: path.clone(),
        why: error.to_string(),
    };
    if std::fs::metadata(&path).map_err(unreadable)?.is_file() {
        return std::fs::read(&path).map(|package| (package, false)).map_err(unreadable);
    }
    let plain = package::directory(&path).map_err(unreadable)?;
    let Some(recipe) = Recipe::choose(source, &path)? else { return Ok((plain, false)) };
    let key = format!("{recipe:?}\0{}\0{}\0", source.runtime, source.id);
    let key = hex::encode(Sha256::new().chain_update(key).chain_update(&plain).finalize());
    let kept = tools.cache.join(format!("{key}.zip"));
    if let Ok(package) = std::fs::read(&kept) {
        return Ok((package, false));
    }
    std::fs::create_dir_all(&tools.cache).map_err(unreadable)?;
    let work = tempfile::tempdir_in(&tools.cache).map_err(unreadable)?;
    let target = work.path().join("package");
    recipe.run(source, &path, &target, tools)?;
    let built = package::directory(&target).map_err(unreadable)?;
    let draft = work.path().join("draft.zip");
    let stored = std::fs::write(&draft, &built).and_then(|()| std::fs::rename(&draft, &kept));
    stored.map_err(unreadable)?;
    Ok((built, true))
}

/// How a source becomes a package.
#[derive(Debug)]
enum Recipe {
    /// `make build-ID` puts the package into `$ARTIFACTS_DIR`.
    Make,
    /// pip puts what `requirements.txt` names beside the code.
    Pip,
    /// npm puts what `package.json` names beside the code.
    Npm,
}

impl Recipe {
    fn choose(source: &Source, path: &Path) -> Result<Option<Self>, BuildError> {
        let has = |name: &str| path.join(name).is_file();
        let language = source.method.as_deref().filter(|_| !source.layer).unwrap_or(&source.runtime);
        match source.method.as_deref() {
            Some("makefile") => Ok(Some(Self::Make)),
            Some(method) if !method.starts_with("python") && !method.starts_with("nodejs") => {
                Err(BuildError::Method { id: source.id.clone(), method: method.to_owned() })
            }
            _ if language.starts_with("python") && has("requirements.txt") => Ok(Some(Self::Pip)),
            _ if language.starts_with("nodejs") && has("package.json") && has_dependencies(path) => Ok(Some(Self::Npm)),
            _ => Ok(None),
        }
    }

    fn run(&self, source: &Source, path: &Path, target: &Path, tools: &Tools) -> Result<(), BuildError> {
        let failed = |error: std::io::Error| BuildError::Source {
            id: source.id.clone(),
            path: path.to_path_buf(),
            why: error.to_string(),
        };
        // Where Lambda looks into a layer.
        let inside = match (self, source.layer) {
            (Self::Pip, true) => target.join("python"),
            (Self::Npm, true) => target.join("nodejs"),
            _ => target.to_path_buf(),
        };
        std::fs::create_dir_all(&inside).map_err(failed)?;
        let mut command = match self {
            Self::Make => {
                let copy = target.with_extension("source");
                copy_tree(path, &copy).map_err(failed)?;
                let mut command = Command::new("make");
                command.arg(format!("build-{}", source.id)).current_dir(copy).env("ARTIFACTS_DIR", target);
                command
            }
            Self::Pip => {
                let mut command = Command::new((tools.python)(&source.runtime));
                command.args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--no-compile",
                    "--target",
                ]);
                command.arg(&inside).args(["-r", "requirements.txt"]).current_dir(path);
                command
            }
            Self::Npm => {
                copy_tree(path, &inside).map_err(failed)?;
                let verb = if path.join("package-lock.json").is_file() { "ci" } else { "install" };
                let mut command = Command::new(&tools.npm);
                command.args([verb, "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&inside);
                command
            }
        };
        run(source, &mut command)?;
        match self {
            // A module of the source's own comes before one that pip brought.
            Self::Pip => copy_tree(path, &inside).map_err(failed),
            Self::Make | Self::Npm => Ok(()),
        }
    }
}

fn has_dependencies(path: &Path) -> bool {
    let text = std::fs::read_to_string(path.join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    // What cannot be read is left to npm, whose message is better.
    manifest.is_null()
        || manifest.get("dependencies").and_then(|map| map.as_object()).is_some_and(|map| !map.is_empty())
}

fn run(source: &Source, command: &mut Command) -> Result<(), BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let shown = std::iter::once(program.clone()).chain(words).collect::<Vec<_>>().join(" ");
    let missing =
        |error: std::io::Error| BuildError::Missing { id: source.id.clone(), program, why: error.to_string() };
    let output = command.stdin(std::process::Stdio::null()).output().map_err(missing)?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed[printed.len().saturating_sub(4000)..]).trim().to_owned();
    Err(BuildError::Failed { id: source.id.clone(), command: shown, output: printed })
}

/// Copies a directory, over what is there; what builds leave behind stays out.
fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_str(), Some("node_modules" | "__pycache__" | ".git" | ".fogbank")) {
            continue;
        }
        let (path, target) = (entry.path(), to.join(&name));
        if std::fs::metadata(&path)?.is_dir() {
            copy_tree(&path, &target)?
        } else {
            std::fs::copy(&path, &target).map(drop)?
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(cache: &Path) -> Tools {
        Tools { python: Box::new(|_| "python3".into()), npm: "npm".into(), cache: cache.to_path_buf() }
    }

    fn make_source(method: Option<&str>) -> Source {
        let (path, runtime) = (PathBuf::from("."), "provided.al2023".to_owned());
        Source {
            id: "Fn".into(),
            path,
            runtime,
            layer: false,
            method: method.map(str::to_owned),
            at: Default::default(),
        }
    }

    fn names(package: Vec<u8>) -> Vec<String> {
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(package)).unwrap();
        (0..zip.len()).map(|index| zip.by_index(index).unwrap().name().unwrap().into_owned()).collect()
    }

    #[test]
    fn sources_are_found_through_globals_parameters_and_conditions() {
        let text = "
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, CodeUri: all}}
Parameters: {Dir: {Type: String, Default: here}}
Conditions: {Never: !Equals [1, 2]}
Resources:
  A: {Type: AWS::Serverless::Function}
  B: {Type: AWS::Serverless::Function, Properties: {CodeUri: !Sub 'src/${Dir}', Runtime: nodejs22.x}}
  C: {Type: AWS::Serverless::Function, Condition: Never}
  D: {Type: AWS::Serverless::Function, Properties: {InlineCode: 'x'}}
  E: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: lib}, Metadata: {BuildMethod: python3.12}}
  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: {Bucket: b, Key: k}}}
";
        let found = sources(text, &BTreeMap::new()).unwrap();
        let brief: Vec<String> = found.iter().map(|s| format!("{} {} {}", s.id, s.path.display(), s.runtime)).collect();
        assert_eq!(brief, ["A all python3.12", "B src/here nodejs22.x", "E lib python3.12"]);
    }

    #[test]
    fn a_makefile_builds_once_for_the_same_content() {
        let (source, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let makefile = "build-Fn:\n\tcp main.sh $(ARTIFACTS_DIR)/bootstrap\n\techo once >> $(LOG)\n";
        let log = cache.path().join("log");
        std::fs::write(source.path().join("Makefile"), makefile.replace("$(LOG)", log.to_str().unwrap())).unwrap();
        std::fs::write(source.path().join("main.sh"), "#!/bin/sh\n").unwrap();
        let (package, built) = build(&make_source(Some("makefile")), source.path(), &tools(cache.path())).unwrap();
        assert!(built);
        assert_eq!(names(package), ["bootstrap"]);
        let (_, built) = build(&make_source(Some("makefile")), source.path(), &tools(cache.path())).unwrap();
        assert!(!built, "found in the cache");
        assert_eq!(std::fs::read_to_string(log).unwrap(), "once\n");
    }

    #[test]
    fn a_failed_build_shows_what_the_program_said() {
        let (source, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(source.path().join("Makefile"), "build-Fn:\n\t@echo broken here; exit 3\n").unwrap();
        let error = build(&make_source(Some("makefile")), source.path(), &tools(cache.path())).unwrap_err();
        assert!(error.to_string().contains("broken here"), "{error}");
        let error = build(&make_source(Some("go1.x")), source.path(), &tools(cache.path())).unwrap_err();
        assert!(error.to_string().contains("BuildMethod go1.x"), "{error}");
        let missing = Source { path: "nope".into(), ..make_source(None) };
        assert!(build(&missing, source.path(), &tools(cache.path())).unwrap_err().to_string().contains("nope"));
    }
}
