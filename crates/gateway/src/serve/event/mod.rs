//! Events: what a function gets for a request, in the two forms of Lambda proxy integrations.

mod v1;
mod v2;

pub(crate) use v1::Flavour;

use super::request::{Placed, Received};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use std::borrow::Cow;

/// The event of payload format 1.0, as JSON.
pub(crate) fn version_1(received: &Received<'_>, placed: &Placed<'_>, flavour: Flavour, binary: bool) -> Bytes {
    json(&v1::Event::of(received, placed, flavour, binary))
}

/// The event of payload format 2.0, as JSON. `path` is the whole path with the stage.
pub(crate) fn version_2(received: &Received<'_>, placed: &Placed<'_>, path: &str) -> Bytes {
    json(&v2::Event::of(received, placed, path))
}

/// The structures here cannot fail to be written: their keys are texts.
fn json(event: &impl Serialize) -> Bytes {
    serde_json::to_vec(event).unwrap_or_default().into()
}

/// A body as text, or in base64.
fn body<'b>(body: &'b Bytes, binary: bool) -> (Option<Cow<'b, str>>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    match std::str::from_utf8(body) {
        Ok(text) if !binary => (Some(Cow::Borrowed(text)), false),
        _ => (Some(Cow::Owned(STANDARD.encode(body))), true),
    }
}

#[cfg(test)]
mod tests;
