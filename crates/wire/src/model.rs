//! The shape tables: what a service's operations, structures and errors look like on the wire.
//!
//! A table is deflated JSON made by `cargo xtask models` from one of botocore's models, without any documentation text. It has the
//! service's metadata, `operations`, and `shapes`, which refer to each other by number. Keys are short because there are thousands:
//! the field names of the structs below say what each is. A table is parsed when the first request for its service comes.

mod catalogue;
mod route;

pub(crate) use route::{Fit, Route, split_path};

use flate2::read::DeflateDecoder;
use regex_lite::Regex;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

/// One embedded shape table, and what must be known of it before it is parsed.
#[derive(Debug)]
pub struct ModelSource {
    /// Its name, such as `dynamodb`.
    pub name: &'static str,
    /// The name in the credential scope of a signature.
    pub(crate) signing: &'static str,
    /// The first part of the service's host name.
    pub(crate) endpoint: &'static str,
    /// What stands before the dot in `X-Amz-Target`; empty for other protocols.
    pub(crate) target: &'static str,
    /// The API version, such as `2012-08-10`.
    pub(crate) version: &'static str,
    /// botocore's names of the protocols that the service speaks.
    pub(crate) protocols: &'static [&'static str],
    table: &'static [u8],
    parsed: OnceLock<Model>,
}

impl ModelSource {
    /// A table that `cargo xtask models` made. Only generated code calls this.
    pub const fn new(
        name: &'static str,
        signing: &'static str,
        endpoint: &'static str,
        target: &'static str,
        version: &'static str,
        protocols: &'static [&'static str],
        table: &'static [u8],
    ) -> Self {
        Self { name, signing, endpoint, target, version, protocols, table, parsed: OnceLock::new() }
    }

    /// Every table in the binary.
    pub fn all() -> &'static [Self] {
        &catalogue::CATALOGUE
    }

    /// The table called `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|source| source.name == name)
    }

    /// The first label of the service's hosts, such as `lambda` in `lambda.us-east-1.amazonaws.com`.
    pub fn endpoint(&self) -> &'static str {
        self.endpoint
    }

    /// The parsed table.
    pub(crate) fn model(&self) -> &Model {
        self.parsed.get_or_init(|| Model::parse(self.table).expect("an embedded table is what the xtask wrote"))
    }

    /// The names of all modelled operations.
    pub fn operation_names(&self) -> Vec<&str> {
        self.model().operations.iter().map(|operation| operation.name.as_str()).collect()
    }

    pub(crate) fn speaks(&self, protocol: &str) -> bool {
        self.protocols.contains(&protocol)
    }
}

/// A parsed table.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    pub name: String,
    /// The service's name for people, such as `CloudWatch Logs`.
    pub id: String,
    #[serde(default)]
    pub json: String,
    #[serde(default)]
    pub xmlns: String,
    #[serde(default, rename = "queryCompatible")]
    pub query_compatible: bool,
    #[serde(default, rename = "errorNamespace")]
    pub error_namespace: String,
    #[serde(default, rename = "bareErrors")]
    pub bare_errors: bool,
    pub operations: Vec<Operation>,
    pub shapes: Vec<Shape>,
    #[serde(skip)]
    by_name: HashMap<String, usize>,
    #[serde(skip)]
    pub routes: Vec<Route>,
}

/// One operation.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    #[serde(rename = "n")]
    pub name: String,
    #[serde(rename = "m")]
    pub method: String,
    #[serde(rename = "u")]
    pub uri: String,
    #[serde(rename = "s")]
    pub status: Option<u16>,
    #[serde(rename = "i")]
    pub input: Option<usize>,
    #[serde(rename = "o")]
    pub output: Option<usize>,
    #[serde(rename = "w")]
    pub result_wrapper: Option<String>,
    #[serde(rename = "e", default)]
    pub errors: Vec<usize>,
}

/// The types that shapes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Structure,
    List,
    Map,
    String,
    Blob,
    Boolean,
    Integer,
    Long,
    Float,
    Double,
    Timestamp,
    Document,
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum TimestampFormat {
    #[serde(rename = "iso8601")]
    Iso8601,
    #[serde(rename = "rfc822")]
    Rfc822,
    #[serde(rename = "unixTimestamp")]
    Unix,
}

/// One shape with its constraints.
#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    #[serde(rename = "n")]
    pub name: String,
    #[serde(rename = "t")]
    pub kind: Kind,
    #[serde(rename = "lo")]
    pub min: Option<f64>,
    #[serde(rename = "hi")]
    pub max: Option<f64>,
    #[serde(rename = "p")]
    pub pattern: Option<String>,
    #[serde(rename = "e", default)]
    pub values: Vec<String>,
    #[serde(rename = "ts")]
    pub timestamp: Option<TimestampFormat>,
    #[serde(rename = "pl")]
    pub payload: Option<String>,
    #[serde(rename = "fl", default)]
    pub flattened: bool,
    #[serde(rename = "ev", default)]
    pub event_stream: bool,
    #[serde(rename = "w")]
    pub wire: Option<String>,
    #[serde(rename = "x")]
    pub xmlns: Option<String>,
    #[serde(rename = "err", default)]
    pub is_error: bool,
    #[serde(rename = "c")]
    pub error_code: Option<String>,
    #[serde(rename = "h")]
    pub error_status: Option<u16>,
    /// Whether messages must not show a value of it.
    #[serde(rename = "sn", default)]
    pub sensitive: bool,
    /// Sorted by name.
    #[serde(rename = "m", default)]
    pub members: Vec<Member>,
    #[serde(rename = "k")]
    pub key: Option<Member>,
    /// A list's member or a map's value.
    #[serde(rename = "v")]
    pub value: Option<Member>,
    /// Indices of the members in the order of their wire names.
    #[serde(skip)]
    by_wire: Vec<u16>,
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

/// Where a member stands in an HTTP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum Location {
    #[default]
    #[serde(skip)]
    Body,
    #[serde(rename = "uri")]
    Uri,
    #[serde(rename = "querystring")]
    Query,
    #[serde(rename = "header")]
    Header,
    #[serde(rename = "headers")]
    HeaderPrefix,
    #[serde(rename = "statusCode")]
    StatusCode,
}

/// A member of a structure, or what a list or map holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    #[serde(rename = "n", default)]
    pub name: String,
    #[serde(rename = "s")]
    pub shape: usize,
    #[serde(rename = "r", default)]
    pub required: bool,
    #[serde(rename = "l", default)]
    pub location: Location,
    /// `locationName`, where it is not the name.
    #[serde(rename = "w")]
    wire: Option<String>,
    /// The name in forms and XML, where the service's JSON has another.
    #[serde(rename = "q")]
    query: Option<String>,
    #[serde(rename = "f", default)]
    pub flattened: bool,
    #[serde(rename = "a", default)]
    pub attribute: bool,
    #[serde(rename = "j", default)]
    pub json_text: bool,
    #[serde(rename = "x")]
    pub xmlns: Option<String>,
    #[serde(rename = "xp")]
    pub xml_prefix: Option<String>,
}

impl Member {
    /// The name on the wire.
    pub fn wire(&self) -> &str {
        self.wire.as_deref().unwrap_or(&self.name)
    }

    /// The wire name, or `fallback` if none is given, for a payload's root element.
    pub fn wire_or<'a>(&'a self, fallback: &'a str) -> &'a str {
        self.wire.as_deref().unwrap_or(fallback)
    }

    /// The name in forms and XML.
    pub fn tag(&self) -> &str {
        self.tag_or(&self.name)
    }

    /// The name in forms and XML, or `fallback` if none is given, for what lists and maps hold.
    pub fn tag_or<'a>(&'a self, fallback: &'a str) -> &'a str {
        self.query.as_deref().or(self.wire.as_deref()).unwrap_or(fallback)
    }
}

impl Shape {
    pub fn member(&self, name: &str) -> Option<&Member> {
        let at = self.members.binary_search_by(|member| member.name.as_str().cmp(name)).ok()?;
        self.members.get(at)
    }

    /// The body member that is called `wire` in a message.
    pub fn body_member(&self, wire: &str) -> Option<&Member> {
        let index = |at: &u16| self.members.get(usize::from(*at)).map_or("", Member::wire);
        let at = self.by_wire.binary_search_by(|at| index(at).cmp(wire)).ok()?;
        self.members.get(usize::from(*self.by_wire.get(at)?))
    }

    pub fn payload_member(&self) -> Option<&Member> {
        self.member(self.payload.as_deref()?)
    }

    /// The pattern, anchored as Java's `matches` does; `None` where our engine cannot express it (look-around, Unicode classes).
    pub fn regex(&self) -> Option<&Regex> {
        let pattern = self.pattern.as_deref()?;
        self.regex.get_or_init(|| Regex::new(&format!("^(?:{pattern})$")).ok()).as_ref()
    }
}

impl Model {
    fn parse(table: &[u8]) -> Result<Self, serde_json::Error> {
        let mut model: Self = serde_json::from_slice(&inflate(table)?)?;
        for shape in &mut model.shapes {
            let members = &shape.members;
            let body = |at: &u16| members.get(usize::from(*at)).is_some_and(|m| m.location == Location::Body);
            let count = u16::try_from(members.len()).unwrap_or(u16::MAX);
            let mut order: Vec<u16> = (0..count).filter(body).collect();
            order.sort_by_key(|at| members.get(usize::from(*at)).map_or("", Member::wire));
            shape.by_wire = order;
        }
        model.by_name = model.operations.iter().enumerate().map(|(at, o)| (o.name.clone(), at)).collect();
        model.routes = model.operations.iter().enumerate().map(|(at, o)| Route::new(at, &o.method, &o.uri)).collect();
        Ok(model)
    }

    pub fn shape(&self, number: usize) -> &Shape {
        // The xtask numbers shapes and writes them in that order; a table is not input.
        &self.shapes[number]
    }

    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.by_name.get(name).and_then(|at| self.operations.get(*at))
    }

    /// The error shape called `code`, or with that code on the wire; an operation's own errors first.
    pub fn error(&self, operation: Option<&Operation>, code: &str) -> Option<&Shape> {
        let called = |shape: &&Shape| shape.name == code || shape.error_code.as_deref() == Some(code);
        let own = operation.into_iter().flat_map(|operation| &operation.errors).map(|number| self.shape(*number));
        own.chain(self.shapes.iter().filter(|shape| shape.is_error)).find(called)
    }
}

fn inflate(table: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(table.len() * 12);
    std::io::Read::read_to_end(&mut DeflateDecoder::new(table), &mut bytes).map_err(serde_json::Error::io)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
