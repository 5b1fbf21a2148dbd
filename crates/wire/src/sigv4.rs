//! AWS Signature Version 4: what is signed and how. `verify` checks requests, `sign` makes them, `chunked` reads bodies that are
//! signed piece by piece. (AWS Identity and Access Management User Guide, "Signature Version 4 signing process".)

mod chunked;
mod sign;
mod verify;

pub(crate) use chunked::{decode as decode_chunked, is_chunked};
pub use sign::{SigningKey, sign};
pub(crate) use verify::{Refused, verify};

use crate::query::Pairs;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn sha256_hex(data: &[u8]) -> String {
    hex::encode(Sha256::digest(data))
}

/// Everything of a signature's scope, and the key that follows from it.
pub(crate) struct Signer {
    /// `20150830T123600Z`
    time: String,
    /// `20150830/us-east-1/service/aws4_request`
    scope: String,
    key: [u8; 32],
}

impl Signer {
    fn new(secret: &str, time: &str, region: &str, service: &str) -> Self {
        let date = time.get(..8).unwrap_or(time);
        let key = [region, service, "aws4_request"]
            .iter()
            .fold(hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes()), |key, part| hmac(&key, part.as_bytes()));
        Self { time: time.into(), scope: format!("{date}/{region}/{service}/aws4_request"), key }
    }

    /// A signature over `hashes`, each on a line of its own, below algorithm, time and scope.
    fn signature(&self, algorithm: &str, hashes: &[&str]) -> [u8; 32] {
        let text = [algorithm, &self.time, &self.scope].into_iter().chain(hashes.iter().copied());
        hmac(&self.key, text.collect::<Vec<_>>().join("\n").as_bytes())
    }
}

/// The canonical form of a request. `s3` paths are encoded once and not normalised, all others as the wire has them once more.
fn canonical_request(head: &Parts, signed_headers: &str, payload_hash: &str, s3: bool) -> String {
    let path = if s3 { s3_path(head.uri.path()) } else { normal_path(head.uri.path()) };
    let query = canonical_query(head.uri.query().unwrap_or_default());
    let headers: String = signed_headers.split(';').map(|name| canonical_header(head, name)).collect();
    [head.method.as_str(), &path, &query, &headers, signed_headers, payload_hash].join("\n")
}

fn s3_path(path: &str) -> String {
    utf8_percent_encode(&percent_decode_str(path).decode_utf8_lossy(), PATH).to_string()
}

fn normal_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let slash = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    utf8_percent_encode(&format!("/{}{slash}", segments.join("/")), PATH).to_string()
}

fn canonical_query(query: &str) -> String {
    let encode =
        |text: &str| utf8_percent_encode(&percent_decode_str(text).decode_utf8_lossy(), UNRESERVED).to_string();
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .filter(|(key, _)| *key != "X-Amz-Signature")
        .map(|(key, value)| (encode(key), encode(value)))
        .collect();
    pairs.sort();
    pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

/// What HTTP/2 calls the host.
const AUTHORITY: &str = ":authority";

fn canonical_header(head: &Parts, name: &str) -> String {
    // It has come in the host's place (see `http::version_2`).
    let held = if name == AUTHORITY { HOST.as_str() } else { name };
    let values: Vec<String> =
        head.headers.get_all(held).iter().map(|value| squeeze(&String::from_utf8_lossy(value.as_bytes()))).collect();
    match values.is_empty() && name == HOST.as_str() {
        true => format!("host:{}\n", head.uri.authority().map_or("", |authority| authority.as_str())),
        false => format!("{name}:{}\n", values.join(",")),
    }
}

/// The text without spaces around it, and one where several follow each other.
fn squeeze(text: &str) -> String {
    text.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// `20150830T123600Z`
fn print_time(at: fogbank_model::Timestamp) -> String {
    Timestamp::from_millisecond(at.0).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn parse_time(text: &str) -> Option<fogbank_model::Timestamp> {
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let at = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(fogbank_model::Timestamp(at.timestamp().as_millisecond()))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn parameter<'p>(parameters: &'p Pairs, name: &str) -> Option<&'p str> {
    parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests;
