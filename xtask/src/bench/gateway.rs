//! The same functions behind an HTTP API, deployed from a template.

use super::lambda::{EVENT, LANGUAGES, Language};
use super::load::Target;
use super::{Failure, Programs, http};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;

/// Deploys the template.
///
/// # Errors
/// The platform did not take it; it says why.
pub fn deploy(address: SocketAddr, programs: &Programs) -> Result<(), Failure> {
    let directory = programs.scratch.join("bench-http");
    let mut template = String::from("Transform: AWS::Serverless-2016-10-31\nResources:\n");
    for language in LANGUAGES {
        let (name, (file, content, mode)) = (language.name(), language.file(programs)?);
        let path = directory.join(name).join(file);
        std::fs::create_dir_all(directory.join(name))?;
        std::fs::write(&path, content)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        write!(
            template,
            "  {name}:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: {runtime}\n      CodeUri: {name}\n\
             \x20     Handler: index.handler\n      MemorySize: 128\n      Timeout: 29\n      Events:\n        Call:\n\
             \x20         Type: HttpApi\n          Properties: {{Path: /{name}, Method: post}}\n",
            runtime = language.runtime(),
        )?;
    }
    std::fs::write(directory.join("template.yaml"), template)?;
    let mut command = Command::new(&programs.fogbank);
    command
        .arg("deploy")
        .arg(&directory)
        .args(["--stack", "bench-http", "--endpoint"])
        .arg(format!("http://{address}"));
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.split("error: ").nth(1).unwrap_or(&said).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(why.into()) }
}

/// A call of the function through the API.
pub fn target(address: SocketAddr, language: Language) -> Target {
    let host = format!("bench-http.localhost:{}", address.port());
    let request = http::request("POST", &format!("/{}", language.name()), host, EVENT);
    Target { address, request, answer: EVENT.into() }
}
