//! `fogbank deploy`: builds the packages here, uploads what the platform does not have, and lets it apply the template.

use crate::cli::client::{self, Client};
use crate::cli::output::Progress;
use crate::cli::{DeployArgs, Failure, SourceArgs};
use bytes::Bytes;
use fogbank_deploy::Stack;
use fogbank_deploy::build::{Source, Tools, build, sources};
use http::{Method, Request};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Runs the command.
///
/// # Errors
/// What went wrong, with file and line where the template is at fault.
pub async fn run(args: DeployArgs) -> Result<u8, Failure> {
    let client = Client::new(&args.target)?;
    let application = Application::find(&args.source)?;
    let stack = application.deploy(&client, args.output.json).await?;
    if !args.output.json {
        print_outputs(&stack);
    }
    Ok(0)
}

/// A template on this machine, and the name to deploy it under.
pub struct Application {
    /// The template's path.
    pub template: PathBuf,
    /// The stack's name.
    pub stack: String,
    parameters: BTreeMap<String, String>,
}

const NAMES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];

impl Application {
    /// Finds the template that `source` means.
    ///
    /// # Errors
    /// There is none.
    pub fn find(source: &SourceArgs) -> Result<Self, Failure> {
        let template = if source.dir.is_dir() {
            let found = NAMES.iter().map(|name| source.dir.join(name)).find(|path| path.is_file());
            found.ok_or_else(|| Failure::new(format!("{} has no {}", source.dir.display(), NAMES.join(" or "))))?
        } else {
            source.dir.clone()
        };
        let home = template.parent().unwrap_or(Path::new(".")).canonicalize();
        let home = home.map_err(|error| Failure::new(format!("{}: {error}", template.display())))?;
        let named = home.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stack = source.stack.clone().unwrap_or_else(|| stack_name(&named));
        Ok(Self { template, stack, parameters: source.parameters.iter().cloned().collect() })
    }

    /// The directory that paths in the template are relative to.
    pub fn base(&self) -> &Path {
        self.template.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Builds, uploads and deploys.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn deploy(&self, client: &Client, json: bool) -> Result<Stack, Failure> {
        let file = self.template.display().to_string();
        let text = std::fs::read_to_string(&self.template).map_err(|error| Failure::new(format!("{file}: {error}")))?;
        let mut progress = Progress::new(json, file.clone());
        let sources = sources(&text, &self.parameters).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(|problem| format!("{file}:{problem}")).collect();
            Failure::new(lines.join("\n"))
        })?;
        let mut packages = BTreeMap::new();
        for source in sources {
            progress.note(&format!("building {}", source.id));
            let id = source.id.clone();
            let package = self.package(source).await?;
            let answer = client.json("fogbank", Method::PUT, "/_fogbank/packages", package).await?;
            packages.insert(id, answer["Digest"].as_str().unwrap_or_default().to_owned());
        }
        let body = json!({"Template": text, "Parameters": self.parameters, "Packages": packages});
        let path = format!("/_fogbank/stacks/{}", self.stack);
        let request = Request::builder().method(Method::PUT).uri(path).header("content-type", "application/json");
        let response = client.send("fogbank", request.body(body.to_string().into())?).await?;
        client::lines(response, |line| progress.take(line)).await?;
        let stack = progress.finish().map_err(Failure::new)?;
        stack.ok_or_else(|| Failure::new("the platform ended the deployment without a result; its log says why"))
    }

    async fn package(&self, source: Source) -> Result<Bytes, Failure> {
        let base = self.base().to_path_buf();
        let built = tokio::task::spawn_blocking(move || build(&source, &base, &tools())).await?;
        built.map(|(package, _)| package.into()).map_err(|error| Failure::new(error.to_string()))
    }
}

/// The programs of this host that builds run.
fn tools() -> Tools {
    let config = fogbank_runtimes::Config::from_environment();
    let python =
        move |runtime: &str| fogbank_runtimes::interpreter(&config, runtime).unwrap_or_else(|| "python3".into());
    Tools { python: Box::new(python), npm: "npm".into(), cache: crate::settings::cache_directory().join("builds") }
}

/// A directory's name as a stack's name.
fn stack_name(directory: &str) -> String {
    let plain: String = directory.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = plain.trim_matches('-');
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain.to_owned() } else { format!("app-{plain}") }
}

/// Prints the stack's outputs.
pub fn print_outputs(stack: &Stack) {
    let width = stack.outputs.iter().map(|output| output.key.len()).max().unwrap_or(0);
    stack.outputs.iter().for_each(|output| println!("{:<width$}  {}", output.key, output.value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directorys_name_becomes_a_stack_name() {
        assert_eq!(stack_name("shop"), "shop");
        assert_eq!(stack_name("my_app 2"), "my-app-2");
        assert_eq!(stack_name("2048"), "app-2048");
    }
}
