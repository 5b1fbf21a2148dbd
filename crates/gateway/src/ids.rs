//! Ids of APIs and of their parts.

use crate::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fogbank_model::Clock;
use fogbank_wire::ModelSource;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tag that fixes an API's id, and with it the name of its host.
pub(crate) const ID_TAG: &str = "fogbank:api-id";

/// Makes ids from the clock's randomness.
#[derive(Clone)]
pub(crate) struct Ids(pub Arc<dyn Clock>);

impl Ids {
    /// `length` (at most 16) lower-case letters and digits: ten for an API, seven for its routes and integrations, six for the rest.
    pub fn make(&self, length: usize) -> String {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut random = [0u8; 16];
        self.0.random(&mut random);
        random.iter().take(length).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
    }

    /// A request id as HTTP APIs have them, such as `JKJaXmPLvHcESHA=`.
    pub fn request(&self) -> String {
        let mut random = [0u8; 11];
        self.0.random(&mut random);
        STANDARD.encode(random)
    }
}

/// Whether `label` can stand for an API in `LABEL.localhost`: a host label that no AWS service's host begins with.
pub(crate) fn is_free_label(label: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let edge = label.starts_with('-') || label.ends_with('-');
    let service = ModelSource::all().iter().any(|source| source.endpoint() == label);
    (1..=63).contains(&label.len()) && label.bytes().all(plain) && !edge && !service
}

/// The id that the tags fix, if they do.
pub(crate) fn fixed(tags: &BTreeMap<String, String>) -> Result<Option<String>, Error> {
    match tags.get(ID_TAG) {
        Some(id) if !is_free_label(id) => Err(Error::bad(format!(
            "The tag {ID_TAG} has the value '{id}', which cannot be an API's host name: use 1 to 63 lower-case letters, digits and \
             hyphens, and not the name of an AWS service."
        ))),
        id => Ok(id.cloned()),
    }
}
