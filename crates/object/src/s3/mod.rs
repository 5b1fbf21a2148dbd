//! The S3 API, over the crate `s3s`: it knows how requests and answers look, and checks signatures while bodies are read. What it leaves out is
//! here: who asks (`door.rs`), requests whose signature nobody checks (`unsigned.rs`), error documents and ids (`answer.rs`), and pages of
//! other sites (`preflight.rs`). `table.rs` has one line per operation.

mod access;
mod acl;
mod answer;
mod buckets;
mod configurations;
mod copy;
mod door;
mod dto;
mod faults;
mod host;
mod lists;
mod locks;
mod notifications;
mod objects;
mod preflight;
mod reads;
mod rules;
mod table;
mod taggings;
mod unsigned;
mod uploads;

pub use door::Door;
pub(crate) use dto::{http_date, iso};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::RequestId;
use sha2::{Digest as _, Sha512};

/// `x-amz-request-id`: sixteen letters and digits, made of the platform's own id.
pub(crate) fn request_id(id: &RequestId) -> String {
    id.0.chars().filter(char::is_ascii_alphanumeric).take(16).collect::<String>().to_uppercase()
}

/// `x-amz-id-2`, which says nothing more.
pub(crate) fn host_id(id: &RequestId) -> String {
    BASE64.encode(Sha512::digest(id.0.as_bytes()).get(..56).unwrap_or_default())
}
