//! A request as the event builders see it.

use super::address;
use bytes::Bytes;
use fogbank_model::Timestamp;
use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A request, and what the gateway found out about it.
pub(crate) struct Received<'r> {
    pub head: &'r Parts,
    pub body: &'r Bytes,
    pub host: &'r str,
    pub source_ip: &'r str,
    pub time: Timestamp,
    /// In the form that the API's kind has.
    pub request_id: &'r str,
    /// The second id of REST APIs.
    pub extended_id: &'r str,
    pub trace: &'r str,
}

/// Where in an API a request arrived.
pub(crate) struct Placed<'r> {
    pub account: &'r str,
    pub api: &'r str,
    pub stage: &'r str,
    pub deployment: &'r str,
    /// The route key of an HTTP API, the resource path of a REST API.
    pub route: &'r str,
    pub resource_id: &'r str,
    /// The path after the stage, still encoded.
    pub path: &'r str,
    pub parameters: &'r [(String, String)],
    pub variables: &'r BTreeMap<String, String>,
}

/// Headers that belong to one connection, and stay there.
pub(crate) const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

impl Received<'_> {
    /// The head of the request as it is handed to functions that speak HTTP: with another path, without what belongs to the client's
    /// connection, and with the way it came.
    pub fn forwarded(&self, path: &str) -> Parts {
        let mut head = self.head.clone();
        head.extensions = http::Extensions::new();
        let target = match head.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut uri = std::mem::take(&mut head.uri).into_parts();
        uri.path_and_query = target.try_into().ok();
        head.uri = http::Uri::from_parts(uri).unwrap_or_default();
        for name in &HOP_BY_HOP {
            head.headers.remove(name);
        }
        let before = head.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let way = before.map_or_else(|| self.source_ip.to_owned(), |before| format!("{before}, {}", self.source_ip));
        if let Ok(way) = way.try_into() {
            head.headers.insert("x-forwarded-for", way);
        }
        if let Ok(trace) = self.trace.try_into() {
            head.headers.insert("x-amzn-trace-id", trace);
        }
        head
    }

    /// The value of a header.
    pub fn header(&self, name: &HeaderName) -> Option<Cow<'_, str>> {
        self.head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    pub fn user_agent(&self) -> Cow<'_, str> {
        self.header(&USER_AGENT).unwrap_or_default()
    }

    /// `HTTP/1.1`
    pub fn protocol(&self) -> String {
        format!("{:?}", self.head.version)
    }

    /// The host's first label.
    pub fn domain_prefix(&self) -> &str {
        self.host.split('.').next().unwrap_or_default()
    }

    /// `12/Mar/2020:19:03:58 +0000`
    pub fn time_text(&self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.time.0).unwrap_or_default();
        at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
    }

    /// All headers with their values in order, and with those that a gateway adds.
    pub fn headers(&self) -> BTreeMap<&str, Vec<Cow<'_, str>>> {
        let mut headers: BTreeMap<&str, Vec<Cow<'_, str>>> = BTreeMap::new();
        for (name, value) in self.head.headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(name)) {
            headers.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()));
        }
        headers.entry(HOST.as_str()).or_insert_with(|| vec![self.host.into()]);
        let before = headers.get("x-forwarded-for").map(|values| values.join(", "));
        let way = before.map_or_else(|| self.source_ip.to_owned(), |before| format!("{before}, {}", self.source_ip));
        headers.insert("x-forwarded-for", vec![way.into()]);
        let port = address::port(self.head).unwrap_or(80);
        headers.entry("x-forwarded-port").or_insert_with(|| vec![port.to_string().into()]);
        headers.entry("x-forwarded-proto").or_insert_with(|| vec!["http".into()]);
        headers.insert("x-amzn-trace-id", vec![self.trace.into()]);
        headers
    }

    /// The decoded query parameters, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = self.head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect()
    }
}

/// The media type of a `Content-Type`, without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    let first = value.split([',', ';']).next().unwrap_or_default();
    Some(first.trim().to_ascii_lowercase())
}

/// Whether HTTP APIs and function URLs hand a body of this type to functions as text.
pub(crate) fn is_text(head: &Parts) -> bool {
    let Some(kind) = media_type(&head.headers, &CONTENT_TYPE) else { return true };
    let plain = ["application/json", "application/javascript", "application/xml"];
    kind.starts_with("text/") || plain.contains(&kind.as_str()) || kind.ends_with("+json") || kind.ends_with("+xml")
}

/// Whether one of a REST API's binary media types is `kind`.
pub(crate) fn is_binary(types: &[String], kind: Option<&str>) -> bool {
    types.iter().any(|allowed| match (allowed.as_str(), kind) {
        ("*/*", _) => true,
        (_, None) => false,
        (allowed, Some(kind)) => match allowed.strip_suffix("/*") {
            Some(family) => kind.split('/').next().is_some_and(|start| start.eq_ignore_ascii_case(family)),
            None => allowed.eq_ignore_ascii_case(kind),
        },
    })
}
