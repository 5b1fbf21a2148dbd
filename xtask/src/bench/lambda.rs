//! Functions on the platform, made and called through the AWS API. All of them answer with the event; one that has `sleep_ms` is
//! answered that much later, and one from the gateway with its body. [`COUNT`] is answered with how many calls the instance has had, so
//! that a cold start is known to be one; [`EXIT`] ends the instance, so that the next call needs a new one.

use super::http::{Answer, Connection, request};
use super::load::Target;
use super::{Failure, Programs};
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;

/// How long a version may take to become active.
const PATIENCE: Duration = Duration::from_secs(60);

/// A hundred bytes and a bit, of a form that every language writes in the same way.
pub const EVENT: &str = "\"A string of some hundred bytes, which is what a small event has: long enough to be real, short enough to be fast.\"";

/// Answered with 1 by a new instance.
pub const COUNT: &str = "{\"count\":true}";

/// Not answered.
pub const EXIT: &str = "{\"exit\":true}";

const PYTHON: &str = "import os, time

calls = 0

def handler(event, context):
    global calls
    calls += 1
    if isinstance(event, dict):
        if 'count' in event:
            return calls
        if 'exit' in event:
            os._exit(0)
        time.sleep(event.get('sleep_ms', 0) / 1000)
        if 'requestContext' in event:
            return {'statusCode': 200, 'body': event['body']}
    return event
";

const NODE: &str = "let calls = 0;
exports.handler = async (event) => {
    calls += 1;
    if (event.count) return calls;
    if (event.exit) process.exit(0);
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
        self.create_of(name, runtime, &package(file)?, &json!({"MemorySize": 128}))
    }

    /// Makes a function of a ZIP file, with these settings.
    pub fn create_of(&self, name: &str, runtime: &str, zip: &[u8], settings: &Value) -> Result<(), Failure> {
        let mut body = json!({
            "FunctionName": name,
            "Runtime": runtime,
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/bench",
            "Timeout": 60,
            "Code": {"ZipFile": base64::prelude::BASE64_STANDARD.encode(zip)},
        });
        for (key, value) in settings.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        self.send("POST", "/2015-03-31/functions", &body.to_string(), 201).map(drop)
    }

    /// Publishes a version, waits until it can be called, and answers its number.
    pub fn publish(&self, name: &str) -> Result<String, Failure> {
        let published = self.send("POST", &format!("/2015-03-31/functions/{name}/versions"), "{}", 201)?;
        let version = published["Version"].as_str().ok_or("a version has no number")?.to_owned();
        let path = format!("/2015-03-31/functions/{name}/configuration?Qualifier={version}");
        let begin = Instant::now();
        loop {
            let state = self.send("GET", &path, "", 200)?;
            match state["State"].as_str() {
                Some("Active") => return Ok(version),
                Some("Pending") if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
                _ => return Err(format!("the version does not become active: {state}").into()),
            }
        }
    }

    /// What a call of the function is answered with.
    pub fn answer(&self, name: &str, event: &str) -> Result<Value, Failure> {
        self.send("POST", &format!("/2015-03-31/functions/{name}/invocations"), event, 200)
    }

    /// Whether it answers at all.
    pub fn list(&self) -> Result<(), Failure> {
        self.send("GET", "/2015-03-31/functions", "", 200).map(drop)
    }

    /// Gives the function a new environment, so that its next call needs a new instance.
    pub fn renew(&self, name: &str, sample: usize) -> Result<(), Failure> {
        let body = json!({"Environment": {"Variables": {"SAMPLE": sample.to_string()}}});
        self.send("PUT", &format!("/2015-03-31/functions/{name}/configuration"), &body.to_string(), 200).map(drop)
    }

    /// Ends the instance that answers.
    pub fn end_instance(&self, target: &Target) -> Result<(), Failure> {
        let answer = Connection::open(self.address)?.call(&target.request)?;
        if answer.status == 200 { Ok(()) } else { Err(format!("ending an instance: {}", answer.text()).into()) }
    }

    /// A call of the function with an event that it answers with.
    pub fn target(&self, name: &str, event: &str) -> Target {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        Target { address: self.address, request: request("POST", &path, self.address, event), answer: event.into() }
    }

    /// Changes something.
    pub fn set(&self, method: &str, path: &str, input: &Value, expected: u16) -> Result<Value, Failure> {
        self.send(method, path, &input.to_string(), expected)
    }

    fn send(&self, method: &str, path: &str, body: &str, expected: u16) -> Result<Value, Failure> {
        let answer: Answer = Connection::open(self.address)?.call(&request(method, path, self.address, body))?;
        if answer.status != expected {
            return Err(format!("{method} {path}: {}", answer.text()).into());
        }
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }
}

fn package((name, content, mode): (&str, &[u8], u32)) -> Result<Vec<u8>, Failure> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode))?;
    zip.write_all(content)?;
    Ok(zip.finish()?.into_inner())
}
