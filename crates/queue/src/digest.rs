//! The MD5 digests that SQS answers with and clients check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_delivery::{AttributeValue, MessageAttribute};
use md5::{Digest, Md5};

/// The digest of a body.
pub(crate) fn of_body(body: &str) -> String {
    hex::encode(Md5::digest(body.as_bytes()))
}

/// The digest of message attributes, sorted by name: name, type and value each behind their length, and before the value a 1 for
/// text or a 2 for bytes (SQS Developer Guide, "Calculating the MD5 message digest for message attributes").
pub(crate) fn of_attributes<'a>(
    attributes: impl Iterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Option<String> {
    let mut sorted: Vec<_> = attributes.collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by_key(|(name, _)| *name);
    let mut digest = Md5::new();
    for (name, attribute) in sorted {
        add(&mut digest, name.as_bytes());
        add(&mut digest, attribute.data_type.as_bytes());
        match &attribute.value {
            AttributeValue::Text(text) => {
                digest.update([1]);
                add(&mut digest, text.as_bytes());
            }
            AttributeValue::Binary(base64) => {
                digest.update([2]);
                add(&mut digest, &BASE64.decode(base64).unwrap_or_default());
            }
        }
    }
    Some(hex::encode(digest.finalize()))
}

fn add(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}
