//! What is kept of buckets, objects and uploads.

use crate::digest::Algorithm;
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name, which no other bucket has, whoever owns it.
    pub name: String,
    /// What its objects are filed under.
    pub number: u64,
    /// Whose it is.
    pub owner: AccountId,
    /// Where it was made.
    pub region: Region,
    /// When it was made.
    pub created: Timestamp,
    /// Whether overwriting keeps what was there.
    #[serde(default)]
    pub versioning: Versioning,
    /// Whether deletions of versions need a second factor. Kept and answered only.
    #[serde(default)]
    pub mfa_delete: bool,
    /// Whether versions can be locked.
    #[serde(default)]
    pub object_lock: bool,
}

impl Bucket {
    /// `arn:aws:s3:::NAME`
    pub fn arn(&self) -> Option<Arn> {
        format!("arn:aws:s3:::{}", self.name).parse().ok()
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            name: "tests".into(),
            number: 1,
            owner: AccountId::default_account(),
            region: Region::default_region(),
            created: Timestamp(0),
            versioning: Versioning::Never,
            mfa_delete: false,
            object_lock: false,
        }
    }
}

/// Whether a bucket keeps what is overwritten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// It never did.
    #[default]
    Never,
    /// It does.
    Enabled,
    /// It did, and keeps the versions from then.
    Suspended,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Later versions have higher numbers; also the sequencer of notifications.
    pub number: u64,
    /// `None` for the null version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was made.
    pub modified: Timestamp,
    /// Who made it.
    pub owner: AccountId,
    /// Whether it only says that the object is deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub marker: bool,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// Without quotes.
    #[serde(default)]
    pub etag: String,
    /// Where the body is.
    #[serde(default)]
    pub place: Place,
    /// The checksum beside the ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// How many parts it was uploaded in; 0 for one that was put whole.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parts: u32,
    /// What came with it.
    #[serde(default)]
    pub head: Head,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// Until when it must be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// Whether it is on legal hold; `None` if that was never said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<bool>,
}

impl Version {
    /// As answers name it.
    pub fn id_text(&self) -> &str {
        self.id.as_deref().unwrap_or("null")
    }
}

/// Where a body is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// There is none: it is empty, or this is a delete marker.
    #[default]
    Nothing,
    /// In the store.
    Inline,
    /// In a file.
    File(String),
    /// In the files of its parts.
    Parts,
}

/// A checksum as it was agreed with the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// In base64; of a composite one with the number of parts behind a hyphen.
    pub value: String,
    /// Whether it is of the whole object, not of its parts' checksums.
    pub full: bool,
}

/// What stands in an object's headers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<s3s::dto::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website_redirect: Option<String>,
    /// `x-amz-meta-…`
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// `None` for `STANDARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(skip_serializing_if = "Encryption::is_default")]
    pub encryption: Encryption,
    /// The access control list as a document; `None` for the owner's full control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acl: Option<String>,
}

/// How an object says that it is encrypted. Bodies are on the platform's own disk as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Encryption {
    /// `aws:kms` and its like; `None` for `AES256`.
    pub algorithm: Option<String>,
    /// The KMS key.
    pub key: Option<String>,
    /// Whether a bucket key is used.
    pub bucket_key: Option<bool>,
    /// The digest of the key that the customer gave.
    pub customer_key_md5: Option<String>,
}

impl Encryption {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Until when a version must be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// The end.
    pub until: Timestamp,
}

/// What a listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    #[serde(rename = "m")]
    pub modified: Timestamp,
    #[serde(rename = "s")]
    pub size: u64,
    #[serde(rename = "e")]
    pub etag: String,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<(Algorithm, bool)>,
}

impl Summary {
    pub(crate) fn of(version: &Version) -> Self {
        Self {
            modified: version.modified,
            size: version.size,
            etag: version.etag.clone(),
            storage_class: version.head.storage_class.clone(),
            algorithm: version.checksum.as_ref().map(|checksum| (checksum.algorithm, checksum.full)),
        }
    }
}

/// One part of a multipart upload, or of the object that came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u32,
    /// Bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// When it was uploaded.
    pub modified: Timestamp,
    /// Its checksum, of the upload's algorithm if that names one.
    pub checksum: Option<Checksum>,
    /// The name of the file that holds it.
    pub file: String,
}

/// A multipart upload under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// What its parts are filed under.
    pub number: u64,
    /// As clients know it.
    pub id: String,
    /// When it was begun.
    pub initiated: Timestamp,
    /// Who began it.
    pub owner: AccountId,
    /// What the object is to be.
    pub draft: Draft,
    /// The checksum of parts and object, if one was named.
    pub algorithm: Option<Algorithm>,
    /// Whether the object's checksum is to be of the whole object.
    pub full: bool,
}

/// What a new version is to be, beside its body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Its headers.
    pub head: Head,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Until when it must be kept.
    pub retention: Option<Retention>,
    /// Whether it is on legal hold.
    pub hold: Option<bool>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
