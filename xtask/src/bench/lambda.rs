//! Functions on the platform, made and called through the AWS API. All of them answer with the event; one that has `sleep_ms` is
//! answered that much later, and one from the gateway with its body.

use super::http::{Answer, Connection, request};
use super::load::Target;
use super::{Failure, Programs};
use base64::Engine as _;
use serde_json::json;
use std::io::{Cursor, Write};
use std::net::SocketAddr;
use zip::write::SimpleFileOptions;

/// A hundred bytes and a bit, of a form that every language writes in the same way.
pub const EVENT: &str = "\"A string of some hundred bytes, which is what a small event has: long enough to be real, short enough to be fast.\"";

const PYTHON: &str = "import time

def handler(event, context):
    if isinstance(event, dict):
        time.sleep(event.get('sleep_ms', 0) / 1000)
        if 'requestContext' in event:
            return {'statusCode': 200, 'body': event['body']}
    return event
";

const NODE: &str = "exports.handler = async (event) => {
    if (event.sleep_ms) await new Promise((done) => setTimeout(done, event.sleep_ms));
    return event.requestContext ? { statusCode: 200, body: event.body } : event;
};
";

/// The kinds of function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Native,
    Python,
    Node,
}

pub const LANGUAGES: [Language; 3] = [Language::Native, Language::Python, Language::Node];

impl Language {
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    pub fn runtime(self) -> &'static str {
        match self {
            Self::Native => "provided.al2023",
            Self::Python => "python3.12",
            Self::Node => "nodejs22.x",
        }
    }

    /// Name and content of the one file, and its mode.
    pub fn file(self, programs: &Programs) -> Result<(&'static str, Vec<u8>, u32), Failure> {
        Ok(match self {
            Self::Native => ("bootstrap", std::fs::read(&programs.bootstrap)?, 0o755),
            Self::Python => ("index.py", PYTHON.into(), 0o644),
            Self::Node => ("index.js", NODE.into(), 0o644),
        })
    }
}

/// A platform to make functions on.
pub struct Lambda {
    pub address: SocketAddr,
}

impl Lambda {
    /// Makes the function that is named after its language.
    pub fn create(&self, language: Language, programs: &Programs) -> Result<(), Failure> {
        let (file, content, mode) = language.file(programs)?;
        self.create_with(language.name(), language.runtime(), (file, &content, mode))
    }

    /// Makes a function of one file: its name, content and mode.
    pub fn create_with(&self, name: &str, runtime: &str, file: (&str, &[u8], u32)) -> Result<(), Failure> {
        let package = base64::prelude::BASE64_STANDARD.encode(package(file)?);
        let body = json!({
            "FunctionName": name,
            "Runtime": runtime,
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/bench",
            "MemorySize": 128,
            "Timeout": 60,
            "Code": {"ZipFile": package},
        });
        self.send("POST", "/2015-03-31/functions", &body.to_string(), 201)
    }

    /// Gives the function a new environment, so that its next call needs a new instance.
    pub fn renew(&self, name: &str, sample: usize) -> Result<(), Failure> {
        let body = json!({"Environment": {"Variables": {"SAMPLE": sample.to_string()}}});
        self.send("PUT", &format!("/2015-03-31/functions/{name}/configuration"), &body.to_string(), 200)
    }

    /// A call of the function with an event that it answers with.
    pub fn target(&self, name: &str, event: &str) -> Target {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        Target { address: self.address, request: request("POST", &path, self.address, event), answer: event.into() }
    }

    fn send(&self, method: &str, path: &str, body: &str, expected: u16) -> Result<(), Failure> {
        let answer: Answer = Connection::open(self.address)?.call(&request(method, path, self.address, body))?;
        if answer.status == expected { Ok(()) } else { Err(format!("{method} {path}: {}", answer.text()).into()) }
    }
}

fn package((name, content, mode): (&str, &[u8], u32)) -> Result<Vec<u8>, Failure> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode))?;
    zip.write_all(content)?;
    Ok(zip.finish()?.into_inner())
}
