//! Between the wire's types and the platform's.

use crate::Error;
use crate::digest::Algorithm;
use crate::model::{Checksum, Encryption};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::{AccountId, Timestamp};
use s3s::dto::{ETag, Owner, TimestampFormat};
use sha2::{Digest as _, Sha256};
use std::time::{Duration, UNIX_EPOCH};

/// The most bytes of user metadata, names and values together.
const MOST_METADATA: usize = 2048;

/// S3's times are whole seconds.
pub(super) fn time(time: Timestamp) -> s3s::dto::Timestamp {
    let seconds = u64::try_from(time.0.div_euclid(1000)).unwrap_or_default();
    (UNIX_EPOCH + Duration::from_secs(seconds)).into()
}

pub(super) fn from_time(time: s3s::dto::Timestamp) -> Timestamp {
    let time: time::OffsetDateTime = time.into();
    Timestamp(i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
}

/// `2026-05-04T12:00:00.000Z`
pub(crate) fn iso(time: Timestamp) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.0) * 1_000_000);
    time.ok().and_then(|time| time.format(format).ok()).unwrap_or_default()
}

/// `Wed, 21 Oct 2015 07:28:00 GMT`
pub(crate) fn http_date(at: Timestamp) -> String {
    let mut text = Vec::new();
    // Writing to memory does not fail, and the year is one that HTTP's form has.
    let _ = time(at).format(TimestampFormat::HttpDate, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

pub(super) fn etag(value: &str) -> Option<ETag> {
    Some(ETag::Strong(value.to_owned()))
}

/// The 64 digits that S3 knows an account by.
pub(super) fn canonical_id(account: &AccountId) -> String {
    hex::encode(Sha256::digest(account.as_str()))
}

pub(super) fn owner(account: &AccountId) -> Owner {
    Owner { display_name: Some(account.to_string()), id: Some(canonical_id(account)) }
}

/// Sets the five members for checksums, and their type, of any of the wire's structures that has them.
macro_rules! set_checksum {
    ($to:expr, $from:expr) => {
        if let Some(checksum) = $from {
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::digest::Algorithm::Crc32 => $to.checksum_crc32 = value,
                $crate::digest::Algorithm::Crc32c => $to.checksum_crc32c = value,
                $crate::digest::Algorithm::Crc64Nvme => $to.checksum_crc64nvme = value,
                $crate::digest::Algorithm::Sha1 => $to.checksum_sha1 = value,
                $crate::digest::Algorithm::Sha256 => $to.checksum_sha256 = value,
            }
        }
    };
}

/// Sets the checksum's type.
pub(super) fn checksum_type(checksum: Option<&Checksum>) -> Option<s3s::dto::ChecksumType> {
    let name = if checksum?.full { s3s::dto::ChecksumType::FULL_OBJECT } else { s3s::dto::ChecksumType::COMPOSITE };
    Some(s3s::dto::ChecksumType::from_static(name))
}

/// The checksum that one of the wire's structures brings, if any.
macro_rules! given_checksum {
    ($from:expr) => {{
        use $crate::digest::Algorithm;
        let given = [
            (Algorithm::Crc32, &$from.checksum_crc32),
            (Algorithm::Crc32c, &$from.checksum_crc32c),
            (Algorithm::Crc64Nvme, &$from.checksum_crc64nvme),
            (Algorithm::Sha1, &$from.checksum_sha1),
            (Algorithm::Sha256, &$from.checksum_sha256),
        ];
        let mut given = given.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value.clone()?)));
        let first = given.next();
        match given.next() {
            Some(_) => Err($crate::Error::InvalidRequest(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.".into(),
            )),
            None => Ok(first),
        }
    }};
}

/// Sets the members that say how an object is encrypted.
macro_rules! set_encryption {
    ($to:expr, $from:expr) => {
        let from: &$crate::model::Encryption = $from;
        $to.ssekms_key_id = from.key.clone();
        $to.bucket_key_enabled = from.bucket_key;
        if from.customer_key_md5.is_none() {
            let name = from.algorithm.clone().unwrap_or_else(|| "AES256".into());
            $to.server_side_encryption = Some(name.into());
        }
    };
}

/// The same, for structures that also tell of a customer's key.
macro_rules! set_full_encryption {
    ($to:expr, $from:expr) => {
        set_encryption!($to, $from);
        if let Some(md5) = &$from.customer_key_md5 {
            $to.sse_customer_algorithm = Some("AES256".into());
            $to.sse_customer_key_md5 = Some(md5.clone());
        }
    };
}

/// What a structure that makes an object says of its headers.
macro_rules! head_of {
    ($input:expr) => {
        $crate::model::Head {
            content_type: $input.content_type.clone(),
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $crate::s3::unsigned::content_encoding($input.content_encoding.clone()),
            content_language: $input.content_language.clone(),
            expires: $input.expires.clone(),
            website_redirect: $input.website_redirect_location.clone(),
            metadata: $input.metadata.clone().unwrap_or_default().into_iter().collect(),
            storage_class: $crate::s3::dto::storage_class($input.storage_class.as_ref().map(|class| class.as_str()))?,
            encryption: $crate::s3::dto::encryption($crate::s3::dto::Asked {
                algorithm: $input.server_side_encryption.as_ref().map(|name| name.as_str()),
                key: $input.ssekms_key_id.as_deref(),
                bucket_key: $input.bucket_key_enabled,
                customer_algorithm: $input.sse_customer_algorithm.as_ref().map(|name| name.as_ref()),
                customer_key: $input.sse_customer_key.as_deref(),
                customer_key_md5: $input.sse_customer_key_md5.as_deref(),
            })?,
            acl: None,
        }
    };
}

/// What a structure that makes an object says of it beside its body.
macro_rules! draft_of {
    ($call:expr, $bucket:expr, $input:expr) => {{
        let mut head = head_of!($input);
        $crate::s3::dto::check_metadata(&head.metadata)?;
        let grants = $crate::s3::acl::Headers {
            canned: $input.acl.as_ref().map(|acl| acl.as_str()),
            full_control: $input.grant_full_control.as_deref(),
            read: $input.grant_read.as_deref(),
            read_acp: $input.grant_read_acp.as_deref(),
            write: None,
            write_acp: $input.grant_write_acp.as_deref(),
        };
        head.acl = grants.read_all($call, $bucket)?;
        $crate::model::Draft {
            tags: $input.tagging.as_deref().map($crate::tags::parse).transpose()?.unwrap_or_default(),
            retention: $crate::s3::locks::retention(
                $call,
                $bucket,
                $input.object_lock_mode.as_ref().map(|mode| mode.as_str()),
                $input.object_lock_retain_until_date.clone(),
            )?,
            hold: $crate::s3::locks::hold(
                $bucket,
                $input.object_lock_legal_hold_status.as_ref().map(|status| status.as_str()),
            )?,
            head,
        }
    }};
}

pub(super) use {draft_of, given_checksum, head_of, set_checksum, set_encryption, set_full_encryption};

const STORAGE_CLASSES: [&str; 11] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
];

/// A storage class other than the standard one.
pub(super) fn storage_class(given: Option<&str>) -> Result<Option<String>, Error> {
    match given {
        Some(class) if !STORAGE_CLASSES.contains(&class) => Err(Error::InvalidStorageClass(class.to_owned())),
        Some("STANDARD") | None => Ok(None),
        Some(class) => Ok(Some(class.to_owned())),
    }
}

pub(super) fn check_metadata(metadata: &std::collections::BTreeMap<String, String>) -> Result<(), Error> {
    let size: usize = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MOST_METADATA { Err(Error::MetadataTooLarge(size)) } else { Ok(()) }
}

/// What a request says of encryption.
pub(super) struct Asked<'a> {
    pub algorithm: Option<&'a str>,
    pub key: Option<&'a str>,
    pub bucket_key: Option<bool>,
    pub customer_algorithm: Option<&'a str>,
    pub customer_key: Option<&'a str>,
    pub customer_key_md5: Option<&'a str>,
}

/// Checks it, and keeps what is answered later. A customer's key itself is not kept.
pub(super) fn encryption(asked: Asked<'_>) -> Result<Encryption, Error> {
    let invalid = |message: &str, name: &str, value: &str| {
        Err(Error::InvalidArgument { message: message.into(), name: name.into(), value: value.into() })
    };
    let prefix = "x-amz-server-side-encryption";
    if let Some(name) = asked.algorithm.filter(|name| !["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"].contains(name))
    {
        return invalid("The encryption method specified is not supported", prefix, name);
    }
    if asked.key.is_some() && !asked.algorithm.is_some_and(|name| name.starts_with("aws:kms")) {
        let name = format!("{prefix}-aws-kms-key-id");
        return invalid(
            &format!("Server Side Encryption with KMS managed key requires HTTP header {prefix} : aws:kms"),
            &name,
            "",
        );
    }
    let customer_key_md5 = customer_key(&asked)?;
    Ok(Encryption {
        algorithm: asked.algorithm.filter(|name| *name != "AES256").map(str::to_owned),
        key: asked.key.map(str::to_owned),
        bucket_key: asked.bucket_key,
        customer_key_md5,
    })
}

/// The digest of the customer's key, checked against the key.
pub(super) fn customer_key(asked: &Asked<'_>) -> Result<Option<String>, Error> {
    let invalid = |message: &str, name: &str| {
        let name = format!("x-amz-server-side-encryption-customer-{name}");
        Err(Error::InvalidArgument { message: message.into(), name, value: "null".into() })
    };
    let Some(algorithm) = asked.customer_algorithm else {
        return match asked.customer_key {
            Some(_) => invalid(
                "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
                "algorithm",
            ),
            None => Ok(None),
        };
    };
    if algorithm != "AES256" {
        return invalid(
            "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
            "algorithm",
        );
    }
    let (Some(key), Some(md5)) = (asked.customer_key, asked.customer_key_md5) else {
        return invalid(
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
            "key",
        );
    };
    let bytes = BASE64.decode(key).unwrap_or_default();
    if bytes.len() != 32 {
        return invalid("The secret key was invalid for the specified algorithm.", "key");
    }
    use md5::Digest as _;
    if BASE64.encode(md5::Md5::digest(&bytes)) != md5 {
        return invalid("The calculated MD5 hash of the key did not match the hash that was provided.", "key-MD5");
    }
    Ok(Some(md5.to_owned()))
}

/// A checksum that a client gives: whether its form is right.
pub(super) fn checked(given: (Algorithm, String)) -> Result<(Algorithm, String), Error> {
    let (algorithm, value) = &given;
    let value = value.split('-').next().unwrap_or_default();
    match BASE64.decode(value).is_ok_and(|bytes| bytes.len() == algorithm.length()) {
        true => Ok(given),
        false => Err(Error::InvalidRequest(format!("Value for {} header is invalid.", algorithm.header()))),
    }
}

/// The MD5 in `Content-MD5`.
pub(super) fn content_md5(given: Option<&str>) -> Result<Option<[u8; 16]>, Error> {
    let Some(given) = given else { return Ok(None) };
    let bytes = BASE64.decode(given).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.map(Some).ok_or_else(|| Error::InvalidDigest(given.to_owned()))
}

/// Reads a range of bytes: the first and the length. What is no range is ignored, as HTTP wants it.
pub(super) fn range(asked: s3s::dto::Range, size: u64) -> Result<(u64, u64), Error> {
    let unsatisfiable = || Error::InvalidRange { range: asked.to_header_string(), size };
    let range = asked.check(size).map_err(|_| unsatisfiable())?;
    match range.end.saturating_sub(range.start) {
        0 => Err(unsatisfiable()),
        length => Ok((range.start, length)),
    }
}
